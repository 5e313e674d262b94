"""The answer that a text states, as a canonical value, or an abstention with its reason."""

from __future__ import annotations

import re
from fractions import Fraction

from clc.answers import locate
from clc.answers.choices import choice_in, only_choice
from clc.answers.labels import Label, labels
from clc.answers.latex import boxes, is_latex, plain
from clc.answers.refusals import is_refusal, undetermined_at
from clc.answers.region import read_region
from clc.answers.scene import Reading, TextContext
from clc.records import AbstainReason, Abstention, Answer, AnswerKind
from clc.thoughts.marks import load_marks
from clc.thoughts.spans import find_spans

__all__ = ["extract_answer"]

# The usual ending, "Answer: 18." on the last line: four paths of five need no more than this.
_PLAIN_END = re.compile(
    r"[^\d\n\\]{0,60}"
    r"(answer|antwort|respuesta|réponse|ответ|jibu|答案|回答|答え|解答|উত্তর|సమాధానం|คำตอบ)"
    r"[ \u00a0\u202f]?[:：ঃ][ \u00a0]{0,2}[$€£¥]?(-?\d{1,15})(?:[.,](\d\d?))?[.。]?",
    re.IGNORECASE,
)
_TAIL = 400  # characters from the end in which the last label nearly always is
_UNFINISHED = re.compile(
    r"(?:(?<!/)=|[+×÷/(\[{,:\\]|(?<=\s)\*{1,2}|(?<![/\s-])-|(?<=\d )-)\s*\Z|oxed\{[^}]*\Z"
)
_OPEN_BOX = re.compile(r"\\boxed\{[^}\n]*\Z")
_REFUSED = frozenset({"content_filter", "refusal"})
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
_HEAD = re.compile(r"\s*\n")
_LINE = re.compile(r"[^\n]*")
_LIMIT = 600  # characters of a region that are read
_SHORT_TEXT = 120
_SENTENCES = 6  # after a label, before it counts as empty
_HEADING_REST = 200  # more text than this after a sentence without a plain value is a solution
_PLAIN_VALUE = 48


def extract_answer(
    text: str,
    language: str | None = None,
    question: str | None = None,
    *,
    kind: AnswerKind | None = None,
    finish_reason: str | None = None,
    opened: bool = False,
    closed: bool | None = None,
) -> Answer | Abstention:
    r"""Read the answer that ``text`` states.

    Args:
        text: a reasoning path.
        language: the language it was asked to be in; only ambiguous separators and number words
            listen to it, because paths do not always follow it.
        question: the question, whose numbers tell which number of a sentence is new.
        kind: what the data set's answers are; inferred when None.
        finish_reason: ``length`` marks a path that was cut off; ``content_filter`` and
            ``refusal`` one that is a refusal whatever it says.
        opened: the prompt ended inside a thought.
        closed: the path's thought was taken off ``text`` and had ended (True) or not (False);
            None looks for a thought in ``text``.

    A path that ends inside its thought is truncated, unless it stated an answer before; one with
    nothing after its thought is empty.

    >>> extract_answer("答案是3吗？不，答案是18。").value
    '18'
    >>> extract_answer("Antwort: 70.000 Euro", "de").value
    '70000'
    >>> extract_answer(r"so it is \boxed{\frac{2}{4}} of them").value
    '1/2'
    >>> extract_answer("Answer: it cannot be determined").reason.value
    'undetermined'
    >>> extract_answer("<think>The answer is 16. But wait").reason.value
    'truncated'
    """
    if finish_reason in _REFUSED:
        return Abstention(AbstainReason.REFUSAL)
    start, stop = 0, len(text)
    if closed is None:
        _, (start, stop), closed = find_spans(
            text, load_marks(), opened=opened, finish_reason=finish_reason
        )
        if closed is False and not locate.is_blank(text, start, stop):
            # What was said before the thought may be an answer, not what leads to one.
            before = _Reader(text, language, question, kind, "length", said=(start, stop)).read()
            return before if isinstance(before, Answer) else Abstention(AbstainReason.TRUNCATED)
    if closed is False:
        return Abstention(AbstainReason.TRUNCATED)
    if finish_reason != "length" and (kind is None or kind == "number"):
        answer = _plain_end(text, start, stop)
        if answer:
            return answer
    if locate.is_blank(text, start, stop):
        cut = finish_reason == "length"
        return Abstention(AbstainReason.TRUNCATED if cut else AbstainReason.EMPTY)
    return _Reader(text, language, question, kind, finish_reason, said=(start, stop)).read()


def _plain_end(text: str, start: int, stop: int) -> Answer | None:
    """Read the usual ending of ``text[start:stop]``, where nothing before it can matter."""
    end = stop
    while end > start and text[end - 1] in " \n\t":
        end -= 1
    match = _PLAIN_END.fullmatch(text, max(start, text.rfind("\n", start, end) + 1), end)
    if not match or "oxed" in text or "<" in text or _may_run_on(text, match):
        return None
    whole, cents = match.group(2, 3)
    if not cents:
        return Answer(str(int(whole)), "number", match.span(2))
    value = Fraction(int(whole + cents), 10 ** len(cents))
    return Answer(str(value), "number", (match.start(2), match.end(3)))


def _may_run_on(text: str, end: re.Match[str]) -> bool:
    """Whether an earlier answer may stand before the one at the end, with a new problem between."""
    # without its first letter, which may be a capital at one place and not at the other
    word = end[1][1:] if end[1].isascii() else end[1]
    if "\nQ" in text or "\n问" in text:
        return locate.RUN_ON.search(text) is not None
    earlier = text.find(word, 0, end.start(1))
    return earlier >= 0 and locate.RUN_ON.search(text, earlier, end.start(1)) is not None


_UNFILLED = Abstention(AbstainReason.NO_ANSWER)


class _Reader:
    """One reading of one text."""

    __slots__ = ("cut", "end", "kind", "scene", "start", "text")

    def __init__(
        self,
        text: str,
        language: str | None,
        question: str | None,
        kind: AnswerKind | None,
        finish_reason: str | None,
        *,
        said: tuple[int, int],
    ) -> None:
        self.text = text
        self.kind = kind
        self.cut = finish_reason == "length"
        self.scene = TextContext(text, language, question)
        self.start, self.end = locate.body(text, *said)

    def read(self) -> Answer | Abstention:  # noqa: PLR0911
        """Box, labels, conclusion, in this order."""
        if "oxed" not in self.text and self.end - self.start > 2 * _TAIL:
            near = labels(self.text, self.end - _TAIL, self.end)
            if near and near[-1].colon:
                found = self._after(near[-1])
                if found is not None:
                    return found
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
        found = boxes(self.text, self.start, self.end)
        for begin, end in reversed(found):
            outcome = self._content(begin, end)
            if outcome:
                return outcome, end
        return None

    def _content(self, begin: int, end: int) -> Answer | Abstention | None:
        """What a box holds: all of it is the answer."""
        markup = self.text[begin:end]
        content = plain(markup)
        if self.kind == "choice" or (self.kind is None and only_choice(content)):
            letter = choice_in(content)
            if letter:
                return Answer(letter, "choice", (begin, end))
        if self.kind == "latex" or (self.kind is None and is_latex(markup)):
            return _latex(markup, (begin, end))
        reading = read_region(content, self.scene, begin)
        if reading is None:
            return None
        return _outcome(reading, (begin, end))

    def _labels(self, marks: list[Label]) -> Answer | Abstention | None:
        """The last label that has something to say; a bare sentence yields to a colon before it."""
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

    def _after(self, mark: Label) -> Answer | Abstention | None:  # noqa: C901, PLR0911, PLR0912
        """Read what a label introduces."""
        text, begin = self.text, mark.end
        lead = _LEAD.match(text, begin, self.end)
        content = lead.end() if lead else begin
        line_end = self._line_end(content)
        same_line = "\n" not in text[begin:content]
        total = None if same_line else _TOTAL_LINE.match(text, content, self.end)
        if total:
            begin, content, line_end = total.end(), total.end(), self._line_end(total.end())
        line_end = min(line_end, content + 2 * _LIMIT)
        if self.kind == "choice":
            letter = choice_in(plain(text[begin : min(line_end, begin + _LIMIT)]))
            return Answer(letter, "choice", (content, line_end)) if letter else None
        if self.kind == "latex":
            return _latex(text[content:line_end], (content, line_end))
        first = None if same_line else _FIRST_ITEM.match(text, content, line_end)
        content = first.end() if first else content
        begin = first.end() if first else begin
        begin = self._sign_start(begin, content, "-−– [(" if same_line else "-−–[(")
        for _ in range(_SENTENCES):
            if begin >= line_end:
                break
            stop = locate.sentence_end(text, content, line_end)
            sentence = text[begin : min(stop, begin + _LIMIT)]
            spaced = _SPACED_SIGN.match(sentence)
            if spaced and same_line:  # "Answer: - 15" is no bullet
                sentence = spaced[1] + spaced[3] + spaced[2] + sentence[spaced.end() :]
            if sentence.rstrip(" *\"'”」").endswith(("?", "？")) or "吗" in sentence:
                return None
            if self.kind is None:
                letter = only_choice(plain(sentence))
                if letter:
                    return Answer(letter, "choice", (content, stop))
            outcome = self._sentence(sentence, begin, stop)
            if outcome == _UNFILLED and self.text[stop : stop + _TAIL].strip():
                return None  # the format that was asked for, ahead of what the text says
            if outcome is not None:
                if (
                    self.cut
                    and isinstance(outcome, Answer)
                    and outcome.span
                    and outcome.span[1] >= len(text)
                ):
                    return Abstention(AbstainReason.TRUNCATED)
                if isinstance(outcome, Answer) and self._is_heading(sentence, stop):
                    return None
                return self._taken_back(stop, line_end) or outcome
            begin = content = max(stop, begin + 1)
        return None

    def _line_end(self, start: int) -> int:
        end = self.text.find("\n", start, self.end)
        return self.end if end < 0 else end

    def _taken_back(self, begin: int, line_end: int) -> Answer | None:
        """The value of a next sentence that begins with words of correction."""
        if begin >= line_end or not _SECOND_THOUGHT.match(self.text, begin, line_end):
            return None
        stop = locate.sentence_end(self.text, begin, line_end)
        outcome = self._sentence(self.text[begin : min(stop, begin + _LIMIT)], begin, stop)
        return outcome if isinstance(outcome, Answer) else None

    def _sign_start(self, begin: int, content: int, marks: str) -> int:
        """Keep a sign that the skipped markup ends with."""
        index = content
        while index > begin and self.text[index - 1] in marks:
            index -= 1
        return index

    def _is_heading(self, sentence: str, stop: int) -> bool:
        """Whether the label opens a solution that only later comes to its result."""
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
        reading = read_region(content, self.scene, begin)
        if reading is None:
            return None
        if content is sentence and reading.value is not None:
            return _outcome(reading, (begin + reading.start, begin + reading.end))
        return _outcome(reading, (begin, stop))

    def _conclusion(self) -> Answer | Abstention:  # noqa: C901, PLR0911
        text = self.text
        if self.cut:
            return Abstention(AbstainReason.TRUNCATED)
        if is_refusal(text[self.start : self.end]):
            return Abstention(AbstainReason.REFUSAL)
        if self.kind in ("choice", "latex"):
            return self._last_line()
        whole = text[self.start : self.end].strip()
        if self.kind is None and len(whole) < _LIMIT and only_choice(whole):
            return Answer(only_choice(whole) or "", "choice", (self.start, self.end))
        if _UNFINISHED.search(text, max(0, self.end - 200), self.end):
            return Abstention(AbstainReason.TRUNCATED)
        last_words = max(self.start, self.end - 400)
        spans = locate.conclusions(text, self.start, self.end)
        for begin, end in spans:
            outcome = self._sentence(text[begin : min(end, begin + _LIMIT)], begin, end)
            if isinstance(outcome, Answer):
                lost = undetermined_at(text, end, self.end)
                if lost is not None and lost >= last_words:
                    return Abstention(AbstainReason.UNDETERMINED)
                return outcome
            if outcome:
                return outcome
        if undetermined_at(text, last_words, self.end) is not None:
            return Abstention(AbstainReason.UNDETERMINED)
        if len(whole) < _SHORT_TEXT:  # no digit anywhere: a short text may say it in words
            outcome = self._sentence(whole, self.start, self.end)
            if outcome:
                return outcome
        return Abstention(AbstainReason.NO_ANSWER)

    def _last_line(self) -> Answer | Abstention:
        whole = self.text[self.start : self.end].strip()
        line = whole[whole.rfind("\n") + 1 :][-_LIMIT:]
        if self.kind == "choice":
            letter = only_choice(whole) or choice_in(plain(line))
            if letter:
                return Answer(letter, "choice", (self.start, self.end))
            return Abstention(AbstainReason.NO_ANSWER)
        expression = _math_only(line)
        outcome = _latex(expression, (self.start, self.end)) if expression else None
        return outcome or Abstention(AbstainReason.NO_ANSWER)


_MATH = re.compile(r"\$\$?([^$\n]{1,400})\$\$?|\\\(([^\n]{1,400}?)\\\)|\\\[([^\n]{1,400}?)\\\]")


def _math_only(line: str) -> str | None:
    """The last formula of a line, or the line itself when it is one."""
    found = [match[1] or match[2] or match[3] for match in _MATH.finditer(line)]
    if found:
        return found[-1]
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
