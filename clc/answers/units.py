"""Amounts with units: one amount in two units, and the two sides of a conversion."""

from __future__ import annotations

import re

from clc.answers.context import Reading, TextContext
from clc.answers.numerals import NumberMention, read_numbers

__all__ = ["asked_before_conversion", "compound"]

_WORD = re.compile(r"\s{0,2}([^\W\d_]{2,20})")


def _unit(words: str) -> re.Pattern[str]:
    return re.compile(rf"[ \u00a0]?(?:{words})", re.IGNORECASE)


_HOUR = _unit(
    "hours?|hrs?|h\\b|stunden?|std|horas?|heures?|час|ч\\b|saa\\b|masaa|時間|小时|小時|個小時|个小时|ঘণ্টা|ঘন্টা|గంట|ชั่วโมง|ชม"
)
_MINUTE = _unit("minut|min\\b|mins\\b|минут|мин\\b|dakika|分|মিনিট|నిమిష|นาที")
_DAY = _unit("days?|tage?n?\\b|días?|jours?|дн|день|сут|siku|日|天|দিন|రోజ|วัน")
_UNITS = (
    (_DAY, _HOUR, 24),
    (_unit("km\\b|kilomet|kilómet|kilomèt|километр|км|公里|千米|キロ|কিলোমিটার|కిలోమీటర్|กิโลเมตร|กม"), _unit("m\\b|met(?:er|re)|metros?|mètres?|метр|м\\b|米|メートル|মিটার|మీటర్|เมตร"), 1000),  # noqa: E501
    (_unit("m\\b|met(?:er|re)|metros?|mètres?|метр|м\\b|米|メートル|মিটার|మీటర్|เมตร"), _unit("cm\\b|centi|zenti|сантим|см|厘米|センチ|সেন্টিমিটার|సెంటీమీటర్|เซนติเมตร|ซม"), 100),  # noqa: E501
    (_unit("kg\\b|kilo|кг|килограмм|千克|公斤|キロ|কেজি|কিলো|కిలో|กิโลกรัม|กก"), _unit("g\\b|gram|грамм|г\\b|克|グラム|গ্রাম|గ్రా|กรัม"), 1000),  # noqa: E501
    (_unit("pounds?|lbs?\\b"), _unit("ounces?|oz\\b"), 16),
    (_unit("元|块"), _unit("角|毛"), 10),
    (_HOUR, _MINUTE, 60),
    (_MINUTE, _unit("second|sec\\b|sekunde|segundo|секунд|sekunde|秒|সেকেন্ড|సెకన|วินาที"), 60),
    (_unit("dollar|dólar|доллар|euro|евро|[$€]|dola|ドル|美元|元|ডলার|డాలర్|ดอลลาร์"), _unit("cent|цент|kopeck|senti|セント|美分|সেন্ট|సెంట|เซนต์"), 100),  # noqa: E501
    (_unit("feet|foot|ft\\b|fuß|pies?\\b|pieds?|фут|futi"), _unit("inch|in\\b|zoll|pulgada|pouce|дюйм|inchi"), 12),  # noqa: E501
    (_unit("years?|jahre?|años?|ans?\\b|années?|год|лет|miaka|年|বছর|సంవత్సర|ปี"), _unit("month|monat|mes|mois|месяц|miezi|か月|ヶ月|个月|মাস|నెల|เดือน"), 12),  # noqa: E501
    (_unit("weeks?|wochen?|semanas?|semaines?|недел|wiki|週間|周|সপ্তাহ|వార|สัปดาห์"), _DAY, 7),
)  # fmt: skip
_OCLOCK = frozenset("点點时時")
_SWAHILI_GAP = re.compile(r",?\s(?:na )?([a-z]{2,12})\s", re.IGNORECASE)
_SWAHILI_UNIT = re.compile(
    r"\b(saa|masaa|siku|wiki|miaka|dakika|dola|kilo|kilomita|mita)\s\Z", re.IGNORECASE
)


def asked_before_conversion(
    text: str, right: int, result: NumberMention, context: TextContext
) -> Reading | None:
    """Return the left of 3.5 hours = 210 minutes, if the question asks for hours, not minutes."""
    left = read_numbers(text[:right], context.evidence)
    if len(left) != 1 or not context.question:
        return None
    units = [_WORD.match(text, mention.span[1]) for mention in (left[0], result)]
    if not (units[0] and units[1]):
        return None
    asked = context.question.lower()
    if units[0][1].lower() in asked and units[1][1].lower() not in asked:
        return Reading(left[0].value, *left[0].span)
    return None


def compound(text: str, numbers: list[NumberMention], context: TextContext) -> Reading | None:
    """Read one amount in two units (5 hours and 30 minutes), in the unit of the question."""
    first, second = numbers
    between, after = (
        text[first.span[1] : second.span[0]],
        text[second.span[1] : second.span[1] + 12],
    )
    if len(between) > 24 or second.value.denominator != 1:  # noqa: PLR2004
        return None
    money = text[: first.span[0]].rstrip()[-1:] in "$€£"
    swahili = _SWAHILI_GAP.fullmatch(between)  # masaa 3 na dakika 30: the unit stands first
    unit = _SWAHILI_UNIT.search(text, 0, first.span[0]) if swahili else None
    if swahili and unit:
        between, after = f" {unit[1]}", f" {swahili[1]}"
    for large, small, factor in _UNITS:
        named = small.match(after) and (
            large.match(between)
            or (factor == 100 and money)  # noqa: PLR2004
            or (small is _MINUTE and between.strip() in _OCLOCK)
        )
        if not named:
            continue
        if not 0 <= second.value < factor:
            return None
        asks_small = (
            context.question is not None
            and small.search(context.question) is not None
            and large.search(context.question) is None
        )
        value = (
            first.value * factor + second.value
            if asks_small
            else first.value + second.value / factor
        )
        return Reading(value, first.span[0], second.span[1])
    return None
