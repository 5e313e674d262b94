"""The usual ending of a text, "Answer: 18." on its last line, found before all else is searched.

Four texts of five end so. One pass over such a text then suffices, for what may count in its place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from clc.answers.body import find_body, run_on_at
from clc.answers.labels import Label, is_whole_word, states_value
from clc.answers.locate import is_remark
from clc.answers.scan import Scan, answer_forms, head_forms
from clc.answers.vocabulary import per_vocabulary
from clc.answers.word_lists import bytes_automaton
from clc.records import Answer

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

    from clc.answers.reader import AnswerReader

__all__ = ["Ending", "find_ending", "read_ending"]

_ENDING = re.compile(
    r"([^\d\n\\]{1,79}[^\d\s\\:：])[ \u00a0\u202f]?[:：\u0983]([^:：\n][^\n]{0,599})\n?"
)
# Marks that may count before a label at the end, and those of turns; a Q that may head a problem.
_MARKS = (
    "oxed", "fbox", "<", "####", "[INST]", "[/INST]", "[SYSTEM_PROMPT", "[TOOL", "```tool",
    "assistant", "user\n", "model\n",
)  # fmt: skip
_LETTERS = ("Q", "\nq", "#q", "*q", "\tq", "\n q", "# q", "* q", "\t q", "  q")
_LEAD = b" \t#*"
_INNER_HEAD = re.compile(rb"(?:Q|Question|Problem)[ ]?\d{0,3}:[ ]")
_HEAD = 60  # characters from the start with a turn's header
_OBJECT = "{"  # may have a field for the answer


class Ending(NamedTuple):
    """A last line with a label: where it begins, where its word for an answer ends, its content."""

    line: int
    colon: int
    content: int


class _Rivals(NamedTuple):
    """The automaton of what may count in place of a label at the end.

    Its first ``marks`` parts do so; the others may head another problem or a turn.
    """

    machine: BytesAhoCorasick
    marks: int


@per_vocabulary
def _rivals() -> _Rivals:
    return _Rivals(bytes_automaton([*_MARKS, *_LETTERS, *head_forms()]), len(_MARKS))


@per_vocabulary
def _nouns() -> dict[str, tuple[str, ...]]:
    """Words for an answer by their last character, the longest first."""
    nouns: dict[str, tuple[str, ...]] = {}
    for noun in sorted(answer_forms(), key=len, reverse=True):
        nouns[noun[-1]] = (*nouns.get(noun[-1], ()), noun)
    return nouns


def find_ending(text: str, start: int, stop: int) -> Ending | None:
    r"""Find the label at the end of ``text[start:stop]``, a word for an answer and a colon.

    Returns:
        None if something else may count: a mark, another problem, a repetition that breaks off.

    >>> find_ending("3 + 4 = 7\nAnswer: 7", 0, 19)
    Ending(line=10, colon=16, content=17)
    >>> find_ending("Answer: 7\nQuestion: 1 + 1?\nAnswer: 2", 0, 38) is None
    True
    """
    line = max(start, text.rfind("\n", start, stop - 3) + 1)
    ending = _ENDING.fullmatch(text, line, stop)
    if ending is None:
        return None
    colon = ending.end(1)
    nouns = _nouns().get(text[colon - 1])
    if nouns is None or not text.endswith(nouns, line, colon):
        return None
    if _has_rival(text, start, stop, colon) or _breaks_off(text, start, line, stop):
        return None
    return Ending(line, colon, ending.start(2))


def _has_rival(text: str, start: int, stop: int, colon: int) -> bool:
    """Whether something may count in place of the label whose word ends at ``colon``."""
    machine, marks = _rivals()
    content = text[start:stop].encode(errors="surrogatepass")
    headed = False
    for index, low, _ in machine.find_matches_as_indexes(content, overlapping=True):
        if index < marks:
            return True
        before = low - 1
        while before >= 0 and content[before] in _LEAD:
            before -= 1
        heads_line = before >= 0 and content[before] in b"\nqQ"
        if heads_line or (content[low] in b"QP" and _INNER_HEAD.match(content, low)):
            headed = True
    return headed and run_on_at(Scan(text, start, stop), start, colon) is not None


def _breaks_off(text: str, start: int, line: int, stop: int) -> bool:
    """Whether the last line breaks off within a repetition of the one before it."""
    before = text.rfind("\n", start, max(line - 1, start)) + 1
    if not start < before < line < stop or line - before <= stop - line + 1:
        return False
    return text.startswith(text[line:stop], before)


def read_ending(reader: AnswerReader, ending: Ending) -> Answer | None:
    """Read a statement behind the label at the end of a text; None if others may count, too."""
    text, start, stop = reader.text, reader.start, reader.end
    if text.find(_OBJECT, start, stop) >= 0:
        return None
    line, colon, content = ending
    noun = next(one for one in _nouns()[text[colon - 1]] if text.endswith(one, line, colon))
    if not is_whole_word(text, colon - len(noun), colon):
        return None
    label = Label(colon - len(noun), content, colon=True)
    if not states_value(text, label, stop) and (
        text.find(":", line, colon) >= 0 or is_remark(text, line, stop)
    ):
        return None
    if any(is_whole_word(text, *noun) for noun in Scan(text, content, stop).nouns(content, stop)):
        return None
    head = text.find(":", start, start + _HEAD)
    if 0 <= head < line and find_body(Scan(text, start, stop), start, stop) != (start, stop, False):
        return None
    outcome = reader.after(label, stop)
    return outcome if isinstance(outcome, Answer) else None
