"""Numbers in words and in CJK numerals, as mentions in a text."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from clc.answers.cjk_numerals import cjk_fractions, cjk_numeral, read_cjk
from clc.answers.number_words import number_words
from clc.answers.numerals import NumberMention, negative_before
from clc.answers.words import listed

__all__ = ["is_open_run", "spelled_numbers", "with_fractions"]

_ADJACENT = re.compile(r"[ \u00a0-]?")


def is_open_run(text: str, numbers: list[NumberMention]) -> bool:
    """Whether two numbers in words stand side by side that compose no number: two ten.

    Each of them may be a part of the number that is meant.
    """
    return any(
        first.written == second.written == "word"
        and first.value != second.value
        and _ADJACENT.fullmatch(text, first.span[1], second.span[0])
        for first, second in pairwise(numbers)
    )


def with_fractions(text: str, numbers: list[NumberMention]) -> list[NumberMention]:
    """Replace the numbers of 4分の3 by the fraction."""
    for value, start, end in cjk_fractions(text, 0, len(text)):
        numbers = [mention for mention in numbers if not start <= mention.span[0] < end]
        numbers.append(NumberMention(value, (start, end), "cjk"))
    return sorted(numbers, key=lambda mention: mention.span)


def spelled_numbers(text: str, language: str | None) -> list[NumberMention]:
    """Read numbers in words or CJK numerals."""
    numbers = _cjk_numbers(text) or _word_numbers(text, language)
    if numbers and numbers[0].value > 0 and negative_before().search(text, 0, numbers[0].span[0]):
        numbers[0] = numbers[0]._replace(value=-numbers[0].value)
    words = number_words(language)
    half = words.find_half(text)
    if half and numbers and words.after_article(text, half.end()) == numbers[0].span[0]:
        first, last = half.start(), numbers[0].span[1]
        return [NumberMention(numbers[0].value / 2, (first, last), "word"), *numbers[1:]]
    if half is None or (numbers and numbers[0].value != 1):
        return numbers
    if (
        numbers
        and not half.start() <= numbers[0].span[0] < half.end()
        and words.half_more(text, numbers[0].span[1])
    ):
        return numbers
    return [NumberMention(Fraction(1, 2), half.span(), "word")]


def _cjk_numbers(text: str) -> list[NumberMention]:
    if text.isascii():
        return []
    fractions = cjk_fractions(text, 0, len(text)) if "分" in text else ()
    numbers = [NumberMention(value, (start, end), "cjk") for value, start, end in fractions]
    if numbers:
        return numbers
    for match in cjk_numeral().finditer(text):
        value = read_cjk(match[0])
        if value is not None:
            negative = match.start() > 0 and text[match.start() - 1] in listed("negative")
            numbers.append(NumberMention(-value if negative else value, match.span(), "cjk"))
    return numbers


def _word_numbers(text: str, language: str | None) -> list[NumberMention]:
    words = number_words(language)
    numbers = words.read(text, 0, len(text))
    part = None if numbers else words.find_part(text)
    found = [part] if part else numbers
    return [NumberMention(value, (start, end), "word") for value, start, end in found]
