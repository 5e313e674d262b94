r"""Repeating decimals as fractions: ``0.\overline{3}``, ``0.(3)``, ``0,1\dot{6}``, ``0.333...``."""

from __future__ import annotations

import re
from fractions import Fraction

from clc.deferred_patterns import deferred_pattern

__all__ = ["mark_periods", "repeating_value", "write_repeating"]

_MOST = 60  # digits of a period
_PERIOD = deferred_pattern(
    rf"([.,]\d{{0,{_MOST}}})\\(?:overline|bar|dot|overbar)\s?\{{\s?(\d{{1,{_MOST}}})\s?\}}"
    rf"(?:\d{{0,{_MOST}}}\\dot\s?\{{\s?\d\s?\}})?"
)
_DOTTED = re.compile(r"\\dot\s?\{?(\d)\}?(\d{0,58})\\dot\s?\{?(\d)\}?")  # from dot to dot
_LINED = re.compile(rf"([.,]\d{{0,{_MOST}}})((?:\d[\u0304\u0305\u0307]){{1,{_MOST}}})")
_TAIL = re.compile(rf"⟨(\d{{1,{_MOST}}})⟩")
_BRACKETS = re.compile(rf"(\d[.,]\d{{0,{_MOST}}})\((\d{{1,{_MOST}}})\)(?![\d%])")
_DOTS = re.compile(r"\.{3}|…|\\l?dots|\\cdots")
_REPEATED = re.compile(r"(\d*?)(?:(\d)\2{2,}|(\d{2,12}?)\3+)")


def write_repeating(markup: str) -> str:
    r"""Write the periods of LaTeX and of combining marks in brackets: 0.1\overline{6} is 0.1(6).

    >>> write_repeating(r"0.1\overline{6}"), write_repeating(r"0.\dot{1}4\dot{2}")
    ('0.1(6)', '0.(142)')
    """
    if "\\" in markup:
        markup = _DOTTED.sub(lambda period: "\\overline{" + "".join(period.groups()) + "}", markup)
        markup = _PERIOD.sub(r"\1(\2)", markup)
    if not markup.isascii():
        markup = _LINED.sub(lambda match: f"{match[1]}({re.sub('[^0-9]', '', match[2])})", markup)
    return markup


def mark_periods(text: str) -> str:
    """Mark the brackets of periods, which are no remarks; positions do not change.

    >>> mark_periods("0.(3) of them (5)")
    '0.⟨3⟩ of them (5)'
    """
    return _BRACKETS.sub(r"\1⟨\2⟩", text)


def repeating_value(text: str, whole: str, decimals: str, end: int) -> tuple[Fraction, int] | None:
    """Return the value and the end of a decimal that repeats, None for another number.

    ``end`` is that of the digits; ``decimals`` is empty in 0.⟨3⟩.

    >>> repeating_value("0.1⟨6⟩", "0", "1", 3), repeating_value("0.333...", "0", "333", 5)
    ((Fraction(1, 6), 6), (Fraction(1, 3), 8))
    """
    period = _TAIL.match(text, end + (not decimals))
    if period and (decimals or text[end : end + 1] in {".", ","}):
        return _value(whole, decimals, period[1]), period.end()
    dots = _DOTS.match(text, end) if decimals else None
    if dots is None:
        return None
    repeated = _REPEATED.fullmatch(decimals)
    if repeated is None:
        return None
    return _value(whole, repeated[1], repeated[2] or repeated[3]), dots.end()


def _value(whole: str, decimals: str, period: str) -> Fraction:
    """Return the value of whole.decimals(period)."""
    nines = 10 ** len(period) - 1
    shift = 10 ** len(decimals)
    return Fraction(int(whole + decimals), shift) + Fraction(int(period), nines * shift)
