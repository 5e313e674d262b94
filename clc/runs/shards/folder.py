"""The run folder itself: many processes write shards, and a reader sees one run."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

from clc.errors import ConfigurationError, StoreError
from clc.input_files import is_text
from clc.runs.codec import check_format, read_prompt
from clc.runs.files import SHARDS, Location, locked
from clc.runs.manifest import check_whole, missing_manifest, parse_manifest, write_manifest
from clc.runs.shards.shard_files import ShardFiles
from clc.runs.shards.tables import at_once, done_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from clc.records import Prompt
    from clc.runs.protocol import Finished
    from clc.runs.shards.codec import ShardRow
    from clc.runs.shards.shard_files import Span

__all__ = ["Shards"]


class Shards(ShardFiles):
    """A run folder of shards.

    Args:
        folder: a local folder, or a URI.
        read_only: open what is there, take no lock and write no manifest.

    Raises:
        ConfigurationError: pyarrow is not installed.
        StoreError: the folder cannot be read or written, holds a run of one machine, or is in
            another process's hands.
    """

    def __init__(self, folder: str | Path, *, read_only: bool = False) -> None:
        super().__init__(folder)
        self._held = ExitStack()
        self._near: dict[str, Prompt] = {}
        if not read_only:
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise
        local = self._files.local
        # The lock stays open, so that no file system gives it another inode.
        place = local if local is None or read_only else local / ".lock"
        self._location = Location(*([] if place is None else [place]))

    def _prepare(self) -> None:
        if self._files.local is not None:
            try:
                self._held.enter_context(locked(self._files.local))
            except OSError as error:
                raise StoreError(
                    f"{self.folder}: cannot open the run folder: {error}; name a folder that can "
                    "be written"
                ) from error
        if self._files.is_there("run.sqlite"):
            raise StoreError(
                f"{self.folder}: holds a run of one machine (it has run.sqlite); go on with it "
                "without --cluster, or choose another run folder"
            )
        if (manifest := self.manifest()) is not None:
            check_format(manifest.get("format", 2), self.folder, read_only=False)
        self._files.make(SHARDS)

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest, or None when the run has none yet."""
        if not self._files.is_there("manifest.json"):
            return None
        manifest = parse_manifest(self._files.read("manifest.json"), f"{self.folder}/manifest.json")
        check_format(manifest.get("format", 2), self.folder, read_only=True)
        return manifest

    def check_manifest(self) -> None:
        """Check that a run with shards has a manifest, without which no vote can be counted.

        Raises:
            StoreError: it has none any more.
        """
        if self.names() and not self._files.is_there("manifest.json"):
            raise missing_manifest(self.folder)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace the manifest at once or not at all."""
        with self.write("manifest.json") as file:
            file.write(write_manifest(manifest))

    def finished(self, span: Span | None = None) -> Iterator[Finished]:
        """Problems that are done, of all or of a span, in the order of their file, lazily.

        Raises:
            StoreError: a shard is damaged, or a run that was finished lacks some of its problems.
        """
        done = 0
        for row in self._rows() if span is None else self._rows_of(span):
            if (one := self._finished(row)) is not None:
                done += 1
                yield one
        if span is None:
            self.check_whole(done)

    def check_whole(self, done: int) -> None:
        """Check that a run of which ``done`` problems were read has all its problems.

        Raises:
            StoreError: it was finished and lacks some.
        """
        check_whole(self.manifest(), done, self.folder)

    def opener(self) -> Callable[[], Shards]:
        """Return a function that opens the run in another process."""
        return partial(Shards, self.folder, read_only=True)

    def find(self, problem_id: str) -> Finished | None:
        """One problem, if it is there and done."""
        if not is_text(problem_id):
            return None
        from pyarrow import compute

        matching = compute.field("id") == problem_id
        found = at_once(lambda name: self.read_shard(name, matching), self.names())
        best = max(
            (row for rows in found for row in rows), key=attrgetter("progress"), default=None
        )
        return None if best is None else self._finished(best)

    def prompts(self, keys: Sequence[str]) -> dict[str, Prompt]:
        """Those of ``keys`` that are stored, by key.

        Those of the problem that was given last are at hand; for others all shards are read.
        """
        found = {key: self._near[key] for key in keys if key in self._near}
        wanted = set(keys) - set(found)
        for name in self.names():
            if not wanted:
                break
            for rows in self._table(name, ["prompts"])["prompts"].to_pylist():
                for row in rows:
                    if row["key"] in wanted:
                        found[row["key"]] = read_prompt(**row)
            wanted -= set(found)
        return found

    def started(self) -> int:
        """Number of problems that are done or were set aside."""
        tables = at_once(lambda name: self._table(name, ["position"]), self.names())
        return len({place for table in tables for place in table["position"].to_pylist()})

    def commonest_failure(self) -> str | None:
        """Return the commonest reason of the paths and steps that were lost, if there are any."""
        reasons: Counter[str] = Counter()
        for table in at_once(lambda name: self._table(name, ["failures"]), self.names()):
            for rows in table["failures"].to_pylist():
                reasons.update(row["reason"] for row in rows)
        return min(reasons, key=lambda reason: (-reasons[reason], reason), default=None)

    def file(self, name: str) -> Path:
        """Path of a derived file of a local folder.

        Raises:
            ConfigurationError: the folder is elsewhere.
        """
        if self._files.local is None:
            raise ConfigurationError(f"{self.folder}: no local folder; name one to write {name}")
        return self._files.local / name

    def close(self) -> None:
        """Let others write. May be called twice."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def done(self, budget: int, grown: int = 0) -> int:
        """Number of problems that are done; see ``done_rows``."""
        import pyarrow as pa
        from pyarrow import compute

        done = [table.filter(done_rows(table, budget, grown))["key"] for _, table in self.states()]
        keys = pa.chunked_array(
            [chunk for column in done for chunk in column.chunks], pa.binary(16)
        )
        return int(compute.count_distinct(keys).as_py())

    def _rows(self) -> Iterator[ShardRow]:
        for rows in at_once(self._rows_of, self.spans(), ahead=2):
            yield from rows

    def _finished(self, row: ShardRow) -> Finished | None:
        try:
            self._near = {values[0]: read_prompt(*values) for values in row.drawn["prompts"]}
            return row.finished()
        except ValueError as error:
            raise StoreError(
                f"{self.folder}: problem {row.problem.id!r:.60} is damaged: {error}; delete the "
                f"shard of number {row.position}, and the same command solves it again"
            ) from error
