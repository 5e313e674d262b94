"""The columns of a section that a chart plots, and the numbers of its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from clc.analysis.report.sections import Cell, Section

__all__ = ["PlottedEstimate", "find_estimates", "to_number", "to_percent"]


class PlottedEstimate(NamedTuple):
    """Indices of a column of shares or points, and of its interval's if they follow it."""

    name: str
    points: bool
    value: int
    low: int | None
    high: int | None


def find_estimates(section: Section) -> list[PlottedEstimate]:
    """Return the shares and points of a section, with the columns of their intervals."""
    columns = section.columns
    bounds = [column.name.rpartition(" ")[2] in {"low", "high"} for column in columns]
    found = []
    for index, column in enumerate(columns):
        if column.kind in {"share", "points"} and not bounds[index]:
            interval = all(bounds[index + 1 : index + 3]) and index + 2 < len(columns)
            ends = (index + 1, index + 2) if interval else (None, None)
            found.append(PlottedEstimate(column.name, column.kind == "points", index, *ends))
    return found


def to_number(cell: Cell) -> float:
    """Return the number in a cell, 0 for a text or none."""
    return float(cell) if isinstance(cell, int | float) else 0.0


def to_percent(cell: Cell) -> float:
    """Return a share in per cent, or points."""
    return 100 * to_number(cell)
