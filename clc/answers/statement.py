"""Reading of one statement, of a known or unknown kind: a number, a choice, an expression."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from clc.answers.choices import read_choice
from clc.answers.context import Reading, TextContext
from clc.answers.latex import is_latex, plain
from clc.answers.letters import may_choose, only_choice
from clc.answers.options import read_option
from clc.answers.plain_regions import has_words, is_changed, read_plain_region
from clc.answers.refusals import undetermined_at
from clc.answers.region import read_region
from clc.answers.words import listed
from clc.records import AbstainReason, Abstention, Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.records import AnswerKind

__all__ = [
    "LONGEST",
    "MARKED_NUMBER",
    "StatementReader",
    "is_question",
    "math_only",
    "number_alone",
    "number_in",
]

LONGEST = 600
"""Characters of a statement that are read."""

_DIGITS = re.compile(r"[\d,.'’\u00a0\u202f\u2009]{1,2000}")
_MATH = re.compile(r"\$\$?([^$\n]{1,400})\$\$?|\\\(([^\n]{1,400}?)\\\)|\\\[([^\n]{1,400}?)\\\]")
MARKED_NUMBER = r"[ \u00a0]{0,2}[$€£¥]?(-?\d{1,15})(?:[.,](\d\d?))?[.。]?\s{0,9}"
"""A pattern of a number without separators, maybe with a sign or a currency before it."""

_ALONE = re.compile(r"[ \u00a0]{0,2}(\d{1,15})(?:[.,](\d\d?))?[.。]?\s{0,9}")
_MARKED_ALONE = re.compile(MARKED_NUMBER)
_INTEGER = re.compile(r"\s{0,9}(\d{1,15})\s{0,9}")
_SHORT_LINE = 120


class StatementReader:
    """Reads parts of one text as answers.

    Args:
        text: a reasoning path.
        language: the language asked for.
        question: the question.
        kind: kind of the answer, inferred if None.
        options: texts of the options of a question of multiple choice.
    """

    __slots__ = ("context", "kind", "options", "text")

    def __init__(
        self,
        text: str,
        language: str | None,
        question: str | None,
        kind: AnswerKind | None,
        options: Sequence[str] | None = None,
    ) -> None:
        self.text = text
        self.kind = kind
        self.options = options
        self.context = TextContext(text, language, question)

    def whole(
        self, begin: int, end: int, *, mathematical: bool = False
    ) -> Answer | Abstention | None:
        """Read all of ``text[begin:end]``, such as the content of a box, as the answer.

        A ``mathematical`` one, as in a box, ends with a factorial and never with an exclamation.
        """
        markup = self.text[begin:end]
        if self.kind in (None, "number") and (self.text[end : end + 1] not in {"!", "！"}):
            alone = _INTEGER.fullmatch(markup)
            if alone:
                return Answer(str(int(alone[1])), "number", (begin, end))
        content = plain(markup)
        if self.kind == "choice" or (self.kind is None and only_choice(content)):
            outcome = self.choice(content, (begin, end))
            if outcome or self.kind:
                return outcome
        if self.kind == "latex" or (self.kind is None and is_latex(markup)):
            return self.latex(markup, (begin, end))
        reading = read_region(content, self.context, begin, mathematical=mathematical)
        if reading is None:
            return None
        return _outcome(reading, (begin, end))

    def sentence(self, sentence: str, begin: int, end: int) -> Answer | Abstention | None:
        """Read a sentence that stands at ``begin`` as an expression or a number."""
        content = plain(sentence)
        if self.kind is None and "\\" in sentence and is_latex(sentence):
            expression = math_only(sentence)
            if expression:
                return self.latex(expression, (begin, end))
        reading = read_region(content, self.context, begin)
        if reading is None:
            return None
        if content is sentence and reading.value is not None:
            return _outcome(reading, (begin + reading.start, begin + reading.end))
        return _outcome(reading, (begin, end))

    def plain(self, begin: int, end: int) -> Answer | None:
        """Read ``text[begin:end]`` if it is words and one plain number, and no question."""
        region = self.text[begin:end]
        worded = has_words(region)
        if worded and is_changed(region):
            return None
        reading = read_plain_region(region, self.context, begin)
        if reading is None or (worded and (is_question(region) or may_choose(region))):
            return None
        return Answer(str(reading.value), "number", (begin + reading.start, begin + reading.end))

    def choice(self, region: str, span: tuple[int, int]) -> Answer | Abstention | None:
        """Read a region as a choice, None if it states none."""
        if self.options:
            letter = read_option(region, self.options)
        elif self.kind is None and not may_choose(region):
            return None
        else:
            letter = read_choice(region, strict=self.kind is None)
        if isinstance(letter, AbstainReason):
            return Abstention(letter)
        if letter:
            return Answer(letter, "choice", span)
        if self.kind == "choice" and undetermined_at(region) is not None:
            return Abstention(AbstainReason.UNDETERMINED)
        return None

    def latex(self, markup: str, span: tuple[int, int]) -> Answer | Abstention | None:
        """Read markup as an expression."""
        from clc.answers.latex_canonical import canonical_latex

        if undetermined_at(plain(markup)) is not None:
            return Abstention(AbstainReason.UNDETERMINED)
        value = canonical_latex(markup)
        return Answer(value, "latex", span) if value else None

    def cut(self, begin: int, end: int, most: int = LONGEST) -> int:
        """Return the end of a region of about ``most`` characters, which cuts no number."""
        if end - begin <= most:
            return end
        number = _DIGITS.match(self.text, begin + most - 1, end)
        return number.end() if number else begin + most


def is_question(sentence: str) -> bool:
    """Whether a sentence asks something.

    >>> is_question("Is it 18?"), is_question("It is 18.")
    (True, False)
    """
    ends = sentence.rstrip(" *\"'”」").endswith(("?", "？", "؟"))
    return ends or any(word in sentence for word in listed("question"))


def number_alone(text: str, start: int, end: int, *, marked: bool = False) -> Answer | None:
    """Read ``text[start:end]`` if it is nothing but a number without separators.

    ``marked``: a sign or a currency may stand before it.

    >>> number_alone("It is 18.5.", 5, 11).value
    '37/2'
    """
    match = (_MARKED_ALONE if marked else _ALONE).fullmatch(text, start, end)
    return number_in(match, 1) if match else None


def number_in(match: re.Match[str], group: int) -> Answer:
    """Return the number whose integer part and decimals are a group of a match and the next one."""
    whole, decimals = match.group(group, group + 1)
    if not decimals:
        return Answer(str(int(whole)), "number", match.span(group))
    value = Fraction(int(whole + decimals), 10 ** len(decimals))
    return Answer(str(value), "number", (match.start(group), match.end(group + 1)))


def math_only(line: str) -> str | None:
    """Return the last formula of a line, or the line itself if it is one."""
    formulas = [match[1] or match[2] or match[3] for match in _MATH.finditer(line)]
    if formulas:
        return formulas[-1]
    return line if "\\" in line and len(line) < _SHORT_LINE else None


def _outcome(reading: Reading, span: tuple[int, int]) -> Answer | Abstention:
    if reading.value is None:
        return Abstention(reading.reason or AbstainReason.NO_ANSWER)
    return Answer(str(reading.value), "number", span)
