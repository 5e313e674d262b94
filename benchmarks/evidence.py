"""What voting across languages buys on recorded votes: ``python -m benchmarks.evidence FOLDER...``.

For each pool (see ``benchmarks.recorded_pools``): the vote over all paths in one language, for each
language that most questions have; the vote over one path of each of the first 3, 5 and all
languages, in the order of ``--order``; over all paths; and the share of questions where any path is
right. Questions of a recording with human translations are asked in the path's language, so ``en``
is the baseline of a perfect translation, and a row of another language is what a question in that
language gets without one. The last column is the difference to ``en``, paired by question. Below:
how many independent voters the languages are worth. Questions that lack one of the languages are
left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.recorded_pools import ORDER, Pool, Question, read_pools
from benchmarks.stopping import Outcome, judged, row
from clc.analysis.independence import effective_voters

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 0.5  # of the questions must have a language


def vote_of(question: Question, languages: Sequence[str], rounds: int) -> Outcome:
    """Vote over the first ``rounds`` paths of each language."""
    seen: Counter[str] = Counter()
    kept = []
    for index, one in enumerate(question.votes):
        seen[one.language] += 1
        if one.language in languages and seen[one.language] <= rounds:
            kept.append(index)
    part = question._replace(
        votes=[question.votes[index] for index in kept],
        costs=[question.costs[index] for index in kept],
    )
    return judged(part, len(kept))


def languages_of(pool: Pool, order: Sequence[str]) -> list[str]:
    """Return the languages that most questions have, in order."""
    counts = Counter(code for one in pool.questions for code in {v.language for v in one.votes})
    return [code for code in order if counts[code] >= _MOST * len(pool.questions)]


def print_pool(pool: Pool, order: Sequence[str]) -> None:
    """Print the table of one pool."""
    codes = languages_of(pool, order)
    questions = [one for one in pool.questions
                 if set(codes) <= {vote.language for vote in one.votes}]  # fmt: skip
    rounds = max(Counter(one.language for one in questions[0].votes).values())
    voted = {f"{code}, all its paths": [vote_of(one, [code], rounds) for one in questions]
             for code in codes}  # fmt: skip
    for count in sorted({3, 5, len(codes)}):
        if count <= len(codes):
            voted[f"{count} languages, a path each"] = [
                vote_of(one, codes[:count], 1) for one in questions
            ]
    voted["all paths"] = [judged(one, len(one.votes)) for one in questions]
    english = voted["en, all its paths"]
    items = len({one.item for one in questions})
    click.echo(f"\n{pool.name}: {len(questions):,} questions of {items:,} items")
    click.echo(f"{'':28}{'right %':>8}{'95 % interval':>16}{'paths':>7}{'less en':>9}")
    for name, outcomes in voted.items():
        one = row(name, outcomes, english)
        rate, less = one.rate, one.less_full
        click.echo(
            f"{name:28}{100 * rate.value:8.1f}{100 * rate.low:9.1f} to {100 * rate.high:.1f}"
            f"{one.paths:8.2f}{100 * less.value:+9.1f} ({100 * less.low:+.1f} to "
            f"{100 * less.high:+.1f})"
        )
    found = sum(any(vote.answer == one.gold for vote in one.votes) for one in questions)
    click.echo(f"any path right: {found / len(questions):.1%}")
    print_voters(questions)


def print_voters(questions: Sequence[Question]) -> None:
    """Print the effective number of independent languages."""
    errors = []
    for question in questions:
        wrong: dict[str, list[bool]] = defaultdict(list)
        for one in question.votes:
            wrong[one.language].append(one.answer != question.gold)
        errors.append({code: sum(paths) / len(paths) for code, paths in wrong.items()})
    voters = effective_voters(errors)
    if voters is None:
        click.echo("fewer than two languages to compare")
        return
    alike = ", ".join(f"{code} {value:.2f}" for code, value in voters.with_others.items())
    click.echo(
        f"{voters.languages} languages are worth {voters.kish:.1f} independent ones (Kish), "
        f"{voters.eigenvalues:.1f} by eigenvalues; mean correlation of errors "
        f"{voters.correlation:.2f}; with the others: {alike}"
    )


@click.command(help=__doc__.splitlines()[0] if __doc__ else None)
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--order", default=",".join(ORDER), show_default=True, help="Languages, in order.")
def main(folders: tuple[Path, ...], order: str) -> None:
    """Print the tables of all pools that have English paths."""
    codes = order.split(",")
    for pool in read_pools(folders, codes):
        if "en" in languages_of(pool, codes):
            print_pool(pool, codes)


if __name__ == "__main__":
    main()
