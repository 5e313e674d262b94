"""Sources of a report: a run folder, several runs in one, or recorded generations."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from clc.datasets.generations import read_generations
from clc.datasets.recorded_votes import group_votes
from clc.errors import ConfigurationError, DatasetError
from clc.input_files import printable_path
from clc.languages.codes import MGSM_LANGUAGES, UNKNOWN_LANGUAGE
from clc.plan import ArmRecord, Plan
from clc.records import Confidence, Problem, ReasoningPath
from clc.runs.open import is_run, open_runs
from clc.runs.revote import Solved, revote
from clc.thoughts import split
from clc.voting.outcomes import read_outcome
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.answers.reading_files import ReadingFiles
    from clc.datasets.recorded_votes import RecordedVotes
    from clc.records import Vote
    from clc.runs.protocol import RunFolder

__all__ = ["ReportSource", "open_sources"]

_ROWS = (".jsonl", ".jsonl.gz")


class ReportSource(Protocol):
    """Solved problems that can be read repeatedly."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The configuration and the versions; empty if unknown."""
        ...

    def solved(self) -> Iterator[Solved]:
        """Yield every problem with its votes and its verdict; each call starts anew."""
        ...


@contextmanager
def open_sources(
    path: str | Path, reading: ReadingFiles | None = None
) -> Iterator[dict[str, ReportSource]]:
    """Open a run folder, a folder of ``clc compare`` or recorded generations, for reading.

    Yields its sources by name: the runs of a folder by their strategy, generations by the stem of
    their file. A folder of JSONL files, such as lm-evaluation-harness writes, is one source.
    Generations are voted on as in ``clc vote``: by majority, ties to the languages of MGSM in its
    order, then to the others in order of occurrence. ``reading`` are the files of a
    folder of prompt files.

    Raises:
        ConfigurationError: the path does not exist, or is a folder of neither runs nor JSONL files.
        DatasetError: on reading, a bad row or two golds for one problem.
        InputError: on reading, no path at all.
    """
    if is_run(path):
        with open_runs(path) as runs:
            yield {name: _Run(run, reading) for name, run in runs.items()}
        return
    path = Path(path)
    if not path.exists():
        raise ConfigurationError(
            f"{path}: is not there; name the --out of clc solve or clc compare, or a JSONL file "
            "of generations"
        )
    if not (path.is_file() or path.is_dir()):
        raise ConfigurationError(f"{path}: neither a file nor a folder; it is read more than once")
    files = [path] if path.is_file() else _row_files(path)
    if not files:
        raise ConfigurationError(
            f"{path}: neither a run folder nor one with generations (*.jsonl); name the --out of "
            "clc solve or clc compare"
        )
    yield {printable_path(path.resolve().name).partition(".jsonl")[0]: _Recorded(files, reading)}


def _row_files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.name.endswith(_ROWS) and one.is_file())


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of ``clc solve`` or ``clc compare``."""

    run: RunFolder
    reading: ReadingFiles | None = None

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.run.manifest() or {}

    def solved(self) -> Iterator[Solved]:
        return revote(self.run, partial(read_outcome, files=self.reading))


@dataclass(frozen=True, slots=True)
class _Recorded:
    """Generations in JSONL files; a temporary database groups their texts by problem."""

    files: Sequence[Path]
    reading: ReadingFiles | None = None

    @property
    def manifest(self) -> Mapping[str, Any]:
        return {}

    def solved(self) -> Iterator[Solved]:
        before = _states(self.files)
        with closing(sqlite3.connect("")) as database:  # "": a temporary file that SQLite deletes
            database.executescript(_SCHEMA)
            database.executemany("INSERT INTO texts VALUES (?, ?, ?, ?, ?)", _texts(self.files))
            rows = database.execute("SELECT * FROM texts ORDER BY problem, rowid")
            groups = (list(group) for _, group in groupby(rows, key=lambda row: row[0]))
            votes = group_votes(self.files, reading=self.reading)
            first = [next(votes)]  # it has read the files
            if _states(self.files) != before:
                raise DatasetError(
                    f"{printable_path(self.files[0])}: was changed while it was read; give the "
                    "same command again"
                )
            for ballot, group in zip(chain(first, votes), groups, strict=True):
                yield _solved(ballot, group, self.reading)


def _states(files: Sequence[Path]) -> list[tuple[int, int]]:
    """Return size and time of files, to notice that one is changed between two readings."""
    states = [file.stat() for file in files if file.exists()]
    return [(state.st_size, state.st_mtime_ns) for state in states]


_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE texts (problem INTEGER, question TEXT, text TEXT, finish_reason TEXT, error TEXT);
"""


def _texts(files: Sequence[Path]) -> Iterator[tuple[int, str | None, str, str | None, str | None]]:
    """Yield what ``group_votes`` leaves out, of the same paths and under the same numbers."""
    numbers: dict[tuple[str, str], int] = {}
    for path in chain.from_iterable(paths for _, _, paths in read_generations(files)):
        number = numbers.setdefault((path.id, path.question_language or ""), len(numbers))
        yield number, path.question, path.response, path.finish_reason, path.error


def _solved(
    ballot: RecordedVotes, texts: Sequence[tuple[Any, ...]], reading: ReadingFiles | None
) -> Solved:
    """Put the votes of a problem beside their texts, and take the verdict."""
    question = next((row[1] for row in texts if row[1]), "")
    problem = Problem(
        ballot.id,
        question,
        ballot.question_language or UNKNOWN_LANGUAGE,
        ballot.gold,
        metadata={
            name: value
            for name, value in (
                ("item", ballot.item),
                ("kind", ballot.kind),
                ("level", ballot.level),
            )
            if value
        },
    )
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for one, confidence, row in zip(ballot.votes, ballot.confidences, texts, strict=True):
        rows.setdefault(one.language, []).append((one, confidence, *row[2:]))
    paths: dict[str, ReasoningPath] = {}
    votes: dict[str, Vote] = {}
    arms = []
    for code in sorted(rows, key=_rank):
        prompt = f"{ballot.id}:{ballot.question_language}:{code}"
        arms.append(ArmRecord(code, prompt, 0, len(rows[code]), 0))
        keys = Plan.of([arms[-1]]).keys()
        for index, (key, row) in enumerate(zip(keys, rows[code], strict=True)):
            one, confidence, response, finish_reason, error = row
            thought, text, closed = split(
                response, reading and reading.marks, finish_reason=finish_reason
            )
            votes[key] = replace(one, path_key=key)
            paths[key] = ReasoningPath(
                key,
                prompt,
                code,
                index,
                0,
                text,
                "error" if error else finish_reason or "stop",
                confidence=confidence if isinstance(confidence, Confidence) else None,
                error=error,
                thought=thought,
                closed=closed,
            )
    plan = Plan.of(arms)
    planned = plan.keys()
    ordered = [votes[key] for key in planned]
    sampled = sum(path.error is None for path in paths.values())
    verdict = vote(ordered, id=ballot.id, order=plan.languages, paths=sampled)
    return Solved(problem, plan, paths, ordered, verdict)


def _rank(code: str) -> int:
    return MGSM_LANGUAGES.index(code) if code in MGSM_LANGUAGES else len(MGSM_LANGUAGES)
