"""The records of a report: its headline facts, and one section a figure with its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Cell", "Column", "Drawing", "Fact", "Kind", "Section", "Summary"]

Kind = Literal["text", "language", "count", "share", "points", "number"]
Drawing = Literal["", "heat", "bars", "curve", "calibration", "stack"]
Cell: TypeAlias = str | int | float | None


class Column(NamedTuple):
    """A column of a section.

    ``kind`` says what its cells are: a ``language`` is a BCP-47 code, a ``count`` a whole number,
    a ``share`` lies in 0..1, ``points`` are a difference of shares in -1..1, and a ``number`` is
    any other one, in the unit that the name gives.
    """

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Section:
    """One figure of a report and the numbers in it.

    ``name`` is the stem of its files, unique within a report; ``note`` says in one or two plain
    sentences what it shows and how to read it. ``figure`` names the drawing, empty for a table
    alone. A cell is None where there is nothing to tell.
    """

    name: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    figure: Drawing = ""


class Fact(NamedTuple):
    """One headline fact, its ``value`` ready to read: ``83.3 % (64.6 to 93.1)``."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one run has to say: its headline and its sections, those with nothing left out."""

    name: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
