"""``clc calibrate``: learn from a run with gold answers in which languages to sample."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, cast

import click
from click.core import ParameterSource

from clc import bounds
from clc.cli.options import NumberType, reading_option
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from clc.analysis.intervals import Difference
    from clc.analysis.portfolio import Equal, Portfolio, Routes
    from clc.answers.reading_files import ReadingFiles

__all__ = ["command"]


class _Shared(TypedDict):
    """Settings that the portfolio and the routes share."""

    folds: int
    seed: int
    equal: Equal


@click.command("calibrate")
@click.argument("sources", nargs=-1, required=True, metavar="DEV_RUN...")
@click.option(
    "--budget",
    type=NumberType(bounds.PATHS),
    metavar="N",
    help="Paths for one question later.  [default: half of what the run sampled]",
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
    "--equal",
    type=click.Choice(["paths", "tokens"]),
    default="paths",
    show_default=True,
    help="Compare with equal shares at the same number of paths, or of tokens (characters in "
    "files): then languages whose paths are short may have more.",
)
@click.option(
    "--precision",
    type=NumberType(bounds.PRECISION),
    metavar="SHARE",
    help="Find the agreement from which so many answers are right, instead of languages.",
)
@reading_option
@click.option("--out", type=click.Path(dir_okay=False), help="Write the portfolio here as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the portfolio as JSON.")
def command(
    sources: tuple[str, ...],
    *,
    budget: int | None,
    folds: int,
    seed: int,
    equal: str,
    precision: float | None,
    reading: ReadingFiles | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Learn from problems with gold in which languages to sample paths, and how many.

    DEV_RUN is a run folder or a JSONL file of recorded generations, as for clc vote; several are
    taken together. Every problem must have been asked in the same languages. A language gets at
    most as many paths as the run sampled in it.

    The learned portfolio is compared with equal shares on held-out items. Unless it is
    significantly better, --out gets equal shares, and the advice says so. The same holds for routes
    (a portfolio for each question language), where questions are in several languages. The file
    also has the prior of --stopping bayes, for --prior.

    --precision finds the least agreement from which at least this share of the answers is right,
    with confidence 95 %, for --abstain-below of clc solve, serve and vote.

    \b
    Examples:
      clc calibrate runs/dev
      clc calibrate runs/dev --budget 11 --out portfolio.json
      clc calibrate runs/dev --precision 0.95
    """  # noqa: D301
    import orjson
    from rich.text import Text

    from clc.analysis.portfolio import portfolio_json, write_portfolio
    from clc.analysis.portfolio_rows import paths_by_language, rows_by_role
    from clc.analysis.portfolio_search import search_portfolio
    from clc.analysis.prior_search import learn_prior
    from clc.analysis.routes import learn_routes
    from clc.cli.output import echo_json
    from clc.cli.text import make_console, visible
    from clc.cli.threshold import calibrate_threshold, votes_of_files, votes_of_runs
    from clc.cli.voted_rows import read_voted_rows, split_sources

    if precision is not None:
        _refuse_with_precision(click.get_current_context())
        folders, files = split_sources(sources)
        judged = votes_of_runs(folders, reading) if folders else votes_of_files(files, reading)
        calibrate_threshold(judged, precision, out=out, as_json=as_json)
        return
    rows = rows_by_role([row for row in read_voted_rows(sources, reading) if row.gold is not None])
    most = sum(paths_by_language(rows).values())
    budget = (most + 1) // 2 if budget is None else budget
    settings: _Shared = {"folds": folds, "seed": seed, "equal": cast("Equal", equal)}
    unit = "tokens" if split_sources(sources)[0] else "characters"
    portfolio = search_portfolio(rows, budget, unit=unit, **settings)
    portfolio = replace(portfolio, routes=learn_routes(rows, budget, **settings))
    prior = learn_prior(rows, folds=folds, seed=seed)
    if out:
        write_portfolio(out, portfolio, prior)
    if as_json:
        echo_json(orjson.loads(portfolio_json(portfolio, prior)), indent=True)
        return
    console = make_console()
    for part in _report(portfolio, most):
        console.print(part)
    if untranslated := sum((Counter(row.untranslated) for row in rows), Counter()):
        paths = ", ".join(f"{code} {count:,}" for code, count in untranslated.items())
        console.print(Text(f"Left out: paths of questions without a translation ({paths})"))
    if prior is not None:
        console.print(prior.advice, style="bold")
    if out:
        click.echo(visible(f"Portfolio: {out}"))


def _report(portfolio: Portfolio, most: int) -> Iterator[RenderableType]:
    from rich.text import Text

    budget = portfolio.steps[-1].paths
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
            f"{budget} paths are all that the run sampled: only ties can differ. A smaller "
            "--budget leaves a choice."
        )
    if portfolio.routes is not None:
        yield _routes(portfolio.routes)
        yield Text(portfolio.routes.advice, style="bold")


def _languages(portfolio: Portfolio) -> Table:
    from clc.cli.tables import language_label, make_table

    learned = Counter(portfolio.learned)
    unit = [portfolio.unit] if portfolio.unit else []
    table = make_table(
        "paths in", "sampled", "right", "95 % interval", *unit, "learned", "used",
        title="Single paths, and how many are spent",
    )  # fmt: skip
    for code, rate in portfolio.accuracy.items():
        table.add_row(
            language_label(code),
            f"{rate.total:,}",
            f"{rate.value:.1%}",
            f"{rate.low:.1%} to {rate.high:.1%}",
            *(f"{portfolio.sizes[code]:,.0f}" for _ in unit),
            f"{learned[code]}",
            f"{portfolio.shares.get(code, 0)}",
        )
    return table


def _steps(portfolio: Portfolio) -> Table:
    from clc.cli.tables import make_table

    by_size = portfolio.equal == "tokens"
    sizes = [f"{portfolio.unit} learned", f"{portfolio.unit} equal"] if by_size else []
    table = make_table(
        "paths", "learned", "equal shares", "difference", "95 % interval", *sizes,
        title="One vote, on held-out items",
    )  # fmt: skip
    for step in portfolio.steps:
        both = (step.learned_size, step.plain_size)
        table.add_row(
            f"{step.paths}",
            f"{step.learned:.1%}",
            f"{step.plain:.1%}",
            *_difference_cells(step.difference),
            *(f"{size:,.0f}" for size in both if by_size),
        )
    return table


def _routes(routes: Routes) -> Table:
    from clc.cli.tables import language_label, make_table

    table = make_table(
        "question in", "route", "right", "one order", "difference", "95 % interval",
        title="Routes by question language, on held-out items",
    )  # fmt: skip
    for code, route in routes.by_language.items():
        table.add_row(
            language_label(code),
            " ".join(route.sequence),
            f"{route.learned:.1%}",
            f"{route.plain:.1%}",
            *_difference_cells(route.difference),
        )
    return table


def _difference_cells(gain: Difference) -> tuple[str, str]:
    return f"{100 * gain.value:+.1f}", f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}"


def _correlation(portfolio: Portfolio) -> Table:
    """Return the correlations of the errors of two paths, by their languages."""
    from clc.cli.tables import make_table

    title = "Correlation of errors, in hundredths"
    table = make_table("", *portfolio.correlation, title=title)
    for code, row in portfolio.correlation.items():
        cells = ("" if value is None else f"{100 * value:.0f}" for value in row.values())
        table.add_row(code, *cells)
    return table


def _refuse_with_precision(context: click.Context) -> None:
    """Refuse the options of a portfolio where a threshold is wanted.

    Raises:
        ConfigurationError: one was given.
    """
    for name in ("budget", "folds", "seed", "equal"):
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise ConfigurationError(
                f"--{name} does not go with --precision, which is of the votes as they are: leave "
                "one of them out"
            )
