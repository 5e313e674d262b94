"""Languages and problems in the ids of batch requests, seen over all of them.

An id such as ``q1:de``, ``math/en/12`` or ``mgsm_de_7`` names one problem. Its language is taken
out of it only where the ids say so: where one part of ids of one shape is nearly always a language,
and several languages stand in the same rest. ``subject/no/1`` and ``subject/eco/1`` are two
problems, because ``eco`` is no language; ``do/it/1`` and ``do/is/1`` are two, because the codes are
words and no other language is there.

A last number is that of a path where the part before the language ends as a problem's id does
(``mgsm-001:de:0``) and has few numbers; otherwise it is the problem's (``math/en/12``).
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import orjson

from clc.datasets.generation import Generation
from clc.datasets.set_names import WORD_CODES
from clc.errors import LanguageError
from clc.languages.codes import COMMON_LANGUAGES, UNKNOWN_LANGUAGE, read_language

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CustomIds", "IdParts", "language_in_id", "may_name_language", "split_id"]

_PROBLEM = re.compile(r"(?:.*[-_/:|#. ])?[A-Za-z]?\d+", re.DOTALL)
_FEW = 16  # paths of a problem in one language, where the file has fewer problems than that
_STRONG = re.compile(r"([:/|#\s]+)")
_WEAK = re.compile(r"([-_.]+)")
_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z|[A-Za-z]{4,16}\Z")  # or a name
_SCRIPT_OR_REGION = re.compile(r"[A-Z][a-z]{3}|[A-Z]{2}")
# Codes that are words, subjects, months and short names of splits, too
_WORDS = WORD_CODES | {"art", "bio", "geo", "id", "in", "mac", "mar", "may", "per", "te", "tr"}
_MOST_OTHERS = 0.2  # share of values that are no common language: the name of another arm
_MOST_VALUES = 256  # different values of a part, above which it is no language

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE paths (
    source TEXT, line INTEGER, id TEXT, fields TEXT, own TEXT, shape INTEGER,
    rest TEXT, language TEXT, number TEXT, whole TEXT, key TEXT
);
CREATE TABLE rests (rest TEXT PRIMARY KEY);  -- whose numbers are those of paths
"""
_RESOLVE = """
UPDATE paths SET key = CASE
    WHEN number != '' AND rest NOT IN (SELECT rest FROM rests) THEN whole ELSE rest END;
CREATE TABLE keys AS
SELECT key, count(DISTINCT language) > 1
            OR (count(DISTINCT number) > 1 AND rest IN (SELECT rest FROM rests)) AS split
FROM paths WHERE rest IS NOT NULL GROUP BY key;
CREATE UNIQUE INDEX by_key ON keys (key);
CREATE TABLE languages AS
SELECT DISTINCT shape, language FROM paths JOIN keys ON keys.key = paths.key WHERE split;
UPDATE keys SET split = 1 WHERE key IN (
    SELECT key FROM paths JOIN languages
    ON languages.shape = paths.shape AND languages.language = paths.language
);
"""
_NEXT = "SELECT rowid, id, shape FROM paths WHERE rowid > ? ORDER BY rowid LIMIT ?"
_BATCH = 4096
_RESOLVED = """
SELECT source, line, id, fields, own, paths.language, paths.key, split
FROM paths LEFT JOIN keys ON keys.key = paths.key ORDER BY paths.rowid
"""


class IdParts(NamedTuple):
    """An id as parts and the separators between them; ``strong`` ones are not within words."""

    parts: list[str]
    separators: list[str]


class _Shape:
    """The ids with the same separators: the values of each part."""

    def __init__(self, number: int, length: int) -> None:
        self.number = number
        self.values: list[set[str] | None] = [set() for _ in range(length)]

    def add(self, parts: list[str]) -> None:
        for position, part in enumerate(parts):
            values = self.values[position]
            if values is not None and part not in values:
                values.add(part)
                if len(values) > _MOST_VALUES:
                    self.values[position] = None

    def position(self) -> int | None:
        """Return the part that is a language, None without one; the last of several."""
        fitting = [
            (len(values) > 1, position)
            for position, values in enumerate(self.values)
            if values and _are_languages(values)
        ]
        return max(fitting)[1] if fitting else None


def _are_languages(values: set[str]) -> bool:
    """Whether the values of a part are languages: common ones, and hardly anything else."""
    common = other = 0
    for value in values:
        code = _code(value)
        if code is None or not _is_common(code):
            other += 1
        elif value.lower() not in _WORDS:
            common += 1
    return common > 0 and other <= _MOST_OTHERS * len(values)


def _is_common(code: str) -> bool:
    return code.partition("-")[0] in COMMON_LANGUAGES


@lru_cache(maxsize=4096)
def _code(part: str) -> str | None:
    if _CODE.match(part):
        with suppress(LanguageError):
            return read_language(part)
    return None


def split_id(name: str) -> IdParts:
    """Split an id at its separators; a language with a script or region is one part.

    >>> split_id("q1:zh-CN/a"), split_id("mgsm_pt_BR_7").parts
    (IdParts(parts=['q1', 'zh-CN', 'a'], separators=[':', '/']), ['mgsm', 'pt_BR', '7'])
    """
    parts: list[str] = []
    separators: list[str] = []
    for position, strong in enumerate(_STRONG.split(name)):
        if position % 2:
            separators.append(strong)
        elif _code(strong):
            parts.append(strong)
        else:
            weak = _WEAK.split(strong)
            parts.append(weak[0])
            for index in range(1, len(weak), 2):
                longer = f"{parts[-1]}{weak[index]}{weak[index + 1]}"
                if _SCRIPT_OR_REGION.fullmatch(weak[index + 1]) and _code(longer):
                    parts[-1] = longer
                else:
                    separators.append(weak[index])
                    parts.append(weak[index + 1])
    return IdParts(parts, separators)


def language_in_id(name: str) -> str | None:
    """Return the last part of an id that may be a language, None without one.

    >>> language_in_id("q1:de:0"), language_in_id("a/17")
    ('de', None)
    """
    parts = split_id(name).parts
    codes = (_code(part) for part in reversed(parts) if part.lower() not in _WORDS)
    return next((code for code in codes if code and _is_common(code)), None)


def may_name_language(name: str) -> bool:
    """Whether one of several parts of an id is the code or the name of a language.

    >>> may_name_language("q1:de"), may_name_language("q1:7"), may_name_language("de")
    (True, False, False)
    """
    parts = split_id(name).parts
    return len(parts) > 1 and any(map(_code, parts))


class CustomIds:
    """Paths whose ids may name a language, in a temporary database on disk."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # "": a temporary file, deleted by itself
        self._database.executescript(_SCHEMA)
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._positions: dict[int, int | None] = {}

    def close(self) -> None:
        """Delete the database."""
        self._database.close()

    def add(self, source: str, line: int, path: Generation) -> bool:
        """Keep a path whose id may name a language; return whether it is kept.

        Any other id shows whether the parts of ids of its shape are languages.
        """
        shape = self.see(path.id)
        if not may_name_language(path.id):
            return False
        fields = orjson.dumps({name: getattr(path, name) for name in _KEPT})
        self._database.execute(
            "INSERT INTO paths (source, line, id, fields, own, shape) VALUES (?, ?, ?, ?, ?, ?)",
            (source, line, path.id, fields, path.language, shape),
        )
        return True

    def see(self, name: str) -> int:
        """Add the parts of an id to those of its shape; return the shape's number."""
        parts, separators = split_id(name)
        key = tuple(separators)
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = _Shape(len(self._shapes), len(parts))
        shape.add(parts)
        return shape.number

    def resolved(self) -> Iterator[tuple[str, int, list[Generation]]]:
        """Yield all paths in their order, with the ids and languages of their problems."""
        if not self._shapes:
            return
        self._positions = {one.number: one.position() for one in self._shapes.values()}
        self._split_all()
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
            source, line, name, fields, own, language, key, split = row
            known = own != UNKNOWN_LANGUAGE
            path = Generation(
                key if split else name,
                language if split and not known else own,
                **orjson.loads(fields),
                read_as=None if known else language or language_in_id(name),
            )
            yield source, line, [path]

    def _split_all(self) -> None:
        last = 0
        while rows := self._database.execute(_NEXT, (last, _BATCH)).fetchall():
            last = rows[-1][0]
            self._database.executemany(
                "UPDATE paths SET rest = ?, language = ?, number = ?, whole = ? WHERE rowid = ?",
                [(*split, one) for one, *id_ in rows if (split := self._split(*id_)) is not None],
            )

    def _split(self, name: str, shape: int) -> tuple[str, str, str, str] | None:
        """Return an id's rest, language, number and whole, None where no part is a language."""
        position = self._positions[shape]
        if position is None:
            return None
        parts, separators = split_id(name)
        code = _code(parts[position])
        if code is None:
            return None
        before = _joined(parts[:position], separators)
        after = _joined(parts[position + 1 :], separators[position + 1 :])
        between = separators[position - 1] if position else ""
        whole = f"{before}{between}{after}" if before and after else before or after
        number = after if before and after.isdecimal() else ""
        return (before if number else whole, code, number, whole) if whole else None


_KEPT = (
    "response",
    "question",
    "gold",
    "finish_reason",
    "kind",
    "item",
    "error",
    "closed",
    "level",
)


def _joined(parts: list[str], separators: list[str]) -> str:
    """Return parts with the separators after all but the last."""
    pairs = zip(parts, [*separators[: len(parts) - 1], ""], strict=False)
    return "".join(part + separator for part, separator in pairs)
