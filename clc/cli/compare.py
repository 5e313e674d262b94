"""What ``clc compare`` shows and writes: tables, JSON, CSV and figures of a comparison."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clc.errors import ConfigurationError, StoreError
from clc.figures import draw_comparison
from clc.store import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from clc.intervals import Rate
    from clc.standings import StrategyComparison, StrategyResult

__all__ = ["print_strategies", "strategy_tables", "write_comparison"]

_K_WIDTH = 8  # columns of a number of paths
_NAMES_WIDTH = 28  # of what stands before them


def print_strategies(
    comparison: StrategyComparison, *, as_json: bool, console: Console | None = None
) -> None:
    """Print a comparison as tables or as JSON, on standard output if no console is given."""
    if as_json:
        click.echo(_json(comparison).decode())
        return
    console = console or Console()
    for part in strategy_tables(comparison, console.width):
        console.print(part, highlight=False)


def strategy_tables(comparison: StrategyComparison, width: int = 80) -> Iterator[RenderableType]:
    """Yield the tables for a terminal ``width`` columns wide, each with what must be known of it.

    Accuracy and differences, costs, curves over k, and accuracy at equal tokens.
    """
    yield _accuracies(comparison)
    yield _note(_on_accuracies(comparison))
    yield _costs(comparison)
    shown = sorted({point.k for result in comparison.strategies for point in result.curve})
    step = max(1, (width - _NAMES_WIDTH) // _K_WIDTH)
    for start in range(0, len(shown), step):
        yield _curves(comparison, shown[start : start + step])
    yield _note(_on_curves(comparison))
    if comparison.budget > 0:  # else nobody said what paths cost
        yield _equal_tokens(comparison)


def write_comparison(comparison: StrategyComparison, folder: Path) -> list[str]:
    """Write a comparison into ``folder`` and return lines that say what is there.

    ``comparison.json`` holds everything; ``strategies.csv``, ``curves.csv`` and ``budgets.csv``
    the same in rows. Figures are ``comparison.svg`` and ``comparison.png``; without matplotlib
    there are none, and a line says so.

    Raises:
        StoreError: a file cannot be written.
    """
    files = {
        "comparison.json": _json(comparison),
        "strategies.csv": _csv(_strategy_rows(comparison)),
        "curves.csv": _csv(
            {"strategy": result.name, **asdict(point)}
            for result in comparison.strategies
            for point in result.curve
        ),
        "budgets.csv": _csv(
            {"strategy": result.name, **_flat(asdict(point))}
            for result in comparison.strategies
            for point in result.budgets
        ),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_atomically(folder / name, data)
    except OSError as error:
        raise StoreError(f"{folder}: cannot write the comparison: {error}") from error
    figures = ("comparison.svg", "comparison.png")
    try:
        draw_comparison(comparison, [folder / name for name in figures])
    except ConfigurationError as error:
        return [f"Written to {folder}: {', '.join(files)}", f"No figure: {error}"]
    return [f"Written to {folder}: {', '.join([*files, *figures])}"]


def _accuracies(comparison: StrategyComparison) -> Table:
    table = _table(
        "strategy", "right", "95 % interval", f"less {comparison.reference}", "95 % interval", "p"
    )
    table.title = (
        f"{comparison.problems:,} problems of {comparison.items:,} items, the same for every "
        "strategy"
    )
    for result in comparison.strategies:
        found = result.difference
        paired = (
            ("", "", "")
            if found is None
            else (
                f"{found.value:+.1%}",
                f"{found.low:+.1%} to {found.high:+.1%}",
                f"{found.p_value:.2g}",
            )
        )
        table.add_row(result.name, *_rate(result.accuracy), *paired)
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
    table = _table(
        "strategy", "paths", "path tokens", "preparation", "together", "seconds", "reused"
    )
    table.title = "Costs: means for a problem; seconds and reused paths of the whole run"
    for result in comparison.strategies:
        table.add_row(
            result.name,
            f"{result.paths:,.1f}",
            f"{result.path_tokens:,.0f}",
            f"{result.preparation_tokens:,.0f}",
            f"{result.tokens:,.0f}",
            "" if result.seconds is None else f"{result.seconds:,.1f}",
            f"{result.reused:,}",
        )
    return table


def _curves(comparison: StrategyComparison, ks: Sequence[int]) -> Table:
    table = _table("strategy", "k paths", *(f"{k:,}" for k in ks))
    table.columns[1].justify = "left"
    table.title = "maj@k: the vote over k paths is right; oracle@k: any of them is"
    for result in comparison.strategies:
        points = {point.k: point for point in result.curve}
        for label in ("majority", "oracle"):
            table.add_row(
                result.name if label == "majority" else "",
                "maj@k" if label == "majority" else "oracle@k",
                *(f"{getattr(points[k], label):.1%}" if k in points else "" for k in ks),
                style="dim" if label == "oracle" else "",
            )
    return table


def _on_curves(comparison: StrategyComparison) -> Iterator[str]:
    errors = {
        result.name: max((point.error for point in result.curve), default=0.0)
        for result in comparison.strategies
    }
    drawn = [name for name, error in errors.items() if error]
    if drawn:
        yield (
            f"maj@k of {', '.join(drawn)}: mean of {comparison.resamples:,} random subsets a "
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
    table = _table("strategy", "right", "95 % interval", "paths", "tokens", "no path")
    table.title = (
        f"Equal tokens: the first paths that {comparison.budget:,.0f} tokens a problem buy"
    )
    for result in comparison.strategies:
        point = result.equal_tokens
        table.add_row(
            result.name,
            *_rate(point.accuracy),
            f"{point.paths:,.1f}",
            f"{point.tokens:,.0f}",
            f"{point.without:,}",
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right")
    return table


def _note(lines: Iterable[str]) -> Text:
    return Text("\n".join(lines), style="dim")


def _rate(rate: Rate) -> tuple[str, str]:
    return f"{rate.value:.1%}", f"{rate.low:.1%} to {rate.high:.1%}"


def _json(comparison: StrategyComparison) -> bytes:
    return orjson.dumps(comparison.to_json(), option=orjson.OPT_INDENT_2)


def _strategy_rows(comparison: StrategyComparison) -> Iterator[dict[str, Any]]:
    for result in comparison.strategies:
        row = asdict(result)
        for name in ("curve", "budgets"):
            del row[name]
        row["difference"] = row["difference"] or _no_difference()
        yield {**_flat(row), "problems": comparison.problems, "items": comparison.items}


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join the names of nested values: ``accuracy.low`` becomes ``accuracy_low``."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}_")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    rows = list(rows)
    text = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue().encode()
