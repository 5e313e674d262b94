"""Stopping rules on recorded votes: what they save, and what it costs in accuracy.

    python -m benchmarks.stopping FOLDER... [--figure stopping.png] [--speed]

The paths of a question are taken in sampling order (one of each language, then the next of each)
until the rule stops, and what was taken is voted on, ties to the language that comes first. A pool
is a recording (see ``benchmarks.recorded_pools``); costs are characters, as shares of all paths.
Accuracies have 95 % intervals clustered by item, differences to the full vote are paired. The rows
``English`` vote over the English paths alone: where the recording has human translations, they are
the baseline of asking a translated question. ``bayes, learned`` has its prior from other items
(five folds); nothing else is learned. The last line of a pool is the cheapest row that is at least
as right as the full vote.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchmarks.recorded_pools import ORDER, Pool, Question, read_pools
from clc.analysis.intervals import Difference, Rate, clustered_difference, clustered_rate
from clc.records import Answer, Vote
from clc.voting.shapes import learn_shapes, smooth_shapes
from clc.voting.stopping import Stopping, first_stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.voting.shapes import Shape

__all__ = [
    "Outcome",
    "Row",
    "draw",
    "fold",
    "full_outcomes",
    "judged",
    "learned_rules",
    "print_rows",
    "row",
    "stopped",
]

FOLDS = 5
THRESHOLDS = (0.8, 0.9, 0.95)
RULES = {
    "lead": Stopping("lead"),
    **{f"beta {at}": Stopping("beta", at) for at in THRESHOLDS},
    **{f"dirichlet {at}": Stopping("dirichlet", at) for at in THRESHOLDS},
    **{f"window {size}": Stopping("window", window=size) for size in (2, 3)},
    **{
        f"crosslingual {at}, {least} languages": Stopping("crosslingual", at, languages=least)
        for least in (2, 3)
        for at in THRESHOLDS
    },
    **{f"bayes {at}, flat": Stopping("bayes", at) for at in THRESHOLDS},
    **{f"cite {at}": Stopping("cite", at) for at in THRESHOLDS},
    **{f"mmc {at}": Stopping("mmc", at) for at in THRESHOLDS},
    "widen from 2 languages": Stopping("crosslingual", 0.75, languages=2, correlation=0),
    "widen from 3 languages": Stopping("crosslingual", 0.85, languages=3, correlation=0),
}


class Outcome(NamedTuple):
    """What a question gave: right or not, its paths, and their cost in characters."""

    item: str
    right: bool
    paths: int
    cost: int


class Row(NamedTuple):
    """A line of the table: accuracy, difference to the full vote, mean paths, share of the cost."""

    name: str
    rate: Rate
    less_full: Difference
    paths: float
    cost: float


def judged(question: Question, paths: int) -> Outcome:
    """Vote over the first paths."""
    return Outcome(question.item, question.right(paths), paths, question.cost(paths))


def stopped(question: Question, stopping: Stopping) -> Outcome:
    """Vote where the rule stops."""
    votes = question.votes
    stop = first_stop(stopping, votes, len(votes), {one.language for one in votes})
    return judged(question, stop.paths if stop else len(votes))


def full_outcomes(pool: Pool) -> list[Outcome]:
    """Vote over all paths of each question."""
    return [judged(question, len(question.votes)) for question in pool.questions]


def fold(item: str) -> int:
    """Return the fold of an item, the same for all questions that ask it."""
    return random.Random(f"fold {item}").randrange(FOLDS)


def learned_priors(pool: Pool) -> dict[int, tuple[Shape, ...]]:
    """Return for each fold the prior that the full votes of the other folds teach."""
    most = max(len(question.votes) for question in pool.questions)
    priors = {}
    for left_out in range(FOLDS):
        counts = [
            list(Counter(one.answer for one in question.votes if one.answer).values())
            for question in pool.questions
            if fold(question.item) != left_out
        ]
        priors[left_out] = smooth_shapes(learn_shapes(counts), most)
    return priors


def learned_rules(pool: Pool) -> dict[str, dict[int, Stopping]]:
    """Return ``bayes`` with the prior of each fold, by threshold."""
    priors = learned_priors(pool)
    return {
        f"bayes {at}, learned": {
            key: Stopping("bayes", at, prior=prior) for key, prior in priors.items()
        }
        for at in THRESHOLDS
    }


def row(name: str, outcomes: Sequence[Outcome], full: Sequence[Outcome]) -> Row:
    """Compare outcomes with those of the full vote, question by question."""
    right: Counter[str] = Counter()
    gained: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for one, other in zip(outcomes, full, strict=True):
        right[one.item] += one.right
        gained[one.item] += one.right - other.right
        totals[one.item] += 1
    items = list(totals)
    sizes = [totals[item] for item in items]
    rate = clustered_rate([right[item] for item in items], sizes)
    assert rate is not None  # noqa: S101 - a pool has questions
    return Row(
        name,
        rate,
        clustered_difference([gained[item] for item in items], sizes),
        sum(one.paths for one in outcomes) / len(outcomes),
        sum(one.cost for one in outcomes) / sum(one.cost for one in full),
    )


def rows(pool: Pool) -> list[Row]:
    """Return the table of a pool, the full vote first."""
    full = full_outcomes(pool)
    english = [question.only(pool.english) for question in pool.questions]
    table = [row("full vote", full, full)]
    for name, most in (("English, one path", 1), ("English, all its paths", 10_000)):
        outcomes = [judged(one, min(most, len(one.votes))) for one in english]
        table.append(row(name, outcomes, full))
    for name, stopping in RULES.items():
        table.append(row(name, [stopped(one, stopping) for one in pool.questions], full))
    table += [
        row(name, [stopped(one, rules[fold(one.item)]) for one in pool.questions], full)
        for name, rules in learned_rules(pool).items()
    ]
    return table


def print_rows(pool: Pool, table: Sequence[Row]) -> None:
    """Print a table, and the cheapest row that is as right as the full vote."""
    items = len({question.item for question in pool.questions})
    click.echo(f"\n{pool.name}: {len(pool.questions):,} questions of {items:,} items")
    click.echo(f"{'':32}{'right %':>8}{'95 % interval':>16}{'less full':>11}{'interval':>16}"
               f"{'paths':>8}{'cost %':>8}")  # fmt: skip
    for one in table:
        rate, less = one.rate, one.less_full
        click.echo(
            f"{one.name:32}{100 * rate.value:8.1f}{_interval(rate):>16}{100 * less.value:+11.1f}"
            f"{_interval(less, sign='+'):>16}{one.paths:8.2f}{100 * one.cost:8.1f}"
        )
    full = table[0]
    voted = [one for one in table[1:] if not one.name.startswith("English")]
    reached = min(
        (one for one in voted if one.rate.value >= full.rate.value),
        key=lambda one: one.cost,
        default=full,
    )
    within = min((one for one in voted if one.less_full.low > -0.01), key=lambda one: one.cost,
                 default=full)  # fmt: skip
    click.echo(
        f"as right as the full vote at {reached.cost:.1%} of its cost: {reached.name}; less than "
        f"a point below it, by the interval, at {within.cost:.1%}: {within.name}"
    )


def _interval(one: Rate | Difference, sign: str = "") -> str:
    return f"{100 * one.low:{sign}.1f} to {100 * one.high:{sign}.1f}"


def draw(tables: Mapping[str, Iterable[Row]], file: Path) -> None:
    """Plot accuracy against cost, a panel a pool and a line a family of rows."""
    try:
        pyplot = import_module("matplotlib.pyplot")
    except ImportError as error:
        raise click.ClickException("--figure needs matplotlib: pip install matplotlib") from error
    figure, panels = pyplot.subplots(
        1, len(tables), figsize=(5 * len(tables), 5), layout="constrained", squeeze=False
    )
    markers: dict[str, str] = {}
    for panel, (name, table) in zip(panels[0], tables.items(), strict=True):
        families: dict[str, list[Row]] = defaultdict(list)
        for one in table:
            kind = one.name.partition(" ")[0].rstrip(",")
            families["bayes, learned" if one.name.endswith("learned") else kind].append(one)
        for family, points in families.items():
            marker = markers.setdefault(family, "sDo^vPX<>*phd+x"[len(markers) % 15])
            points.sort(key=lambda one: one.cost)
            panel.plot(
                [100 * one.cost for one in points], [100 * one.rate.value for one in points],
                marker=marker, alpha=0.7, linewidth=0.8, label=family,
            )  # fmt: skip
        panel.set_title(name)
        panel.set_xscale("log")
        panel.set_xlabel("characters, % of all paths")
        panel.set_ylabel("right answers (%)")
    handles: dict[str, Any] = {}
    for panel in panels[0]:
        lines, labels = panel.get_legend_handles_labels()
        handles |= dict(zip(labels, lines, strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=7)
    figure.savefig(file, dpi=150)


def print_speed() -> None:
    """Print what the rules themselves take for 10,000 questions x 44 paths."""
    rng = random.Random(0)
    questions = []
    for _ in range(10_000):
        share = rng.random()
        questions.append([
            Vote("", code, Answer("right" if rng.random() < share else str(rng.randrange(8))))
            for code in ORDER * 4
        ])  # fmt: skip
    seconds = []
    for rule in ("lead", "beta", "dirichlet", "window", "crosslingual", "bayes", "cite", "mmc"):
        started = time.perf_counter()
        for votes in questions:
            first_stop(Stopping(rule), votes, len(votes))
        seconds.append(f"{rule} {time.perf_counter() - started:.1f}")
    click.echo(f"seconds for 10,000 questions x 44 paths: {', '.join(seconds)}")


@click.command(help=__doc__.splitlines()[0] if __doc__ else None)
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--order", default=",".join(ORDER), show_default=True, help="Languages, in order.")
@click.option("--figure", type=click.Path(path_type=Path), help="Plot the tables into this file.")
@click.option("--speed", is_flag=True, help="Also time the rules themselves.")
def main(folders: tuple[Path, ...], order: str, figure: Path | None, *, speed: bool) -> None:
    """Print the tables of all rules."""
    tables = {}
    for pool in read_pools(folders, order.split(",")):
        tables[pool.name] = table = rows(pool)
        print_rows(pool, table)
    if speed:
        print_speed()
    if figure:
        draw(tables, figure)


if __name__ == "__main__":
    main()
