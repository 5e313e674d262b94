"""The records of a report: headline facts, and sections with a figure and its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Cell", "Chart", "Column", "Fact", "Kind", "Section", "Summary"]

Kind = Literal["text", "language", "count", "share", "points", "number"]
Chart = Literal["", "heat", "bars", "curve", "calibration", "coverage", "stack"]
Cell: TypeAlias = str | int | float | None


class Column(NamedTuple):
    """A column of a section.

    ``kind`` is the type of its cells: a ``language`` is a BCP-47 code, a ``count`` a whole number,
    a ``share`` lies in 0..1, ``points`` are a difference of shares in -1..1, and a ``number`` is
    any other number, in the unit given by the name.
    """

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Section:
    """One figure of a report and the numbers in it.

    ``name`` is the stem of its files, unique within a report; ``note`` explains the figure in
    one or two plain sentences. ``figure`` is the kind of chart, empty for a table alone. A cell is
    None if its value is undefined.
    """

    name: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    figure: Chart = ""


class Fact(NamedTuple):
    """One headline fact, its ``value`` formatted: ``83.3 % (64.6 to 93.1)``."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """The report of one run: its headline and its sections, without empty ones."""

    name: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
