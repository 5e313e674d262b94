"""Reading of the answer in a text: what is marked, what is labelled, else the conclusion.

A box, a tag or the answer field of a JSON object is the answer. Without one it is the text after
the last label (:mod:`clc.answers.labels`), to the end of that sentence, without later explanations
and restated numbers. A later statement overrides an earlier one after words of correction; a label
that heads its line, or ends the text, overrides a box, which may hold an intermediate result.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clc.answers import locate
from clc.answers.conclusion import read_conclusion
from clc.answers.labels import Label, labels, last_labels, last_statement, states_value
from clc.answers.latex import boxes, plain
from clc.answers.marked import NULL, marked_answers
from clc.answers.precedence import MarkedAnswer, in_order, overriding
from clc.answers.statement import LONGEST, StatementReader, is_question, number_alone
from clc.answers.tables import row_total, total_line
from clc.records import AbstainReason, Abstention, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clc.answers.body import Body
    from clc.answers.scan import Scan
    from clc.records import AnswerKind

__all__ = ["AnswerReader"]

_TAIL = 400  # characters from the end that nearly always have the last label
_OPEN_BOX = re.compile(r"\\boxed\{[^}\n]*\Z")
_SPACED_SIGN = re.compile(r"([ (\[]{0,3})([-−–])([ \u00a0]{1,3})(?=[$€£¥]?\d)")
_FIRST_ITEM = re.compile(r"1[.)][ \t]{1,4}(?=[^\n\d]{0,80}\d)")  # a list below the label
_LEAD = re.compile(r"[\s*_\"'“”‘’«»「『\[(（【`:：>#-]*")
_DIGIT = re.compile(r"\d")
_SENTENCES = 6  # after a label, before it counts as empty
_HEADING_REST = 200  # more text after a sentence without a plain value is a solution
_PLAIN_VALUE = 48
_ERROR_WITHIN = 240  # characters after an answer in which it is called wrong
_NESTED = 4  # marked answers within marked answers
_UNFILLED = Abstention(AbstainReason.NO_ANSWER)


class AnswerReader:
    """Reads the answer of a text, outside its thought.

    Args:
        scan: a reasoning path, scanned outside its thought.
        body: the part of it that solves the problem.
        language: the language asked for.
        question: the question.
        kind: kind of the answer, inferred if None.
        cut: the text was cut off.
        options: texts of the options of a question of multiple choice.
    """

    __slots__ = ("calling", "cut", "end", "kind", "scan", "start", "statement", "text")

    def __init__(
        self,
        scan: Scan,
        body: Body,
        language: str | None,
        question: str | None,
        kind: AnswerKind | None,
        *,
        cut: bool,
        options: Sequence[str] | None = None,
    ) -> None:
        self.scan = scan
        self.text = scan.text
        self.kind = kind
        self.cut = cut
        self.statement = StatementReader(scan.text, language, question, kind, options)
        self.start, self.end, self.calling = body

    def read(self) -> Answer | Abstention:
        """Read what is marked, the labels, or the conclusion, in this order."""
        return self._stated(self.start, self.end, 0) or self._conclusion()

    def _stated(self, start: int, end: int, depth: int) -> Answer | Abstention | None:
        """Read the marked or labelled answer of ``text[start:end]``."""
        marked = self._marked(start, end, depth) if self.scan.marks else None
        if marked and _DIGIT.search(self.text, marked.end, end) is None:
            final, since = None, marked.end  # no label before a marked answer counts in its place
        else:
            final, since = last_statement(self.text, start, end), start
        if final is None and not self.scan.marks and (outcome := self._near_end(start, end)):
            return outcome
        if "oxed" in self.scan.marks and not marked and self._in_box(start, end):
            return Abstention(AbstainReason.TRUNCATED)
        if not (marked or final):
            return self._labels(last_labels(self.scan, start, end), end)
        marks = labels(self.scan, since, end)
        if final and not any(one.colon and states_value(self.text, one, end) for one in marks):
            marks.append(final)
        if marked is None:
            return self._labels(reversed(marks), end)
        if marks and since > start:
            marks = [*labels(self.scan, start, marked.begin), *marks]
        labelled = self._labels(reversed(overriding(self.text, marks, marked, end)), end)
        if isinstance(labelled, Answer) or isinstance(marked.outcome, Abstention):
            return labelled or marked.outcome
        return marked.outcome

    def _in_box(self, start: int, end: int) -> bool:
        """Whether ``text[start:end]`` ends within a box."""
        return _OPEN_BOX.search(self.text, max(start, end - 500), end) is not None

    def _near_end(self, start: int, end: int) -> Answer | Abstention | None:
        """Read the last label of a long text, if it has a colon: it suffices for most."""
        near = labels(self.scan, end - _TAIL, end) if end - start > 2 * _TAIL else ()
        return self.after(near[-1], end) if near and near[-1].colon else None

    def _marked(self, start: int, end: int, depth: int) -> MarkedAnswer | None:
        """Read the last marked answer with content."""
        spans = [(stop, begin, True) for begin, stop in boxes(self.text, start, end)]
        if depth < _NESTED:
            spans += [(stop, begin, False) for begin, stop in marked_answers(self.text, start, end)]
        for stop, begin, is_box in sorted(spans, reverse=True):
            if self.text[begin:stop] in NULL:
                return MarkedAnswer(_UNFILLED, begin, stop, is_box)
            outcome = None if is_box else self._within(begin, stop, depth + 1)
            outcome = outcome or self.statement.whole(begin, stop, mathematical=is_box)
            if outcome:
                return MarkedAnswer(outcome, begin, stop, is_box)
        return None

    def _within(self, begin: int, stop: int, depth: int) -> Answer | Abstention | None:
        """Read what a tag or field with a solution in it marks or labels."""
        content = self.text[begin:stop].strip()
        if "\n" not in content and "oxed" not in content and not labels(self.scan, begin, stop):
            return None
        outcome = self._stated(begin, stop, depth)
        if outcome is None and "\n" in content:
            outcome = read_conclusion(self.statement, begin, stop)
        return outcome

    def _labels(self, marks: Iterator[Label], end: int) -> Answer | Abstention | None:
        """Read the last label with an answer, of labels last first."""
        abstained: Abstention | None = None
        for mark in in_order(self.text, marks):
            outcome = self.after(mark, end)
            if isinstance(outcome, Answer):
                return outcome
            if outcome and abstained is None:
                abstained = outcome
                if mark.colon:
                    return abstained
        return abstained

    def after(self, mark: Label, end: int) -> Answer | Abstention | None:
        """Read the answer after a label, None if there is none."""
        text, begin = self.text, mark.end
        if not self.cut and self.kind in (None, "number"):
            alone = number_alone(text, begin, end)
            if alone:
                return alone
        lead = _LEAD.match(text, begin, end)
        content = lead.end() if lead else begin
        line_end = self._line_end(content, end)
        same_line = "\n" not in text[begin:content]
        cell = None if same_line else row_total(text, content, begin, end)
        if cell:
            return self.statement.whole(*cell)
        total = None if same_line else total_line(text, content, end)
        if total is not None:
            begin = content = total
            line_end = self._line_end(total, end)
        line_end = self.statement.cut(content, line_end, 2 * LONGEST)
        if self.kind == "latex":
            return self.statement.latex(text[content:line_end], (content, line_end))
        first = None if same_line else _FIRST_ITEM.match(text, content, line_end)
        if first:
            begin = content = first.end()
        begin = self._sign_start(begin, content, "-−– [(" if same_line else "-−–[(")
        return self._first_statement(begin, content, line_end, end, same_line=same_line)

    def _first_statement(
        self, begin: int, content: int, line_end: int, end: int, *, same_line: bool
    ) -> Answer | Abstention | None:
        """Read the first of a line's sentences that states something, unless it is a question."""
        text = self.text
        for number in range(_SENTENCES):
            if begin >= line_end:
                break
            stop = locate.sentence_end(text, content, line_end)
            sentence = text[begin : self.statement.cut(begin, stop)]
            spaced = _SPACED_SIGN.match(sentence)
            if spaced and same_line:  # "Answer: - 15" is no bullet
                sentence = spaced[1] + spaced[3] + spaced[2] + sentence[spaced.end() :]
            if is_question(sentence):
                return None
            outcome = self._statement(sentence, begin, content, stop)
            below = number > 0 or not same_line
            if below and isinstance(outcome, Answer) and self._goes_on(sentence, stop, end):
                if self.cut:
                    return Abstention(AbstainReason.TRUNCATED)
                return read_conclusion(self.statement, begin, end)
            if outcome is not None:
                return self._checked(outcome, sentence, stop, end)
            begin = content = max(stop, begin + 1)
        return None

    def _statement(
        self, sentence: str, begin: int, content: int, stop: int
    ) -> Answer | Abstention | None:
        """Read a sentence as a choice or, unless the kind is choice, as something else."""
        if self.kind in (None, "choice"):
            chosen = self.statement.choice(plain(sentence), (content, stop))
            if chosen or self.kind:
                return chosen
        return self.statement.sentence(sentence, begin, stop)

    def _checked(
        self, outcome: Answer | Abstention, sentence: str, stop: int, end: int
    ) -> Answer | Abstention | None:
        """Check a label's outcome: None for a heading or a format, truncated at a cut end."""
        if outcome == _UNFILLED and self.text[stop : stop + _TAIL].strip():
            return None  # the format asked for, before the text itself
        if isinstance(outcome, Answer):
            if (
                self.cut
                and outcome.kind == "number"
                and outcome.span
                and outcome.span[1] >= len(self.text)
            ):
                return Abstention(AbstainReason.TRUNCATED)
            if self._is_heading(sentence, stop, end):
                return None
            if outcome.kind == "choice" and locate.correction_end(self.text, stop, end) is None:
                return outcome  # "A and B are wrong" takes nothing back
        return self._taken_back(stop, end) or outcome

    def _taken_back(self, begin: int, end: int) -> Answer | None:
        """Read what a correction right after an answer states in its place."""
        text = self.text
        while begin < end and text[begin].isspace():
            begin += 1
        if begin >= end:
            return None
        stop = locate.sentence_end(text, begin, end)
        paused = locate.correction_end(text, begin, end)
        if paused is None and not locate.is_error(text, begin, stop):
            return None
        wrong = locate.is_error(text, begin, min(end, begin + _ERROR_WITHIN))
        sentence = text[begin : self.statement.cut(begin, stop)]
        if not wrong or _DIGIT.search(sentence) or self.kind == "choice":
            outcome = self._statement(sentence, begin, begin, stop)
            if isinstance(outcome, Answer):
                return outcome
            if not wrong and (paused is None or _DIGIT.search(sentence)):
                return None
        later = read_conclusion(self.statement, stop, end) if text[stop:end].strip() else None
        return later if isinstance(later, Answer) else None

    def _line_end(self, start: int, end: int) -> int:
        stop = self.text.find("\n", start, end)
        return end if stop < 0 else stop

    def _sign_start(self, begin: int, content: int, marks: str) -> int:
        """Return the start of the content, with a sign at the end of the skipped markup."""
        index = content
        while index > begin and self.text[index - 1] in marks:
            index -= 1
        return index

    def _is_heading(self, sentence: str, stop: int, end: int) -> bool:
        """Whether the label is the heading of a solution whose result comes later."""
        if len(sentence.strip()) <= _PLAIN_VALUE:
            return False
        return end - stop > _HEADING_REST and "=" in self.text[stop:end]

    def _goes_on(self, sentence: str, stop: int, end: int) -> bool:
        """Whether a sentence below a label is the first step of a calculation that goes on."""
        text = self.text
        if "=" not in sentence or "=" not in text[stop : locate.sentence_end(text, stop + 1, end)]:
            return False
        begin = stop + len(text[stop:end]) - len(text[stop:end].lstrip())
        return not locate.is_remark(text, begin, end)

    def _conclusion(self) -> Answer | Abstention:
        """Read a text that marks and labels nothing."""
        if self.calling:
            return Abstention(AbstainReason.NO_ANSWER)
        if self.cut:
            return Abstention(AbstainReason.TRUNCATED)
        return read_conclusion(self.statement, self.start, self.end)
