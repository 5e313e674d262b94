"""The conclusion of a text that marks and labels no answer."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

from clc.answers import locate
from clc.answers.choices import last_letter
from clc.answers.latex import plain
from clc.answers.letters import only_choice
from clc.answers.option_lines import lists_options
from clc.answers.refusals import is_refusal, undetermined_at
from clc.answers.statement import LONGEST, StatementReader, math_only
from clc.answers.tables import row_total
from clc.answers.word_lists import word_list
from clc.records import AbstainReason, Abstention, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_conclusion"]

_UNFINISHED = re.compile(
    r"(?:(?<!/)=|[+×÷/(\[{,:\\]|(?<=\s)\*{1,2}|(?<![/\s-])-|(?<=\d )-)\s*\Z|oxed\{[^}]*\Z"
)
_SHORT_TEXT = 120
_LAST_SENTENCES = 3  # that may affirm a letter, where the kind is not known
_LAST_WORDS = 400  # characters from the end in which a text may say that there is no answer


def read_conclusion(reader: StatementReader, start: int, end: int) -> Answer | Abstention:
    """Read the conclusion of ``text[start:end]``."""
    text = reader.text
    if is_refusal(text[start:end]):
        return Abstention(AbstainReason.REFUSAL)
    if reader.kind == "choice":
        return _last_choice(reader, start, end) or Abstention(AbstainReason.NO_ANSWER)
    whole = text[start:end].strip()
    if reader.kind == "latex":
        expression = math_only(whole[whole.rfind("\n") + 1 :][-LONGEST:])
        outcome = reader.latex(expression, (start, end)) if expression else None
        return outcome or Abstention(AbstainReason.NO_ANSWER)
    sentences = locate.LastSentences(text, start, end)
    chosen = _stated_choice(reader, whole, sentences, (start, end)) if reader.kind is None else None
    if chosen:
        return chosen
    if _UNFINISHED.search(text, max(0, end - 200), end):
        return Abstention(AbstainReason.TRUNCATED)
    outcome = _last_number(reader, sentences, start, end)
    if outcome is None and len(whole) < _SHORT_TEXT:  # without digits: perhaps in words
        outcome = reader.sentence(whole, start, end)
    return outcome or Abstention(AbstainReason.NO_ANSWER)


def _last_number(
    reader: StatementReader, sentences: locate.LastSentences, start: int, end: int
) -> Answer | Abstention | None:
    """Read the last sentences with a digit, unless the text ends without an answer."""
    text = reader.text
    last_words = max(start, end - _LAST_WORDS)
    for begin, stop in _regions(text, sentences, start, end):
        outcome = reader.sentence(text[begin : reader.cut(begin, stop)], begin, stop)
        if isinstance(outcome, Answer):
            if _leaves_open(text, outcome, stop):
                return Abstention(AbstainReason.UNDETERMINED)
            if _only_known(reader, outcome, begin, stop):
                return Abstention(AbstainReason.UNDETERMINED)
            undetermined = undetermined_at(text, stop, end)
            if undetermined is not None and undetermined >= last_words:
                return Abstention(AbstainReason.UNDETERMINED)
        if outcome:
            return outcome
    if undetermined_at(text, last_words, end) is not None:
        return Abstention(AbstainReason.UNDETERMINED)
    return None


def _leaves_open(text: str, answer: Answer, end: int) -> bool:
    """Whether a sentence goes on after its number to state that there is no answer."""
    begin = answer.span[1] if answer.span else end
    undetermined = undetermined_at(text, begin, end)
    if undetermined is None:
        return False
    return not word_list("because", "so").found(text, begin, undetermined)


def _only_known(reader: StatementReader, answer: Answer, begin: int, stop: int) -> bool:
    """Whether a sentence only restates what is known, after one that there is no answer.

    "There is not enough information. We only know that she had 15 coins."
    """
    text = reader.text
    before = locate.sentence_before(text, begin)
    if before is None or undetermined_at(text, before, begin) is None:
        return False
    if "=" in text[before:stop] or word_list("so").found(text, begin, stop):
        return False
    return word_list("only").found(text, begin, stop) or (
        answer.kind == "number" and Fraction(answer.value) in reader.context.question_numbers
    )


def _regions(
    text: str, sentences: locate.LastSentences, start: int, end: int
) -> Iterator[tuple[int, int]]:
    """Yield the last sentences with a digit; of a table with a total only that cell."""
    for begin, stop in sentences.numbered():
        line = text.rfind("\n", start, stop - 1) + 1
        if text[max(line, start) : stop].lstrip()[:1] == "|":
            cell = row_total(text, max(line, start), start, end)
            if cell:
                yield cell
                return
        yield begin, stop


def _stated_choice(
    reader: StatementReader,
    whole: str,
    sentences: locate.LastSentences,
    span: tuple[int, int],
) -> Answer | Abstention | None:
    """Read a letter alone on the last line, or one that the last sentence affirms."""
    line = whole[whole.rfind("\n") + 1 :]
    for text in (whole, line):
        letter = only_choice(text) if len(text) < LONGEST else None
        if letter and (text is whole or _is_letter_line(line)):
            return Answer(letter, "choice", span)
    for begin, stop in islice(sentences.worded(), _LAST_SENTENCES):
        sentence = reader.text[begin:stop]
        if stop - begin > LONGEST:
            return None
        if any(map(str.isdecimal, sentence)):
            listed = lists_options(reader.text[span[0] : begin])
            letter = last_letter(plain(sentence)) if listed else None
            return Answer(letter, "choice", (begin, stop)) if letter else None
        outcome = reader.choice(plain(sentence), (begin, stop))
        if outcome:
            return outcome
    return None


def _is_letter_line(line: str) -> bool:
    """Whether a line holds a capital or native letter, and nothing else but markup."""
    letters = "".join(filter(str.isalnum, line))
    return len(letters) == 1 and not letters.islower()


def _last_choice(reader: StatementReader, start: int, end: int) -> Answer | Abstention | None:
    """Read the last sentence that states a choice."""
    letter = only_choice(reader.text[start:end])
    outcome = reader.choice(letter, (start, end)) if letter else None
    if outcome:
        return outcome
    for begin, stop in locate.LastSentences(reader.text, start, end).worded():
        sentence = reader.text[begin : reader.cut(begin, stop)]
        outcome = reader.choice(plain(sentence), (begin, stop))
        if outcome:
            return outcome
    return None
