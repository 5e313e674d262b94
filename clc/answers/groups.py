"""Words after a number that multiply it: two dozen, half a dozen, two and a half million."""

from __future__ import annotations

from fractions import Fraction

from clc.answers.number_scales import scale_after
from clc.answers.number_words import number_words
from clc.answers.numerals import NumberMention

__all__ = ["merge_groups"]


def merge_groups(
    text: str, numbers: list[NumberMention], language: str | None
) -> list[NumberMention]:
    """Multiply each number by the dozen after it, and one with a half by a scale after that.

    Without numbers, a dozen after an article is one.

    >>> [str(one.value) for one in merge_groups("about a dozen", [], "en")]
    ['12']
    """
    if not numbers:
        found = number_words(language).find_group(text)
        return [NumberMention(found[0], found[1:], "word")] if found else []
    return [_multiplied(text, mention, language) for mention in numbers]


def _multiplied(text: str, mention: NumberMention, language: str | None) -> NumberMention:
    words = number_words(language)
    value, (start, end) = mention.value, mention.span
    if end == len(text) or value <= 0:
        return mention
    in_digits = mention.written == "digits" and value.denominator == 1
    if in_digits and (more := words.continued(text, int(value), end)):
        return mention._replace(value=more[0], span=(start, more[1]))
    half = value.denominator == 1 and words.match_half(text, end)
    if half:
        value, end = value + Fraction(1, 2), half
    factor: tuple[int | Fraction, int] | None = words.group_after(text, end)
    if factor is None and (half or value == Fraction(1, 2)):
        factor = scale_after(text, words.after_article(text, end))
    return (
        mention
        if factor is None
        else mention._replace(value=value * factor[0], span=(start, factor[1]))
    )
