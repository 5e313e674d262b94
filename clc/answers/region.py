"""Reading of a region of text as an answer: a number, an abstention, or nothing."""

from __future__ import annotations

import re
from typing import NamedTuple

from clc.answers.algebra import are_assignments, has_algebra, has_variable, is_aside
from clc.answers.compounds import find_compound
from clc.answers.context import Reading, TextContext
from clc.answers.factorials import (
    asks_for_factorials,
    mark_factorials,
    may_be_factorial,
    only_factorial,
)
from clc.answers.groups import merge_groups
from clc.answers.mixed import merge_mixed
from clc.answers.numerals import NumberMention, read_numbers
from clc.answers.plain_regions import REGION_LISTS, is_changed, read_plain_region
from clc.answers.power_words import power_words, words_before
from clc.answers.refusals import undetermined_at
from clc.answers.repeating import mark_periods
from clc.answers.selection import abstain, is_bare_operation, select
from clc.answers.spelled import is_open_run, spelled_numbers, with_fractions
from clc.answers.unit_words import unit_words
from clc.answers.units import asked_before_conversion
from clc.answers.vocabulary import per_vocabulary
from clc.answers.word_lists import lists_in, word_list
from clc.answers.words import listed, word_pattern
from clc.deferred_patterns import deferred_pattern
from clc.records import AbstainReason

__all__ = ["read_region"]

# A remark in parentheses, not a factor or an argument.
_PARENTHESIS = deferred_pattern(
    r"(?<![a-zA-Z*×+/^=÷({])(?<![*×+/^=÷−-] )[(（][^()（）]{0,300}(?:[)）]|\Z)"
)
_EQUALS = re.compile(r"(?:[=≈＝⇒→]|\\implies|\\approx)(?!=)")
# The prompt's own "[num]", followed by nothing or an explanation: it was not filled in.
_UNFILLED = deferred_pattern(r"[\s.。*\"'”」]*(?:\Z|[,，(（])")
_ARITHMETIC = deferred_pattern(r"(?<=\d)(\s?)[xX\u0445\u0425✕✖](\s?)(?=[\d$€£(])")
_VARIABLE = re.compile(r"[\s$]*[\[({]?\s*-?[a-zA-Z]\s*[\])}]?[\s$]*[.。]?\s*")
_INEQUALITY = deferred_pattern(
    r"(?<![\w</])[a-zA-Z]\s?[<>≤≥]=?\s?[-−]?\d|\d\s?[<>≤≥]=?\s?[a-zA-Z](?!\w|>)"
)
_BEFORE_PAUSE = r"[\s,;:.，、。…(—–-]"
_AFTER_PAUSE = r"[^\d]{0,40}(?=\d)"
_UNEQUAL = deferred_pattern("[<>≤≥]")
_NEAR = 24  # characters from the start
_CLAUSE = re.compile(r"[,.;:()\[\n，。、；：（）।،—–]|\s-")  # ends one before a statement
_ITALIC = re.compile(r"(?<![\w*])\*([^*\s][^*\n]{0,60})\*(?![\w*])")
_UNDERLINED = re.compile(r"(?<!\w)__([^_\n]{1,60})__(?!\w)")
_STRUCK = re.compile(r"~~[^~\n]{1,80}~~")
_QUOTIENT = re.compile(r"\d[^()]{0,80}\)/\(|\)/\([^()]{0,80}\d")  # an unevaluated fraction
_POWER_OF_LETTERS = re.compile(r"[^\d]*[a-zA-Z][ ]?\^[ ]?\{?[^\W_]{1,3}\}?[^\d]*")  # mc^2
_POWER_OF_GLYPH = re.compile(r"[¼-¾⅐-⅞]\s?\^")
_SIGNED_E = deferred_pattern(
    r"(?<=\d)(?:e[+−-]|E[+−-](?=\d\d)|(?:(?<=[.,]\d)|(?<=[.,]\d\d))E[+−-])(?=\d)"
)  # 1.5e+30, and no algebra
_PAIR = re.compile(r"[\s$]*\\?[({\[]\s?-?\d+(?:,\s?-?\d{1,2})+\s?\\?[)}\]][\s$.]*")  # (1,2)
_ROOT = re.compile(r"[√\u03c0]\s?[\d(]|\d\s?[√\u03c0]|\\(?:sqrt|pi)\b|\bsqrt\s?\(")


class _Patterns(NamedTuple):
    """Patterns of words and units, of all languages."""

    placeholder: re.Pattern[str]
    premise: re.Pattern[str]  # a reason; what follows it may be an answer
    not_but: re.Pattern[str]
    unit_power: re.Pattern[str]  # units that look like algebra: 24 m^2, 5 m/s


@per_vocabulary
def _patterns() -> _Patterns:
    length, time = unit_words().symbols("length"), unit_words().symbols("time")
    return _Patterns(
        placeholder=re.compile(
            rf"[\[<({{【]\s?(?:{word_pattern('placeholder')}|[xX]+|\.{{2,}})\s?[\]>)}}】]"
        ),
        premise=re.compile(
            rf"[\s*_]*(?:{word_pattern('premise')})[^,，]{{1,160}}[,，](?=[^\n]{{0,160}}\d)"
        ),
        not_but=re.compile("|".join(map(_spanning, listed("not_but"))) or "(?!)"),
        unit_power=re.compile(
            rf"(?<=\d)[ \u2009]{{0,6}}(?:[kcdm]?m|s|{length})[ ]?\^[ ]?\{{?[23]\}}?"
            r"|(?<=[\d⁰¹²³⁴-⁹])[ \u2009]{0,6}"
            rf"(?:[kmc\u03bc]?[mgLlJNWV]|mi|ft|cal|{length})[ ]?/"
            rf"[ ]?(?:[km]?[gm]|[shLl]|min|sec|mol|{length}|{time})"
            r"(?:[ ]?\^[ ]?\{?[23]\}?|[²³])?(?![a-zA-Z])"
        ),
    )


def _spanning(entry: str) -> str:
    """Return the pattern of an entry whose … stands for a few words: not … but."""
    parts = [
        rf"\b(?:{part})\b" if part[0].lower() != part[0].upper() or part[0] == "(" else part
        for part in entry.replace("'", "['’]").split(" … ")
    ]
    return ".{1,40}?".join(parts)


def read_region(
    region: str, context: TextContext, offset: int = 0, *, mathematical: bool = False
) -> Reading | None:
    """Read ``region``, at ``offset`` of the context's text, as an answer.

    ``mathematical``: all of it is a formula, so that an exclamation mark is a factorial.

    Returns:
        None if it has no content, so that the caller looks elsewhere.
    """
    changed = is_changed(region)
    plain = None if mathematical or changed else read_plain_region(region, context, offset)
    return plain or _read_any_region(
        region, context, offset, mathematical=mathematical, changed=changed
    )


def _read_any_region(  # noqa: C901, PLR0911
    region: str, context: TextContext, offset: int, *, mathematical: bool, changed: bool
) -> Reading | None:
    """Read any region; ``changed``: it may have words that change how its numbers are read."""
    region = _marked(region, context, mathematical=mathematical)
    placeholder = _patterns().placeholder.search(region)
    if placeholder and _UNFILLED.match(region, placeholder.end()):
        return abstain(region, AbstainReason.NO_ANSWER)
    lists = lists_in(region, *REGION_LISTS) if changed else frozenset[str]()
    shown, visible = _visible(
        _blank(_patterns().placeholder, region) if placeholder else region, lists
    )
    unequal = _UNEQUAL.search(visible) and _INEQUALITY.search(visible)
    if unequal or ("=" in visible and are_assignments(visible)):
        return abstain(region, AbstainReason.UNDETERMINED)
    undetermined = _undetermined_start(visible, lists)
    right = _right_side(visible)
    if right:
        visible = " " * right + visible[right:]
    compound = _compound(region, right, context)
    if compound:
        return compound
    unresolved: list[tuple[int, int]] = []
    numbers = read_numbers(visible, context.evidence, unresolved=unresolved)
    numbers = _with_fractions(visible, numbers, context.language, changed=changed)
    if undetermined is not None and not (numbers and numbers[0].span[0] < undetermined):
        return abstain(region, AbstainReason.UNDETERMINED)
    left = _left_side(shown, right, visible, numbers, context) if right else None
    if left:
        return left
    if (
        unresolved
        or _is_unresolved(visible, mathematical=mathematical)
        or (")/(" in region and _QUOTIENT.search(region, right))
    ):
        return abstain(region, AbstainReason.UNRESOLVED)
    if undetermined is not None and _is_open(visible, numbers[0].span[1], undetermined):
        return abstain(region, AbstainReason.UNDETERMINED)
    if undetermined is None and not numbers and visible is not shown and not right:
        numbers, visible = read_numbers(shown, context.evidence), shown
        if has_variable(shown, mathematical=mathematical):
            return abstain(region, AbstainReason.UNRESOLVED)
    numbers = numbers or merge_mixed(
        visible, spelled_numbers(visible, context.language), context.language
    )
    if not numbers or changed:
        numbers = merge_groups(visible, numbers, context.language)
    if numbers:
        return _selected(visible, numbers, context, offset, lists, changed=changed)
    return abstain(region, AbstainReason.UNRESOLVED) if _VARIABLE.fullmatch(shown) else None


def _with_fractions(
    text: str, numbers: list[NumberMention], language: str | None, *, changed: bool
) -> list[NumberMention]:
    """Read fractions of two numbers, and mixed numbers; those in words only if there may be any."""
    if changed and ("分" in text or "분" in text):
        numbers = with_fractions(text, numbers)
    return merge_mixed(text, numbers, language, words=changed)


def _marked(region: str, context: TextContext, *, mathematical: bool) -> str:
    """Mark factorials and periods of decimals; positions do not change."""
    if "!" in region or "！" in region:
        mathematical = (
            mathematical or only_factorial(context.text) or asks_for_factorials(context.question)
        )
        region = mark_factorials(region, mathematical=mathematical)
    return mark_periods(region) if "(" in region else region


def _selected(
    text: str,
    numbers: list[NumberMention],
    context: TextContext,
    offset: int,
    lists: frozenset[str],
    *,
    changed: bool,
) -> Reading:
    """Choose among the numbers; words around it may make it a part: two to the power of 10."""
    if is_open_run(text, numbers):
        return abstain(text, AbstainReason.UNRESOLVED)
    reading = select(text, numbers, context, offset, lists, changed=changed)
    if reading.value is None:
        return reading
    before = text[max(0, reading.start - 24) : reading.start].rstrip().lower()
    if (
        before.endswith(words_before())
        or (numbers[0].written != "digits" and power_words().after.match(text, reading.end))
        or may_be_factorial(context.text, offset + reading.start, offset + reading.end)
    ):
        return abstain(text, AbstainReason.UNRESOLVED)
    return reading


def _visible(region: str, lists: frozenset[str]) -> tuple[str, str]:
    """Blank what is taken back in a region; also return it without remarks in parentheses."""
    shown = _unmarked(region)
    outside = _without_remarks(shown)
    begin = _last_start(shown, lists)
    if begin:
        shown, outside = " " * begin + shown[begin:], " " * begin + outside[begin:]
    return shown, outside if any(map(str.isalnum, outside)) else shown


def _without_remarks(text: str) -> str:
    """Blank the remarks in parentheses."""
    if "(" not in text and "（" not in text:
        return text
    return _PARENTHESIS.sub(
        lambda match: " " * len(match[0]) if is_aside(match) else match[0], text
    )


def _last_start(text: str, lists: frozenset[str]) -> int:
    """Return the position after words that take back a number, or that contrast a false one."""
    begin = 0
    if "pause" in lists:
        back = word_list("pause", before=_BEFORE_PAUSE, after=_AFTER_PAUSE).last(text)
        if back and any(map(str.isdecimal, text[: back.start()])):
            begin = back.end()
    contrast = _patterns().not_but.search(text, begin) if "not_but" in lists else None
    return contrast.end() if contrast else begin


def _right_side(text: str) -> int:
    """Return the position after the last equals sign, 0 if nothing of an answer follows it."""
    equals = None
    for equals in _EQUALS.finditer(text):  # noqa: B007
        pass
    if equals is None:
        return 0
    tail = text[equals.end() :]
    return equals.end() if any(map(str.isdecimal, tail)) or has_algebra(tail) else 0


def _left_side(
    shown: str, right: int, visible: str, numbers: list[NumberMention], context: TextContext
) -> Reading | None:
    """Read the left of an equation whose right is a conversion, or a calculation: 7 = 3 + 4."""
    if len(numbers) == 1 and context.question:
        asked = asked_before_conversion(shown, right, numbers[0], context)
        if asked:
            return asked
    if is_bare_operation(visible, numbers):
        left = read_numbers(shown[:right], context.evidence)
        if len(left) == 1:
            return Reading(left[0].value, *left[0].span)
    return None


def _unmarked(region: str) -> str:
    """Remove signs that only look like arithmetic; positions stay the same."""
    if "^" in region or "/" in region:
        region = _blank(_patterns().unit_power, region)
    if "*" in region:
        region = _ITALIC.sub(r" \1 ", region)
    if "__" in region:
        region = _UNDERLINED.sub(r"  \1  ", region)
    if "~~" in region:
        region = _blank(_STRUCK, region)
    if "x" in region or "X" in region or not region.isascii():
        return _ARITHMETIC.sub(r"\1×\2", region)
    return region


def _undetermined_start(text: str, lists: frozenset[str]) -> int | None:
    """Return the position of a statement without answer, unless it is a reason for an answer."""
    start = undetermined_at(text, listed="undetermined" in lists)
    reason = None if start is None else _patterns().premise.match(text)
    if start is not None and reason and start < reason.end():
        return undetermined_at(text, reason.end())
    return start


def _compound(region: str, right: int, context: TextContext) -> Reading | None:
    """Read (2/3)^2 or log_2 8 as its value if nothing else is stated; a pair has none."""
    if _PAIR.fullmatch(region) and not context.evidence.decimal_comma:
        return abstain(region, AbstainReason.UNDETERMINED)
    found = find_compound(region, right)
    if found is None:
        return None
    before, after = region[right : found.start], region[found.end :]
    alone = not any(map(str.isdecimal, before + after)) and not has_algebra(after)
    value = found.value if alone else None
    if value is not None and before.rstrip().endswith(("-", "−")):
        value = -value
    reason = AbstainReason.UNRESOLVED if value is None else None
    return Reading(value, found.start, found.end, reason)


def _is_unresolved(text: str, *, mathematical: bool) -> bool:
    if "^" in text and (_POWER_OF_LETTERS.fullmatch(text) or _POWER_OF_GLYPH.search(text)):
        return True
    if "e+" in text or "e-" in text or "E+" in text or "E-" in text or "−" in text:
        text = _SIGNED_E.sub(lambda sign: sign[0][0] + "0", text)
    if has_variable(text, mathematical=mathematical):
        return True
    may_have_root = not text.isascii() or "\\" in text or "sqrt" in text
    return may_have_root and _ROOT.search(text) is not None


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace matches by spaces, so that positions stay the same."""
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _is_open(text: str, end: int, undetermined: int) -> bool:
    """Whether a number that ends at ``end`` belongs to a later statement without answer.

    18, and no other solution: not in a clause of its own at the start.
    """
    return undetermined >= _NEAR or _CLAUSE.search(text, end, undetermined) is None
