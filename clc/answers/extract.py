"""Answer extraction from a text: a canonical value, or an abstention with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.answers.body import Body, find_body, is_blank
from clc.answers.endings import find_ending, read_ending
from clc.answers.labels import decisive_label
from clc.answers.marked import marked_answers
from clc.answers.reader import AnswerReader
from clc.answers.scan import Scan
from clc.answers.statement import number_alone
from clc.answers.vocabulary import use_vocabulary
from clc.records import AbstainReason, Abstention, Answer, AnswerKind
from clc.thoughts.mark_files import load_marks
from clc.thoughts.spans import find_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.answers.vocabulary import Vocabulary
    from clc.thoughts import Marks

__all__ = ["extract_answer"]

_FIELDS = {"{"}  # the mark of an object, which may have a field for the answer
_LONGEST_END = 12  # characters with the last digit of a plain number at the end
_REFUSED = frozenset({"content_filter", "refusal"})


def extract_answer(  # noqa: PLR0911
    text: str,
    language: str | None = None,
    question: str | None = None,
    *,
    kind: AnswerKind | None = None,
    finish_reason: str | None = None,
    opened: bool = False,
    closed: bool | None = None,
    marks: Marks | None = None,
    options: Sequence[str] | None = None,
    vocabulary: Vocabulary | None = None,
) -> Answer | Abstention:
    r"""Extract the answer that ``text`` states.

    Args:
        text: a reasoning path.
        language: the language asked for; it only affects ambiguous separators and number words,
            because paths do not always follow it.
        question: the question; a sentence's number that is not in it is new.
        kind: kind of the data set's answers; inferred if None.
        finish_reason: ``length`` marks a truncated path; ``content_filter`` and ``refusal`` a
            refusal, regardless of its text.
        opened: the prompt ended inside a thought.
        closed: the path's thought was removed from ``text`` and had ended (True) or not (False);
            None searches for a thought in ``text``.
        marks: the marks of thoughts; the bundled ones by default.
        options: the texts of the options A, B, … of a question of multiple choice; one of them
            stands for its letter, and the kind is ``choice``.
        vocabulary: the words of languages; those in effect by default.

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
    if vocabulary is not None:
        with use_vocabulary(vocabulary):
            return extract_answer(
                text,
                language,
                question,
                kind=kind,
                finish_reason=finish_reason,
                opened=opened,
                closed=closed,
                marks=marks,
                options=options,
            )
    if options:
        kind = "choice"
    if finish_reason in _REFUSED:
        return Abstention(AbstainReason.REFUSAL)
    cut = finish_reason == "length"
    start, stop = 0, len(text)
    if closed is None:
        _, (start, stop), closed = find_spans(
            text, marks or load_marks(), opened=opened, finish_reason=finish_reason
        )
        if closed is False and not is_blank(text, start, stop):
            # Text before the thought may state an answer, but is no conclusion.
            scan = Scan(text, start, stop)
            body = find_body(scan, start, stop)
            before = AnswerReader(
                scan, body, language, question, kind, cut=True, options=options
            ).read()
            return before if isinstance(before, Answer) else Abstention(AbstainReason.TRUNCATED)
    if closed is False:
        return Abstention(AbstainReason.TRUNCATED)
    usual = not cut and (kind is None or kind == "number")
    ending = find_ending(text, start, stop) if usual else None
    if ending:
        number = number_alone(text, ending.content, stop, marked=True)
        if number:
            return number
        stated = read_ending(
            AnswerReader(Scan(text, stop), Body(start, stop), language, question, kind, cut=cut),
            ending,
        )
        if stated:
            return stated
    scan = Scan(text, start, stop)
    if usual and (answer := _plain_end(scan, start, stop)):
        return answer
    if is_blank(text, start, stop):
        return Abstention(AbstainReason.TRUNCATED if cut else AbstainReason.EMPTY)
    body = find_body(scan, start, stop)
    return AnswerReader(scan, body, language, question, kind, cut=cut, options=options).read()


def _plain_end(scan: Scan, start: int, stop: int) -> Answer | None:
    """Read a plain number at the end of ``text[start:stop]`` behind the label that counts."""
    text = scan.text
    if not text[max(start, stop - _LONGEST_END) : stop].rstrip(" \n\t.。")[-1:].isdecimal():
        return None
    if scan.marks and (scan.marks != _FIELDS or marked_answers(text, start, stop)):
        return None
    label = decisive_label(scan, start, stop)
    answer = number_alone(text, label.end, stop, marked=label.colon) if label else None
    if answer is None or find_body(scan, start, stop) != (start, stop, False):
        return None
    return answer
