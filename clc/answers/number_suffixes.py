"""Suffixes of the digits of a number: fractions, powers, clock times and scale words."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import TYPE_CHECKING

from clc.answers.cjk_numerals import KILO, LARGE
from clc.answers.colons import dotted_time, read_clock_or_ratio, read_ratio
from clc.answers.expressions import is_power, read_factorial, read_power
from clc.answers.factorials import SIGN
from clc.answers.number_scales import scale_after
from clc.answers.powers import is_writable, raised
from clc.answers.repeating import repeating_value
from clc.answers.unit_words import unit_words
from clc.answers.vocabulary import per_vocabulary, vocabulary
from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from clc.answers.separators import Number

__all__ = ["GLYPHS", "KOREAN_UNITS", "extend", "value_of_digits"]

_GLYPH = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞↉"
GLYPHS = {glyph: Fraction(unicodedata.numeric(glyph)).limit_denominator(100) for glyph in _GLYPH}
_MIXED = deferred_pattern(r"[ \u00a0\u2009]{0,2}(\d{1,9})[/⁄∕](\d{1,9})(?![\d/]|[.,]\d)")
_SCIENTIFIC = re.compile(r"[eE]([+\-−]?\d{1,100})(?!\w)")
_TIMES_TEN = deferred_pattern(
    r"[ \u00a0]{0,2}[×xX*·⋅][ \u00a0]{0,2}10(?=[ ]?(?:\^|\*\*)|[⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹])"
)
_LARGE = "".join(LARGE)
_AFTER_LARGE = deferred_pattern(rf"[ ]?(千|百)?([{_LARGE}])(?![一-鿿]?[一]步)")
_KILO = re.compile(KILO)
_HUNDREDS = re.compile(r"(\d)百")  # 2千5百
# 24만 원, 2만 4천; the same syllable is a particle: 24만큼, 24만을.
_KOREAN = deferred_pattern(r"[ ]?(천|백|십)?(만|억|천)(?![큼은을이의])")
_KOREAN_LOWER = deferred_pattern(r"[ ]?(\d{1,4}(?:,\d{3})?)(천|백)?(만)?(?![%개명])")
KOREAN_UNITS = {"십": 10, "백": 100, "천": 1000, "만": 10**4, "억": 10**8}


@per_vocabulary
def _over() -> re.Pattern[str]:
    """Return the pattern of a denominator after digits."""
    words = "|".join(map(re.escape, ["/", "⁄", "∕", "／", *vocabulary().listed("numbers", "over")]))
    return re.compile(
        rf"[ \u00a0]{{0,2}}(?:{words})[ \u00a0]{{0,2}}(\d{{1,1001}})(?!\d|[.,:/⁄∕]\d)"
    )


def value_of_digits(whole: str, decimals: str) -> Fraction:
    """Return the value of integer part and decimals."""
    if not decimals:
        return Fraction(int(whole))
    return Fraction(int(whole + decimals), 10 ** len(decimals))


def extend(
    text: str, number: Number, question: str | None, *, ratios: bool
) -> tuple[Fraction | None, int]:
    """Extend a number by what follows its digits; None for a value that cannot be written.

    A ``question`` for a ratio makes 2:30 one. Without ``ratios`` the terms of one are two numbers.
    """
    decimals, end = number.decimals, number.end
    value = value_of_digits(number.whole, decimals)
    special = _repeating_or_time(text, number, ratios=ratios)
    if special:
        return special
    if end >= len(text) or text[end] in _ENDS:
        return value, end
    if text[end] == SIGN:
        return (None, end + 1) if decimals else read_factorial(text, value, end)
    if _colon_follows(text, end):
        joined = read_clock_or_ratio(text, value, number, question, ratios=ratios)
        if joined:
            return joined
    return (
        (None if decimals else _with_fraction(text, value, end, question, ratios=ratios))
        or _with_power(text, value, end)
        or _with_scale(text, value, end)
    )


_COLONS = frozenset(":：∶")
_REPEATS = frozenset(".,⟨…\\")
_DOTTED_NEXT = frozenset(["", *" \u00a0\u202f."])
_ENDS = frozenset(".,;)]}\"'\n。，！?")


def _repeating_or_time(
    text: str, number: Number, *, ratios: bool
) -> tuple[Fraction | None, int] | None:
    """Read a repeating decimal, or a time with a dot; None for another number."""
    sign = text[number.end : number.end + 1]
    if sign in _REPEATS:
        return repeating_value(text, number.whole, number.decimals, number.end)
    if not (ratios and number.decimals):
        return None
    if sign in _DOTTED_NEXT or sign.lower() in unit_words().dotted_firsts:
        time = dotted_time(text, number)
        return None if time is None else (time, number.end)
    return None


def _colon_follows(text: str, end: int) -> bool:
    """Whether a colon, a word between the terms of a ratio, or a space before one follows."""
    sign = text[end : end + 1]
    if sign in _COLONS:
        return True
    if sign.isascii() and sign != " ":
        return False
    spaced, glued = unit_words().ratio_firsts
    if sign == " ":
        after = text[end + 1 : end + 2].lower()
        return after in _COLONS or after in spaced
    return sign in glued


def _with_fraction(
    text: str, value: Fraction, end: int, question: str | None, *, ratios: bool
) -> tuple[Fraction | None, int] | None:
    """Read a denominator, a mixed number or minutes after an integer; None without one.

    A fraction may be the first term of a ratio.
    """
    over = _over().match(text, end)
    if over:
        below, end = _denominator(text, Fraction(int(over[1])), over.end())
        quotient = value / below if below else None
        ratio = (
            read_ratio(text, quotient, over.start(), end, question)
            if ratios and quotient and _colon_follows(text, end)
            else None
        )
        return ratio or (quotient, end)
    mixed = _MIXED.match(text, end)
    if mixed and 0 < int(mixed[1]) < int(mixed[2]):
        return value + Fraction(int(mixed[1]), int(mixed[2])), mixed.end()
    following = text[end]
    glyph = end + 1 if following in " \u2009" and end + 1 < len(text) else end
    if text[glyph] in _GLYPH:
        return value + GLYPHS[text[glyph]], glyph + 1
    hours = unit_words().joint.match(text, end)
    if hours:
        return value + Fraction(int(hours[1]), 60), hours.end()
    return None


def _denominator(text: str, value: Fraction, end: int) -> tuple[Fraction | None, int]:
    """Read the power or factorial that a denominator begins; the denominator itself without one."""
    if text[end : end + 1] == SIGN:
        return read_factorial(text, value, end)
    return read_power(text, value, end) or (value, end)


def _with_power(text: str, value: Fraction, end: int) -> tuple[Fraction | None, int] | None:
    """Read a power of ten or an exponent after a number; None without one."""
    scientific = _SCIENTIFIC.match(text, end)
    if scientific:
        return _scaled(value, int(scientific[1].replace("−", "-")), scientific.end())
    ten = _TIMES_TEN.match(text, end)
    power = read_power(text, Fraction(10), ten.end()) if ten else None
    if power:
        product = None if power[0] is None else value * power[0]
        return (product if product is not None and is_writable(product) else None), power[1]
    raised_number = read_power(text, value, end)
    if raised_number is None:
        return None
    product, end = raised_number
    if product is None or end == len(text):
        return raised_number
    return _with_scale(text, product, end)  # 10^6 million


def _scaled(value: Fraction, power: int, end: int) -> tuple[Fraction | None, int]:
    factor = raised(Fraction(10), Fraction(power))
    product = None if factor is None else value * factor
    return (product if product is not None and is_writable(product) else None), end


def _with_scale(text: str, value: Fraction, end: int) -> tuple[Fraction | None, int]:
    """Multiply a number by 万, 千, 百 or a scale word after it; None before an exponent."""
    large = _AFTER_LARGE.match(text, end)
    if large:
        factor = LARGE[large[2]] * {"千": 1000, "百": 100}.get(large[1] or "", 1)
        return _lower_units(text, value * factor, factor, large.end())
    if text[end] in "百千":
        return _hundreds(text, value, end)
    korean = _KOREAN.match(text, end)
    scale = None if korean else scale_after(text, end)
    if korean or scale is None:
        return _korean(text, value, korean) if korean else (value, end)
    return _scaled_by(text, value, scale)


def _hundreds(text: str, value: Fraction, end: int) -> tuple[Fraction, int]:
    """Multiply a number by 百 or 千 after it, unless it is a part of a unit: 3千克."""
    if text[end] == "百":
        return value * 100, end + 1
    if _KILO.match(text, end):
        return value, end
    hundreds = _HUNDREDS.match(text, end + 1)
    if hundreds:
        return value * 1000 + int(hundreds[1]) * 100, hundreds.end()
    return value * 1000, end + 1


def _korean(text: str, value: Fraction, units: re.Match[str]) -> tuple[Fraction, int]:
    """Multiply a number by 만, 억 or 천 after it, and add lower units: 2만 4천."""
    factor = KOREAN_UNITS.get(units[1], 1) * KOREAN_UNITS[units[2]]
    total, end = value * factor, units.end()
    lower = _KOREAN_LOWER.match(text, end)
    while lower:
        step = KOREAN_UNITS.get(lower[2], 1) * KOREAN_UNITS.get(lower[3], 1)
        more = int(lower[1].replace(",", "")) * step
        if more >= factor:
            break
        total, factor, end = total + more, step, lower.end()
        lower = _KOREAN_LOWER.match(text, end)
    return total, end


def _scaled_by(text: str, value: Fraction, scale: tuple[int, int]) -> tuple[Fraction | None, int]:
    factor, end = scale
    power = text[end : end + 1] in _RAISES and is_power(text, end)
    return (None if power else value * factor), end


_RAISES = frozenset("^*²³")
_LOWER = re.compile(r"(\d{1,4}(?:,\d{3})?)(千)?([万萬])?")


def _lower_units(text: str, value: Fraction, factor: int, end: int) -> tuple[Fraction, int]:
    """Add the lower units of 1万2,000 and 1万2千."""
    rest = _LOWER.match(text, end)
    if rest:
        step = LARGE[rest[3]] if rest[3] else 1
        more = int(rest[1].replace(",", "")) * (1000 if rest[2] else 1) * step
        if more < factor:
            return _lower_units(text, value + more, step, rest.end())
    return value, end
