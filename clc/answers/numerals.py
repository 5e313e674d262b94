"""Numbers in a text, by value: digits of any script, CJK numerals, number words."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal, NamedTuple

from clc.answers.cjk_numerals import cjk_fractions, cjk_numeral, read_cjk
from clc.answers.number_scales import scale_before
from clc.answers.number_suffixes import GLYPHS, extend, value_of_digits
from clc.answers.number_words import number_words
from clc.answers.separators import TOKEN, Evidence, Number, read_token
from clc.answers.unit_words import CURRENCY, unit_words
from clc.answers.vocabulary import per_vocabulary
from clc.answers.words import word_pattern
from clc.deferred_patterns import deferred_pattern

__all__ = ["NumberMention", "is_money", "negative_before", "numbers_in", "read_numbers"]


class NumberMention(NamedTuple):
    """A number in a text: its value, its span, and its notation."""

    value: Fraction
    span: tuple[int, int]
    written: Literal["digits", "word", "cjk"]


_MINUS = "-−–﹣－"
_BIDI = "\u200e\u200f\u061c\u2066\u2067\u2068\u2069"
_SCAN = deferred_pattern(
    rf"(?<![A-Za-z\u0410-\u044f\u0451\d_.,)\]])[.,]\d+(?![.,]?\d)|{TOKEN.pattern}|[{''.join(GLYPHS)}]"
)
_K = frozenset("kK")
_THOUSANDS = re.compile(r"[kK](?!\w)")
_NO_THOUSANDS = re.compile(r"k[ ]?(?:[-+*/=^×]|run\b|race\b)")  # a variable, kilometres
_CODE = re.compile(r"(?<![^\W\d_])([^\W\d_]{2,4})[ \u00a0.]?\Z")
_LATIN = re.compile(r"[A-Za-z_]")


@per_vocabulary
def negative_before() -> re.Pattern[str]:
    """Words before a number that make it negative."""
    return re.compile(rf"(?:{word_pattern('negative')})[ ]?\Z")


def numbers_in(
    text: str, language: str | None = None, question: str | None = None
) -> list[NumberMention]:
    """Return all numbers in ``text`` by value, in order, in any script and notation.

    >>> [str(m.value) for m in numbers_in("3 sheep cost 1,250.50 each", "en")]
    ['3', '2501/2']
    >>> [(str(m.value), m.written) for m in numbers_in("三只羊，১৮ টাকা, mitatu", "sw")]
    [('3', 'cjk'), ('18', 'digits'), ('3', 'word')]
    """
    numbers = read_numbers(text, Evidence(text, language, question), ratios=False)
    taken = [mention.span for mention in numbers]
    if not text.isascii():
        cjk = []
        for match in cjk_numeral().finditer(text):
            value = read_cjk(match[0])
            if value is not None and not _overlaps(match.span(), taken):
                cjk.append(NumberMention(value, match.span(), "cjk"))
        numbers += cjk
        taken = sorted(mention.span for mention in numbers)
        if "分" in text:
            fractions = [
                NumberMention(value, (start, end), "cjk")
                for value, start, end in cjk_fractions(text, 0, len(text))
            ]
            inside = [mention.span for mention in fractions]
            numbers = [mention for mention in numbers if not _overlaps(mention.span, inside)]
            numbers += fractions
            taken = sorted(mention.span for mention in numbers)
    in_words = number_words(language)
    for mentions in (in_words.read(text, 0, len(text)), in_words.held_numbers(text)):
        words = [
            NumberMention(value, (start, end), "word")
            for value, start, end in sorted(mentions, key=lambda mention: mention[1:])
            if not _overlaps((start, end), taken)
        ]
        numbers += _apart(words)
        taken = sorted(mention.span for mention in numbers)
    numbers.sort(key=_by_span)
    return numbers


def _by_span(mention: NumberMention) -> tuple[int, int]:
    return mention.span


def _apart(mentions: list[NumberMention]) -> list[NumberMention]:
    """Drop mentions that overlap an earlier one."""
    kept: list[NumberMention] = []
    for mention in mentions:
        if not kept or mention.span[0] >= kept[-1].span[1]:
            kept.append(mention)
    return kept


def _overlaps(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    from bisect import bisect_left

    index = bisect_left(others, span)
    return (index < len(others) and others[index][0] < span[1]) or (
        index > 0 and others[index - 1][1] > span[0]
    )


def read_numbers(
    text: str,
    evidence: Evidence,
    *,
    ratios: bool = True,
    unresolved: list[tuple[int, int]] | None = None,
) -> list[NumberMention]:
    """Return the numbers written with digits in ``text``, in order.

    Signs, fractions, mixed numbers, powers, factorials, 万 and million are part of the number;
    clock times are in hours, ratios are fractions (without ``ratios`` two separate numbers), a
    percent sign has no effect. The spans of powers and fractions whose value cannot be written are
    added to ``unresolved``.
    """
    found: list[NumberMention] = []
    lost = [] if unresolved is None else unresolved
    position = 0
    while True:
        match = _SCAN.search(text, position)
        if match is None:
            return found
        position = match.end()
        token = match[0]
        first = match.start()
        if token[0] in GLYPHS:
            value = GLYPHS[token]
            found.append(NumberMention(_signed(text, first, value), (first, position), "digits"))
            continue
        if first and _LATIN.match(text[first - 1]) and not _after_code(text, first):
            continue
        if token[0] in ".,":
            digits = token[1:41]
            value = Fraction(int(digits), 10 ** len(digits))
            found.append(NumberMention(_signed(text, first, value), (first, position), "digits"))
            continue
        money = is_money(text, token, first, position)
        numbers = read_token(token, first, evidence, money=money)
        for number in numbers[:-1]:
            value = value_of_digits(number.whole, number.decimals)
            found.append(NumberMention(value, (number.start, number.end), "digits"))
        if not numbers:
            continue
        last = numbers[-1]
        extended, position = extend(text, last, evidence.question, ratios=ratios)
        if extended is None:
            lost.append((last.start, position))
            continue
        value, first = extended, last.start
        if text[position : position + 1] in _K or (
            first > 1 and text[first - 1] == " " and text[first - 2].isalpha()
        ):
            value, first, position = _multiplied(text, last, extended, position)
        found.append(NumberMention(_signed(text, first, value), (first, position), "digits"))


def _multiplied(text: str, number: Number, value: Fraction, end: int) -> tuple[Fraction, int, int]:
    """Scale a value by the k of $20k, and by a scale before the digits: elfu 70."""
    first = number.start
    if _THOUSANDS.match(text, end) and (
        (first and text[first - 1] in CURRENCY)
        or (
            text[end] == "k"
            and (number.decimals or len(number.whole) > 1)
            and not _NO_THOUSANDS.match(text, end)
        )
    ):
        return value * 1000, first, end + 1
    if value < 1000:  # noqa: PLR2004
        factor, first = scale_before(text, first)
        return value * factor, first, end
    return value, first, end


def is_money(text: str, token: str, first: int, end: int) -> bool:
    """Whether ``token``, digits with separators at ``text[first:end]``, is an amount of money."""
    return not token.isdecimal() and (
        (first > 0 and text[first - 1] in CURRENCY)
        or (first > 1 and text[first - 1] == " " and text[first - 2] in CURRENCY)
        or _code_before(text, first)
        or unit_words().money_after.match(text, end) is not None
    )


def _code_before(text: str, first: int) -> bool:
    """Whether a currency's code stands before an amount: Rp75.000, CHF 1.250."""
    match = _CODE.search(text, max(0, first - 6), first)
    return match is not None and match[1].lower() in unit_words().money_codes


def _after_code(text: str, first: int) -> bool:
    """Whether the letters before belong to a number (USD18, 5x3), not to a name (A1)."""
    begin = first
    while begin and first - begin < 5 and _LATIN.match(text[begin - 1]):  # noqa: PLR2004
        begin -= 1
    word = text[begin:first].lower()
    if word == "x":
        return begin > 0 and text[begin - 1].isdecimal()
    if word in unit_words().money_codes:
        return True
    after_digit = begin > 0 and text[begin - 1].isdecimal()
    return after_digit and unit_words().is_unit(word)  # 1km500m


def _signed(text: str, first: int, value: Fraction) -> Fraction:  # noqa: C901
    """Negate when a sign, and not a subtraction, a range or a bullet, stands before ``first``."""
    index = first
    while index and (text[index - 1] in CURRENCY or text[index - 1] in _BIDI):
        index -= 1
    touching = index
    while index and touching - index < 2 and text[index - 1] in " \u00a0":  # noqa: PLR2004
        index -= 1
    if not index:
        return value
    if text[index - 1] not in _MINUS:
        before = text[max(0, index - 12) : touching]
        return -value if before and negative_before().search(before) else value
    spaced = index != touching
    index -= 1
    while index and text[index - 1] in _BIDI + CURRENCY:
        index -= 1
    if not index:
        return value if spaced else -value
    before = text[index - 1]
    if spaced:  # "- 15" is a sign only right after an equals sign or a label's colon
        while index and text[index - 1] in " \u00a0":
            index -= 1
        return -value if index and text[index - 1] in "=:：≈" else value
    if before in " \u00a0":
        while index and text[index - 1] in " \u00a0":
            index -= 1
        before = text[index - 1] if index else " "
        binary = before.isdecimal() or before in ")]}%"
        return value if binary else -value
    binary = before.isdecimal() or before in ")]}%" or (before.isascii() and before.isalpha())
    return value if binary or before in _MINUS else -value
