"""The reader of one text: its box, its last label, or its conclusion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clc.answers import locate
from clc.answers.choices import may_choose, only_choice, read_choice
from clc.answers.context import Reading, TextContext
from clc.answers.labels import Label, labels
from clc.answers.latex import boxes, is_latex, plain
from clc.answers.options import read_option
from clc.answers.refusals import is_refusal, undetermined_at
from clc.answers.region import read_region
from clc.records import AbstainReason, Abstention, Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.records import AnswerKind

__all__ = ["AnswerReader"]

_TAIL = 400  # characters from the end that nearly always have the last label
_UNFINISHED = re.compile(
    r"(?:(?<!/)=|[+×÷/(\[{,:\\]|(?<=\s)\*{1,2}|(?<![/\s-])-|(?<=\d )-)\s*\Z|oxed\{[^}]*\Z"
)
_OPEN_BOX = re.compile(r"\\boxed\{[^}\n]*\Z")
_SECOND_THOUGHT = re.compile(
    r"[\s*]*(?:wait|sorry|oops|correction|actually|no,|moment|entschuldigung|nein,|perdón|pardon|non,|нет,|простите|hapana|不对|不，|抱歉|いや|すみません|দুঃখিত|ขอโทษ)",
    re.IGNORECASE,
)
_SPACED_SIGN = re.compile(r"([ (\[]{0,3})([-−–])([ \u00a0]{1,3})(?=[$€£¥]?\d)")
_FIRST_ITEM = re.compile(r"1[.)][ \t]{1,4}(?=[^\n\d]{0,80}\d)")  # a list below the label
# The total in a list below the label.
_TOTAL_LINE = re.compile(
    r"(?:[^\n]{1,120}\n[ \t]{0,4}(?:[-*•]|\d[.)])[ \t]{1,4}){1,8}"
    r"[*_]{0,3}(?:(?:grand |overall )?total|insgesamt|gesamt|summe|всего|итого|jumla|合计|总计|总共|合計|মোট|మొత్తం|รวม)"  # noqa: E501
    r"[^\n:：=]{0,40}[:：=*_]{1,4}",
    re.IGNORECASE,
)
_LEAD = re.compile(r"[\s*_\"'“”‘’«»「『\[(（【`:：>#-]*")
_LIMIT = 600  # characters of a region that are read
_DIGITS = re.compile(r"[\d,.'’\u00a0\u202f\u2009]{1,2000}")
_SHORT_TEXT = 120
_SENTENCES = 6  # after a label, before it counts as empty
_HEADING_REST = 200  # more text after a sentence without a plain value is a solution
_PLAIN_VALUE = 48
_UNFILLED = Abstention(AbstainReason.NO_ANSWER)


class AnswerReader:
    """Reads the answer of a text, outside its thought.

    Args:
        text: a reasoning path.
        language: the language asked for.
        question: the question.
        kind: kind of the answer, inferred if None.
        cut: the text was cut off.
        body: start and end of the text outside its thought.
        options: texts of the options of a question of multiple choice.
    """

    __slots__ = ("context", "cut", "end", "kind", "options", "start", "text")

    def __init__(
        self,
        text: str,
        language: str | None,
        question: str | None,
        kind: AnswerKind | None,
        *,
        cut: bool,
        body: tuple[int, int],
        options: Sequence[str] | None = None,
    ) -> None:
        self.text = text
        self.kind = kind
        self.cut = cut
        self.options = options
        self.context = TextContext(text, language, question)
        self.start, self.end = locate.body(text, *body)

    def read(self) -> Answer | Abstention:  # noqa: PLR0911
        """Read the box, the labels, or the conclusion, in this order."""
        if "oxed" not in self.text and self.end - self.start > 2 * _TAIL:
            near = labels(self.text, self.end - _TAIL, self.end)
            if near and near[-1].colon:
                outcome = self._after(near[-1])
                if outcome is not None:
                    return outcome
        abstained: Abstention | None = None
        marks = labels(self.text, self.start, self.end)
        boxed = self._box() if "oxed" in self.text else None
        if boxed:
            outcome, box_end = boxed
            later = [mark for mark in marks if mark.start > box_end]
            if not (later and locate.corrected_between(self.text, box_end, later[-1].start)):
                return outcome
            marks = later
            abstained = outcome if isinstance(outcome, Abstention) else None
        if not boxed and _OPEN_BOX.search(self.text, max(self.start, self.end - 500), self.end):
            return Abstention(AbstainReason.TRUNCATED)
        labelled = self._labels(marks)
        if isinstance(labelled, Answer):
            return labelled
        if boxed and isinstance(boxed[0], Answer):
            return boxed[0]
        abstained = labelled or abstained
        if abstained:
            return abstained
        return self._conclusion()

    def _box(self) -> tuple[Answer | Abstention, int] | None:
        """Read the last box with content; also return its end."""
        for begin, end in reversed(boxes(self.text, self.start, self.end)):
            outcome = self._content(begin, end)
            if outcome:
                return outcome, end
        return None

    def _content(self, begin: int, end: int) -> Answer | Abstention | None:
        """Read the whole content of a box as the answer."""
        markup = self.text[begin:end]
        content = plain(markup)
        if self.kind == "choice" or (self.kind is None and only_choice(content)):
            outcome = self._choice(content, (begin, end))
            if outcome or self.kind:
                return outcome
        if self.kind == "latex" or (self.kind is None and is_latex(markup)):
            return _latex(markup, (begin, end))
        reading = read_region(content, self.context, begin, mathematical=True)
        if reading is None:
            return None
        return _outcome(reading, (begin, end))

    def _labels(self, marks: list[Label]) -> Answer | Abstention | None:
        """Read the last label with an answer; those with a colon have priority."""
        colons = [mark for mark in marks if mark.colon]
        order = marks[::-1]
        if colons and not marks[-1].colon:
            last = colons[-1]
            if not locate.corrected_between(self.text, last.end, marks[-1].start):
                order = [*reversed(colons), *reversed([m for m in marks if not m.colon])]
        abstained: Abstention | None = None
        for mark in order:
            outcome = self._after(mark)
            if isinstance(outcome, Answer):
                return outcome
            if outcome and abstained is None:
                abstained = outcome
                if mark.colon:
                    return abstained
        return abstained

    def _after(self, mark: Label) -> Answer | Abstention | None:
        """Read the answer after a label, None if there is none."""
        text, begin = self.text, mark.end
        lead = _LEAD.match(text, begin, self.end)
        content = lead.end() if lead else begin
        line_end = self._line_end(content)
        same_line = "\n" not in text[begin:content]
        total = None if same_line else _TOTAL_LINE.match(text, content, self.end)
        if total:
            begin, content, line_end = total.end(), total.end(), self._line_end(total.end())
        line_end = self._cut(content, line_end, 2 * _LIMIT)
        if self.kind == "choice":
            region = plain(text[begin : min(line_end, begin + _LIMIT)])
            return self._choice(region, (content, line_end))
        if self.kind == "latex":
            return _latex(text[content:line_end], (content, line_end))
        first = None if same_line else _FIRST_ITEM.match(text, content, line_end)
        if first:
            begin = content = first.end()
        begin = self._sign_start(begin, content, "-−– [(" if same_line else "-−–[(")
        return self._first_statement(begin, content, line_end, same_line=same_line)

    def _first_statement(
        self, begin: int, content: int, line_end: int, *, same_line: bool
    ) -> Answer | Abstention | None:
        """Read the first of a line's sentences that states something, unless it is a question."""
        text = self.text
        for _ in range(_SENTENCES):
            if begin >= line_end:
                break
            stop = locate.sentence_end(text, content, line_end)
            sentence = text[begin : self._cut(begin, stop)]
            spaced = _SPACED_SIGN.match(sentence)
            if spaced and same_line:  # "Answer: - 15" is no bullet
                sentence = spaced[1] + spaced[3] + spaced[2] + sentence[spaced.end() :]
            if sentence.rstrip(" *\"'”」").endswith(("?", "？")) or "吗" in sentence:
                return None
            chosen = self._choice(plain(sentence), (content, stop)) if self.kind is None else None
            if chosen:
                return chosen
            outcome = self._sentence(sentence, begin, stop)
            if outcome is not None:
                return self._checked(outcome, sentence, stop, line_end)
            begin = content = max(stop, begin + 1)
        return None

    def _checked(
        self, outcome: Answer | Abstention, sentence: str, stop: int, line_end: int
    ) -> Answer | Abstention | None:
        """Check a label's outcome: None for a heading or a format, truncated at a cut end."""
        if outcome == _UNFILLED and self.text[stop : stop + _TAIL].strip():
            return None  # the format asked for, before the text itself
        if isinstance(outcome, Answer):
            if self.cut and outcome.span and outcome.span[1] >= len(self.text):
                return Abstention(AbstainReason.TRUNCATED)
            if self._is_heading(sentence, stop):
                return None
        return self._taken_back(stop, line_end) or outcome

    def _cut(self, begin: int, stop: int, most: int = _LIMIT) -> int:
        """Return the end of a region of about ``most`` characters, which cuts no number."""
        if stop - begin <= most:
            return stop
        number = _DIGITS.match(self.text, begin + most - 1, stop)
        return number.end() if number else begin + most

    def _line_end(self, start: int) -> int:
        end = self.text.find("\n", start, self.end)
        return self.end if end < 0 else end

    def _taken_back(self, begin: int, line_end: int) -> Answer | None:
        """Read the next sentence, if it begins with words of correction."""
        if begin >= line_end or not _SECOND_THOUGHT.match(self.text, begin, line_end):
            return None
        stop = locate.sentence_end(self.text, begin, line_end)
        outcome = self._sentence(self.text[begin : self._cut(begin, stop)], begin, stop)
        return outcome if isinstance(outcome, Answer) else None

    def _sign_start(self, begin: int, content: int, marks: str) -> int:
        """Return the start of the content, with a sign at the end of the skipped markup."""
        index = content
        while index > begin and self.text[index - 1] in marks:
            index -= 1
        return index

    def _is_heading(self, sentence: str, stop: int) -> bool:
        """Whether the label is the heading of a solution whose result comes later."""
        if len(sentence.strip()) <= _PLAIN_VALUE:
            return False
        rest = self.text[stop : self.end]
        return len(rest) > _HEADING_REST and "=" in rest

    def _sentence(self, sentence: str, begin: int, stop: int) -> Answer | Abstention | None:
        content = plain(sentence)
        if self.kind is None and "\\" in sentence and is_latex(sentence):
            expression = _math_only(sentence)
            if expression:
                return _latex(expression, (begin, stop))
        reading = read_region(content, self.context, begin)
        if reading is None:
            return None
        if content is sentence and reading.value is not None:
            return _outcome(reading, (begin + reading.start, begin + reading.end))
        return _outcome(reading, (begin, stop))

    def _conclusion(self) -> Answer | Abstention:
        """Read a text without box and label."""
        text = self.text
        if self.cut:
            return Abstention(AbstainReason.TRUNCATED)
        if is_refusal(text[self.start : self.end]):
            return Abstention(AbstainReason.REFUSAL)
        if self.kind in ("choice", "latex"):
            return self._last_line()
        whole = text[self.start : self.end].strip()
        letter = only_choice(whole) if self.kind is None and len(whole) < _LIMIT else None
        if letter:
            return Answer(letter, "choice", (self.start, self.end))
        if _UNFINISHED.search(text, max(0, self.end - 200), self.end):
            return Abstention(AbstainReason.TRUNCATED)
        outcome = self._last_sentences()
        if outcome is None and len(whole) < _SHORT_TEXT:  # without digits: perhaps in words
            outcome = self._sentence(whole, self.start, self.end)
        return outcome or Abstention(AbstainReason.NO_ANSWER)

    def _last_sentences(self) -> Answer | Abstention | None:
        """Read the last sentences with a digit, unless the text ends without an answer."""
        text = self.text
        last_words = max(self.start, self.end - 400)
        for begin, end in locate.conclusions(text, self.start, self.end):
            outcome = self._sentence(text[begin : self._cut(begin, end)], begin, end)
            if isinstance(outcome, Answer):
                undetermined = undetermined_at(text, end, self.end)
                if undetermined is not None and undetermined >= last_words:
                    return Abstention(AbstainReason.UNDETERMINED)
            if outcome:
                return outcome
        if undetermined_at(text, last_words, self.end) is not None:
            return Abstention(AbstainReason.UNDETERMINED)
        return None

    def _choice(self, region: str, span: tuple[int, int]) -> Answer | Abstention | None:
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

    def _stated_choice(self, whole: str) -> Answer | Abstention | None:
        """Read a letter alone on the last line, or one that the last sentence affirms."""
        line = whole[whole.rfind("\n") + 1 :]
        for text in (whole, line):
            letter = only_choice(text) if len(text) < _LIMIT else None
            if letter and (text is whole or _is_letter_line(line)):
                return Answer(letter, "choice", (self.start, self.end))
        begin, end = next(iter(locate.last_sentences(self.text, self.start, self.end)), (0, 0))
        sentence = self.text[begin:end]
        if end - begin > _LIMIT or any(map(str.isdecimal, sentence)):
            return None
        return self._choice(plain(sentence), (begin, end))

    def _last_line(self) -> Answer | Abstention:
        whole = self.text[self.start : self.end].strip()
        line = whole[whole.rfind("\n") + 1 :][-_LIMIT:]
        if self.kind == "choice":
            outcome = self._last_choice()
            return outcome or Abstention(AbstainReason.NO_ANSWER)
        expression = _math_only(line)
        outcome = _latex(expression, (self.start, self.end)) if expression else None
        return outcome or Abstention(AbstainReason.NO_ANSWER)

    def _last_choice(self) -> Answer | Abstention | None:
        """Read the last sentence that states a choice."""
        letter = only_choice(self.text[self.start : self.end])
        if letter:
            return self._choice(letter, (self.start, self.end))
        for begin, end in locate.last_sentences(self.text, self.start, self.end):
            sentence = self.text[begin : self._cut(begin, end)]
            outcome = self._choice(plain(sentence), (begin, end))
            if outcome:
                return outcome
        return None


def _is_letter_line(line: str) -> bool:
    """Whether a line holds a capital or native letter, and nothing else but markup."""
    letters = "".join(filter(str.isalnum, line))
    return len(letters) == 1 and not letters.islower()


_MATH = re.compile(r"\$\$?([^$\n]{1,400})\$\$?|\\\(([^\n]{1,400}?)\\\)|\\\[([^\n]{1,400}?)\\\]")


def _math_only(line: str) -> str | None:
    """Return the last formula of a line, or the line itself if it is one."""
    formulas = [match[1] or match[2] or match[3] for match in _MATH.finditer(line)]
    if formulas:
        return formulas[-1]
    return line if "\\" in line and len(line) < 120 else None  # noqa: PLR2004


def _outcome(reading: Reading, span: tuple[int, int]) -> Answer | Abstention:
    if reading.value is None:
        return Abstention(reading.reason or AbstainReason.NO_ANSWER)
    return Answer(str(reading.value), "number", span)


def _latex(markup: str, span: tuple[int, int]) -> Answer | Abstention | None:
    from clc.answers.latex_canonical import canonical_latex

    if undetermined_at(plain(markup)) is not None:
        return Abstention(AbstainReason.UNDETERMINED)
    value = canonical_latex(markup)
    return Answer(value, "latex", span) if value else None
