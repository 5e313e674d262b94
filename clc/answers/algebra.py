"""Algebra that has no number: variables, lists of assignments, products of parentheses."""

from __future__ import annotations

import re

from clc.answers.vocabulary import per_vocabulary, vocabulary
from clc.answers.words import listed, word_pattern
from clc.deferred_patterns import deferred_pattern

__all__ = ["are_assignments", "has_algebra", "has_variable", "is_aside"]

_LATIN_OR_CYRILLIC = r"a-zA-Z\u0430-\u044f\u0451"
_LETTER = (
    rf"(?<![{_LATIN_OR_CYRILLIC}\\'’])[a-zA-Z\u0430-\u044f\u03b1-\u03c9]"
    rf"(?![{_LATIN_OR_CYRILLIC}'’]|\.(?!\s*\Z))"
)
_ALGEBRA = deferred_pattern(
    rf"{_LETTER}\s?[)\]]?\s?[-+−–*×/÷^]\s?[(\[]?\s?(?:\d|[a-zA-Z](?![a-zA-Z]))"
    rf"|[\d)\]][ ]?[-+−–*×/÷^]\s?[(\[]?\s?{_LETTER}"
    rf"|[\d)\]]\s?[-+−*×]\s?[(\[]?\s?\d{{0,9}}(?:[.,]\d{{1,9}})?[xyzXYZn]\b"
    r"|\d\s?[xyzXYZn](?![a-zA-Z\u00c0-\u024f])"
    r"|(?<![a-zA-Z\u00c0-\u024f])[xyz](?![a-zA-Z\u00c0-\u024f])\s?[-+−*/]"
    r"|[\])]\s?[-+−*×÷]\s\(?\d|\d\s?[-+*×÷]\s?\["
    r"|[^\W\d_]{2}[)\]]?\s[+*×÷]\s?[(\[]?\d|\d[)\]]?\s[+*×÷]\s[(\[]?[^\W\d_]{3}"
    r"|\d\s?[-+−*×÷]\s?\((?!\s?\d)"
)
# One of these is in every match of it, and found in a tenth of the time.
_OPERATOR = deferred_pattern(r"[-+−–*×/÷^]")
_COUNTED = re.compile(r"\d\s?[xyzXYZn]")

# A variable after its coefficient in a formula, where units would be in \\text.
_COEFFICIENT = re.compile(r"\d[abqruvwQRXYZ](?![\w'’])")
_FORMULA = re.compile(r"\$([^$\n]{1,200})\$")
_PRODUCT = deferred_pattern(r"\s?(?:[*×÷/·⋅^]|\\cdot|\\times)\s?[\d$€£(\[a-zA-Z]")


@per_vocabulary
def _assignment() -> re.Pattern[str]:
    """A value of a variable, after what separates it from the one before."""
    words = word_pattern("join", "alternative")
    others = "".join(
        re.escape(one[0]) for one in listed("join") if one[0].lower() == one[0].upper()
    )
    return re.compile(
        rf"(?:\s*(?:[,;、，،]|{words})+\s*)?(?<![^\W_])([^\W\d_](?:_?\{{?\d\}}?)?)\s?[=＝]\s?"
        rf"([-−]?[$€£]?\d[\d.,/]{{0,20}}?)(?=[\s$}}).。]*(?:\Z|[,;、，\s{others}]))"
    )


def are_assignments(text: str) -> bool:
    """Whether a text is only values of several variables, or several of one.

    >>> are_assignments("x = 5, y = 7"), are_assignments("so x = 5, y = 7")
    (True, False)
    """
    text = text.replace("$", " ")
    position = len(text) - len(text.lstrip(" ({\\[*"))
    values = set()
    while match := _assignment().match(text, position):
        values.add(match.groups())
        position = match.end()
    return len(values) > 1 and not text[position:].strip(" $)}]*.。\n")


@per_vocabulary
def _not_variables() -> re.Pattern[str]:
    """Words of a letter that are no variables: 3 y 1/2."""
    words = vocabulary().listed("mixed", "not_variables")
    return re.compile("|".join(f" (?:{word}) " for word in words) or "(?!)")


def has_algebra(text: str) -> bool:
    """Whether a text has a variable beside an operator, or a calculation that is not done.

    >>> has_algebra("2x + 3"), has_algebra("3 boxes")
    (True, False)
    """
    may_have = _OPERATOR.search(text) or _COUNTED.search(text)
    return may_have is not None and _ALGEBRA.search(text) is not None


def has_variable(text: str, *, mathematical: bool) -> bool:
    """Whether a text has a variable beside an operator, or in a formula after its coefficient.

    >>> has_variable("2(21x + 125)", mathematical=False), has_variable("3a", mathematical=True)
    (True, True)
    >>> has_variable("3a", mathematical=False)
    False
    """
    text = _not_variables().sub(" ; ", text)
    if has_algebra(text):
        return True
    if mathematical:
        return _COEFFICIENT.search(text) is not None
    return "$" in text and any(
        _COEFFICIENT.search(formula[1]) for formula in _FORMULA.finditer(text)
    )


def is_aside(match: re.Match[str]) -> bool:
    r"""Whether parentheses hold a remark, and are no factor: 2(x + 1), (14 - x) * 10.

    >>> is_aside(re.search(r"\(.*\)", "36(12×3)")), is_aside(re.search(r"\(.*\)", "2(x+1)"))
    (True, False)
    """
    text, begin, end = match.string, match.start(), match.end()
    if text[begin - 1 : begin].isdecimal() and has_algebra(match[0]):
        return False
    value = any(map(str.isdecimal, match[0])) or has_algebra(match[0])
    return not value or _PRODUCT.match(text, end) is None
