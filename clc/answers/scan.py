"""Signs by which an answer is found in a text: marks, headings, words for an answer.

Marks and headings are searched for in the encoded text: automata with few parts, or whose parts all
begin with a new line, skip most of it. That of the words for an answer reads all of the text, and
does so when they are asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from clc.answers.vocabulary import per_vocabulary
from clc.answers.word_lists import word_list
from clc.answers.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ahocorasick_rs import AhoCorasick, BytesAhoCorasick

__all__ = ["Scan", "answer_forms"]

_INNER = "Problem"  # that may head one within a line, as "Question" does and a Q
# Parts of boxes, tags, fields, special tokens, calls of tools, and turns.
_MARKS = (
    "oxed", "fbox", "[INST]", "[/INST]", "[SYSTEM_PROMPT", "[TOOL", "```tool", '"name"',
    '"action"', "assistant", "user\n", "model\n", "####", _INNER,
)  # fmt: skip
_INNER_HEAD = re.compile(rb"(?:Q|Question|Problem)[ ]?\d{0,3}:[ ]")
_HEADS = ("question", "problem", "exercise", "example")  # with a number, in Markdown
_LETTERS = (b"q", b"Q")
_MARKUP = (b" ", b"\t", b"#", b"*")
# The first bytes of a word after markup, as many as are compared; or a letter alone.
_MARKUP_LINE = re.compile(rb"\n[ \t#*]{1,64}([qQ](?![a-zA-Z\x80-\xff])|[^\s#*]{3})")
_KEY = 3


class _Machines(NamedTuple):
    """The automata of marks, of lines that a heading may begin, and of words for an answer.

    ``heads``: how many parts of the second are heads; markup follows. ``keys``: the first bytes of
    heads.
    """

    marks: BytesAhoCorasick
    lines: BytesAhoCorasick
    answers: AhoCorasick
    heads: int
    keys: frozenset[bytes]


@per_vocabulary
def _machines() -> _Machines:
    from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation, MatchKind

    starts = word_list("user", "problem").heads
    words = _forms([*_HEADS, *(head for heads in starts for head in heads)])
    heads = [word.encode() for word in words]
    first, longest = MatchKind.LeftmostFirst, MatchKind.LeftmostLongest
    heads += _LETTERS
    lines = [b"\n" + head for head in (*heads, *_MARKUP)]
    return _Machines(
        BytesAhoCorasick([mark.encode() for mark in _MARKS], matchkind=first),
        BytesAhoCorasick(lines, matchkind=first),
        AhoCorasick(
            answer_forms(),
            matchkind=longest,
            implementation=Implementation.DFA,
            store_patterns=False,
        ),
        len(heads),
        frozenset([*_LETTERS, *(head[:_KEY] for head in heads)]),
    )


@per_vocabulary
def answer_forms() -> frozenset[str]:
    """Return the words for an answer in their usual cases."""
    return _forms(listed("answer"))


def _forms(words: Iterable[str]) -> frozenset[str]:
    """Return words in their usual cases: a text is searched as it is, for its copy takes longer."""
    return frozenset(form for word in words for form in (word, word.capitalize(), word.upper()))


def _after_markup(content: bytes, keys: frozenset[bytes]) -> list[int]:
    """Return where, after the markup of a line, a word may begin that heads a problem."""
    if keys.isdisjoint(_MARKUP_LINE.findall(content)):
        return []
    return [line.start(1) for line in _MARKUP_LINE.finditer(content) if line[1] in keys]


class Scan:
    """The content of ``text[start:end]``, and where it stands.

    Attributes:
        text: the whole text, with "?" for halves of surrogate pairs.
        marks: parts of boxes, tags, fields, special tokens, calls and turns in it.
        heads: where words that may head another problem or a turn begin a line, after its markup.
        lettered: a Q stands where such a word may be.
        inner: words that may head another problem stand within a line.
    """

    __slots__ = ("_nouns", "heads", "inner", "lettered", "marks", "text")

    def __init__(self, text: str, start: int = 0, end: int | None = None) -> None:
        machines = _machines()
        part = text[start:end]
        try:
            content = part.encode()
        except UnicodeEncodeError:  # half a surrogate pair
            text = text.encode(errors="replace").decode()
            part = text[start:end]
            content = part.encode()
        self.text = text
        self._nouns: dict[tuple[int, int], list[tuple[int, int]]] = {}
        parts = machines.marks.find_matches_as_indexes(content)
        marks = {_MARKS[index] for index, _, _ in parts} if parts else set()
        if "<" in part:
            marks.add("<")
        if "{" in part:
            marks.add("{")
        self.inner = ("Q" in part or _INNER in marks) and _INNER_HEAD.search(content) is not None
        marks.discard(_INNER)
        self.marks = marks
        self.heads: Sequence[int] = ()
        self.lettered = False
        lines = machines.lines.find_matches_as_indexes(content)
        if lines:
            heads = [low + 1 for index, low, _ in lines if index < machines.heads]
            if len(heads) < len(lines):
                heads += _after_markup(content, machines.keys)
            if heads:
                self.lettered = any(content[head : head + 1] in _LETTERS for head in heads)
                self.heads = [start + len(content[:head].decode()) for head in sorted(heads)]

    def nouns(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the words for an answer in ``text[start:end]``, the longest where several begin.

        They are in one of their usual cases, but may be parts of other words.
        """
        found = self._nouns.get((start, end))
        if found is None:
            hits = _machines().answers.find_matches_as_indexes(self.text[start:end])
            found = [(start + low, start + high) for _, low, high in hits]
            self._nouns[start, end] = found
        return found
