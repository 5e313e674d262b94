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
import os
import sqlite3
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from clc.errors import ConfigurationError, StoreError
from clc.runs.codec import (
    FORMAT,
    TABLES,
    check_format,
    lost_path,
    path_row,
    prompt_row,
    read_path,
    read_plan,
    read_problem,
    read_prompt,
    read_step,
    step_row,
    write_plan,
)
from clc.runs.files import SHARDS, locked, write_atomically, writing
from clc.runs.protocol import Finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import IO

    from clc.plan import Plan
    from clc.records import Problem, Prompt, ReasoningPath, Step

__all__ = ["Store"]

CACHE_KIB = 64 * 1024
CHECKPOINT_PAGES = 8192

_INSERT = {
    table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
    " ON CONFLICT DO NOTHING"
    for table, columns in TABLES.items()
}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS problems (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS plans (
    label TEXT NOT NULL,
    problem_id TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (label, problem_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prompts (
    key TEXT PRIMARY KEY,
    language TEXT NOT NULL,
    template TEXT NOT NULL,
    template_hash TEXT NOT NULL,
    messages BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS paths (
    key TEXT PRIMARY KEY,
    prompt_key TEXT NOT NULL,
    language TEXT NOT NULL,
    idx INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    text TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    confidence BLOB,
    thought TEXT NOT NULL DEFAULT '',
    closed INTEGER,
    reasoning_tokens INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS steps (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    thought TEXT NOT NULL DEFAULT '',
    closed INTEGER,
    reasoning_tokens INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY,
    reason TEXT NOT NULL
) WITHOUT ROWID;
"""


class Store:
    """A run's SQLite file, for one writer at a time.

    Writes are grouped until ``commit``. A process that is killed loses what
    was not committed and nothing else.

    Args:
        folder: the run folder, made if missing; None keeps everything in memory.
        read_only: open what is there, take no lock and write nothing.

    Raises:
        StoreError: the folder cannot be read or written, or another process writes to it.
    """

    def __init__(self, folder: str | Path | None, *, read_only: bool = False) -> None:
        self.folder = None if folder is None else Path(folder)
        self.label = ""
        self._manifests: dict[str, dict[str, Any]] = {}  # of a run in memory
        self._held = ExitStack()
        try:
            self._connection = self._open(read_only=read_only)
            self._held.callback(self._connection.close)
            self._prepare(read_only=read_only)
        except (OSError, sqlite3.Error) as error:
            self._held.close()
            raise StoreError(
                f"{self.folder}: cannot open the run folder: {error}; name a folder that "
                f"{'holds a run' if read_only else 'can be written'}"
            ) from error
        except StoreError:
            self._held.close()
            raise

    def _open(self, *, read_only: bool) -> sqlite3.Connection:
        if self.folder is None:
            return sqlite3.connect(":memory:", check_same_thread=False)
        path = self.folder / "run.sqlite"
        if read_only:
            if not path.is_file():
                raise StoreError(f"{self.folder}: not a run folder (it has no run.sqlite)")
            # Even a reader of a write-ahead log writes beside it, unless the file is immutable.
            alone = not os.access(self.folder, os.W_OK) and not Path(f"{path}-wal").exists()
            mode = "immutable=1" if alone else "mode=ro"
            return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
        self._held.enter_context(locked(self.folder))
        if (self.folder / SHARDS).is_dir():
            raise StoreError(
                f"{self.folder}: holds a run of --cluster ray (it has shards); go on with it "
                "there, or choose another run folder"
            )
        return sqlite3.connect(path, check_same_thread=False)

    def _prepare(self, *, read_only: bool) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version != 0:  # of a new file
            check_format(version, self.folder, read_only=read_only)
        if not read_only:
            # Write-ahead logging lets readers look on; NORMAL is safe against a killed process.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            # Keys are hashes, so every write lands on a page of its own. The index of a million
            # paths (50 MB) stays in memory, so dirty pages are flushed rarely.
            self._connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
            self._connection.executescript(_SCHEMA)
            self._connection.execute(f"PRAGMA user_version={FORMAT}")

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
        with writing(self.file(name)) as file:
            yield file

    def close(self) -> None:
        """Commit and close. May be called twice."""
        with self._reported():
            try:
                self._connection.commit()
            except sqlite3.ProgrammingError:  # closed already
                return
            finally:
                self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(self) -> None:
        """Commit pending writes.

        Raises:
            StoreError: the disk is full or gone.
        """
        with self._reported():
            self._connection.commit()

    # -- manifest ----------------------------------------------------------------------------

    def manifest(self) -> dict[str, Any] | None:
        """Return the manifest, or None when the run has none yet."""
        if self.folder is None:
            return self._manifests.get(self.label)
        if not (path := self.file("manifest.json")).is_file():
            return None
        try:
            manifest = orjson.loads(path.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise StoreError(f"{path}: cannot read the manifest: {error}") from error
        if not isinstance(manifest, dict):
            raise StoreError(f"{path}: the manifest is not a JSON object")
        return manifest

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace the manifest at once or not at all."""
        if self.folder is None:
            self._manifests[self.label] = dict(manifest)
        else:
            data = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
            write_atomically(self.file("manifest.json"), data)

    # -- problems and their plans ------------------------------------------------------------

    def add_problem(self, position: int, problem: Problem) -> None:
        """Store a problem at its place in the file (0-based).

        Raises:
            ConfigurationError: another problem has this place or this id, or this one cannot be
                written as JSON.
        """
        try:
            data = orjson.dumps(problem)
        except orjson.JSONEncodeError as error:
            raise ConfigurationError(
                f"problem {problem.id!r} cannot be written as JSON: {error}"
            ) from error
        added = self._write(
            "INSERT INTO problems VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (position, problem.id, data),
        )
        if added:
            return
        row = self._one("SELECT id, data FROM problems WHERE position = ?", (position,))
        if row == (problem.id, data):
            return
        if row is None:
            found = "is at another place in the store (or twice in the input)"
        elif row[0] == problem.id:
            found = "reads otherwise in the store"
        else:
            found = f"stands where the store has {row[0]!r}"
        raise ConfigurationError(
            f"{self.folder or 'run'}: problem {problem.id!r} (number {position + 1} of the input) "
            f"{found}; give the same problems with distinct ids, or another run folder"
        )

    def problems(self) -> Iterator[Problem]:
        """Yield all problems in the order of their file, lazily."""
        for (data,) in self._all("SELECT data FROM problems ORDER BY position"):
            yield read_problem(data)

    def problem(self, problem_id: str) -> Problem | None:
        """Return one problem by its id."""
        row = self._one("SELECT data FROM problems WHERE id = ?", (problem_id,))
        return None if row is None else read_problem(row[0])

    def set_plan(self, problem_id: str, plan: Plan) -> None:
        """Store the plan of a problem; a later plan replaces an earlier one."""
        self._write(
            "INSERT OR REPLACE INTO plans VALUES (?, ?, ?)",
            (self.label, problem_id, write_plan(plan)),
        )

    def plan(self, problem_id: str) -> Plan | None:
        """Return the plan of a problem, or None when there is none yet."""
        row = self._one(
            "SELECT data FROM plans WHERE label = ? AND problem_id = ?", (self.label, problem_id)
        )
        return None if row is None else read_plan(row[0])

    def started(self) -> int:
        """Number of problems that were started, done or not."""
        return self.counts()["problems"]

    def done(self) -> int:
        """Number of problems that are done: each planned path is stored or known to be lost."""
        done = 0
        for (data,) in self._all(
            "SELECT plans.data FROM problems JOIN plans ON problem_id = id WHERE label = ?",
            (self.label,),
        ):
            keys = set(read_plan(data).keys())
            done += len(self._present(keys)) == len(keys)
        return done

    def _present(self, keys: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for chunk in _chunks(list(keys)):
            marks = ",".join("?" * len(chunk))
            sql = (
                f"SELECT key FROM paths WHERE key IN ({marks}) UNION "  # noqa: S608
                f"SELECT key FROM failures WHERE key IN ({marks})"
            )
            found.update(key for (key,) in self._all(sql, [*chunk, *chunk]))
        return found

    def finished(self) -> Iterator[Finished]:
        """Yield the problems that are done, in the order of their file, lazily.

        A problem is done when each of its planned paths is stored or known to be lost.
        """
        for problem in self.problems():
            if (one := self._finished(problem)) is not None:
                yield one

    def find(self, problem_id: str) -> Finished | None:
        """Return one problem, if it is stored and done."""
        problem = self.problem(problem_id)
        return None if problem is None else self._finished(problem)

    def _finished(self, problem: Problem) -> Finished | None:
        plan = self.plan(problem.id)
        if plan is None:
            return None
        keys = plan.keys()
        paths = self.paths(keys)
        missing = [key for key in keys if key not in paths]
        lost = self.failures(missing)
        if len(lost) < len(missing):
            return None
        paths.update((key, lost_path(key, why)) for key, why in lost.items())
        return Finished(problem, plan, paths)

    # -- what engines produced ---------------------------------------------------------------

    def add_prompt(self, prompt: Prompt) -> None:
        """Store a prompt; one that is there stays."""
        self._write(_INSERT["prompts"], prompt_row(prompt))

    def prompts(self, keys: Sequence[str]) -> dict[str, Prompt]:
        """Return those of ``keys`` that are stored, by key."""
        found: dict[str, Prompt] = {}
        for chunk in _chunks(keys):
            marks = ",".join("?" * len(chunk))
            sql = f"SELECT * FROM prompts WHERE key IN ({marks})"  # noqa: S608
            found.update((row[0], read_prompt(*row)) for row in self._all(sql, chunk))
        return found

    def add_path(self, path: ReasoningPath) -> None:
        """Store a path. A path that is there is never changed; a failure under its key goes."""
        self._write(_INSERT["paths"], path_row(path))
        self._write("DELETE FROM failures WHERE key = ?", (path.key,))

    def paths(self, keys: Sequence[str]) -> dict[str, ReasoningPath]:
        """Return those of ``keys`` that are stored, by key."""
        found: dict[str, ReasoningPath] = {}
        for chunk in _chunks(keys):
            marks = ",".join("?" * len(chunk))
            sql = f"SELECT * FROM paths WHERE key IN ({marks})"  # noqa: S608
            found.update((row[0], read_path(*row)) for row in self._all(sql, chunk))
        return found

    def add_failure(self, key: str, reason: str) -> None:
        """Store why a path or step was lost; it may be sampled again."""
        self._write("INSERT OR REPLACE INTO failures VALUES (?, ?)", (key, reason))

    def forget_failure(self, key: str) -> None:
        """Drop the failure of a path that is not wanted any more."""
        self._write("DELETE FROM failures WHERE key = ?", (key,))

    def failures(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the reasons of those of ``keys`` that were lost, by key."""
        found: dict[str, str] = {}
        for chunk in _chunks(keys):
            marks = ",".join("?" * len(chunk))
            sql = f"SELECT key, reason FROM failures WHERE key IN ({marks})"  # noqa: S608
            found.update(self._all(sql, chunk))
        return found

    def add_step(self, key: str, step: Step) -> None:
        """Store a step; one that is there stays; a failure under its key goes."""
        self._write(_INSERT["steps"], step_row(key, step))
        self._write("DELETE FROM failures WHERE key = ?", (key,))

    def step(self, key: str) -> Step | None:
        """Return one step by its key."""
        row = self._one("SELECT * FROM steps WHERE key = ?", (key,))
        return None if row is None else read_step(*row)

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        tables = ("problems", "plans", "prompts", "paths", "steps", "failures")
        rows = {name: self._one(f"SELECT count(*) FROM {name}", ()) for name in tables}  # noqa: S608
        return {name: row[0] if row else 0 for name, row in rows.items()}

    # -- SQLite ------------------------------------------------------------------------------

    def _write(self, sql: str, values: Sequence[object]) -> int:
        with self._reported():
            return self._connection.execute(sql, values).rowcount

    def _one(self, sql: str, values: Sequence[object]) -> tuple[Any, ...] | None:
        with self._reported():
            row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
            return row

    def _all(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        with self._reported():
            yield from self._connection.execute(sql, values)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self.folder or 'memory'}: cannot use the store: {error}; what was stored "
                "stays, and the same command goes on from there"
            ) from error


def _chunks(keys: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
