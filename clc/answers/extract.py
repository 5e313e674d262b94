"""Answer extraction from a text: a canonical value, or an abstention with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.answers.body import find_body, is_blank
from clc.answers.endings import read_usual_ending
from clc.answers.reader import AnswerReader
from clc.answers.scan import Scan
from clc.answers.vocabulary import use_vocabulary
from clc.records import AbstainReason, Abstention, Answer, AnswerKind
from clc.thoughts.mark_files import load_marks
from clc.thoughts.spans import find_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.answers.vocabulary import Vocabulary
    from clc.thoughts import Marks

__all__ = ["extract_answer"]

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
        options = [one.encode(errors="replace").decode() for one in options]
    if finish_reason in _REFUSED:
        return Abstention(AbstainReason.REFUSAL)
    cut = finish_reason == "length"
    start, stop = 0, len(text)
    marks = marks or load_marks()
    if closed is None and (opened or marks.may_be_in(text)):
        _, (start, stop), closed = find_spans(
            text, marks, opened=opened, finish_reason=finish_reason
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
    scan = Scan(text, start, stop)
    if not cut and (kind is None or kind == "number"):
        usual = read_usual_ending(scan, start, stop, language, question, kind=kind)
        if usual:
            return usual
    if is_blank(text, start, stop):
        return Abstention(AbstainReason.TRUNCATED if cut else AbstainReason.EMPTY)
    body = find_body(scan, start, stop)
    return AnswerReader(scan, body, language, question, kind, cut=cut, options=options).read()
