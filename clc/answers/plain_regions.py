"""Regions of words and one plain number, as most answers are: He earned $1,250.50 per week.

No rule for other regions changes how such a number is read, as long as none of the words by which
those rules work is in the region: one pass of an automaton shows that.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.answers.cjk_numerals import LARGE, SMALL
from clc.answers.context import Reading, TextContext
from clc.answers.literals import required_parts, words_of
from clc.answers.number_lexicon import spellings
from clc.answers.number_suffixes import KOREAN_UNITS, extend
from clc.answers.number_words import all_tables
from clc.answers.numerals import is_money
from clc.answers.power_words import is_part_of_power
from clc.answers.separators import read_token
from clc.answers.vocabulary import per_vocabulary, vocabulary
from clc.answers.word_lists import automaton, fold
from clc.answers.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clc.answers.word_lists import Find

__all__ = ["REGION_LISTS", "has_words", "is_changed", "read_plain_region"]

REGION_LISTS = ("pause", "not_but", "undetermined", "denial", "denial_after", "below_zero")
"""Lists of words that decide how a region is read."""

# Letters of Latin, Cyrillic, Thai, Bengali, Devanagari, Telugu, Chinese, Japanese and Korean, with
# their marks: no digits, and no letters of formulas.
_UNCASED = (
    r"\u0900-\u0963\u0980-\u09e3\u0c00-\u0c63\u0e01-\u0e3a\u0e40-\u0e4e"
    r"\u3041-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
)
_LETTERS = (
    r"a-zA-Z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\u0300-\u0304\u0400-\u04ff"
    rf"{_UNCASED}"
)
_REGION = re.compile(
    rf"(?:\s?(?P<sign>-)|(?:[{_LETTERS} ,'-]*[ {_UNCASED}])?[\[「『\"“]?)[$€£¥]?"
    r"(?P<digits>\d{1,15}(?:[.,]\d{1,15}|[ \u00a0\u202f]\d{3}(?!\d))*)(?![\u0300-\u036f])"
    rf"(?:[ ]?[%€$£])?[\]」』\"”]?[{_LETTERS} ,'-]*[.。।]?[\]」』\"”]?\s*"
)
_GROUP = re.compile(r"\d{1,3}[.,](?!000)\d{3}")
_HYPHEN = re.compile(r"(?<=[a-zA-Z]{2})-(?=[a-zA-Z]{2})")
_VARIABLE = re.compile(r"\s?[xyzXYZnkK](?![a-zA-Z\u00c0-\u024f])")
# Signs of numerals, and of other rules; apostrophes that stand for the usual one.
_SIGNS = (*LARGE, *SMALL, *KOREAN_UNITS, "none", "sqrt", "’", "ʼ")
_SCALE_DIGITS = 3  # of a hundred
_MARKS_OF_FACTORIALS = frozenset("!！")


class _Changers(NamedTuple):
    """The search for the words that change how a number is read, by an automaton.

    The first ``parts`` of its literals are parts of words; the next ``beginnings`` begin words, and
    the others are whole words.
    """

    find: Find
    parts: int
    beginnings: int


@per_vocabulary
def _changers() -> _Changers:
    parts, beginnings, whole = set(_SIGNS), set[str](), set[str]()
    for word in _listed_words():
        for part in required_parts(word):
            begins = word.startswith(part) or f" {part}" in word
            ends = word.endswith(part) or f"{part} " in word
            if not begins or word.count(part) > 1:
                parts.add(fold(part))
            elif ends:
                whole.add(fold(part))
            else:
                beginnings.add(fold(part))
    for name in ("half_before", "quarter_before", "quarter_less_before"):
        parts.update(map(fold, vocabulary().listed("mixed", name)))
    parts.update(map(fold, vocabulary().listed("numbers", "part_of")))
    for table in all_tables().values():
        for form in _number_forms(table):
            bare = form.rstrip("*")
            inflected = bare != form or "endings" in table
            word = max(re.split("[ -]", bare), key=len)
            (beginnings if inflected else whole).update(map(fold, spellings(word)))
    beginnings -= parts
    whole -= parts | beginnings
    return _Changers(
        automaton([*parts, *beginnings, *whole]),
        len(parts),
        len(parts) + len(beginnings),
    )


def _listed_words() -> Iterator[str]:
    """Yield the words that change how a region is read, which have borders."""
    for name in (*REGION_LISTS, "negative"):
        for entry in listed(name):
            yield from words_of(entry)


def _number_forms(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the words of a language that multiply a number in digits, or add a part to it."""
    yield from table.get("half", ())
    yield from table.get("and_half", ())
    for name in ("parts", "multiples", "scales"):
        for forms in table.get(name, {}).values():
            yield from forms
    for name in ("cardinals", "forms"):
        for number, forms in table.get(name, {}).items():
            if "/" in number or (number.rstrip("0") == "1" and len(number) >= _SCALE_DIGITS):
                yield from forms


def read_plain_region(region: str, context: TextContext, offset: int) -> Reading | None:
    """Read a region of words and one plain number; None for another region.

    ``region`` is one that :func:`is_changed` does not hold for.

    >>> context = TextContext("", "en", None)
    >>> read_plain_region("He earned $1,250.50 per week.", context, 0).value
    Fraction(2501, 2)
    >>> read_plain_region("3 + 4", context, 0) is None
    True
    """
    match = _REGION.fullmatch(region)
    if match is None:
        return None
    start, end = match.span("digits")
    if has_words(region) and (_VARIABLE.match(region, end) or is_part_of_power(region, start, end)):
        return None
    if "-" in region and region.count("-") != len(_HYPHEN.findall(region)) + bool(match["sign"]):
        return None
    if context.text[offset + end : offset + end + 1] in _MARKS_OF_FACTORIALS:
        return None
    value = _value(match, context)
    if value is None:
        return None
    return Reading(-value if match["sign"] else value, start, end)


def _value(match: re.Match[str], context: TextContext) -> Fraction | None:
    """Return the value of the digits of a region; None for several numbers, or a time."""
    region, token, (start, end) = match.string, match["digits"], match.span("digits")
    if token.isdecimal():
        return Fraction(int(token))
    if "[" in region:  # a pair has no value: [3,5]
        return None
    # Only between three digits and three others it matters whether it is an amount of money.
    money = _GROUP.fullmatch(token) is not None and is_money(region, token, start, end)
    numbers = read_token(token, start, context.evidence, money=money)
    if len(numbers) != 1:
        return None
    if not numbers[0].decimals:
        return Fraction(int(numbers[0].whole))
    value, stop = extend(region, numbers[0], context.question, ratios=True)
    return value if stop == end else None


def has_words(region: str) -> bool:
    """Whether there may be letters in a region.

    >>> has_words("$27,000.50"), has_words("27 km"), has_words("27公里")
    (False, True, True)
    """
    return not region.isascii() or region.lower() != region.upper()


def is_changed(region: str) -> bool:
    """Whether a region may have a word that changes how it, or a number in it, is read.

    >>> is_changed("2 million"), is_changed("not 3 but 4"), is_changed("3 of the 40 miles")
    (True, True, False)
    """
    find, parts, beginnings = _changers()
    folded = fold(region)
    for index, low, high in find(folded):
        if index < parts or not _is_cased(folded[low]):
            return True
        if low and _is_cased(folded[low - 1]):
            continue
        if index < beginnings or not _is_cased(folded[high : high + 1]):
            return True
    return False


def _is_cased(character: str) -> bool:
    return character != character.upper()
