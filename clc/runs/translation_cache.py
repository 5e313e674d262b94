"""Translations kept over runs: a small SQLite file that many processes may share."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clc.errors import StoreError
from clc.records import Step, Usage
from clc.runs.codec import check_row

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TranslationCache", "default_cache_folder"]


_COLUMNS = ("language", "text", "finish_reason", "prompt_tokens", "completion_tokens")


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
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS translations (key TEXT PRIMARY KEY,"
                " language TEXT, text TEXT, finish_reason TEXT,"
                " prompt_tokens INTEGER, completion_tokens INTEGER)"
            )

    def get(self, key: str) -> Step | None:
        """One try by its key."""
        with self._reported():
            row = self._connection.execute(
                "SELECT language, text, finish_reason, prompt_tokens, completion_tokens"
                " FROM translations WHERE key = ?",
                (key,),
            ).fetchone()
            if row is None:
                return None
            language, text, finish_reason, *spent = row
            try:
                check_row(_COLUMNS, row)
            except ValueError:  # damaged: it is made again
                self._connection.execute("DELETE FROM translations WHERE key = ?", (key,))
                return None
        return Step("translation", language, text, finish_reason, Usage(*spent))

    def put(self, key: str, translation: Step) -> None:
        """Keep one try; one that is there stays."""
        usage = translation.usage
        with self._reported():
            self._connection.execute(
                "INSERT OR IGNORE INTO translations VALUES (?, ?, ?, ?, ?, ?)",
                (
                    key,
                    translation.language,
                    translation.text,
                    translation.finish_reason,
                    usage.prompt_tokens,
                    usage.completion_tokens,
                ),
            )

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
