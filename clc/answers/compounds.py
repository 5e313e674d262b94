"""Expressions that do not begin with their number: ``(2/3)^2``, ``log_2 8``, ``10 mod 3``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from clc.answers.expressions import read_signed
from clc.answers.factorials import SIGN
from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["Compound", "evaluate", "find_compound"]

_NAMES = r"(?:pow|sqrt|cbrt|gcd|lcm|max|min|abs|factorial)[ ]?\(|\\?sqrt[ ]?[\[{\d]|\\[dt]?binom"
_OWN = r"(?<![a-zA-Z\\])"  # not within a word
_MOD = r"[ ]{0,2}\\?(?:b?mod|MOD)\b[ ]{0,2}"
_COUNT = r"[ ]?_?\{?[CP]_?\{?\d"
_RAISES = rf"(?:\\?[\^↑\u02c6˄＾]|\*\*[ ]?[-\d({{]|<sup>|[⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹]|{SIGN})"
_LOG = r"\\log[ ]?_|log_|log[₀-₉]|log\d{1,2}[ ]?\("
_FUNCTIONS = rf"{_OWN}(?:{_NAMES}|{_LOG}|[CP][ ]?\(\d|[CAP][ ]?_[ ]?[{{\d])|[√∛∜⌊⌈]"
_STARTS = deferred_pattern(
    rf"[(\[{{]|\|(?=[-−]?[ ]?\d)|{_FUNCTIONS}"
    rf"|(?<![\d.,])\d{{1,60}}(?={_MOD}\d|{_COUNT})"
)
_COMPOUND = deferred_pattern(
    rf"[)\]}}|⌋⌉][ ]?{_RAISES}|\|[-−]?\d[^|\n]{{0,40}}\||{_FUNCTIONS}|\d{_MOD}\d|\d{_COUNT}"
)
_SIGN = deferred_pattern(r"[()|_\\√∛∜⌊⌈⁻⁺⁰¹²³⁴-⁹₀-₉}\]]|\dC|\d[ ]?(?:C|P|[mM][oO][dD])|log")
# Functions without a value here.
_UNKNOWN = deferred_pattern(
    rf"{_OWN}\\?(?:ln|lg|log|exp|sin|cos|tan|cot|arc\w{{3}})(?:[ ]?[(_{{]|(?<=\\log)[ ]\d)"
    r"|\\(?:ln|lg|log|exp|sin|cos|tan|cot|sum|prod|int|lim)(?![a-zA-Z])"
)
_MODULO = re.compile(_MOD + r"(?=\d)")
_FACTOR = deferred_pattern(r"[-+–*×÷/^√_][ $]?\Z|[a-zA-Z)\]]\Z|\b[a-zA-Z] \Z|\d\Z")
_SIGNED = re.compile(r"[\s$]*[-−][ ]?")
_EDGE = re.compile(r"[\s$.。{}]*")
_MOST_STARTS = 24
_LONGEST = 400  # characters; a text is no expression


class Compound(NamedTuple):
    """An expression in a region: its value, None without one that can be written, and its span."""

    value: Fraction | None
    start: int
    end: int


def find_compound(text: str, start: int = 0) -> Compound | None:
    """Find the last expression in ``text[start:]`` that does not begin with its number.

    >>> find_compound("it is (2/3)^2 of them")
    Compound(value=Fraction(4, 9), start=6, end=13)
    >>> find_compound("it is (4 - 1)^2")
    Compound(value=None, start=6, end=13)
    >>> find_compound("it is 2^3 of them") is None
    True
    """
    if _SIGN.search(text, start) is None:
        return None
    if _COMPOUND.search(text, start) is None:
        unknown = _UNKNOWN.search(text, start)
        return Compound(None, *unknown.span()) if unknown else None
    found = None
    position = start
    for index, candidate in enumerate(_STARTS.finditer(text, start)):
        if candidate.start() < position:
            continue
        if index > _MOST_STARTS:
            return Compound(None, position, len(text))
        value, end = _read(text, candidate.start())
        if value is None and candidate[0] in "([{":
            end = _closing(text, candidate.start())
        compound = _COMPOUND.search(text, candidate.start(), end + 2)
        if compound is None or (candidate[0] == "|" and text.count("|") != 2):  # noqa: PLR2004
            continue  # a remark, an interval, a row of a table
        before = text[start : candidate.start()]
        if value is None or (_FACTOR.search(before) and not _SIGNED.fullmatch(before)):
            return Compound(None, candidate.start(), end)
        found, position = Compound(value, candidate.start(), end), end
    return found


def evaluate(text: str) -> Fraction | None:
    r"""Return the exact value of a text that is one expression and nothing else.

    >>> evaluate(r"\binom{5}{2}"), evaluate("-sqrt(16)"), evaluate("2 sqrt(3)")
    (Fraction(10, 1), Fraction(-4, 1), None)
    """
    if len(text) > _LONGEST:
        return None
    edge = _EDGE.match(text)
    value, end = _read(text, edge.end() if edge else 0)
    rest = _EDGE.fullmatch(text, end)
    return value if rest and text.count("{") == text.count("}") else None


def _closing(text: str, start: int) -> int:
    """Return the end of the bracket that opens at ``start``, or ``start`` if it does not close."""
    depth = 0
    for index in range(start, min(len(text), start + _LONGEST)):
        if text[index] in "([{":
            depth += 1
        elif text[index] in ")]}":
            depth -= 1
            if not depth:
                return index + 1
    return start


def _read(text: str, start: int) -> tuple[Fraction | None, int]:
    value, end = read_signed(text, start)
    modulo = _MODULO.match(text, end)
    if modulo is None:
        return value, end
    divisor, end = read_signed(text, modulo.end())
    return (value % divisor if value is not None and divisor else None), end
