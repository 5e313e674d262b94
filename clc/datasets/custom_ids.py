"""Languages and problems in the ids of batch requests, seen over all of them.

An id such as ``q1:de`` or ``math/en/12`` names one problem. Its language is taken out of it only
where the ids say so: where several languages stand in the same rest. A last number is that of a
path where the part before the language ends as a problem's id does (``mgsm-001:de:0``) and has few
numbers; otherwise it is the problem's (``math/en/12``).
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from clc.datasets.generation import Generation
from clc.languages import UNKNOWN_LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CustomIds"]

_PROBLEM = re.compile(r"(?:.*[-_/:|#. ])?[A-Za-z]?\d+", re.DOTALL)
_FEW = 16  # paths of a problem in one language, where the file has fewer problems than that

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE paths (
    source TEXT, line INTEGER, id TEXT, response TEXT, finish_reason TEXT, error TEXT,
    rest TEXT, language TEXT, number TEXT, whole TEXT, key TEXT
);
CREATE TABLE rests (rest TEXT PRIMARY KEY);  -- whose numbers are those of paths
"""
_RESOLVE = """
UPDATE paths SET key = whole WHERE number != '' AND rest NOT IN (SELECT rest FROM rests);
CREATE TABLE keys AS
SELECT key, count(DISTINCT language) > 1
            OR (count(DISTINCT number) > 1 AND rest IN (SELECT rest FROM rests)) AS split
FROM paths GROUP BY key;
CREATE UNIQUE INDEX by_key ON keys (key);
CREATE TABLE languages AS
SELECT DISTINCT language FROM paths JOIN keys ON keys.key = paths.key WHERE split;
UPDATE keys SET split = 1
WHERE key IN (SELECT key FROM paths WHERE language IN (SELECT language FROM languages));
"""
_RESOLVED = """
SELECT source, line, id, response, finish_reason, error, paths.language, paths.key, split
FROM paths CROSS JOIN keys ON keys.key = paths.key ORDER BY paths.rowid
"""


class CustomIds:
    """Paths whose ids may name a language, in a temporary database on disk."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # "": a temporary file, deleted by itself
        self._database.executescript(_SCHEMA)
        self._count = 0

    def close(self) -> None:
        """Delete the database."""
        self._database.close()

    def add(self, source: str, line: int, path: Generation) -> None:
        """Keep a path."""
        split = path.custom_id
        assert split is not None  # noqa: S101 - the caller keeps no other paths here
        self._count += 1
        place = source, line, path.id, path.response, path.finish_reason, path.error
        self._database.execute(
            "INSERT INTO paths VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*place, *split, split.rest),
        )

    def resolved(self) -> Iterator[tuple[str, int, list[Generation]]]:
        """Yield all paths in their order, with the ids and languages of their problems."""
        if not self._count:
            return
        with closing(self._database.execute(
            "SELECT rest, count(DISTINCT number) FROM paths WHERE number != '' GROUP BY rest"
        )) as rows:  # fmt: skip
            numbers = rows.fetchall()
        most = max(_FEW, len(numbers))
        self._database.executemany(
            "INSERT INTO rests VALUES (?)",
            [(rest,) for rest, count in numbers if count <= most and _PROBLEM.fullmatch(rest)],
        )
        self._database.executescript(_RESOLVE)
        for row in self._database.execute(_RESOLVED):
            source, line, identifier, response, finish, error, language, key, split = row
            path = Generation(
                key if split else identifier,
                language if split else UNKNOWN_LANGUAGE,
                response,
                finish_reason=finish,
                error=error,
                read_as=language,
            )
            yield source, line, [path]
