"""``clc calibrate``: learn from a run with gold answers in which languages to sample."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from clc import bounds
from clc.cli.options import NumberType, marks_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from clc.analysis.portfolio import Portfolio
    from clc.thoughts import Marks

__all__ = ["command"]


@click.command("calibrate")
@click.argument("sources", nargs=-1, required=True, metavar="DEV_RUN...")
@click.option(
    "--budget",
    type=NumberType(bounds.PATHS),
    metavar="N",
    help="Paths for one question later.  [default: half of what the run drew]",
)
@click.option(
    "--folds",
    type=NumberType(bounds.PATHS),
    default=5,
    show_default=True,
    help="Folds of the cross-validation.",
)
@click.option(
    "--seed",
    type=NumberType(bounds.SEED),
    default=0,
    show_default=True,
    help="Seed that assigns items to folds.",
)
@click.option(
    "--precision",
    type=NumberType(bounds.PRECISION),
    metavar="SHARE",
    help="Find the agreement from which so many answers are right, instead of languages.",
)
@marks_option
@click.option("--out", type=click.Path(dir_okay=False), help="Write the portfolio here as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the portfolio as JSON.")
def command(
    sources: tuple[str, ...],
    *,
    budget: int | None,
    folds: int,
    seed: int,
    precision: float | None,
    marks: Marks | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Learn from problems with gold in which languages to draw paths, and how many.

    DEV_RUN is a run folder or a JSONL file of recorded generations, as for clc vote; several are
    taken together. Every problem must have been asked in the same languages. A language gets at
    most as many paths as the run drew in it.

    The learned portfolio is compared with equal shares on held-out items. Unless it is
    significantly better, --out gets equal shares, and the advice says so.

    --precision finds the least agreement from which at least this share of the answers is right,
    with confidence 95 %, for --abstain-below of clc solve, serve and vote.

    \b
    Examples:
      clc calibrate runs/dev
      clc calibrate runs/dev --budget 11 --out portfolio.json
      clc calibrate runs/dev --precision 0.95
    """  # noqa: D301
    import orjson

    from clc.analysis.portfolio import portfolio_json, write_portfolio
    from clc.analysis.portfolio_search import paths_by_language, search_portfolio
    from clc.cli.output import echo_json
    from clc.cli.text import make_console, visible
    from clc.cli.threshold import calibrate_threshold, votes_of_files, votes_of_runs
    from clc.cli.voted_rows import read_voted_rows, split_sources

    if precision is not None:
        folders, files = split_sources(sources)
        judged = votes_of_runs(folders, marks) if folders else votes_of_files(files, marks)
        calibrate_threshold(judged, precision, out=out, as_json=as_json)
        return
    rows = [row for row in read_voted_rows(sources, marks) if row.gold is not None]
    most = sum(paths_by_language(rows).values())
    portfolio = search_portfolio(
        rows, (most + 1) // 2 if budget is None else budget, folds=folds, seed=seed
    )
    if out:
        write_portfolio(out, portfolio)
    if as_json:
        echo_json(orjson.loads(portfolio_json(portfolio)), indent=True)
        return
    console = make_console()
    for part in _report(portfolio, most):
        console.print(part)
    if out:
        click.echo(visible(f"Portfolio: {out}"))


def _report(portfolio: Portfolio, most: int) -> Iterator[RenderableType]:
    from rich.text import Text

    budget = len(portfolio.sequence)
    yield Text(f"{portfolio.problems:,} problems of {portfolio.items:,} items")
    yield _languages(portfolio)
    yield _steps(portfolio)
    yield _correlation(portfolio)
    yield Text(f"Portfolio for {budget} paths: {' '.join(portfolio.sequence)}")
    if portfolio.sequence != portfolio.learned:
        yield Text(f"Learned, not used: {' '.join(portfolio.learned)}")
    yield Text(portfolio.advice, style="bold")
    if budget == most:
        yield Text(
            f"{budget} paths are all that the run drew: only ties can differ. A smaller --budget "
            "leaves a choice."
        )


def _languages(portfolio: Portfolio) -> Table:
    from clc.cli.tables import language_label, make_table

    learned = Counter(portfolio.learned)
    table = make_table(
        "paths in", "drawn", "right", "95 % interval", "learned", "used",
        title="Single paths, and how many are spent",
    )  # fmt: skip
    for code, rate in portfolio.accuracy.items():
        table.add_row(
            language_label(code),
            f"{rate.total:,}",
            f"{rate.value:.1%}",
            f"{rate.low:.1%} to {rate.high:.1%}",
            f"{learned[code]}",
            f"{portfolio.shares.get(code, 0)}",
        )
    return table


def _steps(portfolio: Portfolio) -> Table:
    from clc.cli.tables import make_table

    table = make_table(
        "paths", "learned", "equal shares", "difference", "95 % interval",
        title="One vote, on held-out items",
    )  # fmt: skip
    for step in portfolio.steps:
        gain = step.difference
        table.add_row(
            f"{step.paths}",
            f"{step.learned:.1%}",
            f"{step.plain:.1%}",
            f"{100 * gain.value:+.1f}",
            f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}",
        )
    return table


def _correlation(portfolio: Portfolio) -> Table:
    """Return the correlations of the errors of two paths, by their languages."""
    from clc.cli.tables import make_table

    title = "Correlation of errors, in hundredths"
    table = make_table("", *portfolio.correlation, title=title)
    for code, row in portfolio.correlation.items():
        cells = ("" if value is None else f"{100 * value:.0f}" for value in row.values())
        table.add_row(code, *cells)
    return table
