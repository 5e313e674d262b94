"""Tables of problems with a header: CSV, and TSV such as AfriMGSM's.

A row becomes an object of its columns; an empty cell is null.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

from clc.datasets.field_names import GOLD_NAMES, QUESTION_NAMES, usual_names
from clc.datasets.rows import SourceRow
from clc.datasets.source import Place, RawSource, text_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["csv_rows", "has_header", "tsv_header", "tsv_rows", "unquoted"]

_DELIMITERS = ",;\t"
_COLUMN = re.compile(r"[A-Za-z][A-Za-z_]{0,30}\d{0,2}")
_MOST_CELL = 1 << 24  # characters; csv's own limit is 131,072


def has_header(line: str) -> bool:
    r"""Whether the first line of a TSV file names columns, one of them a question's.

    >>> has_header("question\tanswer\tanswer_number"), has_header("What is 2 + 3?\t5")
    (True, False)
    """
    return tsv_header(line) is not None


def tsv_header(line: str) -> list[str] | None:
    """Return the names of columns in the first line of a TSV file, None if it is a row."""
    names = [unquoted(name.strip()) for name in line.split("\t")]
    usual = usual_names(dict.fromkeys(names))
    fits = len(usual) == len(names) and not usual.keys().isdisjoint(QUESTION_NAMES)
    others = all(map(_COLUMN.fullmatch, names))  # beside a question's, such as those of options
    return names if fits and (others or not usual.keys().isdisjoint(GOLD_NAMES)) else None


def unquoted(cell: str) -> str:
    """Take off the quotation marks that a cell is written in, where it is.

    >>> unquoted('"He said ""5""."'), unquoted('"Five," he said')
    ('He said "5".', '"Five," he said')
    """
    inner = cell[1:-1]
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return cell


def tsv_rows(source: RawSource) -> Iterator[SourceRow]:
    """Read a TSV file with a header, one row a line.

    Raises:
        DatasetError: a row has more or fewer columns than the header.
    """
    names: list[str] | None = None
    index = 0
    for place, line in text_lines(source):
        if names is None:
            names = tsv_header(line) or []
            continue
        if not line:
            continue
        cells = [unquoted(cell.strip()) for cell in line.split("\t")]
        yield _row(place, index, names, cells)
        index += 1


def csv_rows(source: RawSource) -> Iterator[SourceRow]:
    """Read a CSV file with a header; the delimiter is the header's (comma, semicolon or tab).

    Raises:
        DatasetError: it is not CSV, or a row has more or fewer columns than the header.
    """
    lines = (f"{line}\n" for _, line in text_lines(source))
    header = next(lines)
    delimiter = max(_DELIMITERS, key=header.count)
    csv.field_size_limit(_MOST_CELL)
    rows = csv.reader(_again(header, lines), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    index = 0
    line = 1
    try:
        for cells in rows:
            place = Place(source.name, line)
            line = rows.line_num + 1
            if names is None:
                names = [cell.strip() for cell in cells]
                continue
            if not any(cells):
                continue
            yield _row(place, index, names, cells)
            index += 1
    except csv.Error as error:
        raise Place(source.name, line).error(f"not CSV: {error}; write it anew") from error


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _row(place: Place, index: int, names: Sequence[str], cells: Sequence[str]) -> SourceRow:
    if len(cells) != len(names):
        raise place.error(
            f"{len(cells)} columns, and {len(names)} in the header ({', '.join(names):.100}): "
            f"{' | '.join(cells):.60}; quote cells that hold the delimiter"
        )
    fields: dict[str, Any] = {
        name: cell if cell.strip() else None
        for name, cell in zip(names, cells, strict=True)
        if name
    }
    return SourceRow(place, index, fields)
