"""Totals of Markdown tables and of lists."""

from __future__ import annotations

import re

from clc.answers.vocabulary import per_vocabulary
from clc.answers.words import word_pattern

__all__ = ["row_total", "total_line"]

_ROW = re.compile(r"[ \t]{0,3}\|[^\n]*")
_DIGIT = re.compile(r"\d")
_MOST_ROWS = 64


@per_vocabulary
def _total_line() -> re.Pattern[str]:
    return re.compile(
        rf"(?:[^\n]{{1,120}}\n[ \t]{{0,4}}(?:[-*•]|\d[.)])[ \t]{{1,4}}){{1,8}}"
        rf"[*_]{{0,3}}(?:{word_pattern('total')})[^\n:：=]{{0,40}}[:：=*_]{{1,4}}"
    )


@per_vocabulary
def _total_cell() -> re.Pattern[str]:
    return re.compile(rf"[ \t]{{0,3}}\|[ \t*_]{{0,6}}(?:{word_pattern('total')})")


def total_line(text: str, start: int, end: int) -> int | None:
    """Return where the total begins of a list that stands at ``start``, None without one."""
    match = _total_line().match(text, start, end)
    return match.end() if match else None


def row_total(text: str, start: int, low: int, high: int) -> tuple[int, int] | None:
    r"""Return the last cell with a number of the total row of the table around ``start``.

    Args:
        text: a text.
        start: the start of a line of the table.
        low: the start of the part of the text that counts.
        high: its end.

    >>> text = "| a | 5 |\n| **Total** | 2 things | 12 |"
    >>> text[slice(*row_total(text, 0, 0, len(text)))]
    ' 12 '
    """
    total = None
    for begin, stop in _rows(text, start, low, high):
        if _total_cell().match(text, begin, stop) and _DIGIT.search(text, begin, stop):
            total = begin, stop
    if total is None:
        return None
    begin, stop = total
    bars = [bar.start() for bar in re.finditer(r"\|", text[begin:stop])]
    cells = [
        (begin + a + 1, begin + b) for a, b in zip(bars, [*bars[1:], stop - begin], strict=True)
    ]
    numbered = [cell for cell in cells[1:] if _DIGIT.search(text, *cell)]
    return numbered[-1] if numbered else None


def _rows(text: str, start: int, low: int, high: int) -> list[tuple[int, int]]:
    """Return the lines of the table around a line, in order."""
    rows: list[tuple[int, int]] = []
    position = start
    while position < high and len(rows) < _MOST_ROWS:
        row = _ROW.match(text, position, high)
        if row is None:
            break
        rows.append(row.span())
        position = row.end() + 1
    position = start
    while rows and position > low and len(rows) < 2 * _MOST_ROWS:
        begin = text.rfind("\n", low, position - 1) + 1
        row = _ROW.match(text, max(begin, low), high)
        if row is None or begin >= position:
            break
        rows.insert(0, row.span())
        position = begin
    return rows
