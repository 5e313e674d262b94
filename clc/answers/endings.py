"""The usual endings of texts, read before all else is searched.

Four texts of five end with "Answer: 18." on their last line, or with a number in a box; then it
suffices to search for what may count in its place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clc.answers.body import Body, is_whole, run_on_at
from clc.answers.labels import (
    Label,
    decisive_label,
    is_whole_word,
    last_labels,
    names_result,
    states_value,
)
from clc.answers.locate import is_remark
from clc.answers.marked import marked_answers
from clc.answers.plain_regions import has_words
from clc.answers.reader import AnswerReader
from clc.answers.scan import answer_forms
from clc.answers.statement import MARKED_NUMBER, StatementReader, number_alone, number_in
from clc.answers.vocabulary import per_vocabulary
from clc.records import Answer

if TYPE_CHECKING:
    from clc.answers.scan import Scan
    from clc.records import Abstention, AnswerKind

__all__ = ["read_usual_ending"]

# A last line with a colon: the words before it, the content; of a number its two parts.
_ENDING = re.compile(
    r"([^\d\n\\]{1,79}[^\d\s\\:：])[ \u00a0\u202f]?[:：\u0983]"
    rf"({MARKED_NUMBER}|[^:：\n][^\n]{{0,599}}\n?)"
)
_LONGEST_END = 12  # characters with the last digit of a plain number at the end
_BOX = re.compile(r"(?<![a-zA-Z])b?oxed\s{0,2}\{(\d{1,15})\}")
_BOXES = {"oxed", "{"}
_DIGIT = re.compile(r"\d")
_HEAD = 60  # characters from the start with a turn's header
_COLONS = frozenset(":：")
_FIELD = {"{"}  # the mark of an object, which may have a field for the answer


@per_vocabulary
def _nouns() -> dict[str, tuple[str, ...]]:
    """Words for an answer by their last character, the longest first."""
    nouns: dict[str, tuple[str, ...]] = {}
    for noun in sorted(answer_forms(), key=len, reverse=True):
        nouns[noun[-1]] = (*nouns.get(noun[-1], ()), noun)
    return nouns


def read_usual_ending(
    scan: Scan,
    start: int,
    stop: int,
    language: str | None,
    question: str | None,
    *,
    kind: AnswerKind | None,
) -> Answer | Abstention | None:
    r"""Read the answer at the end of ``text[start:stop]``; None if another one may count.

    For the other arguments see :func:`clc.answers.extract.extract_answer`.

    >>> from clc.answers.scan import Scan
    >>> read_usual_ending(Scan("3 + 4 = 7\nAnswer: 7"), 0, 19, None, None, kind=None).value
    '7'
    >>> text = "Answer: 7\nQuestion: 1 + 1?\nAnswer: 2"
    >>> read_usual_ending(Scan(text), 0, len(text), None, None, kind=None) is None
    True
    """
    text = scan.text
    line = max(start, text.rfind("\n", start, stop - 3) + 1)
    ending = _ENDING.fullmatch(text, line, stop)
    if ending is None or (scan.marks and scan.marks != _FIELD):
        return _read_last_box(scan, start, stop) or _read_last_number(scan, start, stop)
    colon = ending.end(1)
    nouns = _nouns().get(text[colon - 1])
    if nouns is None or not text.endswith(nouns, line, colon):
        if ending[3] and _is_labelled(scan, start, stop, ending):
            return number_in(ending, 3)
        return _read_last_number(scan, start, stop)
    below_line = line > start + 1 and text[line - 2] != "\n"
    repeated = below_line and _breaks_off(text, start, line, stop)
    headed = scan.heads or scan.lettered or scan.inner  # without a call for most texts
    if repeated or (headed and run_on_at(scan, start, colon) is not None):
        return None
    if ending[3]:
        return number_in(ending, 3)
    statement = StatementReader(text, language, question, kind)
    return _read_ending(scan, start, stop, ending, statement)


def _breaks_off(text: str, start: int, line: int, stop: int) -> bool:
    """Whether the last line breaks off within a repetition of the one before it."""
    before = text.rfind("\n", start, line - 1) + 1
    if before <= start or line - before <= stop - line + 1:
        return False
    return text.startswith(text[line:stop], before)


def _is_labelled(scan: Scan, start: int, stop: int, ending: re.Match[str]) -> bool:
    """Whether the words before the number at the end are the last label, or name a result.

    The latter counts only in a text without labels.
    """
    text, (line, colon) = scan.text, ending.span(1)
    label = next(last_labels(scan, start, stop), None)
    if label:
        labelled = label.colon and label.end == ending.start(2)
    else:
        signs = text[colon : ending.start(2)].strip(), ending[2][0]
        labelled = signs[0] in _COLONS and signs[1] != "\u00a0"
        labelled = labelled and names_result(text, line, colon, stop)
    if not labelled or (scan.marks and marked_answers(text, start, stop)):
        return False
    return is_whole(scan, start, stop)


def _read_last_box(scan: Scan, start: int, stop: int) -> Answer | None:
    """Read the integer in the box of ``text[start:stop]`` after which no number or label stands.

    None if a field may count in its place, or if the text is not all one solution.
    """
    if scan.marks != _BOXES:
        return None
    text = scan.text
    position = text.rfind("oxed", start, stop)
    box = _BOX.match(text, max(start, position - 1), stop) or _BOX.match(text, position, stop)
    if box is None or _DIGIT.search(text, box.end(), stop) or scan.nouns(box.end(), stop):
        return None
    if marked_answers(text, start, stop) or not is_whole(scan, start, stop):
        return None
    return Answer(str(int(box[1])), "number", box.span(1))


def _read_ending(
    scan: Scan, start: int, stop: int, ending: re.Match[str], statement: StatementReader
) -> Answer | Abstention | None:
    """Read the content of the label at the end of a text; None if another label may count."""
    if scan.marks:
        return None
    text, (line, colon), content = scan.text, ending.span(1), ending.start(2)
    word = next(one for one in _nouns()[text[colon - 1]] if text.endswith(one, line, colon))
    if not is_whole_word(text, colon - len(word), colon):
        return None
    label = Label(colon - len(word), content, colon=True)
    if not states_value(text, label, stop) and (
        text.find(":", line, colon) >= 0 or is_remark(text, line, stop)
    ):
        return None
    nouns = scan.nouns(content, stop) if has_words(ending[2]) else ()
    labelled = any(is_whole_word(text, *noun) for noun in nouns)
    head = text.find(":", start, start + _HEAD)
    if labelled or (0 <= head < line and not is_whole(scan, start, stop)):
        return None
    plain = statement.plain(content, stop)
    if plain:
        return plain
    language, question = statement.context.language, statement.context.question
    body = Body(start, stop)
    reader = AnswerReader(scan, body, language, question, statement.kind, cut=False)
    return reader.after(label, stop)


def _read_last_number(scan: Scan, start: int, stop: int) -> Answer | None:
    """Read a plain number at the end of ``text[start:stop]`` behind the label that counts."""
    text = scan.text
    if not text[max(start, stop - _LONGEST_END) : stop].rstrip(" \n\t.。")[-1:].isdecimal():
        return None
    if scan.marks and (scan.marks != _FIELD or marked_answers(text, start, stop)):
        return None
    label = decisive_label(scan, start, stop)
    answer = number_alone(text, label.end, stop, marked=label.colon) if label else None
    return answer if answer and is_whole(scan, start, stop) else None
