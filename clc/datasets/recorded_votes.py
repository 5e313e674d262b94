"""Group recorded generations into votes by problem, in a temporary database on disk."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.answers import canonical
from clc.datasets.custom_ids import CustomIds
from clc.datasets.line_chunks import read_chunks
from clc.datasets.notices import Notices
from clc.datasets.vote_rows import VoteReader
from clc.errors import DatasetError, InputError
from clc.records import AbstainReason, Abstention, Answer, Confidence, Vote
from clc.voting.weighting import normalized_weights
from clc.worker_processes import Workers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from clc.answers.reading_files import ReadingFiles
    from clc.datasets.generation import Generation
    from clc.datasets.vote_rows import VoteRows
    from clc.records import AnswerKind

__all__ = [
    "RecordedVotes",
    "VoteGroups",
    "VotesOfProblem",
    "group_votes",
    "recorded_votes",
    "warn_left_out",
]


_log = logging.getLogger("clc.datasets.generations")
_PATHS = 256  # whose answers are read at once


class RecordedVotes(NamedTuple):
    """A problem with the votes of all its paths.

    ``confidences`` has its row's confidence for each vote; a vote's weight is its confidence (the
    ``mean`` of several figures) over the mean of its language. ``places`` has its file and line.
    ``level`` is the problem's difficulty, see ``clc.datasets.levels``, and ``sizes`` the characters
    of each path. ``given`` are the numbers of votes that are not counted as paths: of paths without
    a translation that other arms sampled.
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
    given: Collection[int] = ()


class VotesOfProblem(NamedTuple):
    """The votes of a problem as they are stored.

    ``paths`` are (source, line, language, answer, reason, kind, confidence, gold, characters) of
    each; the source is its number.
    """

    id: str
    question_language: str
    item: str
    kind: AnswerKind | None
    level: str | None
    paths: list[tuple[Any, ...]]


class VoteGroups:
    """The votes of recorded generations by problem, in a temporary database on disk.

    Args:
        files: of recorded generations; rows may be in any order.
        reader: reads the rows.
        workers: processes that read them; by default this one does.

    Raises:
        DatasetError: a bad row.
        InputError: there are no paths to vote on.
    """

    def __init__(
        self, files: Sequence[str | Path], reader: VoteReader, workers: Workers | None = None
    ) -> None:
        self._reader = reader
        self._database = sqlite3.connect("")  # "": a temporary file, deleted by itself
        self._database.executescript(_SCHEMA)
        self._sources: dict[str, int] = {}
        try:
            self._read(files, workers or Workers(1))
            self._check(files)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Delete the database."""
        self._database.close()

    def sources(self) -> list[str]:
        """Return the names of the files by number."""
        return list(self._sources)

    def _check(self, files: Sequence[str | Path]) -> None:
        if not self._database.execute("SELECT 1 FROM paths LIMIT 1").fetchone():
            languages = self._reader.languages
            wanted = f" in {', '.join(languages)}" if languages else ""
            raise InputError(f"no paths{wanted} in {', '.join(map(str, files))}")

    def problems(self) -> Iterator[VotesOfProblem]:
        """Yield the problems in the order of their first rows."""
        rows = self._database.execute(_SELECT)
        for _, group in groupby(rows, key=itemgetter(0)):
            votes = list(group)
            _, name, language, item, kind, level, *_ = votes[0]
            paths = [row[6:] for row in votes]
            yield VotesOfProblem(name, language, item, kind, level, paths)

    def left_out(self) -> int:
        """Return the number of problems without a path in the wanted languages."""
        return int(self._database.execute(_WITHOUT_PATHS).fetchone()[0])

    def _read(self, files: Sequence[str | Path], workers: Workers) -> None:
        filters: dict[tuple[str, str, object], object] = {}
        notices = Notices()
        with closing(CustomIds()) as custom:
            for rows in workers.map(self._reader.read_lines, read_chunks(files)):
                notices.repeat(rows.notices)
                for line, path in rows.custom:
                    custom.add(rows.source, line, path)
                for name in rows.ids:
                    custom.see(name)
                repeated = {
                    line
                    for line, (sample, filtered) in rows.filters.items()
                    if filters.setdefault(sample, filtered) != filtered
                }
                if repeated:
                    rows.votes = [one for one in rows.votes if one[2] not in repeated]
                self._keep(rows)
                if rows.error is not None:
                    raise rows.error
            for rows in workers.map(self._reader.read_paths, _by_source(custom.resolved())):
                self._keep(rows)

    def _keep(self, rows: VoteRows) -> None:
        source = self._sources.setdefault(rows.source, len(self._sources))
        problems = ((*key, *values) for key, values in rows.problems.items())
        self._database.executemany(_INSERT_PROBLEM, problems)
        self._database.executemany(_INSERT_PATH.format(source=source), rows.votes)


def group_votes(
    files: Sequence[str | Path],
    *,
    languages: Sequence[str] = (),
    kind: AnswerKind | None = None,
    reading: ReadingFiles | None = None,
    workers: Workers | None = None,
) -> Iterator[RecordedVotes]:
    """Yield votes by problem, in the order of the problems' first rows; rows may be in any order.

    Answers are read while the rows are streamed and grouped in a temporary database on disk, so
    memory does not grow with the files. ``languages`` keeps the paths of these languages only.
    ``reading`` are the files of a folder of prompt files. ``workers`` read the rows; by
    default this process does.

    Raises:
        DatasetError: a bad row, or two golds for one problem.
        InputError: there are no paths to vote on.
    """
    reader = VoteReader(tuple(languages), kind, reading)
    with closing(VoteGroups(files, reader, workers)) as groups:
        sources = groups.sources()
        for problem in groups.problems():
            yield recorded_votes(problem, sources)
        warn_left_out(groups.left_out(), languages)


def _by_source(
    paths: Iterable[tuple[str, int, list[Generation]]],
) -> Iterator[tuple[str, list[tuple[int, Generation]]]]:
    for source, group in groupby(paths, key=itemgetter(0)):
        while chunk := list(islice(group, _PATHS)):
            yield source, [(line, path) for _, line, several in chunk for path in several]


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
    problem INTEGER, source INTEGER, line INTEGER, language TEXT, answer TEXT, reason TEXT,
    kind TEXT, confidence TEXT, gold TEXT, characters INTEGER
);
"""
_INSERT_PROBLEM = "INSERT OR IGNORE INTO problems VALUES (NULL, ?, ?, ?, ?, ?)"
_INSERT_PATH = """
INSERT INTO paths SELECT number, {source}, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
FROM problems WHERE id = ?1 AND question_language = ?2
"""
# No index: SQLite's sorter reads and writes in sequence, an index would fetch rows at random.
_SELECT = """
SELECT problems.*, source, line, paths.language, answer, reason, paths.kind, confidence, gold,
    characters
FROM paths CROSS JOIN problems ON problems.number = paths.problem
ORDER BY paths.problem, paths.rowid
"""
_WITHOUT_PATHS = """
SELECT count(*) FROM problems WHERE number NOT IN (SELECT problem FROM paths)
"""


def recorded_votes(problem: VotesOfProblem, sources: Sequence[str]) -> RecordedVotes:
    """Make the votes of a problem of their stored values; ``sources`` are the files by number.

    Raises:
        DatasetError: the problem has two golds.
    """
    gold: str | None = None
    first = ""
    outcomes = []
    places = []
    sizes = []
    confidences: list[Confidence | float | None] = []
    for index, row in enumerate(problem.paths):
        source, line, language, answer, reason, kind, confidence, row_gold, size = row
        sizes.append(size)
        place = f"{sources[source]}:{line}"
        places.append(place)
        if row_gold is not None and gold is None:
            gold, first = row_gold, place
        elif row_gold is not None and row_gold != gold:
            _same_gold(gold, row_gold, first, place, problem.id)
        outcome = Answer(answer, kind) if reason is None else Abstention(AbstainReason(reason))
        outcomes.append((f"{problem.id}:{index}", language, outcome))
        value = None if confidence is None else orjson.loads(confidence)
        confidences.append(Confidence(**value) if isinstance(value, dict) else value)
    weights = normalized_weights([language for _, language, _ in outcomes], confidences)
    votes = [Vote(*one, weight) for one, weight in zip(outcomes, weights, strict=True)]
    return RecordedVotes(
        problem.id,
        problem.question_language or None,
        problem.item,
        gold,
        problem.kind,
        votes,
        confidences,
        places,
        problem.level,
        sizes,
    )


def _same_gold(gold: str | None, other: str, first: str, place: str, problem: str) -> None:
    if gold is not None and canonical(gold, "en") == canonical(other, "en"):
        return
    raise DatasetError(
        f"{place}: gold of {problem!r} is {other!r}, and {gold!r} in {first}; "
        "give each problem an id of its own"
    )
