"""Exclamation marks that are factorials: ``$5!$`` and ``5! = 120``; "It is 18!" may be one."""

from __future__ import annotations

import re

from clc.answers.power_words import power_words
from clc.answers.unit_words import CURRENCY
from clc.answers.vocabulary import per_vocabulary
from clc.answers.words import cased_and_other
from clc.deferred_patterns import deferred_pattern

__all__ = ["SIGN", "asks_for_factorials", "mark_factorials", "may_be_factorial", "only_factorial"]

SIGN = "\ue021"
"""A character for private use in place of a mark that is a factorial."""

_AFTER = r"(?<=[\d)}\]|])"  # a number or a bracket before the mark
_RUN = re.compile(rf"{_AFTER}[ ]?([!！]{{1,9}})")
_FORMULA = re.compile(r"\$\$?[^$\n]{1,400}\$\$?|\\\([^\n]{1,400}?\\\)|\\\[[^\n]{1,400}?\\\]")
_WORD = re.compile(r"(?<![\\a-zA-Z])[^\W\d_]{2}")
# Signs after 5! that no exclamation has.
_OPERATED = deferred_pattern(
    r"[ ]?(?:=(?!=)|[/×÷·⋅^<≈≤]|[-+*−][ ]?[\d(]|[⁰¹²³⁴⁵⁶⁷⁸⁹]|\\(?:times|cdot|div|approx|le))"
    r"|[)}\]][ ]?(?:[!！^/=×·⋅]|\\(?:times|cdot|div))"
)
_ENCLOSED = re.compile(r"\([ ]?\d{1,9}\Z")  # (5!)
_BRACKETED = re.compile(r"(?<![^\W_])\([ ]?(?:\d{1,4}[!！]?|\([^()]{1,9}\)[!！]?)[ ]?\)\Z")  # (3!)!
# (4-1)!, unless it is a remark after a number or a word
_ARITHMETIC = re.compile(r"(?:\A|[=:$])\s{0,3}\([\d\s+\-−×*/^.,()!]{1,60}\)\Z")
_RAISED = re.compile(r"\^[ ]?[({]?\d{0,4}[!！]{0,4}\Z")
_DEFINED = re.compile(r"=[ $]{0,2}\(?[ ]?\d{1,4}[!！]{0,4}\)?\Z")
_CALCULATED = deferred_pattern(r"\d[ ]?[-+−×x*÷/·][ ]?[$€£]?\d[^=\n]*\Z")
_LOOK_BACK = 40
_LONG = 3  # digits of numbers whose factorial is no answer
_LARGEST_SAME = 2  # 1! = 1 and 2! = 2
_EXCLAIMED = re.compile(r"(?<![\d)}\]|\s!！])[!！]")
_ALONE = re.compile(r"\s*[($]{0,2}\d{1,9}\)?[ ]?[!！]{1,2}[$)]{0,2}\s*")
_ASKED = re.compile(r"\d![ ]?(?:[-+×*/÷·=^)}$]|\\(?:times|cdot|div))|(?<![a-zA-Z])[nN]!")


def asks_for_factorials(question: str | None) -> bool:
    """Whether a question has factorials, so that its answer may be one.

    >>> asks_for_factorials("Write 120 as a factorial."), asks_for_factorials("Oh no, 5!")
    (True, False)
    """
    return question is not None and (
        _ASKED.search(question) is not None or power_words().factorials.search(question) is not None
    )


def only_factorial(text: str) -> bool:
    """Whether a text consists of a number and marks, as a gold does.

    >>> only_factorial("$5!$"), only_factorial("Answer: 5!")
    (True, False)
    """
    return len(text) < _LOOK_BACK and _ALONE.fullmatch(text) is not None


def may_be_factorial(text: str, start: int, end: int) -> bool:
    """Whether the number ``text[start:end]`` and a mark after it may be a factorial.

    Nothing tells "The answer is 5!" from "The answer is 18!" but what stands around: a number of
    more digits, a currency, "¡", another exclamation, or a calculation that ends with the number.

    >>> may_be_factorial("The answer is 5!", 14, 15), may_be_factorial("It costs $5!", 10, 11)
    (True, False)
    >>> may_be_factorial("9 + 9 = 18. It is 18!", 18, 20)
    False
    """
    number = text[start:end]
    if text[end : end + 1] not in {"!", "！"} or text[end + 1 : end + 2] in {"!", "！"}:
        return False
    if not (number.isdecimal() and len(number) < _LONG and int(number) > _LARGEST_SAME):
        return False
    return (
        text[:start].rstrip()[-1:] not in CURRENCY
        and "¡" not in text[max(0, start - _LOOK_BACK) : start]
        and _EXCLAIMED.search(text) is None
        and re.search(rf"=[ ]?{number}(?![ ]?[!！]|[\d.,]*\d)", text[:start]) is None
        and not _CALCULATED.search(text[max(0, start - _LOOK_BACK) : start].rstrip(" ="))
    )


def mark_factorials(text: str, *, mathematical: bool = False) -> str:
    """Replace the factorial marks of a text by ``SIGN``, with positions unchanged.

    Args:
        text: a text in plain characters or LaTeX.
        mathematical: all of it is a formula, as the content of a box or a gold.

    >>> mark_factorials("5! = 120, great!") == f"5{SIGN} = 120, great!"
    True
    >>> mark_factorials("It is 18!"), mark_factorials("10 + 8 = 18!")
    ('It is 18!', '10 + 8 = 18!')
    """
    formulas = [] if mathematical else _formulas(text)
    pieces, position = [], 0
    for run in _RUN.finditer(text):
        begin, end = run.span(1)
        inside = any(start < begin and end < stop for start, stop in formulas)
        if mathematical or inside or _is_operated(text, run):
            gap = text[run.start() : begin]
            pieces += [text[position : run.start()], SIGN * (end - begin), gap]
            position = end
    return "".join(pieces) + text[position:]


def _formulas(text: str) -> list[tuple[int, int]]:
    """Return the spans of formulas without words: not the text between two prices."""
    return [match.span() for match in _FORMULA.finditer(text) if not _WORD.search(match[0])]


@per_vocabulary
def _ways() -> re.Pattern[str]:
    """Words of counting after a factorial: 5! ways."""
    cased, other = cased_and_other("ways")
    return re.compile(rf"[ ](?:{cased})|[ ]?(?:{other})")


def _is_operated(text: str, run: re.Match[str]) -> bool:
    """Whether an operator or brackets beside a number make the mark after it a factorial."""
    begin = run.start()
    before = text[max(0, begin - _LOOK_BACK) : begin]
    if "¡" in text[:begin]:
        return False
    after = _OPERATED.match(text, run.end()) or _ways().match(text, run.end())
    if after or before[-1] == "|" or _RAISED.search(before):
        return True
    if _ENCLOSED.search(before) and text.startswith(")", run.end()):
        return True
    if _BRACKETED.search(before) or _ARITHMETIC.search(text[:begin]):
        return True
    equals = _DEFINED.search(before)
    return equals is not None and not _CALCULATED.search(before, 0, equals.start())
