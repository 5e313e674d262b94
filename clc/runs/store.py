"""The run folder: what engines produced, in SQLite by content key, and the manifest beside it.

::

    run.sqlite      problems, plans, prompts, paths, steps, failures
    manifest.json   configuration and versions
    verdicts.jsonl, results.json, samples_*.jsonl   derived, written anew at every end

Several strategies may share a folder: each has plans under a label of its own, and they share
problems, prompts, paths and steps.

Only what an engine produced is truth. Votes and verdicts are derived from it.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from clc.errors import ConfigurationError
from clc.runs.files import write_atomically, writing
from clc.runs.manifest import (
    check_whole,
    compared_labels,
    missing_manifest,
    read_manifest,
    write_manifest,
)
from clc.runs.problem_store import ProblemStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import IO

    from clc.runs.protocol import Finished

__all__ = ["Store"]


class Store(ProblemStore):
    """A run's SQLite file, for one writer at a time.

    Writes are grouped until ``commit``. A process that is killed loses what
    was not committed and nothing else. Each row has a checksum: a damaged one is an error.

    Args:
        folder: the run folder, made if missing; None keeps everything in memory.
        read_only: open what is there, take no lock and write nothing.

    Raises:
        StoreError: the folder cannot be read or written, is damaged, or another process writes to
            it.
    """

    def __init__(self, folder: str | Path | None, *, read_only: bool = False) -> None:
        self._manifests: dict[str, dict[str, Any]] = {}  # of a run in memory
        super().__init__(None if folder is None else Path(folder), read_only=read_only)
        self._connection = self._database.connection

    def labelled(self, label: str) -> Store:
        """Return this store with plans, manifest and derived files under ``label``.

        It shares the connection: close the store that it was made from.
        """
        other = copy.copy(self)
        other.label = label
        return other

    def file(self, name: str) -> Path:
        """Path of a derived file: ``verdicts.jsonl``, or ``verdicts.LABEL.jsonl`` under a label.

        Raises:
            ConfigurationError: the run is in memory.
        """
        if self.folder is None:
            raise ConfigurationError("a run in memory has no folder to write to")
        stem, dot, suffix = name.partition(".")
        return self.folder / f"{stem}{self.label and '.'}{self.label}{dot}{suffix}"

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Write a derived file: it is there, whole, when the block ends without an error.

        Raises:
            ConfigurationError: the run is in memory.
            StoreError: it cannot be written.
        """
        path = self.file(name)
        self._database.check_location()
        with writing(path) as file:
            yield file
            self._database.check_location()

    def close(self) -> None:
        """Commit and close. May be called twice."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(self) -> None:
        """Commit pending writes.

        Raises:
            StoreError: the disk is full or gone, or the run folder is not where it was.
        """
        self._database.commit()

    # -- manifest ----------------------------------------------------------------------------

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest, or None when the run has none yet.

        Raises:
            StoreError: it is damaged, or missing although the run has sampled.
        """
        if self.folder is None:
            return self._manifests.get(self.label)
        manifest = read_manifest(self.file("manifest.json"))
        if manifest is None and self.label in self.sampled_labels():
            self._database.check_location()
            raise missing_manifest(str(self.folder))
        return manifest

    def check_kind(self) -> None:
        """Check that a run may begin here: one run and a comparison do not share a folder.

        Raises:
            ConfigurationError: it is a comparison's in a folder of one run, or the reverse.
        """
        if self.folder is None or self.file("manifest.json").exists():
            return
        if labels := compared_labels(self.folder):
            if not self.label:
                raise ConfigurationError(
                    f"{self.folder}: holds a comparison of {', '.join(labels)}, not one run; "
                    "choose another run folder"
                )
        elif (self.folder / "manifest.json").exists():
            raise ConfigurationError(
                f"{self.folder}: holds one run, not a comparison; choose another run folder"
            )

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace the manifest at once or not at all."""
        if self.folder is None:
            self._manifests[self.label] = dict(manifest)
        else:
            self._database.check_location()
            write_atomically(self.file("manifest.json"), write_manifest(manifest))

    def sampled_labels(self) -> set[str]:
        """Return the labels under which something was sampled; '' is that of a single run."""
        if not self._has_seconds():
            return set()
        return {label for (label,) in self._database.all("SELECT label FROM seconds")}

    def _has_seconds(self) -> bool:
        """Whether the store has the table, which earlier versions lack."""
        return bool(self._database.one("SELECT 1 FROM sqlite_master WHERE name = 'seconds'"))

    def seconds(self) -> float:
        """Return the seconds of sampling that were kept last, 0 where there are none."""
        if not self._has_seconds():
            return 0.0
        row = self._database.one("SELECT seconds FROM seconds WHERE label = ?", (self.label,))
        return float(row[0]) if row and isinstance(row[0], float) else 0.0

    def keep_seconds(self, seconds: float) -> None:
        """Keep the seconds of sampling so far; the manifest has them at the end only."""
        sql = "INSERT OR REPLACE INTO seconds VALUES (?, ?)"
        self._database.write(sql, (self.label, seconds))

    def clear(self) -> bool:
        """Remove problems, plans and failures, if nothing was sampled; return whether it was.

        Several strategies may share the store: it stays where any of them has a path or step.
        """
        if self._database.one("SELECT 1 FROM paths UNION ALL SELECT 1 FROM steps LIMIT 1"):
            return False
        for table in ("problems", "plans", "prompts", "failures", "seconds"):
            self._database.write(f"DELETE FROM {table}", ())  # noqa: S608
        self.commit()
        return True

    def finished(self, span: tuple[int, int] | None = None) -> Iterator[Finished]:
        """Yield the problems that are done, in the order of their file, lazily.

        A problem is done when each of its planned paths is stored or known to be lost. ``span`` are
        the first and the last place of the problems in the file, by default those of all.

        Raises:
            StoreError: the store is damaged: a row differs from its checksum, or a run that was
                finished lacks some of its problems.
        """
        done = 0
        for problem in self.problems(span):
            if (one := self._finished(problem)) is not None:
                done += 1
                yield one
        if span is None:
            self.check_whole(done)

    def check_whole(self, done: int) -> None:
        """Check that a run of which ``done`` problems were read has all its problems.

        Raises:
            StoreError: the file is damaged, or a run that was finished lacks some of its problems.
        """
        manifest = self.manifest()
        if done != self.started() or not (manifest or {}).get("finished"):
            self._database.check_structure()
        check_whole(manifest, done, str(self.folder or "memory"))

    def opener(self) -> Callable[[], Store] | None:
        """Return a function that opens what is committed in another process; None in memory."""
        if self.folder is None:
            return None
        self.commit()
        return partial(_open_labelled, self.folder, self.label)

    def find(self, problem_id: str) -> Finished | None:
        """Return one problem, if it is stored and done."""
        problem = self.problem(problem_id)
        one = None if problem is None else self._finished(problem)
        if one is None:
            self._database.check_structure()
        return one


def _open_labelled(folder: Path, label: str) -> Store:
    return Store(folder, read_only=True).labelled(label)
