"""The files of ``clc compare``: JSON, CSV and figures of a comparison."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import orjson

from clc.analysis.comparison_charts import plot_comparison
from clc.analysis.comparison_records import CurvePoint, PairedDifference
from clc.errors import ConfigurationError, StoreError
from clc.runs.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from clc.analysis.comparison_records import StrategyComparison

__all__ = ["write_comparison"]

_VOTERS = ("languages", "correlation", "kish", "eigenvalues")  # in strategies.csv


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


def _json(comparison: StrategyComparison) -> bytes:
    return orjson.dumps(comparison.to_json(), option=orjson.OPT_INDENT_2)


def _strategy_rows(comparison: StrategyComparison) -> Iterator[Sequence[Any]]:
    """Yield a header, then a row for each strategy."""
    unpaired = dict.fromkeys(field.name for field in fields(PairedDifference))
    for position, result in enumerate(comparison.strategies):
        row = asdict(result)
        del row["curve"], row["budgets"]
        voters = row.pop("voters") or {}
        row |= {f"voters_{name}": voters.get(name) for name in _VOTERS}
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
