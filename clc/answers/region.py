"""What a stretch of text says as an answer: one number, a leftover, nothing."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from clc.answers.cjk_numerals import CJK_NUMBER, cjk_fractions, read_cjk
from clc.answers.latex import plain
from clc.answers.number_words import AND_HALF, HALF, HALVES, WITH_HALF, read_words
from clc.answers.numerals import NEGATIVE, NumberMention, numbers_in, read_numbers
from clc.answers.refusals import undetermined_at
from clc.answers.separators import Evidence
from clc.records import AbstainReason

__all__ = ["Reading", "Scene", "read_region"]

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
# The prompt's own "[num]", with nothing or an explanation of it behind: nobody filled it in.
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
_RESULT = re.compile(r"[=＝≈][^=＝≈\n]{0,60}")
# Units that look like algebra: 24 m^2, 5 m/s.
_UNIT_POWER = re.compile(
    r"(?<=\d)[ ]?(?:[kcdm]?m|s)[ ]?\^[ ]?\{?[23]\}?"
    r"|(?<=\d)[ ]{0,3}(?:[kmcμ]?[mgLlJNWV]|mi|ft|cal)[ ]?/[ ]?(?:[km]?[gm]|[shLl]|min|sec|mol)"
    r"(?:[ ]?\^[ ]?\{?[23]\}?|[²³])?(?![a-zA-Z])"
)
_ITALIC = re.compile(r"(?<![\w*])\*([^*\s][^*\n]{0,60})\*(?![\w*])")
_STRUCK = re.compile(r"~~[^~\n]{1,80}~~")
_QUOTIENT = re.compile(r"\d[^()]{0,80}\)/\(|\)/\([^()]{0,80}\d")  # a fraction nobody worked out
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
# "Since he cannot buy part of a box, he needs 18": the reason gives up nothing.
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
_WORD = re.compile(r"\s{0,2}([^\W\d_]{2,20})")
_ROOT = re.compile(r"[√π]\s?[\d(]|\d\s?[√π]|\\(?:sqrt|pi)\b|\bsqrt\s?\(")
_TOTAL = re.compile(
    r"\b(?:total|insgesamt|всего|итого|jumla)(?: (?:of|is|de|ya))?[ :=]{1,3}[$€£]?(?=\d)|(?:一共|总共|總共|合計|全部で|মোট|మొత్తం|รวม)[^\d]{0,6}(?=\d)",  # noqa: E501
    re.IGNORECASE,
)


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
_LOOK_BACK = 1200
_PAIR = 8  # characters between two numbers that only "and" joins


class Reading(NamedTuple):
    """A value and where it stands in the region, or the reason why there is none."""

    value: Fraction | None
    start: int
    end: int
    reason: AbstainReason | None = None


class Scene:
    """The text around a region: what its numbers are judged by. Worked out only when needed."""

    __slots__ = ("_asked", "evidence", "language", "question", "text")

    def __init__(self, text: str, language: str | None, question: str | None) -> None:
        self.text = text
        self.language = language
        self.question = question
        self.evidence = Evidence(text, language, question)
        self._asked: frozenset[Fraction] | None = None

    @property
    def asked(self) -> frozenset[Fraction]:
        """The question's numbers."""
        if self._asked is None:
            mentions = numbers_in(self.question, self.language) if self.question else []
            self._asked = frozenset(mention.value for mention in mentions)
        return self._asked

    def results(self, position: int) -> list[Fraction]:
        """What the calculations before ``position`` came to, last first."""
        found = []
        begin = max(0, position - _LOOK_BACK)
        for match in list(_RESULT.finditer(self.text, begin, position))[:-6:-1]:
            numbers = read_numbers(plain(match[0][1:]), self.evidence)
            if numbers:
                found.append(numbers[0].value)
        return found


def read_region(  # noqa: C901, PLR0911, PLR0912
    region: str, scene: Scene, offset: int = 0, *, words: bool = True
) -> Reading | None:
    """Read ``region`` (it stands at ``offset`` of the scene's text) as an answer.

    Returns None when it says nothing at all, so that the reader looks elsewhere.
    """
    placeholder = _PLACEHOLDER.search(region)
    if placeholder and _UNFILLED.match(region, placeholder.end()):
        return Reading(None, 0, len(region), AbstainReason.NO_ANSWER)
    shown = _unmarked(_blank(_PLACEHOLDER, region) if placeholder else region)
    begin = 0
    back = None
    for back in _TAKEN_BACK.finditer(shown):  # noqa: B007
        pass
    if back and any(character.isdecimal() for character in shown[: back.start()]):
        begin = back.end()
    contrast = _NOT_BUT.search(shown, begin)
    if contrast:
        begin = contrast.end()
    outside = _blank(_PARENTHESIS, shown)
    if begin:
        shown, outside = " " * begin + shown[begin:], " " * begin + outside[begin:]
    visible = outside if any(map(str.isalnum, outside)) else shown
    lost = _given_up(visible)
    equals = None
    for equals in _EQUALS.finditer(visible):  # noqa: B007
        pass
    right = 0
    if equals:
        tail = visible[equals.end() :]
        if any(map(str.isdecimal, tail)) or _ALGEBRA.search(tail):
            right = equals.end()
            visible = " " * right + tail
    found = _with_fractions(visible, read_numbers(visible, scene.evidence))
    if lost is not None and not (found and found[0].span[0] < lost):
        return Reading(None, 0, len(region), AbstainReason.UNDETERMINED)
    if right and len(found) == 1 and scene.question:
        asked = _asked_before_conversion(shown, right, found[0], scene)
        if asked:
            return asked
    if right and _bare_operation(visible, found):  # 7 = 3 + 4
        left = read_numbers(shown[:right], scene.evidence)
        if len(left) == 1:
            return Reading(left[0].value, *left[0].span)
    if _leftover(visible) or (")/(" in region and _QUOTIENT.search(region, right)):
        return Reading(None, 0, len(region), AbstainReason.UNRESOLVED)
    if not found and visible is not shown and (lost is None) and not right:
        found = read_numbers(shown, scene.evidence)
        visible = shown
    if lost is not None and not (found and found[0].span[0] < lost and _short(visible[:lost])):
        return Reading(None, 0, len(region), AbstainReason.UNDETERMINED)
    if not found and words:
        found = _spelled(visible, scene)
    if not found:
        if _VARIABLE.fullmatch(shown):
            return Reading(None, 0, len(region), AbstainReason.UNRESOLVED)
        return None
    if _bare_operation(visible, found):
        return Reading(None, 0, len(region), AbstainReason.UNRESOLVED)
    whole = _compound(visible, found, scene) if len(found) == 2 else None  # noqa: PLR2004
    if whole:
        return whole
    if _listed(visible, found):
        return Reading(None, 0, len(region), AbstainReason.UNDETERMINED)
    if len(found) == 2 and _alternatives(visible, found, scene):  # noqa: PLR2004
        return Reading(None, 0, len(region), AbstainReason.UNDETERMINED)
    chosen = _choose(found, visible, scene, offset)
    return Reading(_rest(visible, chosen), *chosen.span)


def _unmarked(region: str) -> str:
    """``region`` without what only looks like signs of arithmetic; positions stay."""
    if "^" in region or "/" in region:
        region = _blank(_UNIT_POWER, region)
    if "*" in region:
        region = _ITALIC.sub(r" \1 ", region)
    if "~~" in region:
        region = _blank(_STRUCK, region)
    return _ARITHMETIC.sub(r"\1×\2", region)


def _given_up(text: str) -> int | None:
    """Where ``text`` says that there is no answer, unless it says so in a reason for its answer."""
    lost = undetermined_at(text)
    reason = None if lost is None else _REASON.match(text)
    if lost is not None and reason and lost < reason.end():
        return undetermined_at(text, reason.end())
    return lost


def _leftover(text: str) -> bool:
    return _ALGEBRA.search(text) is not None or _ROOT.search(text) is not None


def _rest(text: str, chosen: NumberMention) -> Fraction:
    """The value with what its surroundings add: and a half, below zero."""
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


def _asked_before_conversion(
    text: str, right: int, result: NumberMention, scene: Scene
) -> Reading | None:
    """The left of 3.5 hours = 210 minutes, when the question asks for hours and not minutes."""
    left = read_numbers(text[:right], scene.evidence)
    if len(left) != 1 or not scene.question:
        return None
    units = [_WORD.match(text, mention.span[1]) for mention in (left[0], result)]
    if not (units[0] and units[1]):
        return None
    asked = scene.question.lower()
    if units[0][1].lower() in asked and units[1][1].lower() not in asked:
        return Reading(left[0].value, *left[0].span)
    return None


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace matches by spaces, so that positions stay."""
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _with_fractions(text: str, found: list[NumberMention]) -> list[NumberMention]:
    """Put 4分の3 in the place of its 4 and 3."""
    if "分" not in text:
        return found
    for value, start, end in cjk_fractions(text, 0, len(text)):
        found = [mention for mention in found if not start <= mention.span[0] < end]
        found.append(NumberMention(value, (start, end), "cjk"))
    return sorted(found, key=lambda mention: mention.span)


def _short(text: str) -> bool:
    return len(text) < 24  # noqa: PLR2004


def _spelled(text: str, scene: Scene) -> list[NumberMention]:
    """Numbers in words or CJK numerals."""
    found = [
        NumberMention(value, (start, end), "cjk")
        for value, start, end in (cjk_fractions(text, 0, len(text)) if "分" in text else ())
    ]
    if not found and not text.isascii():
        for match in CJK_NUMBER.finditer(text):
            value = read_cjk(match[0])
            if value is not None:
                negative = match.start() > 0 and text[match.start() - 1] in "负負"
                found.append(NumberMention(-value if negative else value, match.span(), "cjk"))
    if not found:
        found = [
            NumberMention(value, (start, end), "word")
            for value, start, end in read_words(text, scene.language)
        ]
    if not found:
        found = [
            NumberMention(WITH_HALF[match[0].lower()], match.span(), "word")
            for match in HALVES.finditer(text)
        ]
    half = HALF.search(text)
    if not found:
        part = _ONE_PART.search(text)
        found = (
            [NumberMention(Fraction(1, _PART_OF[part[1].lower()]), part.span(), "word")]
            if part
            else []
        )
    if found and found[0].value > 0 and NEGATIVE.search(text, 0, found[0].span[0]):
        found[0] = found[0]._replace(value=-found[0].value)
    if (
        half
        and found
        and not half.start() <= found[0].span[0] < half.end()
        and AND_HALF.match(text, found[0].span[1])
    ):
        return found
    if half and (not found or found[0].value == 1):
        found = [NumberMention(Fraction(1, 2), half.span(), "word")]
    return found


def _bare_operation(text: str, found: list[NumberMention]) -> bool:
    return len(found) > 1 and _OPERATION.search(text) is not None and _only_operation(text, found)


def _only_operation(text: str, found: list[NumberMention]) -> bool:
    """Whether the region is a calculation without its result: ``9 × 2``."""
    rest = [text[a.span[1] : b.span[0]] for a, b in zip(found, found[1:], strict=False)]  # noqa: RUF007
    joined = [gap for gap in rest if re.fullmatch(r"[\s$€£%()]*[-+−–*×÷/][\s$€£()]*", gap)]
    return len(joined) == len(rest)


def _compound(text: str, found: list[NumberMention], scene: Scene) -> Reading | None:
    """One amount in two units, 5 hours and 30 minutes: in the unit that the question asks for."""
    first, second = found
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
            scene.question is not None
            and small.search(scene.question) is not None
            and large.search(scene.question) is None
        )
        value = (
            first.value * factor + second.value
            if asks_small
            else first.value + second.value / factor
        )
        return Reading(value, first.span[0], second.span[1])
    return None


def _listed(text: str, found: list[NumberMention]) -> bool:
    """Whether the region is nothing but a list of different numbers: ``3, 4 and 5``."""
    if len({mention.value for mention in found}) < 2:  # noqa: PLR2004
        return False
    gaps = [text[a.span[1] : b.span[0]] for a, b in pairwise(found)]
    around = text[: found[0].span[0]] + text[found[-1].span[1] :]
    return all(map(_LIST_GAP.fullmatch, gaps)) and not any(map(str.isalnum, around))


def _alternatives(text: str, found: list[NumberMention], scene: Scene) -> bool:
    """Whether two different values are left open: ``3 or 4``; not one amount in two units."""
    first, second = found
    between = text[first.span[1] : second.span[0]]
    if first.value == second.value or {first.value, second.value} <= scene.asked:
        return False
    if _BETWEEN.search(text, 0, first.span[0]) and _AND.fullmatch(between):
        return True
    # "60 minutes or 1 hour" has a unit of its own in between, and is one amount
    return _RANGE.fullmatch(between) is not None or (
        _OR.search(between) is not None and not _OR.sub("", between).strip()
    )


def _derived(found: list[NumberMention], text: str) -> NumberMention | None:
    """The last of three numbers when the sentence draws it from the others.

    10 apples and 5 oranges, so 15 fruits; 60% of 50 is 30.
    """
    if len(found) != 3:  # noqa: PLR2004
        return None
    first, second, last = found
    a, b, c = first.value, second.value, last.value
    between = text[first.span[1] : last.span[0]]
    states = _IS.search(text, second.span[1], last.span[0]) is not None
    drawn = c in {a + b, a - b, a * b} or (b and c == a / b)
    total = c == a + b and _ALTOGETHER.match(text, last.span[1])
    pair = second.span[0] - first.span[1] <= _PAIR  # the difference between 10 and 4 is 6
    share = states and (c in {a * b, a * b / 100} or (pair and drawn))
    return last if share or total or (drawn and _SO.search(between)) else None


def _choose(found: list[NumberMention], text: str, scene: Scene, offset: int) -> NumberMention:
    """The number of a sentence that answers, by its emphasis, the calculation and the question."""
    if len(found) == 1 or len({mention.value for mention in found}) == 1:
        return found[0]
    strong = [m for m in found for mark in _STRONG.finditer(text)
              if mark.start() <= m.span[0] and m.span[1] <= mark.end()]  # fmt: skip
    if len({mention.value for mention in strong}) == 1:
        return strong[-1]
    new = [mention for mention in found if mention.value not in scene.asked]
    if len({mention.value for mention in new}) == 1:
        return new[0]
    return _derived(found, text) or _calculated(new or found, text, scene, offset)


def _calculated(found: list[NumberMention], text: str, scene: Scene, offset: int) -> NumberMention:
    """What the last calculation gave, the total, the first."""
    for result in scene.results(offset):
        for mention in found:
            if mention.value == result:
                return mention
    total = _TOTAL.search(text)
    if total:
        for mention in found:
            if mention.span[0] == total.end():
                return mention
    return found[0]
