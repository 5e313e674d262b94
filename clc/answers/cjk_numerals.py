"""Chinese and Japanese numerals: 十八, 一千二百, 3万5千, 三分之二, 二点五."""

from __future__ import annotations

import re
from fractions import Fraction

from clc.answers.vocabulary import per_vocabulary, vocabulary

__all__ = ["KILO", "LARGE", "SMALL", "cjk_fractions", "cjk_numeral", "read_cjk"]

_DIGITS = {
    **{character: index for index, character in enumerate("零一二三四五六七八九")},
    **{character: index for index, character in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    "两": 2,
    "兩": 2,
    "弐": 2,
    "参": 3,
    "貳": 2,
    "參": 3,
    "陸": 6,
}
SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
LARGE = {
    "万": 10**4,
    "萬": 10**4,
    "亿": 10**8,
    "億": 10**8,
    "兆": 10**12,
}
_TENS = {"廿": 20, "卅": 30}
_D = "".join(_DIGITS)
_ALL = _D + "".join(SMALL) + "".join(LARGE) + "".join(_TENS)
# 千 in kilometre (千米), kilogram (千克), kilowatt: part of the unit, not of the number.
KILO = r"千(?=[米克瓦卡帕赫伏焦牛升])"
_TERM = rf"([{_ALL}]{{1,12}}|\d{{1,9}})"


@per_vocabulary
def cjk_numeral() -> re.Pattern[str]:
    """Return the pattern of a numeral, maybe with a decimal point in characters.

    第一 and 统一 hold no number, nor do the words that the files of languages list.
    """
    words = "|".join(map(re.escape, vocabulary().listed("numbers", "not_numbers"))) or "(?!)"
    return re.compile(
        rf"(?<![第统統唯同进逐{_ALL}])(?!{words})(?!{KILO})(?:(?!{KILO})[{_ALL}]){{1,24}}"
        rf"(?:[点點][{_D}]{{1,9}})?"
    )


@per_vocabulary
def _fraction() -> re.Pattern[str]:
    """Return the pattern of a fraction whose denominator stands first."""
    words = "|".join(map(re.escape, vocabulary().listed("numbers", "part_of"))) or "(?!)"
    return re.compile(rf"{_TERM}(?:{words})[ ]?{_TERM}")


def read_cjk(numeral: str) -> Fraction | None:
    """Return the value of a numeral, None if the characters form none.

    >>> read_cjk("一千二百"), read_cjk("十八"), read_cjk("二〇二一"), read_cjk("二点五")
    (Fraction(1200, 1), Fraction(18, 1), Fraction(2021, 1), Fraction(5, 2))
    """
    numeral, _, point = numeral.replace("點", "点").partition("点")
    value = _integer(numeral)
    if value is None:
        return None
    if point:
        digits = "".join(str(_DIGITS[character]) for character in point)
        return value + Fraction(int(digits), 10 ** len(digits))
    return Fraction(value)


def cjk_fractions(text: str, start: int, end: int) -> list[tuple[Fraction, int, int]]:
    """Return fractions with the denominator first; a percentage (百分之二十) keeps its number.

    >>> cjk_fractions("三分之二", 0, 4)
    [(Fraction(2, 3), 0, 4)]
    """
    fractions = []
    for match in _fraction().finditer(text, start, end):
        below, above = (
            int(part) if part.isdecimal() else _integer(part) for part in match.groups()
        )
        if below and above is not None:
            value = Fraction(above) if match[1] == "百" else Fraction(above, below)
            fractions.append((value, match.start(), match.end()))
    return fractions


def _integer(numeral: str) -> int | None:
    if all(character in _DIGITS for character in numeral):
        if len(numeral) == 2 and not set(numeral) & set("〇零"):  # noqa: PLR2004
            return None  # 三四 is "three or four"
        return int("".join(str(_DIGITS[character]) for character in numeral))
    total = section = 0
    digit: int | None = None
    last = 10**16
    for character in numeral:
        if character in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[character]
        elif character in _TENS:
            section, digit = section + _TENS[character], None
        elif character in SMALL:
            unit = SMALL[character]
            if unit >= last:
                return None
            section += (1 if digit is None else digit) * unit
            digit, last = None, unit
        else:
            section += digit or 0
            if section == 0:
                return None
            total, section, digit, last = total + section * LARGE[character], 0, None, 10**16
    # 一万二: a digit after a unit counts the next lower unit only in speech; here it is ones.
    return total + section + (digit or 0)
