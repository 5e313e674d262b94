"""The run folder itself: many processes write shards, and a reader sees one run."""

from __future__ import annotations

import re
from collections import Counter, deque
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise
from operator import attrgetter
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from clc.errors import ConfigurationError, StoreError
from clc.input_files import is_text
from clc.records import content_key
from clc.runs.codec import check_format, read_prompt
from clc.runs.files import SHARDS, Location, locked
from clc.runs.manifest import check_whole, missing_manifest, parse_manifest, write_manifest
from clc.runs.shards.codec import read_row, shard_schema, table_of
from clc.runs.shards.filesystem import Files
from clc.runs.shards.tables import at_once, done_rows, fits, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from clc.records import Prompt
    from clc.runs.protocol import Finished
    from clc.runs.shards.codec import ShardRow

__all__ = ["Shards", "Span"]

_NAME = re.compile(r"(\d{12,18})-(\d{12,18})-[0-9a-f]{12}\.parquet", re.ASCII)


class Span(NamedTuple):
    """Problems from one place of the file to another (0-based, both in it), and their shards."""

    first: int
    last: int
    names: tuple[str, ...]


class Shards:
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
        self.folder = str(folder)
        self._files = Files(self.folder)
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

    # -- the run, as RunFolder has it ----------------------------------------------------------

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

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Write a file of the run: it is there, whole, when the block ends without an error.

        Raises:
            StoreError: it cannot be written, or a local folder was moved, replaced or deleted.
        """
        self._location.check()
        with self._files.write(name) as file:
            yield file
            self._location.check()

    def close(self) -> None:
        """Let others write. May be called twice."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- shards --------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Names of the shards, by the place of their first problem.

        Raises:
            StoreError: a file has another name than clc gives.
        """
        names = self._files.names(SHARDS, "parquet")
        for name in names:
            match = _NAME.fullmatch(name)
            if match is None or int(match[1]) > int(match[2]):
                raise StoreError(
                    f"{self.folder}/{SHARDS}/{name!r:.80}: not the name of a shard of clc; move it "
                    "away, or give it back its name"
                )
        return names

    def write_shard(self, rows: Sequence[ShardRow]) -> str:
        """Write problems as one shard and return its name."""
        from pyarrow import parquet

        rows = sorted(rows, key=lambda row: row.position)
        digest = content_key("shard", [row.key for row in rows])[:12]
        name = f"{rows[0].position:012}-{rows[-1].position:012}-{digest}.parquet"
        with self.write(f"{SHARDS}/{name}") as sink:
            parquet.write_table(table_of(rows), sink, compression="zstd", write_page_checksum=True)
        return name

    def read_shard(self, name: str, matching: Any = None) -> list[ShardRow]:
        """Read the problems of a shard, or those that a pyarrow expression is true of."""
        try:
            rows = [read_row(values) for values in self._table(name, None, matching).to_pylist()]
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise self._files.damage(f"{SHARDS}/{name}", str(error)) from error
        first, last = places(name)
        for row in rows:
            if not first <= row.position <= last:
                raise self._files.damage(
                    f"{SHARDS}/{name}", f"it holds problem number {row.position + 1:,}"
                )
        return rows

    def states(self) -> Iterator[tuple[str, Any]]:
        """Yield each shard with its ``key``, ``budget``, ``lost``, ``set_aside`` and ``grown``."""
        names, columns = self.names(), ["key", "budget", "lost", "set_aside", "grown"]
        yield from zip(names, at_once(lambda name: self._table(name, columns), names), strict=True)

    def done(self, budget: int, grown: int = 0) -> int:
        """Number of problems that are done; see ``done_rows``."""
        import pyarrow as pa
        from pyarrow import compute

        done = [table.filter(done_rows(table, budget, grown))["key"] for _, table in self.states()]
        keys = pa.chunked_array(
            [chunk for column in done for chunk in column.chunks], pa.binary(16)
        )
        return int(compute.count_distinct(keys).as_py())

    def clear(self) -> bool:
        """Remove all shards, if nothing was sampled in them; return whether it was so."""
        names = self.names()
        columns = ["paths", "steps"]
        for table in at_once(lambda name: self._table(name, columns), names):
            if any(rows for column in columns for rows in table[column].to_pylist()):
                return False
        self._location.check()
        for name in names:
            self._files.remove(f"{SHARDS}/{name}")
        return True

    def within(self, first: int, last: int) -> dict[int, str]:
        """Shards by the places of their problems, of those that lie between two places."""
        found: dict[int, str] = {}
        for name in self.names():
            start, end = places(name)
            if first <= start and end <= last:
                positions = self._table(name, ["position"])["position"].to_pylist()
                found.update(dict.fromkeys(positions, name))
        return found

    def spans(self) -> Iterator[Span]:
        """Cut the file where shards begin, and yield the spans in order, each of a few shards.

        One whose problems lie far apart is in several.
        """
        spans = {name: places(name) for name in self.names()}
        starts = sorted({first for first, _ in spans.values()})
        end = max((last for _, last in spans.values()), default=-1) + 1
        waiting, held = deque(spans), list[str]()
        for first, following in pairwise([*starts, end]):
            while waiting and spans[waiting[0]][0] == first:
                held.append(waiting.popleft())
            held = [name for name in held if spans[name][1] >= first]
            yield Span(first, following - 1, tuple(held))

    def _rows(self) -> Iterator[ShardRow]:
        for rows in at_once(self._rows_of, self.spans(), ahead=2):
            yield from rows

    def _rows_of(self, span: Span) -> list[ShardRow]:
        """Problems of a span in the order of the file, each once: as it went furthest."""
        from pyarrow import compute

        place = compute.field("position")
        found: dict[int, ShardRow] = {}
        for name in span.names:
            first, last = places(name)
            whole = span.first <= first and last <= span.last
            matching = None if whole else (place >= span.first) & (place <= span.last)
            for row in self.read_shard(name, matching):
                best = found.get(row.position)
                if best is None or row.progress > best.progress:
                    found[row.position] = row
        return [found[position] for position in sorted(found)]

    def _finished(self, row: ShardRow) -> Finished | None:
        try:
            self._near = {values[0]: read_prompt(*values) for values in row.drawn["prompts"]}
            return row.finished()
        except ValueError as error:
            raise StoreError(
                f"{self.folder}: problem {row.problem.id!r:.60} is damaged: {error}; delete the "
                f"shard of number {row.position}, and the same command solves it again"
            ) from error

    def _table(self, name: str, columns: Sequence[str] | None, matching: Any = None) -> Any:
        """Read columns of a shard, all by default.

        Raises:
            StoreError: it is damaged, or no shard.
        """
        import pyarrow as pa

        table = self._files.read_table(f"{SHARDS}/{name}", columns, matching)
        schema = shard_schema()
        if "grown" in (columns or schema.names) and "grown" not in table.schema.names:
            # a shard of before the limits could grow
            table = table.append_column("grown", pa.repeat(pa.scalar(0, pa.int64()), len(table)))
        for column in columns or schema.names:
            if column not in table.schema.names or not fits(
                table[column], schema.field(column).type
            ):
                raise self._files.damage(f"{SHARDS}/{name}", f"no column {column} of a shard")
        return table
