"""Amounts with units: one amount in several units, and the two sides of a conversion."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from clc.answers.colons import half_of_day
from clc.answers.context import Reading, TextContext
from clc.answers.numerals import NumberMention, read_numbers
from clc.answers.unit_words import Unit, unit_words

__all__ = ["asked_before_conversion", "compound"]

_WORD = re.compile(r"\s{0,2}([^\W\d_]{2,20})")


def asked_before_conversion(
    text: str, right: int, result: NumberMention, context: TextContext
) -> Reading | None:
    """Return the left of 3.5 hours = 210 minutes, if the question asks for hours, not minutes."""
    unit = _WORD.match(text, result.span[1])
    asked = context.question.lower() if context.question else ""
    if unit is None or unit[1].lower() in asked:
        return None
    left = read_numbers(text[:right], context.evidence)
    unit = _WORD.match(text, left[0].span[1]) if len(left) == 1 else None
    if unit and unit[1].lower() in asked:
        return Reading(left[0].value, *left[0].span)
    return None


def compound(text: str, numbers: list[NumberMention], context: TextContext) -> Reading | None:
    """Read one amount in two units or more (5 hours and 30 minutes), in the unit of the question.

    The unit is the largest, unless the question has a word of the smallest and none of that.
    """
    units = _common_units(text, numbers) if len(numbers) <= _MOST_UNITS else None
    if units is None:
        return None
    amounts = [mention.value for mention in numbers]
    for (larger, smaller), amount in zip(pairwise(units), amounts[1:], strict=True):
        if larger.size <= smaller.size or not 0 <= amount * smaller.size < larger.size:
            return None
        if amount.denominator != 1 and smaller is not units[-1]:
            return None
    total = sum(
        (amount * unit.size for amount, unit in zip(amounts, units, strict=True)), Fraction(0)
    )
    start, end = numbers[0].span[0], numbers[-1].span[1]
    hours = total / units[0].size
    if units[0].size == _HOUR and units[-1].size <= _MINUTE:
        hours = half_of_day(text, hours, start, _after_unit(text, end))
    return Reading(hours if not _asks_small(context, units) else total / units[-1].size, start, end)


_MOST_UNITS = 4
_LONGEST_GAP = 24
_HOUR, _MINUTE = 3600, 60
_SIGNS = "$€£"
_BEFORE = re.compile(r"([^\W\d_]{2,16})[ ]\Z")


def _common_units(text: str, numbers: list[NumberMention]) -> list[Unit] | None:
    """Return the units of the numbers if they are of one quantity."""
    named: list[tuple[Unit, ...]] = []
    for index, mention in enumerate(numbers):
        if index and mention.span[0] - numbers[index - 1].span[1] > _LONGEST_GAP:
            return None
        units = _units_at(text, mention)
        if not units:
            return None
        named.append(units)
    for first in named[0]:
        chosen = [first]
        for units in named[1:]:
            fitting = [unit for unit in units if unit.quantity == first.quantity]
            if not fitting:
                break
            chosen.append(fitting[0])
        else:
            return chosen
    return None


def _units_at(text: str, mention: NumberMention) -> tuple[Unit, ...]:
    """Return the units that the word after a number may name; else the word or sign before it."""
    start, end = mention.span
    words = unit_words()
    after = words.match_unit(text, end)
    if after:
        return after[0]
    sign = text[:start].rstrip()[-1:]
    before = _BEFORE.search(text, max(0, start - 20), start)  # masaa 3 na dakika 30
    named = words.match_unit(sign if sign in _SIGNS else before[1] if before else "", 0)
    return named[0] if named else ()


def _after_unit(text: str, end: int) -> int:
    unit = unit_words().match_unit(text, end)
    return unit[1] if unit else end


def _asks_small(context: TextContext, units: list[Unit]) -> bool:
    """Whether the question asks for the smallest unit."""
    question, words = context.question, unit_words()
    return (
        question is not None
        and words.asks(question, units[-1])
        and not words.asks(question, units[0])
    )
