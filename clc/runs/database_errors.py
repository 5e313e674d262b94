"""Errors of a run's SQLite file."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from clc.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ReportedErrors", "damage"]

_RESTORE = "restore run.sqlite from a copy, or solve into another run folder"


def damage(
    file: Path | None, reason: str, table: str | None = None, row: Sequence[Any] = ()
) -> StoreError:
    """Make the error for a damaged file, or a damaged row of a table."""
    keys = row[1:2] if table in {"problems", "plans"} else row[:1]
    where = f"row {keys[0]!r:.60} of {table} in " if table and keys else ""
    return StoreError(f"{where}{file or 'memory'} is damaged: {reason:.200}; {_RESTORE}")


class ReportedErrors:
    """A block in which errors of SQLite become a ``StoreError``; one serves all statements.

    Args:
        folder: the run folder; None for a run in memory.
        file: the SQLite file in it.
    """

    def __init__(self, folder: Path | None, file: Path | None) -> None:
        self._folder = folder
        self._file = file

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnicodeDecodeError):  # in a message of SQLite
            raise damage(self._file, str(error)) from error
        if isinstance(error, sqlite3.DatabaseError):
            name = getattr(error, "sqlite_errorname", "") or ""
            if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "decode" in str(error):
                raise damage(self._file, str(error)) from error
            raise StoreError(
                f"{self._folder or 'memory'}: cannot use the store: {error}; what was stored "
                "stays, and the same command goes on from there"
            ) from error
