"""The SQLite file of a run folder: opened, checked, and read row by row with checksums."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from clc.errors import StoreError
from clc.runs.checks import check_row
from clc.runs.codec import FORMAT, without_surrogates
from clc.runs.database_errors import ReportedErrors, damage
from clc.runs.files import SHARDS, Location, locked
from clc.runs.schema import (
    COLUMNS,
    INSERT,
    REPLACE,
    SCHEMA,
    check_tables,
    row_checksum,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Database"]

CACHE_KIB = 64 * 1024
CHECKPOINT_PAGES = 8192


class Database:
    """The tables of a run, in a file or in memory.

    Each row has a checksum of its values; a row without one is of an older clc.

    Args:
        folder: the run folder, made if missing; None keeps everything in memory.
        read_only: open an existing file, take no lock and write nothing.

    Attributes:
        connection: to SQLite.
        may_have_failures: something was lost; there is one writer, which knows.

    Raises:
        StoreError: the folder cannot be read or written, another process writes to it, or its
            ``run.sqlite`` is damaged or not of clc.
    """

    def __init__(self, folder: Path | None, *, read_only: bool) -> None:
        self._folder = folder
        self._file = None if folder is None else folder / "run.sqlite"
        self._held = ExitStack()
        self._is_whole = False
        self.may_have_failures = True
        self._failure: StoreError | None = None
        self._reported = ReportedErrors(folder, self._file)
        try:
            self.connection = self._open(read_only=read_only)
            self._held.callback(self.connection.close)
            self._prepare(read_only=read_only)
        except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
            self._held.close()
            raise StoreError(
                f"{folder}: cannot open the run folder: {error}; name a folder that "
                f"{'holds a run' if read_only else 'can be written'}"
            ) from error
        except StoreError:
            self._held.close()
            raise
        self._location = Location(*([] if self._file is None else [self._file]))
        self._with_checksums = "checksum" in self._columns("paths")
        self._read = {table: self._reading(table) for table in COLUMNS}

    def _open(self, *, read_only: bool) -> sqlite3.Connection:
        if self._folder is None or self._file is None:
            return sqlite3.connect(":memory:", check_same_thread=False)
        self._check_kinds()
        if read_only:
            if not self._file.is_file():
                raise StoreError(f"{self._folder}: not a run folder (it has no run.sqlite)")
            # Even a reader of a write-ahead log writes beside it, unless the file is immutable.
            alone = not os.access(self._folder, os.W_OK) and not self._beside("wal").exists()
            return self._connect("immutable=1" if alone else "mode=ro")
        journal = self._beside("journal")  # of a process that was killed while it made the file
        if self._file.exists() and not journal.exists():
            # A foreign file is refused before anything is written beside it.
            look = self._connect("mode=ro" if self._beside("wal").exists() else "immutable=1")
            try:
                check_tables(look, self._folder, read_only=False)
            finally:
                look.close()
        self._held.enter_context(locked(self._folder))
        if (self._folder / SHARDS).is_dir():
            raise StoreError(
                f"{self._folder}: holds a run of --cluster ray (it has shards); go on with it "
                "there, or choose another run folder"
            )
        return sqlite3.connect(self._file, check_same_thread=False)

    def _check_kinds(self) -> None:
        """Check that SQLite would follow no link and wait for no FIFO.

        Raises:
            StoreError: one of its files is no regular file.
        """
        assert self._file is not None  # noqa: S101 - of a run in a folder
        for file in (self._file, *map(self._beside, ("wal", "shm", "journal"))):
            if os.path.lexists(file) and (file.is_symlink() or not file.is_file()):
                raise StoreError(
                    f"{file}: is no regular file (a link, folder, FIFO or device); remove it, or "
                    "name the folder where the run is"
                )

    def _beside(self, kind: str) -> Path:
        """Return SQLite's ``wal`` or ``journal`` of the file."""
        assert self._folder is not None  # noqa: S101 - of a run in a folder
        return self._folder / f"run.sqlite-{kind}"

    def _connect(self, mode: str) -> sqlite3.Connection:
        assert self._file is not None  # noqa: S101 - of a run in a folder
        return sqlite3.connect(f"{self._file.absolute().as_uri()}?{mode}", uri=True)

    def _prepare(self, *, read_only: bool) -> None:
        connection = self.connection
        has_run = check_tables(connection, self._folder, read_only=read_only)
        if read_only:
            return
        if has_run:
            self.check_structure()
        # Write-ahead logging lets readers look on; NORMAL is safe against a killed process.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        # Keys are hashes, so every write lands on a page of its own. The index of a million
        # paths (50 MB) stays in memory, so dirty pages are flushed rarely.
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={FORMAT}; COMMIT;")
        for table, columns in COLUMNS.items():
            # A run that an earlier version wrote lacks some columns.
            there = self._columns(table)
            if "checksum" not in there:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN checksum INTEGER")
            if "cost" in columns and "cost" not in there:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN cost REAL")
        lost = connection.execute("SELECT 1 FROM failures LIMIT 1").fetchone()
        self.may_have_failures = lost is not None

    def _columns(self, table: str) -> list[str]:
        with self._reported:
            return [row[1] for row in self.connection.execute(f"PRAGMA table_info({table})")]

    def _reading(self, table: str) -> str:
        """Return the query of a table's rows; those of an earlier version lack some columns."""
        there = {*self._columns(table)}
        names = [name for name in (*COLUMNS[table], "checksum") if name in there]
        return f"SELECT {', '.join(names)} FROM {table}"  # noqa: S608

    def check_structure(self) -> None:
        """Check that the file is whole: its pages, and that each index has every row.

        Raises:
            StoreError: it is damaged.
        """
        if self._is_whole:
            return
        with self._reported:
            (state,) = self.connection.execute("PRAGMA integrity_check(1)").fetchone()
        if state != "ok":
            raise damage(self._file, state)
        self._is_whole = True

    def check_location(self) -> None:
        """Check that the run folder is where it was when it was opened.

        Raises:
            StoreError: it was moved, replaced or deleted.
        """
        self._location.check()

    def insert(self, table: str, row: Sequence[Any], *, replace: bool = False) -> int:
        """Insert a row with its checksum, if its key is free; return the number of rows inserted.

        With ``replace`` it takes the place of the one that has its key. A lone surrogate, which
        is no text, becomes a question mark.
        """
        try:
            stored = row_checksum(table, row)
        except orjson.JSONEncodeError:
            row = without_surrogates(row)
            stored = row_checksum(table, row)
        return self.write((REPLACE if replace else INSERT)[table], (*row, stored))

    def rows(self, table: str, rest: str = "", values: Sequence[object] = ()) -> Iterator[Any]:
        """Yield the rows of a table without their checksums, which are verified.

        Raises:
            StoreError: a row is damaged.
        """
        sql = f"{self._read[table]} {rest}"
        with self._reported:
            rows = self.connection.execute(sql, values)
            if not self._with_checksums:
                yield from map(partial(self._checked, table), rows)
                return
            for row in rows:
                plain, stored = row[:-1], row[-1]
                if stored is None:
                    yield self._checked(table, plain)
                elif row_checksum(table, plain) == stored:
                    yield plain
                else:
                    raise damage(self._file, "its checksum differs", table, plain)

    def _checked(self, table: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Check a row that was stored without a checksum."""
        try:
            check_row(table, COLUMNS[table], row)
        except ValueError as error:
            raise damage(self._file, str(error), table, row) from error
        return row

    def write(self, sql: str, values: Sequence[object]) -> int:
        """Execute a statement; return the number of rows that it changed.

        Raises:
            StoreError: it failed. SQLite may have rolled back what was not committed, so every
                later ``commit`` raises this error, too.
        """
        try:
            with self._reported:
                return self.connection.execute(sql, values).rowcount
        except StoreError as error:
            self._failure = error
            raise

    def one(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query."""
        with self._reported:
            row: tuple[Any, ...] | None = self.connection.execute(sql, values).fetchone()
            return row

    def all(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query."""
        with self._reported:
            for row in self.connection.execute(sql, values):  # noqa: UP028 - closes no cursor
                yield row

    def commit(self) -> None:
        """Commit pending writes.

        Raises:
            StoreError: the disk is full or gone, the run folder is not where it was, or an earlier
                write failed.
        """
        if self._failure is not None:
            raise self._failure
        with self._reported:
            self.connection.commit()
        self.check_location()

    def close(self) -> None:
        """Commit and close. May be called twice."""
        with self._reported:
            try:
                self.connection.commit()
            except sqlite3.ProgrammingError:  # closed already
                return
            finally:
                self._held.close()
