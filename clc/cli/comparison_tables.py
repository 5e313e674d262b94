"""Output of ``clc compare``: tables, JSON, CSV and figures of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from clc.cli.output import echo_json
from clc.cli.tables import make_table
from clc.cli.text import brief, make_console, visible
from clc.prices import show_money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console, RenderableType
    from rich.table import Table

    from clc.analysis.comparison_records import (
        PairedDifference,
        StrategyComparison,
        StrategyResult,
    )
    from clc.analysis.intervals import Difference, Rate

__all__ = ["print_strategies", "strategy_tables"]

_K_WIDTH = 7  # columns that one number of paths takes
_LEAST_P = 0.001
_BUDGET_WIDTH, _BUDGETS = 9, 8  # columns that one budget takes, and the most that are shown
_NAMES_WIDTH = 16  # columns before them, besides the longest name


def print_strategies(
    comparison: StrategyComparison, *, as_json: bool, console: Console | None = None
) -> None:
    """Print a comparison as tables or as JSON, on standard output if no console is given."""
    if as_json:
        echo_json(comparison.to_json(), indent=True)
        return
    console = console or make_console()
    for part in strategy_tables(comparison, console.width):
        console.print(part, highlight=False)


def strategy_tables(comparison: StrategyComparison, width: int = 80) -> Iterator[RenderableType]:
    """Yield the tables for a terminal ``width`` columns wide, each with its notes.

    Accuracy and differences, costs, curves over k, and accuracy at equal tokens.
    """
    yield _accuracies(comparison)
    yield _note(_on_accuracies(comparison))
    yield _costs(comparison)
    if comparison.thinks:
        counts = (f"{one.name} {one.thought_tokens:,.0f}" for one in comparison.strategies)
        yield _note([f"Tokens of thoughts among them: {', '.join(counts)}."])
    shown = sorted({point.k for result in comparison.strategies for point in result.curve})
    names = _NAMES_WIDTH + max(len(result.name) for result in comparison.strategies)
    step = max(1, (width - names) // _K_WIDTH)
    for start in range(0, len(shown), step):
        yield _curves(comparison, shown[start : start + step])
    yield _note(_on_curves(comparison))
    if comparison.budget > 0:  # else the costs of the paths are unknown
        yield _equal_tokens(comparison)
        yield _budgets(comparison, max(1, (width - names) // _BUDGET_WIDTH))
    if any(result.voters for result in comparison.strategies):
        yield _voters(comparison)
        yield _note(_on_voters(comparison))
    if comparison.groups:
        yield _groups(comparison)


def _accuracies(comparison: StrategyComparison) -> Table:
    table = make_table(
        "strategy",
        "right",
        "95 % interval",
        f"less {brief(comparison.reference)}",
        "95 % interval",
        "p",
    )
    table.title = (
        f"{comparison.problems:,} problems of {comparison.items:,} items, the same for every "
        "strategy"
    )
    for result in comparison.strategies:
        paired = result.difference
        cells = ("", "", "") if paired is None else (*_signed(paired), _p(paired.p_value))
        table.add_row(_strategy(result.name), *_rate(result.accuracy), *cells)
    return table


def _on_accuracies(comparison: StrategyComparison) -> Iterator[str]:
    yield (
        "Differences: bootstrap over items; p: McNemar's exact test, by item where an item is "
        "asked several times."
    )
    paired = [one for one in comparison.strategies if one.difference is not None]
    if len(paired) > 1:
        corrected = (f"{one.name} {_p(one.difference.p_holm)}" for one in paired if one.difference)
        yield f"p corrected for all {len(paired)} differences (Holm): {', '.join(corrected)}."
    for what, counts in (
        ("not in every strategy", {one.name: one.left_out for one in comparison.strategies}),
        ("without gold", {one.name: one.without_gold for one in comparison.strategies}),
    ):
        if any(counts.values()):
            named = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
            yield f"Problems left out, {what}: {named}."


def _costs(comparison: StrategyComparison) -> Table:
    money = ("cost",) if comparison.has_costs else ()
    table = make_table(
        "strategy", "paths", "path tokens", "prepared", "together", *money, "seconds", "reused"
    )
    table.title = "Costs: means for a problem; seconds and reused paths of the whole run"
    for result in comparison.strategies:
        table.add_row(
            _strategy(result.name),
            f"{result.paths:,.1f}",
            f"{result.path_tokens:,.0f}",
            f"{result.preparation_tokens:,.0f}",
            f"{result.tokens:,.0f}",
            *(_money(result) for _ in money),
            "" if result.seconds is None else f"{result.seconds:,.1f}",
            f"{result.reused:,}",
        )
    return table


def _money(result: StrategyResult) -> str:
    return "" if result.cost is None else show_money(result.cost, result.currency or "")


def _curves(comparison: StrategyComparison, ks: Sequence[int]) -> Table:
    table = make_table("strategy", "k paths", *(f"{k:,}" for k in ks))
    table.columns[1].justify = "left"
    table.title = "maj@k: % where the vote over k paths is right; oracle@k: where any path is"
    for result in comparison.strategies:
        points = {point.k: point for point in result.curve}
        for label in ("majority", "oracle"):
            table.add_row(
                _strategy(result.name) if label == "majority" else "",
                "maj@k" if label == "majority" else "oracle@k",
                *(_percent(getattr(points[k], label)) if k in points else "" for k in ks),
                style="dim" if label == "oracle" else "",
            )
    return table


def _on_curves(comparison: StrategyComparison) -> Iterator[str]:
    errors = {
        result.name: max((point.error for point in result.curve), default=0.0)
        for result in comparison.strategies
    }
    estimated = [name for name, error in errors.items() if error]
    if estimated:
        yield (
            f"maj@k of {', '.join(estimated)}: mean of {comparison.resamples:,} random subsets a "
            f"problem, standard error {100 * max(errors.values()):.2f} points at most; all else "
            "is exact."
        )
    elif any(result.curve for result in comparison.strategies):
        yield "All are exact: the mean over every subset of k paths."
    for result in comparison.strategies:
        if result.least_drawn < result.most_drawn:
            yield (
                f"{result.name} sampled {result.least_drawn:,} to {result.most_drawn:,} paths: its "
                "curve ends at the least."
            )


def _equal_tokens(comparison: StrategyComparison) -> Table:
    table = make_table("strategy", "right", "95 % interval", "paths", "tokens", "no path")
    table.title = (
        f"Equal tokens: the first paths that {comparison.budget:,.0f} tokens a problem buy"
    )
    for result in comparison.strategies:
        point = result.equal_tokens
        table.add_row(
            _strategy(result.name),
            *_rate(point.accuracy),
            f"{point.paths:,.1f}",
            f"{point.tokens:,.0f}",
            f"{point.without:,}",
        )
    return table


def _budgets(comparison: StrategyComparison, most: int) -> Table:
    """Accuracy over budgets in equal ratios, of which ``most`` fit."""
    points = comparison.strategies[0].budgets
    count = min(most, _BUDGETS, len(points))
    places = sorted({round(step * (len(points) - 1) / max(count - 1, 1)) for step in range(count)})
    table = make_table("strategy", *(f"{points[place].budget:,.0f}" for place in places))
    table.title = (
        "Right, %, by tokens for one problem; ( ): over a tenth of the problems get no path"
    )
    for result in comparison.strategies:
        cells = []
        for place in places:
            point = result.budgets[place]
            shown = _percent(point.accuracy.value)
            cells.append(shown if point.is_plotted else f"({shown})")
        table.add_row(_strategy(result.name), *cells)
    return table


def _voters(comparison: StrategyComparison) -> Table:
    table = make_table("strategy", "languages", "correlation", "Kish", "eigenvalues", "most alike")
    table.title = "Effective number of independent languages, by their errors"
    for result in comparison.strategies:
        if (voters := result.voters) is None:
            continue
        alike = max(voters.with_others, key=voters.with_others.__getitem__)
        table.add_row(
            _strategy(result.name),
            f"{voters.languages}",
            f"{voters.correlation:.2f}",
            f"{voters.kish:.1f}",
            f"{voters.eigenvalues:.1f}",
            Text(visible(f"{alike} {voters.with_others[alike]:.2f}")),
        )
    return table


def _on_voters(comparison: StrategyComparison) -> Iterator[str]:
    yield (
        "Correlation: mean over pairs of languages; most alike: the language whose errors go most "
        "with the others'. Hard questions correlate all errors."
    )
    apart = [result.name for result in comparison.strategies if result.voters is None]
    if apart:
        yield f"Without two languages to compare: {', '.join(apart)}."


def _groups(comparison: StrategyComparison) -> Table:
    table = make_table("runs", "right", "95 % interval", "less reference", "95 % interval")
    table.columns[0].overflow = "fold"
    table.title = "Runs that differ in their seed alone, together: intervals over items and runs"
    for group in comparison.groups:
        accuracy, paired = group.accuracy, group.difference
        table.add_row(
            Text(visible(", ".join(map(brief, group.runs)))),
            f"{accuracy.value:.1%}",
            f"{_percent(accuracy.low)} to {_percent(accuracy.high)}",
            *(("", "") if paired is None else _signed(paired)),
        )
    return table


def _signed(one: PairedDifference | Difference) -> tuple[str, str]:
    return f"{one.value:+.1%}", f"{100 * one.low:+.1f} to {100 * one.high:+.1f}"


def _p(value: float) -> str:
    return "<0.001" if value < _LEAST_P else f"{value:.3f}"


def _strategy(name: str) -> Text:
    """Return a name from the user or a folder as a cell."""
    return Text(brief(name))


def _note(lines: Iterable[str]) -> Text:
    return Text(visible("\n".join([*lines, ""]), lines=True), style="dim")


def _rate(rate: Rate) -> tuple[str, str]:
    return f"{rate.value:.1%}", f"{_percent(rate.low)} to {_percent(rate.high)}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".replace("100.0", "100")
