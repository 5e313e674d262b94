"""``clc calibrate --precision``: the agreement from which answers are right often enough."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from clc.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from clc.analysis.scores import Scored
    from clc.analysis.selective import JudgedVote, Threshold
    from clc.answers.reading_files import ReadingFiles

__all__ = ["calibrate_threshold", "votes_of_files", "votes_of_runs"]


def calibrate_threshold(
    rows: Iterable[Scored], precision: float, *, out: str | None, as_json: bool
) -> None:
    """Find the threshold, print it, and write it to ``out``.

    Raises:
        RunError: there is no gold, or no agreement shows the precision; nothing is written.
    """
    import click

    from clc.analysis.selective import find_threshold
    from clc.cli.output import echo_json, json_line, rows_to
    from clc.cli.text import visible

    judged = list(_judgements(rows))
    if not judged:
        raise RunError("no problem has a readable gold answer; give problems with gold")
    found = find_threshold(judged, precision)
    if found is None:
        raise RunError(_not_shown(judged, precision))
    values = _to_json(found, precision, judged)
    if out:
        with rows_to(out) as file:
            file.write(json_line(values))
    if as_json:
        echo_json(values, indent=True)
        return
    rate = found.rate
    click.echo(
        f"Answers with an agreement of {found.agreement:g} or more: {rate.right:,} of "
        f"{rate.total:,} are right ({rate.value:.1%}), and at least {found.low:.1%} of those to "
        f"come, with confidence 95 %.\n{found.coverage:.1%} of the {len(judged):,} problems are "
        f"answered. Use it with --abstain-below {found.agreement:g}"
    )
    if out:
        click.echo(visible(f"Threshold: {out}"))


def votes_of_files(files: Sequence[str], reading: ReadingFiles | None) -> Iterator[Scored]:
    """Yield one vote over the paths of every problem in files of generations."""
    from clc.analysis.scores import Scored
    from clc.datasets.recorded_votes import group_votes
    from clc.languages.codes import MGSM_LANGUAGES, UNKNOWN_LANGUAGE
    from clc.voting.tally import vote

    for ballot in group_votes(files, reading=reading):
        yield Scored(
            ballot.id,
            ballot.item,
            ballot.question_language or UNKNOWN_LANGUAGE,
            ballot.gold,
            vote(ballot.votes, id=ballot.id, order=MGSM_LANGUAGES),
            kind=ballot.kind,
        )


def votes_of_runs(folders: Sequence[str], reading: ReadingFiles | None) -> Iterator[Scored]:
    """Yield the verdict of every finished problem in run folders."""
    from functools import partial

    from clc.analysis.scores import scored
    from clc.runs.open import open_run
    from clc.runs.revote import revote
    from clc.voting.outcomes import read_outcome

    for folder in folders:
        with open_run(folder) as store:
            for one in revote(store, partial(read_outcome, files=reading)):
                yield scored(one.problem, one.verdict)


def _judgements(rows: Iterable[Scored]) -> Iterator[JudgedVote]:
    from clc.analysis.selective import JudgedVote
    from clc.answers.canonical import canonical_gold
    from clc.voting.abstaining import given_answer

    for row in rows:
        gold = None if row.gold is None else canonical_gold(row.gold, row.kind)
        if gold is not None:
            answer = given_answer(row.verdict)
            agreement = 0.0 if answer is None else row.verdict.agreement
            yield JudgedVote(row.item, agreement, answer == gold)


def _not_shown(judged: Sequence[JudgedVote], precision: float) -> str:
    """Describe what the surest verdicts show instead."""
    from clc.analysis.selective import rounded

    best = max(rounded(one.agreement) for one in judged)
    surest = [one for one in judged if rounded(one.agreement) == best]
    right = sum(one.right for one in surest)
    return (
        f"no agreement shows a precision of {precision:g} with confidence 95 %: of "
        f"{len(judged):,} problems, {len(surest):,} have the highest agreement ({best:g}), and "
        f"{right:,} of them are right; give more problems, or a lower --precision"
    )


def _to_json(found: Threshold, precision: float, judged: Sequence[JudgedVote]) -> dict[str, Any]:
    return {
        "precision": precision,
        "abstain_below": found.agreement,
        "low": found.low,
        "coverage": found.coverage,
        "accuracy": asdict(found.rate),
        "problems": len(judged),
    }
