"""One budget over a recorded data set against equal shares and against stopping rules.

    python -m benchmarks.allocation FOLDER... [--figure allocation.png]

``total`` spends its budget as ``clc solve --total-paths`` does: a path for each question, then
rounds of a quarter of what is left, where the leading answer is most in doubt. ``equal`` gives each
question the same number of paths, and one more to as many as the budget allows, by lot. Numbers are
paths a question. For some stopping rules a row follows in which ``total`` has the rule's own cost
in characters (as ``--total-tokens``), with the paired difference of the two. Pools, costs and
intervals are those of ``benchmarks.stopping``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.recorded_pools import ORDER, Pool, read_pools
from benchmarks.stopping import (
    RULES,
    Outcome,
    Row,
    draw,
    fold,
    full_outcomes,
    judged,
    learned_rules,
    print_rows,
    row,
    stopped,
)
from clc.records import content_key
from clc.voting.allocation import certainty, round_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BUDGETS = (1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)  # paths a question
COMPARED = ("beta 0.8", "beta 0.9", "crosslingual 0.9, 3 languages", "widen from 2 languages")


def total(pool: Pool, budget: float, *, in_paths: bool = True) -> list[Outcome]:
    """Allocate a budget over all questions of a pool, in paths or in characters."""
    questions = pool.questions
    paths = [1] * len(questions)
    lots = [content_key("lot", number) for number in range(len(questions))]
    known = [certainty(question.votes[:1]) for question in questions]
    while True:
        left: float = budget - sum(paths)
        if not in_paths:
            spent = sum(one.cost(k) for one, k in zip(questions, paths, strict=True))
            left = max(0, budget - spent) * sum(paths) // spent
        waiting = [n for n, one in enumerate(questions) if paths[n] < len(one.votes)]
        count = round_paths(int(left), len(waiting))
        if count <= 0:
            break
        waiting.sort(key=lambda n: (known[n], lots[n]))
        for number in waiting[:count]:
            paths[number] += 1
            known[number] = certainty(questions[number].votes[: paths[number]])
    return [judged(one, k) for one, k in zip(questions, paths, strict=True)]


def equal(pool: Pool, budget: float) -> list[Outcome]:
    """Give each question the same number of paths, and one more to some by lot."""
    questions = pool.questions
    base, more = divmod(int(budget), len(questions))
    by_lot = sorted(range(len(questions)), key=lambda number: content_key("lot", number))
    lucky = set(by_lot[:more])
    return [
        judged(one, min(len(one.votes), base + (number in lucky)))
        for number, one in enumerate(questions)
    ]


def rows(pool: Pool) -> list[Row]:
    """Return the table of a pool, the full vote first."""
    full = full_outcomes(pool)
    count = len(pool.questions)
    english = [judged(one, min(1, len(one.votes)))
               for one in (question.only(pool.english) for question in pool.questions)]  # fmt: skip
    table = [row("full vote", full, full), row("English, one path", english, full)]
    kinds: dict[str, Callable[[Pool, float], list[Outcome]]] = {"equal": equal, "total": total}
    most = max(len(question.votes) for question in pool.questions)
    for kind, allocate in kinds.items():
        table += [
            row(f"{kind} {budget}", allocate(pool, budget * count), full)
            for budget in BUDGETS
            if budget <= most
        ]
    return table


def against_rules(pool: Pool) -> None:
    """Print rules, and the same cost as one budget, with the paired difference."""
    full = full_outcomes(pool)
    outcomes = {name: [stopped(one, RULES[name]) for one in pool.questions] for name in COMPARED}
    for name, rules in learned_rules(pool).items():
        outcomes[name] = [stopped(one, rules[fold(one.item)]) for one in pool.questions]
    for name, stops in outcomes.items():
        cost = sum(one.cost for one in stops)
        same = total(pool, cost, in_paths=False)
        rule, budget = row(name, stops, full), row("", same, full)
        less = row("", same, stops).less_full
        click.echo(
            f"{name:32}{100 * rule.rate.value:6.1f} % right at {rule.cost:6.1%} of the cost; one "
            f"budget of that cost: {100 * budget.rate.value:.1f} at {budget.cost:.1%}, "
            f"{100 * less.value:+.1f} ({100 * less.low:+.1f} to {100 * less.high:+.1f})"
        )


@click.command(help=__doc__.splitlines()[0] if __doc__ else None)
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--order", default=",".join(ORDER), show_default=True, help="Languages, in order.")
@click.option("--figure", type=click.Path(path_type=Path), help="Plot the tables into this file.")
def main(folders: Sequence[Path], order: str, figure: Path | None) -> None:
    """Print the tables of all pools."""
    tables = {}
    for pool in read_pools(folders, order.split(",")):
        tables[pool.name] = table = rows(pool)
        print_rows(pool, table)
        against_rules(pool)
    if figure:
        draw(tables, figure)


if __name__ == "__main__":
    main()
