"""Stopping rules on recorded generations: what they save, and what it costs in accuracy.

    python -m benchmarks.stopping RECORDED [--figure stopping.png]

RECORDED is a folder of JSONL files (or one file) with gold and several paths a question. The paths
of a question are taken in drawing order (one round of ``--order`` after another) until the rule
stops, and what was taken is voted on, ties to the language that comes first. The table has the
accuracy with its 95 % interval (problems that ask the same item in several languages are one
cluster), the mean number of paths, the share of questions whose answer is that of the full vote,
and accuracy and mean paths for each question language. The last line is the speed of the rules.
With one path a language, ``crosslingual`` is ``beta`` that waits for enough languages.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter, defaultdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from clc.analysis.intervals import Rate, clustered_rate
from clc.answers.canonical import canonical_gold
from clc.datasets.recorded_votes import group_votes
from clc.records import Answer, Vote
from clc.voting.stopping import Stopping, first_stop
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


ORDER = "en,de,es,fr,ja,ru,zh"
RULES = {
    "fixed": Stopping(),
    "lead": Stopping("lead"),
    **{f"beta {at}": Stopping("beta", at) for at in (0.8, 0.9, 0.95)},
    **{f"dirichlet {at}": Stopping("dirichlet", at) for at in (0.8, 0.9, 0.95)},
    **{f"window {size}": Stopping("window", window=size) for size in (2, 3)},
    **{
        f"crosslingual {at}, {least} languages": Stopping("crosslingual", at, languages=least)
        for least in (2, 3)
        for at in (0.8, 0.9, 0.95)
    },
}


class Question(NamedTuple):
    """A question with the votes of all its paths in drawing order."""

    item: str
    language: str
    gold: str | None
    votes: list[Vote]


class Outcome(NamedTuple):
    """What a rule made of a question."""

    item: str
    language: str
    right: bool
    tied: bool
    paths: int
    answer: str | None


def read(path: Path, order: Sequence[str]) -> list[Question]:
    """Read all questions, each one's paths in rounds over the languages of ``order``."""
    questions = []
    for found in group_votes(
        sorted(path.glob("*.jsonl")) if path.is_dir() else [path], languages=order
    ):
        rounds: Counter[str] = Counter()
        placed = []
        for one in found.votes:
            placed.append((rounds[one.language], order.index(one.language), one))
            rounds[one.language] += 1
        placed.sort(key=lambda place: place[:2])
        gold = None if found.gold is None else canonical_gold(found.gold, found.kind)
        votes = [one for _, _, one in placed]
        questions.append(Question(found.item, found.question_language or "", gold, votes))
    return questions


def judged(question: Question, stopping: Stopping, order: Sequence[str]) -> Outcome:
    """Stop where the rule says, and vote."""
    votes = question.votes
    stop = first_stop(stopping, votes, len(votes), {vote.language for vote in votes})
    paths = stop.paths if stop else len(votes)
    verdict = vote(question.votes[:paths], order=order)
    right = verdict.answer is not None and verdict.answer == question.gold
    return Outcome(question.item, question.language, right, verdict.tied, paths, verdict.answer)


def accuracy(outcomes: Iterable[Outcome]) -> Rate:
    """Share of right answers, clustered by item."""
    items: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        items[outcome.item].append(outcome.right)
    rate = clustered_rate(
        [sum(one) for one in items.values()], [len(one) for one in items.values()]
    )
    if rate is None:
        raise click.ClickException("no questions; give generations with gold")
    return rate


def mean_paths(outcomes: Sequence[Outcome]) -> float:
    """Paths a question."""
    return sum(outcome.paths for outcome in outcomes) / len(outcomes)


def print_table(table: dict[str, list[Outcome]]) -> None:
    """Print a line for each rule."""
    full = table["fixed"]
    languages = sorted({outcome.language for outcome in full})
    print(f"{'rule':30} {'right %':>7} {'95 % interval':>14} {'paths':>6} {'as full %':>9}", end="")
    print("".join(f"{language:>13}" for language in languages))
    for name, outcomes in table.items():
        rate = accuracy(outcomes)
        same = sum(a.answer == b.answer for a, b in zip(outcomes, full, strict=True)) / len(full)
        interval = f"{100 * rate.low:.1f} to {100 * rate.high:.1f}"
        print(f"{name:30} {100 * rate.value:7.1f} {interval:>14}", end="")
        print(f" {mean_paths(outcomes):6.2f} {100 * same:9.1f}", end="")
        for language in languages:
            group = [outcome for outcome in outcomes if outcome.language == language]
            print(f"   {100 * accuracy(group).value:5.1f} {mean_paths(group):4.2f}", end="")
        print()
    for language in ["", *languages]:
        group = [outcome for outcome in full if language in ("", outcome.language)]
        tied = [outcome for outcome in group if outcome.tied]
        print(
            f"full vote{' ' * bool(language)}{language}: {sum(one.right for one in group)} of "
            f"{len(group)} right; {len(tied)} tied, {sum(one.right for one in tied)} of them right"
        )


def print_speed() -> None:
    """Print what the rules themselves take for 10,000 questions x 44 paths."""
    rng = random.Random(0)
    codes = (*ORDER.split(","), "bn", "sw", "te", "th")
    questions = []
    for _ in range(10_000):
        share = rng.random()
        questions.append([
            Vote("", code, Answer("right" if rng.random() < share else str(rng.randrange(8))))
            for code in codes * 4
        ])  # fmt: skip
    seconds = []
    for rule in ("lead", "beta", "dirichlet", "window", "crosslingual"):
        started = time.perf_counter()
        for votes in questions:
            first_stop(Stopping(rule), votes, len(votes))
        seconds.append(f"{rule} {time.perf_counter() - started:.1f}")
    print(f"seconds for 10,000 questions x 44 paths: {', '.join(seconds)}")


def draw(table: dict[str, list[Outcome]], file: Path) -> None:
    """Draw accuracy against mean paths, one point a rule."""
    try:
        pyplot = import_module("matplotlib.pyplot")
    except ImportError as error:
        raise click.ClickException("--figure needs matplotlib: pip install matplotlib") from error
    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    families: dict[str, list[tuple[float, Rate]]] = defaultdict(list)
    for name, outcomes in table.items():
        family = re.sub(r" [\d.]+", "", name, count=1)
        families[family].append((mean_paths(outcomes), accuracy(outcomes)))
    for (family, points), marker in zip(families.items(), "sDo^vPX", strict=True):
        paths = [mean for mean, _ in points]
        right = [100 * rate.value for _, rate in points]
        spread = [
            [100 * (rate.value - rate.low) for _, rate in points],
            [100 * (rate.high - rate.value) for _, rate in points],
        ]
        axes.errorbar(
            paths, right, yerr=spread, label=family, marker=marker, alpha=0.6, elinewidth=0.5
        )
    axes.set_xlabel("paths a question (mean)")
    axes.set_ylabel("right answers (%), 95 % interval")
    figure.legend(loc="outside upper center", ncols=4)
    figure.savefig(file, dpi=150)


@click.command(help=__doc__.splitlines()[0] if __doc__ else None)
@click.argument("recorded", type=click.Path(exists=True, path_type=Path))
@click.option("--order", default=ORDER, show_default=True, help="Languages, in drawing order.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the table into this file.")
def main(recorded: Path, order: str, figure: Path | None) -> None:
    """Print the table of all rules."""
    codes = order.split(",")
    questions = read(recorded, codes)
    table = {
        name: [judged(question, stopping, codes) for question in questions]
        for name, stopping in RULES.items()
    }
    print_table(table)
    print_speed()
    if figure:
        draw(table, figure)


if __name__ == "__main__":
    main()
