"""Translations kept over runs: a small SQLite file that many processes may share."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.errors import StoreError
from clc.records import Step, Usage
from clc.runs.checks import check_types
from clc.runs.codec import checksum
from clc.thoughts import split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["TranslationCache", "default_cache_folder"]


_COLUMNS = ("language", "text", "finish_reason", "prompt_tokens", "completion_tokens")
_THOUGHT = ("thought", "closed", "reasoning_tokens")
# Thoughts and checksums are in tables of their own: an older clc may write into the same file. Its
# rows have no checksum.
_TABLES = ("translations", "thoughts", "checksums")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS translations (
    key TEXT PRIMARY KEY, language TEXT, text TEXT, finish_reason TEXT,
    prompt_tokens INTEGER, completion_tokens INTEGER
);
CREATE TABLE IF NOT EXISTS thoughts (
    key TEXT PRIMARY KEY, thought TEXT, closed INTEGER, reasoning_tokens INTEGER
);
CREATE TABLE IF NOT EXISTS checksums (key TEXT PRIMARY KEY, checksum INTEGER);
"""


def default_cache_folder() -> Path:
    """``$CLC_CACHE``, or the platform's user cache folder."""
    if chosen := os.environ.get("CLC_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("clc")


class TranslationCache:
    """Tries at translations by content key, over all runs of the same model.

    Args:
        folder: where ``translations.sqlite`` lives; made if missing.

    Raises:
        StoreError: the folder cannot be written.
    """

    def __init__(self, folder: str | Path) -> None:
        self._path = Path(folder) / "translations.sqlite"
        with self._reported():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit, and patience while another process writes.
            self._connection = sqlite3.connect(
                self._path, timeout=30, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_SCHEMA)

    def get(self, key: str) -> Step | None:
        """Return one try by its key.

        A row that is damaged, or that an older clc wrote with a thought within the text, is
        dropped: it is made again.
        """
        with self._reported():
            row = self._connection.execute(
                f"SELECT {', '.join((*_COLUMNS, *_THOUGHT))}, checksum FROM translations"  # noqa: S608
                " LEFT JOIN thoughts USING (key) LEFT JOIN checksums USING (key)"
                " WHERE translations.key = ?",
                (key,),
            ).fetchone()
            if row is None:
                return None
            step = _read(key, row[:-1], row[-1])
            if step is None:
                for table in _TABLES:
                    self._connection.execute(f"DELETE FROM {table} WHERE key = ?", (key,))  # noqa: S608
        return step

    def put(self, key: str, translation: Step) -> None:
        """Keep one try; one that is there stays."""
        usage, closed = translation.usage, translation.closed
        values = (
            translation.language,
            translation.text,
            translation.finish_reason,
            usage.prompt_tokens,
            usage.completion_tokens,
        )
        thought: tuple[Any, ...] = (translation.thought, closed, usage.reasoning_tokens)
        if closed is None and not usage.reasoning_tokens:
            thought = (None, None, None)
        with self._reported(), self._at_once() as execute:
            kept = execute("INSERT OR IGNORE INTO translations VALUES (?, ?, ?, ?, ?, ?)",
                           (key, *values))  # fmt: skip
            if not kept.rowcount:
                return
            if thought[2] is not None:
                execute("INSERT OR REPLACE INTO thoughts VALUES (?, ?, ?, ?)", (key, *thought))
            stored = _checksum(key, (*values, *thought))
            execute("INSERT OR REPLACE INTO checksums VALUES (?, ?)", (key, stored))

    @contextmanager
    def _at_once(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """Write all or nothing, while no other process writes."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection.execute
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._connection.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, UnicodeError) as error:
            raise StoreError(
                f"{self._path}: cannot use the translation cache: {error}; set CLC_CACHE to a "
                "folder that can be written, or give --no-cache"
            ) from error


def _checksum(key: str, row: Sequence[Any]) -> int:
    """Return the checksum of a row; true and 1 are one in SQLite."""
    return checksum([key, *(int(one) if isinstance(one, bool) else one for one in row)])


def _read(key: str, row: Sequence[Any], stored: int | None) -> Step | None:
    """Return the try of a row, None where it is damaged or holds a thought within its text."""
    first, second = row[: len(_COLUMNS)], row[len(_COLUMNS) :]
    if second == (None,) * len(_THOUGHT):  # it has no thought, or is of an older clc
        second = ("", None, 0)
    try:
        if stored is not None and _checksum(key, row) != stored:
            return None
        check_types((*_COLUMNS, *_THOUGHT), (*first, *second))
    except (TypeError, ValueError):
        return None
    language, text, finish_reason, prompt, completion = first
    thought, closed, reasoning = second
    closed = None if closed is None else bool(closed)
    if closed is None and split(text, finish_reason=finish_reason).closed is not None:
        return None
    usage = Usage(prompt, completion, reasoning)
    return Step("translation", language, text, finish_reason, usage, thought, closed)
