"""Selection of the answer among the numbers of a region."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from clc.answers.colons import half_of_day
from clc.answers.context import Reading, TextContext
from clc.answers.number_words import number_words, read_words
from clc.answers.unit_words import unit_words
from clc.answers.units import compound
from clc.answers.vocabulary import per_vocabulary
from clc.answers.word_lists import word_list
from clc.answers.words import cased_and_other, word_pattern
from clc.deferred_patterns import deferred_pattern
from clc.records import AbstainReason

if TYPE_CHECKING:
    from clc.answers.numerals import NumberMention

__all__ = ["abstain", "is_bare_operation", "select"]

_STRONG = re.compile(r"\*\*([^*\n]{1,120})\*\*|\$([^$\n]{1,120})\$|\\\(([^\n]{1,120}?)\\\)")
_OPERATION = deferred_pattern(
    r"[\d)}!⁰¹²³⁴⁵⁶⁷⁸⁹]\s?[+*×÷·⋅]\s?[($€£]?\d|[\d}!⁰¹²³⁴⁵⁶⁷⁸⁹]\s[-−–]\s[$€£]?\d"
    r"|\d\s?[$€£%]?\s[-−–+*×÷/]\s[$€£]?\d|[}!⁰¹²³⁴⁵⁶⁷⁸⁹]\s?[-−/]\s?\d"
)
_BEFORE = 24  # characters before a number in which it is denied
_HUNDRED = 100
_MOST_DENIED = 12  # numbers of a region that are judged by the words around them
_DENIALS = ("denial", "denial_after")
_PAIR = 8  # characters between two numbers that only "and" joins


class _Patterns(NamedTuple):
    """Patterns of words between and around numbers, of all languages."""

    list_gap: re.Pattern[str]
    join: re.Pattern[str]
    range: re.Pattern[str]
    alternative: re.Pattern[str]
    between: re.Pattern[str]
    derived: re.Pattern[str]
    is_: re.Pattern[str]
    sum: re.Pattern[str]
    sum_after: re.Pattern[str]
    below_zero: re.Pattern[str]


@per_vocabulary
def _patterns() -> _Patterns:
    cased, other = cased_and_other("derived")
    sums, other_sums = cased_and_other("sum")
    return _Patterns(
        list_gap=re.compile(rf"[\s$€£%]{{0,3}}(?:[,;、，]|{word_pattern('join')})[\s$€£]{{0,3}}"),
        join=re.compile(rf"[\s$€£]{{1,3}}(?:{word_pattern('join')})[\s$€£]{{1,3}}"),
        range=re.compile(
            rf"\s?[-–—~～]\s?|\s(?:{cased_and_other('range')[0]})\s"
            rf"|\s?(?:{cased_and_other('range')[1]})\s?"
        ),
        alternative=re.compile(
            rf"\s(?:{cased_and_other('alternative')[0]})\s|{cased_and_other('alternative')[1]}"
        ),
        between=re.compile(rf"(?:{word_pattern('between')})[ ][^\d]{{0,6}}\Z"),
        derived=re.compile(
            rf"(?:,|;|—|–|\s-)\s?(?:(?:{word_pattern('join')}) )?(?:{cased})|{other}"
        ),
        is_=re.compile(word_pattern("copula")),
        sum=re.compile(rf"(?:{sums})[ :=]{{1,3}}[$€£]?(?=\d)|(?:{other_sums})[^\d]{{0,6}}(?=\d)"),
        sum_after=re.compile(rf"[^.\d]{{0,40}}?(?:{word_pattern('sum_after')})"),
        below_zero=re.compile(rf"[^.,;\d]{{0,24}}?(?:{word_pattern('below_zero')})"),
    )


def select(
    text: str,
    numbers: list[NumberMention],
    context: TextContext,
    offset: int,
    lists: frozenset[str],
    *,
    changed: bool,
) -> Reading:
    """Choose among the numbers of a region, or abstain.

    ``lists``: the lists of words of denial and of what is below zero that may have a word in it.
    ``changed``: it may have words that add to a number.
    """
    if is_bare_operation(text, numbers):
        return abstain(text, AbstainReason.UNRESOLVED)
    if not lists.isdisjoint(_DENIALS):
        numbers = _without_denied(text, numbers)
    if not numbers:
        return abstain(text, AbstainReason.NO_ANSWER)
    pair = len(numbers) == 2  # noqa: PLR2004
    amount = compound(text, numbers, context) if len(numbers) > 1 else None
    if amount:
        return amount
    if _listed(text, numbers) or (pair and _alternatives(text, numbers, context)):
        return abstain(text, AbstainReason.UNDETERMINED)
    chosen = _choose(numbers, text, context, offset)
    value = _full_value(text, chosen, lists, context.language) if changed else chosen.value
    if value is None:
        return abstain(text, AbstainReason.UNRESOLVED)
    return Reading(value, *chosen.span)


def _without_denied(text: str, numbers: list[NumberMention]) -> list[NumberMention]:
    """Drop the numbers that the text calls wrong: not 16 but 18."""
    if len(numbers) > _MOST_DENIED:
        return numbers
    before = word_list("denial", after=r"[\s*$€£¥]{0,4}\Z")
    after = word_list("denial_after", before=r"(?:[^\W\d_]{1,3}?)?[\s*]{0,3}")
    return [
        mention
        for mention in numbers
        if not before.found(text, max(0, mention.span[0] - _BEFORE), mention.span[0])
        and not after.leads(text, mention.span[1])
    ]


def _full_value(
    text: str, chosen: NumberMention, lists: frozenset[str], language: str | None
) -> Fraction | None:
    """Return the value with the additions around it: and a half, below zero.

    None where a part of a hundred or more is added, and the word of that scale is not known.
    """
    value, (start, end) = chosen.value, chosen.span
    if end == len(text) and text.isascii():
        return value
    before = next(
        (part for part, words in unit_words().parts_before.items()
         if words.search(text, max(0, start - _BEFORE), start)), None
    )  # fmt: skip
    if value.denominator == 1 and (before or number_words(language).half_more(text, end)):
        scale = 1
        if before or unit_words().half_of_scale.match(text, end):
            scale = _scale_at(text, chosen, language)
            if scale == 1 and value % _HUNDRED == 0:
                return None
        value += (before or Fraction(1, 2)) * scale
        if unit_words().clock_hour.match(text, end):  # 3時半
            value = half_of_day(text, value, start, end)
    if "below_zero" in lists and value > 0 and _patterns().below_zero.match(text, end):
        value = -value
    return value


def _scale_at(text: str, number: NumberMention, language: str | None) -> int:
    """Return the power of ten, from a hundred, in whose word a number ends; 1 without one."""
    last = text[slice(*number.span)].rsplit(maxsplit=1)[-1]
    words = read_words(last, language)
    value = words[0][0] if len(words) == 1 else Fraction(1)
    return int(value) if str(value).rstrip("0") == "1" and value >= _HUNDRED else 1


def is_bare_operation(text: str, numbers: list[NumberMention]) -> bool:
    """Whether the region is a calculation without a result: ``9 × 2``."""
    return (
        len(numbers) > 1 and _OPERATION.search(text) is not None and _only_operation(text, numbers)
    )


def _only_operation(text: str, numbers: list[NumberMention]) -> bool:
    """Whether only operators stand between the numbers."""
    rest = [text[a.span[1] : b.span[0]] for a, b in zip(numbers, numbers[1:], strict=False)]  # noqa: RUF007
    joined = [gap for gap in rest if re.fullmatch(r"[\s$€£%()]*[-+−–*×÷·⋅/][\s$€£()]*", gap)]
    return len(joined) == len(rest)


def _listed(text: str, numbers: list[NumberMention]) -> bool:
    """Whether the region is only a list of different numbers: ``3, 4 and 5``."""
    if len({mention.value for mention in numbers}) < 2:  # noqa: PLR2004
        return False
    gaps = [text[a.span[1] : b.span[0]] for a, b in pairwise(numbers)]
    around = text[: numbers[0].span[0]] + text[numbers[-1].span[1] :]
    return not any(map(str.isalnum, around)) and all(map(_patterns().list_gap.fullmatch, gaps))


def _alternatives(text: str, numbers: list[NumberMention], context: TextContext) -> bool:
    """Whether two numbers are alternatives (``3 or 4``), not one amount in two units."""
    first, second = numbers
    between = text[first.span[1] : second.span[0]]
    if first.value == second.value or {first.value, second.value} <= context.question_numbers:
        return False
    if _patterns().between.search(text, 0, first.span[0]) and _patterns().join.fullmatch(between):
        return True
    # "60 minutes or 1 hour" has a unit in between, and is one amount
    return _patterns().range.fullmatch(between) is not None or (
        _patterns().alternative.search(between) is not None
        and not _patterns().alternative.sub("", between).strip()
    )


def _derived(numbers: list[NumberMention], text: str) -> NumberMention | None:
    """Return the last of three numbers if the sentence derives it from the others.

    10 apples and 5 oranges, so 15 fruits; 60% of 50 is 30.
    """
    if len(numbers) != 3:  # noqa: PLR2004
        return None
    first, second, last = numbers
    a, b, c = first.value, second.value, last.value
    between = text[first.span[1] : last.span[0]]
    states = _patterns().is_.search(text, second.span[1], last.span[0]) is not None
    derived = c in {a + b, a - b, a * b} or (b and c == a / b)
    total = c == a + b and _patterns().sum_after.match(text, last.span[1])
    pair = second.span[0] - first.span[1] <= _PAIR  # the difference between 10 and 4 is 6
    share = states and (c in {a * b, a * b / 100} or (pair and derived))
    return last if share or total or (derived and _patterns().derived.search(between)) else None


def _choose(
    numbers: list[NumberMention], text: str, context: TextContext, offset: int
) -> NumberMention:
    """Choose the number that answers, by emphasis, the calculation and the question."""
    if len(numbers) == 1 or len({mention.value for mention in numbers}) == 1:
        return numbers[0]
    strong = [m for m in numbers for mark in _STRONG.finditer(text)
              if mark.start() <= m.span[0] and m.span[1] <= mark.end()]  # fmt: skip
    if len({mention.value for mention in strong}) == 1:
        return strong[-1]
    new = [mention for mention in numbers if mention.value not in context.question_numbers]
    if len({mention.value for mention in new}) == 1:
        return new[0]
    return _derived(numbers, text) or _calculated(new or numbers, text, context, offset)


def _calculated(
    numbers: list[NumberMention], text: str, context: TextContext, offset: int
) -> NumberMention:
    """Choose the result of the last calculation, else the total, else the first number."""
    for result in context.results(offset):
        for mention in numbers:
            if mention.value == result:
                return mention
    total = _patterns().sum.search(text)
    if total:
        for mention in numbers:
            if mention.span[0] == total.end():
                return mention
    return numbers[1 if _is_circumstance(text, numbers) else 0]


@per_vocabulary
def _circumstances() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Words before and after a number that is only when or with what something happens."""
    before, after = word_pattern("circumstance"), word_pattern("circumstance_after")
    return (
        re.compile(rf"[\s*]{{0,4}}(?:{before})[\s$€£¥]{{0,2}}"),
        re.compile(rf"\s?[^\s\d]{{0,9}}?\s?(?:{after})"),
    )


def _is_circumstance(text: str, numbers: list[NumberMention]) -> bool:
    """Whether the first number is a circumstance of the others: in 3 days she earns 24."""
    start, end = numbers[0].span
    if (
        len(numbers) == 1
        or start > _BEFORE
        or _patterns().alternative.search(text, end, numbers[1].span[0])
    ):
        return False
    before, after = _circumstances()
    if before.fullmatch(text, 0, start):
        return True
    return not any(map(str.isalnum, text[:start])) and after.match(text, end) is not None


def abstain(region: str, reason: AbstainReason) -> Reading:
    """Return a reading without value, with its reason."""
    return Reading(None, 0, len(region), reason)
