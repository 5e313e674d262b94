"""Problems with their answers by language, from run folders or from recorded generations."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clc.errors import DatasetError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from clc.analysis.portfolio_rows import PortfolioRow
    from clc.answers.reading_files import ReadingFiles
    from clc.records import AnswerKind, Vote
    from clc.runs.revote import Solved

__all__ = ["read_voted_rows", "split_sources"]


def read_voted_rows(sources: Sequence[str], reading: ReadingFiles | None) -> Iterator[PortfolioRow]:
    """Yield the problems of run folders, or of JSONL files as for ``clc vote``.

    Sizes are in tokens for runs and in characters for files. A gold answer that cannot be read is
    None.

    Raises:
        InputError: run folders and files together, or one cannot be read.
        DatasetError: a path does not say its language.
    """
    folders, files = split_sources(sources)
    yield from _of_runs(folders, reading) if folders else _of_files(files, reading)


def split_sources(sources: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the run folders and the files among the sources; one of the lists is empty.

    Raises:
        InputError: there are both.
    """
    folders = [source for source in sources if Path(source).is_dir()]
    missing = [source for source in sources if source != "-" and not Path(source).exists()]
    if missing:
        raise InputError(f"{missing[0]}: cannot be read: No such file or directory")
    if folders and len(folders) < len(sources):
        raise InputError(f"{folders[0]}: is a run folder; give run folders or files, not both")
    return folders, [] if folders else list(sources)


def _of_runs(folders: Sequence[str], reading: ReadingFiles | None) -> Iterator[PortfolioRow]:
    from clc.runs.open import open_run
    from clc.runs.revote import revote
    from clc.voting.outcomes import read_outcome

    for folder in folders:
        with open_run(folder) as store:
            for solved in revote(store, partial(read_outcome, files=reading)):
                problem = solved.problem
                yield _row(
                    problem.id,
                    str(problem.metadata.get("item", problem.id)),
                    problem.gold,
                    problem.metadata.get("kind"),
                    solved.votes,
                    question_language=problem.language,
                    sizes=_tokens(solved),
                )


def _of_files(files: Sequence[str], reading: ReadingFiles | None) -> Iterator[PortfolioRow]:
    from clc.datasets.recorded_votes import group_votes
    from clc.languages.codes import MGSM_LANGUAGES

    for ballot in group_votes(files, reading=reading):
        # As in clc vote: MGSM's order comes first, whatever the order of the file.
        votes = sorted(
            ballot.votes, key=lambda one: [one.language != code for code in MGSM_LANGUAGES]
        )
        yield _row(
            ballot.id,
            ballot.item,
            ballot.gold,
            ballot.kind,
            votes,
            question_language=ballot.question_language,
            sizes=(
                (one.language, size) for one, size in zip(ballot.votes, ballot.sizes, strict=True)
            ),
        )


def _tokens(solved: Solved) -> Iterator[tuple[str, float]]:
    """Yield (language, tokens) of each path, a translation shared by the paths of its arm."""
    from clc.plan import has_no_translation

    for arm, key in solved.plan.paths:
        if has_no_translation(arm.fault):
            continue
        path = None if key is None else solved.paths.get(key)
        own = 0 if path is None else path.usage.total
        yield arm.language, own + arm.translation_usage.total / arm.paths


def _row(
    problem: str,
    item: str,
    gold: str | None,
    kind: AnswerKind | None,
    votes: Sequence[Vote],
    *,
    question_language: str | None,
    sizes: Iterable[tuple[str, float]],
) -> PortfolioRow:
    """Make a row; languages in the order of the votes.

    A vote that abstains for want of a translation says nothing of paths in its language.
    """
    from clc.analysis.portfolio_rows import PortfolioRow
    from clc.answers.canonical import canonical_gold
    from clc.languages.codes import UNKNOWN_LANGUAGE

    answers: dict[str, list[str | None]] = {}
    untranslated: Counter[str] = Counter()
    for one in votes:
        own = answers.setdefault(one.language, [])
        if _has_no_translation(one):
            untranslated[one.language] += 1
        else:
            own.append(one.answer)
    if UNKNOWN_LANGUAGE in answers:
        raise DatasetError(
            f"problem {problem!r} has paths that do not say their language; give each row a "
            "'language'"
        )
    by_language: dict[str, list[float]] = defaultdict(list)
    for language, size in sizes:
        by_language[language].append(size)
    return PortfolioRow(
        item,
        None if gold is None else canonical_gold(gold, kind),
        answers,
        question_language,
        {language: sum(values) / len(values) for language, values in by_language.items()},
        untranslated,
    )


def _has_no_translation(vote: Vote) -> bool:
    from clc.records import AbstainReason, Abstention

    outcome = vote.outcome
    return isinstance(outcome, Abstention) and outcome.reason is AbstainReason.TRANSLATION
