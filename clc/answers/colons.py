"""Numbers joined by colons: clock times, in hours, and ratios, as fractions."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from clc.answers.unit_words import unit_words
from clc.answers.vocabulary import per_vocabulary
from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from clc.answers.separators import Number

__all__ = ["dotted_time", "half_of_day", "read_clock_or_ratio", "read_ratio"]

_TIME = deferred_pattern(r"[:：](\d\d)(?:[:：](\d\d))?(?!\d)(?![:：.,]\d)")
_TERM = deferred_pattern(
    r"(?P<left>[ \u00a0\u2009]?)[:：∶](?P<right>[ \u00a0\u2009]?)"
    r"(?P<term>\d{1,12}(?:[.,]\d{1,9})?)(?![\d%])"
)
_TERM_ALONE = re.compile(r"\d{1,12}(?:\.\d{1,9})?(?![\d%])")
_OVER = re.compile(r"[ ]?/[ ]?(\d{1,12})(?!\d)")
_LETTER = re.compile(r"[^\W\d_]")
_LOOK_BACK, _LOOK_AHEAD, _NEAR = 200, 100, 24
_NOON, _DAY, _HOUR = 12, 25, 60


def read_clock_or_ratio(
    text: str, value: Fraction, number: Number, question: str | None, *, ratios: bool
) -> tuple[Fraction | None, int] | None:
    """Read what a colon after a number makes of it; None if it is neither time nor ratio.

    Returns:
        Hours (8:30 is 17/2, 8:30 PM is 41/2) or a fraction (2:3 is 2/3), and the end. A ratio of
        more than two terms has no value. Without ``ratios`` its terms stay two numbers, and halves
        of the day do not count.
    """
    end = number.end
    time = None if number.decimals or value >= _DAY else _TIME.match(text, end)
    parts = [int(part) for part in time.groups() if part] if time else []
    if time and max(parts) < _HOUR and not _is_ratio(text, number.start, time.end(), question):
        hours = value + sum(Fraction(part, _HOUR**power) for power, part in enumerate(parts, 1))
        return (half_of_day(text, hours, number.start, time.end()) if ratios else hours), time.end()
    return read_ratio(text, value, number.start, end, question) if ratios else None


def half_of_day(text: str, hours: Fraction, start: int, end: int) -> Fraction:
    """Add the half of the day that stands before or after a time in ``text[start:end]``.

    >>> half_of_day("3:30 PM", Fraction(7, 2), 0, 4), half_of_day("12:15 AM", Fraction(49, 4), 0, 5)
    (Fraction(31, 2), Fraction(1, 4))
    """
    if not 0 < hours < _NOON + 1:
        return hours
    before, after = unit_words().halves
    half = after.match(text, end) or before.search(text, max(0, start - _NEAR), start)
    if half is None:
        return hours
    hours %= _NOON
    return hours if half[1] else hours + _NOON


def dotted_time(text: str, number: Number) -> Fraction | None:
    """Return the hours of a time with a dot, which words beside it show: 15.30 Uhr.

    >>> from clc.answers.separators import Number
    >>> dotted_time("15.30 Uhr", Number("15", "30", 0, 5))
    Fraction(31, 2)
    """
    if len(number.decimals) != 2 or text[number.start + len(number.whole)] != ".":  # noqa: PLR2004
        return None
    hours, minutes = int(number.whole), int(number.decimals)
    before, after = unit_words().dotted
    if hours >= _DAY or minutes >= _HOUR:
        return None
    start = number.start
    if not (after.match(text, number.end) or before.search(text, max(0, start - _NEAR), start)):
        return None
    time = hours + Fraction(minutes, _HOUR)
    return half_of_day(text, time, number.start, number.end)


def _is_ratio(text: str, start: int, end: int, question: str | None) -> bool:
    """Whether the words around numbers, or the question, name a ratio."""
    if question is not None and _has_name(question):
        return True
    begin = max(0, start - _LOOK_BACK)
    return _has_name(text) and unit_words().ratio.search(text, begin, end + _LOOK_AHEAD) is not None


@per_vocabulary
def _has_name(text: str) -> bool:
    """Whether a text names a ratio; looked up once for all its numbers."""
    return unit_words().ratio.search(text) is not None


def read_ratio(
    text: str, value: Fraction, start: int, end: int, question: str | None
) -> tuple[Fraction | None, int] | None:
    """Read the other terms of a ratio whose first is ``text[start:end]``; None without one."""
    terms = [value]
    glued = unit_words().ratio_glued
    while term := _TERM.match(text, end) or glued.match(text, end):
        spaced = term["left"] or term["right"]
        if spaced and not (
            _stands_alone(text, start, term.end()) or _is_ratio(text, start, term.end(), question)
        ):
            break
        below = Fraction(term["term"].replace(",", "."))
        end = term.end()
        over = _OVER.match(text, end)
        if over and int(over[1]):
            below, end = below / int(over[1]), over.end()
        terms.append(below)
    if len(terms) == 1:
        gap = unit_words().ratio_gap.match(text, end)
        second = _TERM_ALONE.match(text, gap.end()) if gap else None
        if gap is None or second is None:
            return None
        word, words = gap[0].strip().lower(), unit_words()
        alone = word in words.ratio_sure or (
            word in words.ratio_alone and _stands_alone(text, start, second.end())
        )
        if not alone and not _is_ratio(text, start, second.end(), question):
            return None
        terms, end = [value, Fraction(second[0].replace(",", "."))], second.end()
    return (terms[0] / terms[1] if len(terms) == 2 and terms[1] else None), end  # noqa: PLR2004


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no words are before or after a spaced ratio: ``Step 3 : 18 apples`` is none."""
    before = _LETTER.search(text, max(0, start - _NEAR), start)
    return not before and not _LETTER.search(text, end, end + 3)
