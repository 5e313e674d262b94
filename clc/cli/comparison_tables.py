"""Output of ``clc compare``: tables, JSON, CSV and figures of a comparison."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import orjson
from rich.text import Text

from clc.analysis.comparison_records import CurvePoint, PairedDifference
from clc.analysis.figures import plot_comparison
from clc.cli.output import echo_json
from clc.cli.tables import make_table
from clc.cli.text import brief, make_console, visible
from clc.errors import ConfigurationError, StoreError
from clc.prices import show_money
from clc.runs.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType
    from rich.table import Table

    from clc.analysis.comparison_records import StrategyComparison, StrategyResult
    from clc.analysis.intervals import Rate

__all__ = ["print_strategies", "strategy_tables", "write_comparison"]

_K_WIDTH = 7  # columns that one number of paths takes
_LEAST_P = 0.001
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


def write_comparison(comparison: StrategyComparison, folder: Path) -> list[str]:
    """Write a comparison into ``folder`` and return lines that name the files.

    ``comparison.json`` holds everything; ``strategies.csv``, ``curves.csv`` and ``budgets.csv``
    hold the same in rows. Figures are ``comparison.svg`` and ``comparison.png``; without
    matplotlib a line gives the reason that there are none.

    Raises:
        StoreError: a file cannot be written.
    """
    files = {
        "comparison.json": _json(comparison),
        "strategies.csv": _csv(_strategy_rows(comparison)),
        "curves.csv": _csv(_curve_rows(comparison)),
        "budgets.csv": _csv(_budget_rows(comparison)),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot make the folder: {error}") from error
    for name, data in files.items():
        write_atomically(folder / name, data)
    figures = ("comparison.svg", "comparison.png")
    try:
        plot_comparison(comparison, [folder / name for name in figures])
    except ConfigurationError as error:
        return [f"Written to {folder}: {', '.join(files)}", f"No figure: {error}"]
    return [f"Written to {folder}: {', '.join([*files, *figures])}"]


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
        cells = (
            ("", "", "")
            if paired is None
            else (
                f"{paired.value:+.1%}",
                f"{100 * paired.low:+.1f} to {100 * paired.high:+.1f}",
                "<0.001" if paired.p_value < _LEAST_P else f"{paired.p_value:.3f}",
            )
        )
        table.add_row(_strategy(result.name), *_rate(result.accuracy), *cells)
    return table


def _on_accuracies(comparison: StrategyComparison) -> Iterator[str]:
    yield (
        "Differences: bootstrap over items; p: McNemar's exact test, by item where an item is "
        "asked several times."
    )
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
                f"{result.name} drew {result.least_drawn:,} to {result.most_drawn:,} paths: its "
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


def _strategy(name: str) -> Text:
    """Return a name from the user or a folder as a cell."""
    return Text(brief(name))


def _note(lines: Iterable[str]) -> Text:
    return Text(visible("\n".join([*lines, ""]), lines=True), style="dim")


def _rate(rate: Rate) -> tuple[str, str]:
    return f"{rate.value:.1%}", f"{_percent(rate.low)} to {_percent(rate.high)}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".replace("100.0", "100")


def _json(comparison: StrategyComparison) -> bytes:
    return orjson.dumps(comparison.to_json(), option=orjson.OPT_INDENT_2)


def _strategy_rows(comparison: StrategyComparison) -> Iterator[Sequence[Any]]:
    """Yield a header, then a row for each strategy."""
    unpaired = dict.fromkeys(field.name for field in fields(PairedDifference))
    for position, result in enumerate(comparison.strategies):
        row = asdict(result)
        del row["curve"], row["budgets"]
        for name in comparison.absent:
            del row[name]
        row["difference"] = row["difference"] or unpaired
        flat = {
            "strategy": row.pop("name"),
            **_flat(row),
            "problems": comparison.problems,
            "items": comparison.items,
        }
        if position == 0:
            yield list(flat)
        yield list(flat.values())


def _curve_rows(comparison: StrategyComparison) -> Iterator[Sequence[Any]]:
    yield ["strategy", *(field.name for field in fields(CurvePoint))]
    for result in comparison.strategies:
        for point in result.curve:
            yield [result.name, *asdict(point).values()]


def _budget_rows(comparison: StrategyComparison) -> Iterator[Sequence[Any]]:
    yield ["strategy", *_flat(asdict(comparison.strategies[0].equal_tokens))]
    for result in comparison.strategies:
        for point in result.budgets:
            yield [result.name, *_flat(asdict(point)).values()]


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join the names of nested values: ``accuracy.low`` becomes ``accuracy_low``."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}_")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
