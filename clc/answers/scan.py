"""One pass over a text for all by which its answer is found: labels, headings, marks."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from clc.answers.vocabulary import per_vocabulary
from clc.answers.word_lists import Automaton, word_list
from clc.answers.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Scan", "answer_forms", "head_forms"]

_NOUN, _HEAD, _LETTER, _MARK = range(4)
# Parts of boxes, tags, fields, special tokens, calls of tools, and turns.
_MARKS = (
    "oxed", "fbox", "<", "{", "[INST]", "[/INST]", "[SYSTEM_PROMPT", "[TOOL", "```tool", '"name"',
    '"action"', "assistant", "user\n", "model\n", "####",
)  # fmt: skip
_HEADS = ("question", "problem", "exercise", "example")  # with a number, in Markdown
_BEFORE_HEAD = "\n \t#*"


@per_vocabulary
def _machine() -> tuple[Automaton, list[tuple[str, int]], frozenset[str]]:
    """The automaton; its parts and what they are; words for an answer in their usual cases."""
    nouns = answer_forms()
    parts = [
        *((form, _NOUN) for form in nouns),
        *((form, _HEAD) for form in head_forms()),
        *((before + letter, _LETTER) for before in _BEFORE_HEAD for letter in "qQ"),
        *((mark, _MARK) for mark in _MARKS),
    ]
    unique = sorted(set(parts))
    return Automaton((part for part, _ in unique), for_all=True), unique, nouns


def answer_forms() -> frozenset[str]:
    """Return the words for an answer in their usual cases."""
    return _forms(listed("answer"))


def head_forms() -> frozenset[str]:
    """Return what the words that may head another problem or a turn begin with, in usual cases."""
    starts = word_list("user", "problem").heads
    return _forms([*_HEADS, *(head for heads in starts for head in heads)])


def _forms(words: Iterable[str]) -> frozenset[str]:
    """Return words in their usual cases: a text is searched as it is, for its copy takes longer."""
    return frozenset(form for word in words for form in (word, word.capitalize(), word.upper()))


class Scan:
    """The content of ``text[start:end]``, and where it stands.

    Attributes:
        text: the whole text.
        marks: parts of boxes, tags, fields, special tokens, calls and turns in it.
        heads: where words that may head another problem or a turn begin, behind a space or a mark
            of Markdown.
        lettered: a Q stands where a heading may be.
    """

    __slots__ = ("_forms", "_lows", "_nouns", "heads", "lettered", "marks", "text")

    def __init__(self, text: str, start: int = 0, end: int | None = None) -> None:
        machine, parts, self._forms = _machine()
        part = text[start:end]
        self.text = text
        self.marks: set[str] = set()
        self.lettered = False
        self.heads: list[int] = []
        nouns: list[tuple[int, int]] = []
        for index, low, high in machine.find(part):
            kind = parts[index][1]
            if kind == _NOUN:
                nouns.append((start + low, -start - high))
            elif kind == _HEAD:
                if low and part[low - 1] in _BEFORE_HEAD:
                    self.heads.append(start + low)
            elif kind == _MARK:
                self.marks.add(parts[index][0])
            elif not part[high : high + 1].isalpha():
                self.lettered = True
        nouns.sort()
        self._nouns = nouns
        self._lows = [low for low, _ in nouns] if len(nouns) > 1 else []

    def nouns(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the words for an answer in ``text[start:end]``, the longest where several begin.

        They are in one of their usual cases, but may be parts of other words.
        """
        text, forms = self.text, self._forms
        found: list[tuple[int, int]] = []
        position = start
        nouns = self._nouns
        if self._lows:
            nouns = nouns[bisect_left(self._lows, start) : bisect_left(self._lows, end)]
        for low, high in nouns:
            if low >= position and -high <= end and text[low:-high] in forms:
                position = -high
                found.append((low, position))
        return found
