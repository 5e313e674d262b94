"""The tables of a run's SQLite file, and the checks that a file has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.errors import StoreError
from clc.runs.codec import ADDED, TABLES, check_format, checksum

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["COLUMNS", "INSERT", "REPLACE", "SCHEMA", "check_tables", "row_checksum"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS problems (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    data BLOB NOT NULL,
    checksum INTEGER
);
CREATE TABLE IF NOT EXISTS plans (
    label TEXT NOT NULL,
    problem_id TEXT NOT NULL,
    data BLOB NOT NULL,
    checksum INTEGER,
    PRIMARY KEY (label, problem_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prompts (
    key TEXT PRIMARY KEY,
    language TEXT NOT NULL,
    template TEXT NOT NULL,
    template_hash TEXT NOT NULL,
    messages BLOB NOT NULL,
    checksum INTEGER
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
    reasoning_tokens INTEGER NOT NULL DEFAULT 0,
    cost REAL,
    checksum INTEGER
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
    reasoning_tokens INTEGER NOT NULL DEFAULT 0,
    cost REAL,
    checksum INTEGER
);
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    checksum INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seconds (
    label TEXT PRIMARY KEY,
    seconds REAL NOT NULL
) WITHOUT ROWID;
"""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "problems": ("position", "id", "data"),
    "plans": ("label", "problem_id", "data"),
    **TABLES,
}
_VALUES = {
    table: f"INTO {table} ({', '.join((*columns, 'checksum'))}) "
    f"VALUES ({', '.join('?' * (len(columns) + 1))})"
    for table, columns in COLUMNS.items()
}
_WITH_COST = {table: len(columns) for table, columns in COLUMNS.items() if columns[-1] == "cost"}
INSERT = {table: f"INSERT {values} ON CONFLICT DO NOTHING" for table, values in _VALUES.items()}
REPLACE = {table: f"INSERT OR REPLACE {values}" for table, values in _VALUES.items()}


def check_tables(connection: sqlite3.Connection, folder: Path | None, *, read_only: bool) -> bool:
    """Check that a database is that of a run, or empty; return whether it has a run.

    Raises:
        StoreError: it is of another format or another program.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {
        name: [row[1] for row in connection.execute(f"PRAGMA table_info({_quoted(name)})")]
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_")
    }
    if not tables and version == 0:
        if read_only:
            raise StoreError(
                f"{folder}: holds no run yet (its run.sqlite has no tables); name the "
                "--out of a clc solve that has started"
            )
        return False
    if version != 0:  # 0: killed while the tables were made
        check_format(version, folder, read_only=read_only)
    ours = {
        name: [column for column in columns if column not in ADDED]
        for name, columns in COLUMNS.items()
    }
    here = {
        name: [column for column in columns if column not in (*ADDED, "checksum")]
        for name, columns in tables.items()
        if name in ours
    }
    expected = {name: ours[name] for name in here} if version == 0 else ours
    if here != expected or (version == 0 and not set(tables) <= {*ours, "seconds"}):
        file = None if folder is None else folder / "run.sqlite"
        raise StoreError(
            f"{file}: not a run of clc (its tables are "
            f"{', '.join(sorted(map(repr, tables))) or 'none'}); choose another run folder"
        )
    return bool(version != 0)


def row_checksum(table: str, row: Sequence[Any]) -> int:
    """Return the checksum of a row; an unknown cost does not count, because older rows lack it."""
    if row[-1] is None and len(row) == _WITH_COST.get(table):
        row = row[:-1]
    return checksum(row)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
