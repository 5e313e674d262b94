"""Reading of a region of text as an answer: a number, an abstention, or nothing."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from clc.answers.cjk_numerals import CJK_NUMBER, cjk_fractions, read_cjk
from clc.answers.number_words import AND_HALF, HALF, HALVES, WITH_HALF, read_words
from clc.answers.numerals import NEGATIVE, NumberMention, read_numbers
from clc.answers.refusals import undetermined_at
from clc.answers.scene import Reading, TextContext
from clc.answers.units import asked_before_conversion, compound
from clc.records import AbstainReason

__all__ = ["read_region"]

_PLACEHOLDER = re.compile(
    r"[\[<({【]\s?(?:num|number|numeric\w*|answer|your answer|value|result|x+|zahl|antwort|número|numero|nombre|число|ответ|nambari|jibu|数字|数値|数|答案|答え|সংখ্যা|উত্তর|సంఖ్య|ตัวเลข|คำตอบ|\.{2,})\s?[\]>)}】]",  # noqa: E501
    re.IGNORECASE,
)
# A remark in parentheses, not a factor or an argument.
_PARENTHESIS = re.compile(
    r"(?<![a-zA-Z*×+/^=÷(])(?<![*×+/^=÷−-] )[(（][^()（）]{0,300}(?:[)）]|\Z)"
)
_EQUALS = re.compile(r"(?:[=≈＝⇒→]|\\implies|\\approx)(?!=)")
_STRONG = re.compile(r"\*\*([^*\n]{1,120})\*\*|\$([^$\n]{1,120})\$|\\\(([^\n]{1,120}?)\\\)")
# The prompt's own "[num]", followed by nothing or an explanation: it was not filled in.
_UNFILLED = re.compile(r"[\s.。*\"'”」]*(?:\Z|[,，(（])")
_LIST_GAP = re.compile(
    r"[\s$€£%]{0,3}(?:[,;、，]|and|und|y|et|и|na|和|と|এবং|మరియు|และ)[\s$€£]{0,3}"
)
_RANGE = re.compile(r"\s?[-–—~～至到]\s?|\s(?:to|bis|à|a|до|hadi)\s|ถึง| থেকে ")
_ARITHMETIC = re.compile(r"(?<=\d)(\s?)[xXхХ✕✖](\s?)(?=[\d$€£(])")
_LETTER = r"(?<![a-zA-Zа-яё\\'’])[a-zA-Z](?![a-zA-Zа-яё'’.])"
_ALGEBRA = re.compile(
    rf"{_LETTER}\s?[)\]]?\s?[-+−–*×/÷^]\s?[(\[]?\s?(?:\d|[a-zA-Z](?![a-zA-Z]))"
    rf"|[\d)\]][ ]?[-+−–*×/÷^]\s?[(\[]?\s?{_LETTER}"
    rf"|[\d)\]]\s?[-+−*×]\s?[(\[]?\s?\d{{0,9}}(?:[.,]\d{{1,9}})?[xyzXYZn]\b"
    r"|\d\s?[xyzXYZn](?![a-zA-ZÀ-ɏ])"
    r"|(?<![a-zA-ZÀ-ɏ])[xyz](?![a-zA-ZÀ-ɏ])\s?[-+−*/]"
    r"|[\])]\s?[-+−*×÷]\s\(?\d|\d\s?[-+*×÷]\s?\["
    r"|[^\W\d_]{2}[)\]]?\s[+*×÷]\s?[(\[]?\d|\d[)\]]?\s[+*×÷]\s[(\[]?[^\W\d_]{3}"
    r"|\d\s?[-+−*×÷]\s?\((?!\s?\d)"
)
_VARIABLE = re.compile(r"[\s$]*[\[({]?\s*-?[a-zA-Z]\s*[\])}]?[\s$]*[.。]?\s*")
_OPERATION = re.compile(
    r"[\d)]\s?[+*×÷]\s?[($€£]?\d|\d\s[-−–]\s[$€£]?\d|\d\s?[$€£%]?\s[-−–+*×÷/]\s[$€£]?\d"
)
_OR = re.compile(r"\s(?:or|oder|o|ou|или|au|বা|অথবা|లేదా|หรือ)\s|或者?|または|หรือ", re.IGNORECASE)
_NOT_BUT = re.compile(
    r"\bnot\b.{1,40}?\bbut\b|\bnicht\b.{1,40}?\bsondern\b|\bno\b.{1,40}?\bsino\b|\bpas\b.{1,40}?\bmais\b|"
    r"\bне\b.{1,40}?,\s?а\b|不是.{1,30}?而?是|ではなく|"
    r"\b(?:isn['’]t|is not|was not|wasn['’]t)\b[^.\n]{1,30}?[;,.]\s*(?:it['’]s|it is)\b"
)
_TAKEN_BACK = re.compile(
    r"(?:\b(?:wait|actually|correction|oops|no,|sorry|nein,|non,|нет,|perdón)|不对|不，|いや、|いいえ、)[^\d]{0,40}(?=\d)",
    re.IGNORECASE,
)
# Units that look like algebra: 24 m^2, 5 m/s.
_UNIT_POWER = re.compile(
    r"(?<=\d)[ ]?(?:[kcdm]?m|s)[ ]?\^[ ]?\{?[23]\}?"
    r"|(?<=\d)[ ]{0,3}(?:[kmcμ]?[mgLlJNWV]|mi|ft|cal)[ ]?/[ ]?(?:[km]?[gm]|[shLl]|min|sec|mol)"
    r"(?:[ ]?\^[ ]?\{?[23]\}?|[²³])?(?![a-zA-Z])"
)
_ITALIC = re.compile(r"(?<![\w*])\*([^*\s][^*\n]{0,60})\*(?![\w*])")
_STRUCK = re.compile(r"~~[^~\n]{1,80}~~")
_QUOTIENT = re.compile(r"\d[^()]{0,80}\)/\(|\)/\([^()]{0,80}\d")  # an unevaluated fraction
_BELOW_ZERO = re.compile(
    r"[^.,;\d]{0,24}?(?:below (?:zero|freezing)|unter null|bajo cero|(?:au-dessous de|sous) zéro|ниже нуля|chini ya sifuri)",  # noqa: E501
    re.IGNORECASE,
)
_ZERO = re.compile("zero|freez|null|cero|zéro|нуля|sifuri", re.IGNORECASE)
_HALF_MORE = re.compile(r"সা(?:ড়|ড়)ে[ ]?\Z")  # সাড়ে তিন is three and a half
_BETWEEN = re.compile(
    r"(?:\bbetween|\bzwischen|\bentre|\bмежду|\bkati ya)[ ][^\d]{0,6}\Z", re.IGNORECASE
)
_AND = re.compile(r"[\s$€£]{1,3}(?:and|und|y|et|и|na)[\s$€£]{1,3}")
# "Since he cannot buy part of a box, he needs 18": such a reason does not make it undetermined.
_REASON = re.compile(
    r"[\s*_]*(?:since|because|as|da|weil|como|ya que|puisque|comme|parce que|так как|поскольку|因为|由于|由於)\b[^,，]{1,160}[,，](?=[^\n]{0,160}\d)",  # noqa: E501
    re.IGNORECASE,
)
_SO = re.compile(
    r"(?:,|;|—|–|\s-)\s?(?:and )?(?:so|making|giving|which makes|for a total|or a total|also|macht|por lo que|así que|donc|soit|значит|поэтому|так что|итого)\b"  # noqa: E501
    r"|(?:所以|因此|一共|共|よって|ので|合わせて|合計)",
    re.IGNORECASE,
)
_ALTOGETHER = re.compile(
    r"[^.\d]{0,40}\b(?:in total|altogether|in all|total|combined|insgesamt|zusammen|en total|au total|всего|вместе|kwa jumla)\b",  # noqa: E501
    re.IGNORECASE,
)
_PART_OF = {"third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_ONE_PART = re.compile(rf"\ba ({'|'.join(_PART_OF)})\b", re.IGNORECASE)
_IS = re.compile(r"\b(?:is|are|equals|ist|sind|es|son|est|sont|ni)\b|это|равно|составля|是|等于|は")
_ROOT = re.compile(r"[√π]\s?[\d(]|\d\s?[√π]|\\(?:sqrt|pi)\b|\bsqrt\s?\(")
_TOTAL = re.compile(
    r"\b(?:total|insgesamt|всего|итого|jumla)(?: (?:of|is|de|ya))?[ :=]{1,3}[$€£]?(?=\d)|(?:一共|总共|總共|合計|全部で|মোট|మొత్తం|รวม)[^\d]{0,6}(?=\d)",  # noqa: E501
    re.IGNORECASE,
)


_PAIR = 8  # characters between two numbers that only "and" joins


def read_region(  # noqa: PLR0911
    region: str, context: TextContext, offset: int = 0, *, words: bool = True
) -> Reading | None:
    """Read ``region``, at ``offset`` of the context's text, as an answer.

    Returns:
        None if it has no content, so that the caller looks elsewhere.
    """
    placeholder = _PLACEHOLDER.search(region)
    if placeholder and _UNFILLED.match(region, placeholder.end()):
        return _abstain(region, AbstainReason.NO_ANSWER)
    shown, visible = _visible(_blank(_PLACEHOLDER, region) if placeholder else region)
    undetermined = _undetermined_start(visible)
    right = _right_side(visible)
    if right:
        visible = " " * right + visible[right:]
    numbers = _with_fractions(visible, read_numbers(visible, context.evidence))
    if undetermined is not None and not (numbers and numbers[0].span[0] < undetermined):
        return _abstain(region, AbstainReason.UNDETERMINED)
    left = _left_side(shown, right, visible, numbers, context) if right else None
    if left:
        return left
    if _is_unresolved(visible) or (")/(" in region and _QUOTIENT.search(region, right)):
        return _abstain(region, AbstainReason.UNRESOLVED)
    if undetermined is not None:
        if not _short(visible[:undetermined]):
            return _abstain(region, AbstainReason.UNDETERMINED)
    elif not numbers and visible is not shown and not right:
        numbers, visible = read_numbers(shown, context.evidence), shown
    numbers = numbers or (_spelled(visible, context.language) if words else [])
    if numbers:
        return _decide(visible, numbers, context, offset)
    return _abstain(region, AbstainReason.UNRESOLVED) if _VARIABLE.fullmatch(shown) else None


def _abstain(region: str, reason: AbstainReason) -> Reading:
    return Reading(None, 0, len(region), reason)


def _visible(region: str) -> tuple[str, str]:
    """Blank what is taken back in a region; also return it without remarks in parentheses."""
    shown = _unmarked(region)
    outside = _blank(_PARENTHESIS, shown)
    begin = _last_start(shown)
    if begin:
        shown, outside = " " * begin + shown[begin:], " " * begin + outside[begin:]
    return shown, outside if any(map(str.isalnum, outside)) else shown


def _last_start(text: str) -> int:
    """Return the position after words that take back a number, or that contrast a false one."""
    begin = 0
    back = None
    for back in _TAKEN_BACK.finditer(text):  # noqa: B007
        pass
    if back and any(character.isdecimal() for character in text[: back.start()]):
        begin = back.end()
    contrast = _NOT_BUT.search(text, begin)
    return contrast.end() if contrast else begin


def _right_side(text: str) -> int:
    """Return the position after the last equals sign, 0 if nothing of an answer follows it."""
    equals = None
    for equals in _EQUALS.finditer(text):  # noqa: B007
        pass
    if equals is None:
        return 0
    tail = text[equals.end() :]
    return equals.end() if any(map(str.isdecimal, tail)) or _ALGEBRA.search(tail) else 0


def _left_side(
    shown: str, right: int, visible: str, numbers: list[NumberMention], context: TextContext
) -> Reading | None:
    """Read the left of an equation whose right is a conversion, or a calculation: 7 = 3 + 4."""
    if len(numbers) == 1 and context.question:
        asked = asked_before_conversion(shown, right, numbers[0], context)
        if asked:
            return asked
    if _bare_operation(visible, numbers):
        left = read_numbers(shown[:right], context.evidence)
        if len(left) == 1:
            return Reading(left[0].value, *left[0].span)
    return None


def _decide(text: str, numbers: list[NumberMention], context: TextContext, offset: int) -> Reading:
    """Choose among the numbers of a region, or abstain."""
    if _bare_operation(text, numbers):
        return _abstain(text, AbstainReason.UNRESOLVED)
    pair = len(numbers) == 2  # noqa: PLR2004
    amount = compound(text, numbers, context) if pair else None
    if amount:
        return amount
    if _listed(text, numbers) or (pair and _alternatives(text, numbers, context)):
        return _abstain(text, AbstainReason.UNDETERMINED)
    chosen = _choose(numbers, text, context, offset)
    return Reading(_full_value(text, chosen), *chosen.span)


def _unmarked(region: str) -> str:
    """Remove signs that only look like arithmetic; positions stay the same."""
    if "^" in region or "/" in region:
        region = _blank(_UNIT_POWER, region)
    if "*" in region:
        region = _ITALIC.sub(r" \1 ", region)
    if "~~" in region:
        region = _blank(_STRUCK, region)
    return _ARITHMETIC.sub(r"\1×\2", region)


def _undetermined_start(text: str) -> int | None:
    """Return the position of a statement without answer, unless it is a reason for an answer."""
    start = undetermined_at(text)
    reason = None if start is None else _REASON.match(text)
    if start is not None and reason and start < reason.end():
        return undetermined_at(text, reason.end())
    return start


def _is_unresolved(text: str) -> bool:
    return _ALGEBRA.search(text) is not None or _ROOT.search(text) is not None


def _full_value(text: str, chosen: NumberMention) -> Fraction:
    """Return the value with the additions after it: and a half, below zero."""
    value, (start, end) = chosen.value, chosen.span
    if end == len(text) and text.isascii():
        return value
    if value.denominator == 1 and (
        AND_HALF.match(text, end) or ("সা" in text and _HALF_MORE.search(text, 0, start))
    ):
        value += Fraction(1, 2)
    if value > 0 and _ZERO.search(text, end) and _BELOW_ZERO.match(text, end):
        value = -value
    return value


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace matches by spaces, so that positions stay the same."""
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _with_fractions(text: str, numbers: list[NumberMention]) -> list[NumberMention]:
    """Replace the numbers of 4分の3 by the fraction."""
    if "分" not in text:
        return numbers
    for value, start, end in cjk_fractions(text, 0, len(text)):
        numbers = [mention for mention in numbers if not start <= mention.span[0] < end]
        numbers.append(NumberMention(value, (start, end), "cjk"))
    return sorted(numbers, key=lambda mention: mention.span)


def _short(text: str) -> bool:
    return len(text) < 24  # noqa: PLR2004


def _spelled(text: str, language: str | None) -> list[NumberMention]:
    """Read numbers in words or CJK numerals."""
    numbers = _cjk_numbers(text) or _word_numbers(text, language)
    if numbers and numbers[0].value > 0 and NEGATIVE.search(text, 0, numbers[0].span[0]):
        numbers[0] = numbers[0]._replace(value=-numbers[0].value)
    half = HALF.search(text)
    if half is None or (numbers and numbers[0].value != 1):
        return numbers
    if (
        numbers
        and not half.start() <= numbers[0].span[0] < half.end()
        and AND_HALF.match(text, numbers[0].span[1])
    ):
        return numbers
    return [NumberMention(Fraction(1, 2), half.span(), "word")]


def _cjk_numbers(text: str) -> list[NumberMention]:
    if text.isascii():
        return []
    fractions = cjk_fractions(text, 0, len(text)) if "分" in text else ()
    numbers = [NumberMention(value, (start, end), "cjk") for value, start, end in fractions]
    if numbers:
        return numbers
    for match in CJK_NUMBER.finditer(text):
        value = read_cjk(match[0])
        if value is not None:
            negative = match.start() > 0 and text[match.start() - 1] in "负負"
            numbers.append(NumberMention(-value if negative else value, match.span(), "cjk"))
    return numbers


def _word_numbers(text: str, language: str | None) -> list[NumberMention]:
    numbers = [
        NumberMention(value, (start, end), "word")
        for value, start, end in read_words(text, language)
    ] or [
        NumberMention(WITH_HALF[match[0].lower()], match.span(), "word")
        for match in HALVES.finditer(text)
    ]
    part = None if numbers else _ONE_PART.search(text)
    if part:
        numbers = [NumberMention(Fraction(1, _PART_OF[part[1].lower()]), part.span(), "word")]
    return numbers


def _bare_operation(text: str, numbers: list[NumberMention]) -> bool:
    return (
        len(numbers) > 1 and _OPERATION.search(text) is not None and _only_operation(text, numbers)
    )


def _only_operation(text: str, numbers: list[NumberMention]) -> bool:
    """Whether the region is a calculation without a result: ``9 × 2``."""
    rest = [text[a.span[1] : b.span[0]] for a, b in zip(numbers, numbers[1:], strict=False)]  # noqa: RUF007
    joined = [gap for gap in rest if re.fullmatch(r"[\s$€£%()]*[-+−–*×÷/][\s$€£()]*", gap)]
    return len(joined) == len(rest)


def _listed(text: str, numbers: list[NumberMention]) -> bool:
    """Whether the region is only a list of different numbers: ``3, 4 and 5``."""
    if len({mention.value for mention in numbers}) < 2:  # noqa: PLR2004
        return False
    gaps = [text[a.span[1] : b.span[0]] for a, b in pairwise(numbers)]
    around = text[: numbers[0].span[0]] + text[numbers[-1].span[1] :]
    return all(map(_LIST_GAP.fullmatch, gaps)) and not any(map(str.isalnum, around))


def _alternatives(text: str, numbers: list[NumberMention], context: TextContext) -> bool:
    """Whether two numbers are alternatives (``3 or 4``), not one amount in two units."""
    first, second = numbers
    between = text[first.span[1] : second.span[0]]
    if first.value == second.value or {first.value, second.value} <= context.question_numbers:
        return False
    if _BETWEEN.search(text, 0, first.span[0]) and _AND.fullmatch(between):
        return True
    # "60 minutes or 1 hour" has a unit in between, and is one amount
    return _RANGE.fullmatch(between) is not None or (
        _OR.search(between) is not None and not _OR.sub("", between).strip()
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
    states = _IS.search(text, second.span[1], last.span[0]) is not None
    derived = c in {a + b, a - b, a * b} or (b and c == a / b)
    total = c == a + b and _ALTOGETHER.match(text, last.span[1])
    pair = second.span[0] - first.span[1] <= _PAIR  # the difference between 10 and 4 is 6
    share = states and (c in {a * b, a * b / 100} or (pair and derived))
    return last if share or total or (derived and _SO.search(between)) else None


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
    total = _TOTAL.search(text)
    if total:
        for mention in numbers:
            if mention.span[0] == total.end():
                return mention
    return numbers[0]
