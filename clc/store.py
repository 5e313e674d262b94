"""The run folder: what cost compute, in SQLite by content key, and the manifest beside it.

::

    run.sqlite      problems, arms, prompts, paths, translations, failures
    manifest.json   configuration and versions
    verdicts.jsonl, results.json, samples_*.jsonl   derived, written anew at every end

Only what an engine produced is truth. Votes and verdicts are computed from it again and again.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from clc.errors import ConfigurationError, StoreError
from clc.records import Message, Problem, Prompt, ReasoningPath, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["PlannedPaths", "Store", "StoredTranslation", "write_atomically"]

SCHEMA_VERSION = 1
CACHE_KIB = 64 * 1024
CHECKPOINT_PAGES = 8192

_SCHEMA = """
CREATE TABLE IF NOT EXISTS problems (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS arms (
    problem_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    language TEXT NOT NULL,
    prompt_key TEXT,
    first_index INTEGER NOT NULL,
    paths INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    fault TEXT,
    translation_prompt_tokens INTEGER NOT NULL,
    translation_completion_tokens INTEGER NOT NULL,
    PRIMARY KEY (problem_id, position)
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
    confidence REAL
);
CREATE TABLE IF NOT EXISTS translations (
    key TEXT PRIMARY KEY,
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY,
    reason TEXT NOT NULL
) WITHOUT ROWID;
"""


class StoredTranslation(NamedTuple):
    """One try at a translation, good or not."""

    language: str
    text: str
    finish_reason: str
    usage: Usage


class PlannedPaths(NamedTuple):
    """What one arm of a problem draws: ``paths`` paths of a prompt from ``first_index`` on.

    ``prompt_key`` is None when the arm has no prompt, and ``fault`` then says why.
    """

    language: str
    prompt_key: str | None
    first_index: int
    paths: int
    seed: int
    fault: str | None = None
    translation_usage: Usage = Usage()


class Store:
    """A run's SQLite file, for one writer at a time.

    Writes are grouped: call ``commit`` when they must last. A process that is killed loses what
    was not committed and nothing else.

    Args:
        folder: the run folder, made if missing; None keeps everything in memory.
        read_only: open what is there, take no lock and write nothing.

    Raises:
        StoreError: the folder cannot be read or written, or another process writes to it.
    """

    def __init__(self, folder: str | Path | None, *, read_only: bool = False) -> None:
        self.folder = None if folder is None else Path(folder)
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
            # Even a reader of a write-ahead log writes beside it, unless told that nobody does.
            alone = not os.access(self.folder, os.W_OK) and not Path(f"{path}-wal").exists()
            mode = "immutable=1" if alone else "mode=ro"
            return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._held.enter_context((self.folder / ".lock").open("ab"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{self.folder}: another process is working on this run; wait for it, or choose "
                "another run folder"
            ) from None
        return sqlite3.connect(path, check_same_thread=False)

    def _prepare(self, *, read_only: bool) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise StoreError(
                f"{self.folder}: the store has format {version}, and this clc reads format "
                f"{SCHEMA_VERSION}; use the clc that wrote it (see manifest.json)"
            )
        if not read_only:
            # Write-ahead logging lets readers look on; NORMAL is safe against a killed process.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            # Keys are hashes, so that every write lands on a page of its own: the index of a
            # million paths (50 MB) stays in memory, and a page is written back but now and then.
            self._connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
            self._connection.executescript(_SCHEMA)
            self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

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
        """Make what was written last.

        Raises:
            StoreError: the disk is full or gone.
        """
        with self._reported():
            self._connection.commit()

    # -- manifest ----------------------------------------------------------------------------

    def manifest(self) -> dict[str, Any] | None:
        """The manifest, or None when the run has none yet."""
        if self.folder is None or not (path := self.folder / "manifest.json").is_file():
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
        if self.folder is not None:
            data = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
            write_atomically(self.folder / "manifest.json", data)

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
        """All problems in the order of their file, lazily."""
        for (data,) in self._all("SELECT data FROM problems ORDER BY position"):
            yield Problem(**orjson.loads(data))

    def problem(self, problem_id: str) -> Problem | None:
        """One problem by its id."""
        row = self._one("SELECT data FROM problems WHERE id = ?", (problem_id,))
        return None if row is None else Problem(**orjson.loads(row[0]))

    def set_plan(self, problem_id: str, arms: Sequence[PlannedPaths]) -> None:
        """Store which paths a problem draws, in arm order; a larger plan replaces a smaller."""
        with self._reported():
            self._connection.execute("DELETE FROM arms WHERE problem_id = ?", (problem_id,))
            self._connection.executemany(
                "INSERT INTO arms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        problem_id,
                        position,
                        arm.language,
                        arm.prompt_key,
                        arm.first_index,
                        arm.paths,
                        arm.seed,
                        arm.fault,
                        arm.translation_usage.prompt_tokens,
                        arm.translation_usage.completion_tokens,
                    )
                    for position, arm in enumerate(arms)
                ],
            )

    def plan(self, problem_id: str) -> list[PlannedPaths]:
        """The plan of a problem, in arm order; empty when there is none yet."""
        rows = self._all(
            "SELECT language, prompt_key, first_index, paths, seed, fault,"
            " translation_prompt_tokens, translation_completion_tokens"
            " FROM arms WHERE problem_id = ? ORDER BY position",
            (problem_id,),
        )
        return [
            PlannedPaths(language, key, first, paths, seed, fault, Usage(prompt, completion))
            for language, key, first, paths, seed, fault, prompt, completion in rows
        ]

    # -- what engines produced ---------------------------------------------------------------

    def add_prompt(self, prompt: Prompt) -> None:
        """Store a prompt; one that is there stays."""
        self._write(
            "INSERT INTO prompts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                prompt.key,
                prompt.language,
                prompt.template,
                prompt.template_hash,
                orjson.dumps(prompt.messages),
            ),
        )

    def prompt(self, key: str) -> Prompt | None:
        """One prompt by its key."""
        row = self._one(
            "SELECT key, messages, language, template, template_hash FROM prompts WHERE key = ?",
            (key,),
        )
        if row is None:
            return None
        messages: list[Message] = orjson.loads(row[1])
        return Prompt(row[0], tuple(messages), *row[2:])

    def add_path(self, path: ReasoningPath) -> None:
        """Store a path. A path that is there is never changed; a failure under its key goes."""
        self._write(
            "INSERT INTO paths VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                path.key,
                path.prompt_key,
                path.language,
                path.index,
                path.seed,
                path.text,
                path.finish_reason,
                path.usage.prompt_tokens,
                path.usage.completion_tokens,
                path.confidence,
            ),
        )
        self._write("DELETE FROM failures WHERE key = ?", (path.key,))

    def paths(self, keys: Sequence[str]) -> dict[str, ReasoningPath]:
        """Those of ``keys`` that are stored, by key."""
        found: dict[str, ReasoningPath] = {}
        for chunk in _chunks(keys):
            marks = ",".join("?" * len(chunk))
            rows = self._all(
                "SELECT key, prompt_key, language, idx, seed, text, finish_reason,"  # noqa: S608
                " prompt_tokens, completion_tokens, confidence"
                f" FROM paths WHERE key IN ({marks})",
                chunk,
            )
            for key, prompt_key, language, index, seed, text, finish, *spent, confidence in rows:
                found[key] = ReasoningPath(
                    key, prompt_key, language, index, seed, text, finish, Usage(*spent), confidence
                )
        return found

    def add_failure(self, key: str, reason: str) -> None:
        """Note why a path or translation was lost; drawing it again is allowed."""
        self._write("INSERT OR REPLACE INTO failures VALUES (?, ?)", (key, reason))

    def failures(self, keys: Sequence[str]) -> dict[str, str]:
        """Why those of ``keys`` that were lost were lost, by key."""
        found: dict[str, str] = {}
        for chunk in _chunks(keys):
            marks = ",".join("?" * len(chunk))
            sql = f"SELECT key, reason FROM failures WHERE key IN ({marks})"  # noqa: S608
            found.update(self._all(sql, chunk))
        return found

    def add_translation(self, key: str, translation: StoredTranslation) -> None:
        """Store one try at a translation, good or not; a failure under its key goes."""
        language, text, finish_reason, usage = translation
        self._write(
            "INSERT INTO translations VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (key, language, text, finish_reason, usage.prompt_tokens, usage.completion_tokens),
        )
        self._write("DELETE FROM failures WHERE key = ?", (key,))

    def translation(self, key: str) -> StoredTranslation | None:
        """One try at a translation by its key."""
        row = self._one(
            "SELECT language, text, finish_reason, prompt_tokens, completion_tokens"
            " FROM translations WHERE key = ?",
            (key,),
        )
        if row is None:
            return None
        language, text, finish_reason, *spent = row
        return StoredTranslation(language, text, finish_reason, Usage(*spent))

    def counts(self) -> dict[str, int]:
        """Number of rows of each table."""
        tables = ("problems", "arms", "prompts", "paths", "translations", "failures")
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


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Raises:
        StoreError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot write: {error}") from error


def _chunks(keys: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
