"""Mixed numbers whose fraction follows a word: ``3 and 1/2``, ``3又二分之一``."""

from __future__ import annotations

from clc.answers.cjk_numerals import cjk_numeral, read_cjk
from clc.answers.number_words import number_words
from clc.answers.numerals import NumberMention
from clc.answers.unit_words import unit_words

__all__ = ["merge_mixed"]

_LONGEST = 40  # characters of a fraction in words
_BEFORE = 12  # characters of a CJK numeral


def merge_mixed(
    text: str, numbers: list[NumberMention], language: str | None, *, words: bool = True
) -> list[NumberMention]:
    """Add the fraction after a word to the whole number before it.

    Without ``words`` no fraction in words is in the text.

    >>> from clc.answers.separators import Evidence
    >>> from clc.answers.numerals import read_numbers
    >>> text = "3 and 1/2 cups"
    >>> merge_mixed(text, read_numbers(text, Evidence(text)), "en")[0].value
    Fraction(7, 2)
    """
    if not numbers:
        return numbers
    merged: list[NumberMention] = []
    for mention in numbers:
        whole = merged[-1] if merged else None
        if whole and 0 < mention.value < 1 and _joined(text, whole, mention):
            value = whole.value + mention.value
            merged[-1] = NumberMention(value, (whole.span[0], mention.span[1]), whole.written)
            continue
        merged.append(_with_cjk_whole(text, mention))
    return _with_words(text, merged, language) if words else merged


def _joined(text: str, whole: NumberMention, fraction: NumberMention) -> bool:
    """Whether only a joining word stands between a whole number and a fraction."""
    begin, end = whole.span[1], fraction.span[0]
    return (
        whole.value.denominator == 1
        and whole.value >= 0
        and unit_words().joiner.fullmatch(text, begin, end) is not None
    )


def _with_cjk_whole(text: str, mention: NumberMention) -> NumberMention:
    """Add the numeral before 又 to a fraction of CJK numerals: 三又二分之一."""
    start = mention.span[0]
    if not start or text[start - 1] not in unit_words().glued_joiners or not 0 < mention.value < 1:
        return mention
    for match in cjk_numeral().finditer(text, max(0, start - _BEFORE), start - 1):
        value = read_cjk(match[0]) if match.end() == start - 1 else None
        if value is not None:
            return NumberMention(value + mention.value, (match.start(), mention.span[1]), "cjk")
    return mention


def _with_words(
    text: str, numbers: list[NumberMention], language: str | None
) -> list[NumberMention]:
    """Add a fraction in words to the last number: 3 and a quarter."""
    last = numbers[-1]
    join = unit_words().joiner.match(text, last.span[1])
    if join is None or last.value.denominator != 1 or last.value < 0:
        return numbers
    in_words = number_words(language)
    fraction = in_words.part_at(text, join.end())
    if fraction is None:
        words = in_words.read(text, join.end(), min(len(text), join.end() + _LONGEST))
        if words and words[0][1] == join.end() and 0 < words[0][0] < 1:
            fraction = words[0][0], words[0][2]
    if fraction is None:
        return numbers
    value, span = last.value + fraction[0], (last.span[0], fraction[1])
    return [*numbers[:-1], last._replace(value=value, span=span)]
