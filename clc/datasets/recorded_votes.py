"""Group recorded generations into votes by problem, in a temporary database on disk."""

from __future__ import annotations

import logging
import re
import sqlite3
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.answers import canonical
from clc.datasets.generations import Generation, read_generation, read_generations
from clc.errors import DatasetError, InputError
from clc.records import AbstainReason, Abstention, Answer, Confidence, Vote
from clc.voting.weighting import normalized_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from clc.records import AnswerKind
    from clc.thoughts import Marks

__all__ = ["RecordedVotes", "group_votes", "warn_left_out"]


_log = logging.getLogger("clc.datasets.generations")
_BATCH = 4096


class RecordedVotes(NamedTuple):
    """A problem with the votes of all its paths.

    ``confidences`` has its row's confidence for each vote; a vote's weight is its confidence (the
    ``mean`` of several figures) over the mean of its language. ``places`` has its file and line.
    ``level`` is the problem's difficulty, see ``clc.datasets.levels``, and ``sizes`` the characters
    of each path.
    """

    id: str
    question_language: str | None
    item: str
    gold: str | None
    kind: AnswerKind | None
    votes: list[Vote]
    confidences: Sequence[Confidence | float | None] = ()
    places: Sequence[str] = ()
    level: str | None = None
    sizes: Sequence[int] = ()


def group_votes(
    files: Sequence[str | Path],
    *,
    languages: Sequence[str] = (),
    kind: AnswerKind | None = None,
    marks: Marks | None = None,
) -> Iterator[RecordedVotes]:
    """Yield votes by problem, in the order of the problems' first rows; rows may be in any order.

    Answers are read while the rows are streamed and grouped in a temporary database on disk, so
    memory does not grow with the files. ``languages`` keeps the paths of these languages only.
    ``marks`` are those of thoughts, by default the bundled ones.

    Raises:
        DatasetError: a bad row, or two golds for one problem.
        InputError: there are no paths to vote on.
    """
    with closing(sqlite3.connect("")) as database:  # "": a temporary file, deleted by itself
        database.executescript(_SCHEMA)
        database.executemany(
            _INSERT_PATH, _paths(database, files, frozenset(languages), kind, marks)
        )
        if not database.execute("SELECT 1 FROM paths LIMIT 1").fetchone():
            wanted = f" in {', '.join(languages)}" if languages else ""
            raise InputError(f"no paths{wanted} in {', '.join(map(str, files))}")
        rows = database.execute(_SELECT)
        for _, group in groupby(rows, key=lambda row: row[0]):
            yield _make_votes(list(group))
        without = database.execute(_WITHOUT_PATHS).fetchone()[0]
        warn_left_out(without, languages)


def warn_left_out(problems: int, languages: Sequence[str]) -> None:
    """Warn of problems without a path in the chosen languages."""
    if problems:
        _log.warning(
            "left out: %s without a path in %s",
            "1 problem" if problems == 1 else f"{problems:,} problems",
            ", ".join(languages),
        )


_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32000;  -- 32 MB: the ids of many problems are looked up in any order
CREATE TABLE problems (
    number INTEGER PRIMARY KEY, id TEXT, question_language TEXT, item TEXT, kind TEXT, level TEXT,
    UNIQUE (id, question_language)
);
CREATE TABLE paths (
    problem INTEGER, language TEXT, answer TEXT, reason TEXT, kind TEXT, confidence TEXT,
    gold TEXT, place TEXT, characters INTEGER
);
"""
_INSERT_PATH = "INSERT INTO paths VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
# No index: SQLite's sorter reads and writes in sequence, an index would fetch rows at random.
_SELECT = """
SELECT problems.*, paths.language, answer, reason, paths.kind, confidence, gold, place,
    characters
FROM paths CROSS JOIN problems ON problems.number = paths.problem
ORDER BY paths.problem, paths.rowid
"""
_WITHOUT_PATHS = """
SELECT count(*) FROM problems WHERE number NOT IN (SELECT problem FROM paths)
"""


def _paths(
    database: sqlite3.Connection,
    files: Sequence[str | Path],
    languages: frozenset[str],
    kind: AnswerKind | None,
    marks: Marks | None,
) -> Iterator[tuple[Any, ...]]:
    recent: dict[tuple[str, str], int] = {}  # the neighbours of a row are often its problem's
    for source, line, paths in read_generations(files):
        for path in paths:
            key = (path.id, path.question_language or "")
            number = recent.get(key)
            if number is None:
                if len(recent) >= _BATCH:
                    recent.clear()
                number = recent[key] = _number(database, path, kind)
            if languages and path.language not in languages:
                continue
            chosen = path._replace(kind=path.kind or kind) if kind else path
            outcome = read_generation(chosen, marks)
            answer = outcome.value if isinstance(outcome, Answer) else None
            reason = str(outcome.reason) if isinstance(outcome, Abstention) else None
            answer_kind = outcome.kind if isinstance(outcome, Answer) else None
            yield (
                number,
                path.language,
                answer,
                reason,
                answer_kind,
                None if path.confidence is None else orjson.dumps(path.confidence),
                path.gold,
                f"{source}:{line}",
                len(path.response),
            )


def _number(database: sqlite3.Connection, path: Generation, kind: AnswerKind | None) -> int:
    key = (path.id, path.question_language or "")
    known = database.execute(
        "SELECT number FROM problems WHERE id = ? AND question_language = ?", key
    ).fetchone()
    if known:
        return int(known[0])
    row = (*key, path.item or _item(path), path.kind or kind, path.level)
    cursor = database.execute("INSERT INTO problems VALUES (NULL, ?, ?, ?, ?, ?)", row)
    return int(cursor.lastrowid or 0)


def _item(path: Generation) -> str:
    """Return the id without the language, which translations of one problem share."""
    if not path.question_language:
        return path.id
    language = re.escape(path.question_language)
    return re.sub(rf"(?<![a-zA-Z]){language}(?![a-zA-Z])", "", path.id)


def _make_votes(rows: list[tuple[Any, ...]]) -> RecordedVotes:
    _, problem, question_language, item, kind, level, *_ = rows[0]
    gold: str | None = None
    first = ""
    outcomes = []
    confidences: list[Confidence | float | None] = []
    for index, row in enumerate(rows):
        language, answer, reason, answer_kind, confidence, row_gold, place = row[6:13]
        if row_gold is not None and gold is None:
            gold, first = row_gold, place
        elif row_gold is not None and row_gold != gold:
            _same_gold(gold, row_gold, first, place, problem)
        outcome = (
            Answer(answer, answer_kind) if reason is None else Abstention(AbstainReason(reason))
        )
        outcomes.append((f"{problem}:{index}", language, outcome))
        value = None if confidence is None else orjson.loads(confidence)
        confidences.append(Confidence(**value) if isinstance(value, dict) else value)
    weights = normalized_weights([language for _, language, _ in outcomes], confidences)
    votes = [Vote(*one, weight) for one, weight in zip(outcomes, weights, strict=True)]
    return RecordedVotes(
        problem,
        question_language or None,
        item,
        gold,
        kind,
        votes,
        confidences,
        [row[-2] for row in rows],
        level,
        [row[-1] for row in rows],
    )


def _same_gold(gold: str | None, other: str, first: str, place: str, problem: str) -> None:
    if gold is not None and canonical(gold, "en") == canonical(other, "en"):
        return
    raise DatasetError(
        f"{place}: gold of {problem!r} is {other!r}, and {gold!r} in {first}; "
        "give each problem an id of its own"
    )
