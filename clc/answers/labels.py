"""Answer labels: the words before a stated answer, in many languages.

A path's labels do not follow its language ("Réponse:" in Japanese text), so all of them are
searched in every text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from clc.answers.locate import is_remark, prefix_end
from clc.answers.vocabulary import per_vocabulary
from clc.answers.word_lists import word_list
from clc.answers.words import INDO_ARYAN, cased_and_other, word_pattern
from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.answers.scan import Scan

__all__ = [
    "Label",
    "decisive_label",
    "is_whole_word",
    "labels",
    "last_labels",
    "last_statement",
    "names_result",
    "states_value",
]

_CLOSE = r"[*_\"'”’»」』)\]`]{0,4}"
# Text between the noun and its colon or copula, within one clause.
_BETWEEN = r"[^\n:：=.!?。！？\d]{0,60}?"


@per_vocabulary
def _numbered() -> str:
    """Return a pattern of the problem that is answered: to question 1."""
    to, nouns = word_pattern("of_numbered"), word_pattern("numbered")
    return rf"(?:\s(?:{to})\s(?:{nouns})\s?#?\d{{1,3}}\b)?(?:{_BETWEEN}){_CLOSE}"


@per_vocabulary
def _late_colon() -> re.Pattern[str]:
    """A colon after the number of the problem, or a few words."""
    return re.compile(rf"{_numbered()}[ \t\u00a0\u202f]{{0,2}}[:：]")


@per_vocabulary
def _verb() -> re.Pattern[str]:
    """A copula after the number of the problem, or a few words."""
    cased, other = cased_and_other("copula")
    adverbs = word_pattern("copula_after")
    return re.compile(rf"{_numbered()}\s{{0,2}}(?:(?:{cased})(?:\s*(?:{adverbs}))?|{other})")


_ANS = re.compile(r"[.]?[:：=]")  # "34 ans - 23 ans" are years
_BARE = deferred_pattern(r"[-$€£]{0,2}[\d.,/]{1,20}[ \t]*(?:\n|\Z)")
_STATEMENT = re.compile(
    r"[ \t*_#>-]{0,6}([^\d\n:：=|{}\\]{2,80})([:：፡፦][ \t*_]{0,4})"
    r"[-−$€£¥₹]{0,3}[ ]?\d[\d.,/ \u00a0]{0,30}[^\d\n=:：+×*/|{}]{0,24}[*_]{0,3}"
)
_NO_RESULT = re.compile(r"[=|{}\\:：]")
_MOST_MARKUP = 6  # characters before a statement
_VALUE_LINE = deferred_pattern(r"[\s*_$€£(\[-]{0,6}\d[\d.,/]{0,30}[^\d\n=+×*/]{0,40}(?:\n|\Z)")
_LONGEST_LINE = 160
_MOST_REMARKS = 4  # lines after the last statement: a confidence, an offer
_COLON = re.compile(
    rf"{_CLOSE}[ \t\u00a0\u202f]{{0,3}}{_CLOSE}(?:[:：ঃ︰፡፦]|[-–—>]{{1,3}}(?=[ \t]))"
)
_LETTER_COLON = re.compile(r"[^\n]{0,20}?(?<![^\W_])[A-J][)*]{0,3}\s?[:：]")  # option **B: 14 m**
_LONGEST_BETWEEN = 140  # characters from the noun to a late colon
_EMPTY = deferred_pattern(rf"{_CLOSE}[ \t]*(?=\n|\Z|\$|\\\(|\\\[)")
_DIRECT = re.compile(r"[ \t]?[\[「『\"'“*$¥-]{0,3}(?=\d)")
_HASHES = re.compile(r"####[ \t]{0,3}(?=\S)")
_HEADING = re.compile(r"[^\n\d.,;]{0,24}")  # "**Final Answer**" alone on its line, or "Answer 18"
_MOST_LABELS = 48  # that are considered, from the end


class Label(NamedTuple):
    """A label: its start, the start of its answer, and whether it ends with a colon."""

    start: int
    end: int
    colon: bool

    def heads_line(self, text: str) -> bool:
        """Whether only a few words, such as "**Final", stand before the label on its line."""
        line = text.rfind("\n", 0, self.start) + 1
        return _HEADING.fullmatch(text, line, self.start) is not None


def labels(scan: Scan, start: int = 0, end: int | None = None) -> list[Label]:
    """Return the labels in ``text[start:end]`` of a scanned text, in order.

    >>> from clc.answers.scan import Scan
    >>> labels(Scan("The answer is 3? No. Answer: 4"))
    [Label(start=4, end=13, colon=False), Label(start=21, end=28, colon=True)]
    """
    return list(last_labels(scan, start, end))[::-1]


def last_labels(scan: Scan, start: int = 0, end: int | None = None) -> Iterator[Label]:
    """Return the labels in ``text[start:end]`` of a scanned text, last first."""
    stop = len(scan.text) if end is None else end
    worded = _worded_labels(scan, start, stop)
    if "####" not in scan.marks:
        return worded
    hashes = list(_HASHES.finditer(scan.text, start, stop))[-_MOST_LABELS:]
    marks = [
        Label(mark.start(), mark.end(), colon=True)
        for mark in hashes
        if _number_line(scan.text, mark, stop)
    ]
    return iter(sorted([*marks, *worded], reverse=True))


def _worded_labels(scan: Scan, start: int, stop: int) -> Iterator[Label]:
    """Yield the labels that are words, last first."""
    seen = 0
    for noun in reversed(scan.nouns(start, stop)):
        if is_whole_word(scan.text, *noun):
            label = _label(scan.text, *noun, stop)
            if label:
                yield label
            seen += 1
            if seen == _MOST_LABELS:
                break


def names_result(text: str, line: int, colon: int, end: int) -> bool:
    """Whether the words ``text[line:colon]`` before a number, in any language, name a result.

    False where they begin a remark, another problem, or a turn.

    >>> names_result("Resultaat: 42", 0, 9, 13), names_result("Confidence: 95", 0, 10, 14)
    (True, False)
    """
    if _NO_RESULT.search(text, line, colon):
        return False
    begin = prefix_end(text, line, colon)
    if begin - line > _MOST_MARKUP:
        return False
    others = word_list("remark", "problem", "user", "assistant")
    return others.match(text, begin, end) is None


def decisive_label(scan: Scan, start: int, end: int) -> Label | None:
    """Return the label of ``text[start:end]`` beside which no other can count, None if several may.

    It is the last one, if it has a colon, or the only one.
    """
    text = scan.text
    only: Label | None = None
    nouns = scan.nouns(start, end)
    if len(nouns) > _MOST_LABELS:
        return None
    for noun in reversed(nouns):
        label = _label(text, *noun, end) if is_whole_word(text, *noun) else None
        if label is None:
            continue
        if only is not None:
            return None
        if label.colon:
            return label
        only = label
    final = last_statement(text, start, end)
    if only is None:
        return final
    return only if final is None else None


def last_statement(text: str, start: int, end: int) -> Label | None:
    r"""Return a label for a short last line "words: number", in any language.

    Checks, confidences and offers may follow it.

    >>> last_statement("12 + 30 = 42\nResultaat: 42", 0, 26).colon
    True
    """
    stop = end
    for _ in range(_MOST_REMARKS):
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        line = max(start, text.rfind("\n", start, stop) + 1)
        if line == start and stop - line > _LONGEST_LINE:  # a remark or not
            return None
        if not is_remark(text, line, stop):
            break
        stop = line
    match = _STATEMENT.fullmatch(text, line, stop) if 0 < stop - line <= _LONGEST_LINE else None
    if match is None:
        return None
    words = match[1].strip(" *_")
    if word_list("problem", "user", "assistant").fullmatch(words):
        return None
    return Label(match.start(1), match.end(2), colon=True)


def states_value(text: str, label: Label, end: int) -> bool:
    """Whether a short value follows a label on its line."""
    return _VALUE_LINE.match(text, label.end, end) is not None


def is_whole_word(text: str, start: int, end: int) -> bool:
    """Whether a word for an answer is a whole word, and no other word of some language."""
    if not _has_case(text[start]):
        return not (start and INDO_ARYAN.match(text[start]) and INDO_ARYAN.match(text[start - 1]))
    if (start and _has_case(text[start - 1])) or _has_case(text[end : end + 1]):
        return False
    return text[start:end] != "ans" or _ANS.match(text, end) is not None


def _has_case(character: str) -> bool:
    return character.lower() != character.upper()


_NUMBER_LINE = re.compile(
    r"[-$€£]{0,2}\d[\d.,/]{0,20}[ \t]*(?:[a-z%°$€£]|[^\W\d_A-Z]{1,2}|(?=\n|\Z))"
    r"[^\d\n.:=]{0,30}[.]?(?:\n|\Z)"
)


def _number_line(text: str, mark: re.Match[str], stop: int) -> bool:
    """Whether ``#### 18`` is GSM8K's mark, with or without a unit, and no Markdown heading."""
    if not _NUMBER_LINE.match(text, mark.end(), stop):
        return False
    alone = text[: mark.start()].endswith("\n\n") and not _BARE.match(text, mark.end(), stop)
    return not alone


def _label(text: str, start: int, end: int, stop: int) -> Label | None:
    colon = _COLON.match(text, end, stop)
    if colon:
        return Label(start, colon.end(), colon=True)
    may_be_late = (
        ":" in text[end : end + _LONGEST_BETWEEN] or "：" in text[end : end + _LONGEST_BETWEEN]
    )
    late = _late_colon().match(text, end, stop) if may_be_late else None
    verb = _verb().match(text, end, stop)
    named = verb and _LETTER_COLON.fullmatch(text, verb.end(), late.end()) if late else None
    if late and not named and (not verb or late.end() <= verb.end() + 24):
        return Label(start, late.end(), colon=True)
    if verb:
        denied = _denial_in(text[end - 1 : verb.end()])  # "no es 16 sino 18"
        begin = verb.end() if denied is None else end - 1 + denied
        return Label(start, begin, colon=False)
    direct = _DIRECT.match(text, end, stop) or _EMPTY.match(text, end, stop)
    if direct and _HEADING.fullmatch(text, text.rfind("\n", 0, start) + 1, start):
        return Label(start, direct.end(), colon=True)
    return None


@per_vocabulary
def _denial_in(words: str) -> int | None:
    """Return where a word of denial stands behind the first character, None without one."""
    denial = word_list("denial").search(words, 1)
    return denial.start() if denial else None
