"""Marks that models put around their thought, and the search for them in texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["FoundMark", "Mark", "MarkFamily", "Marks", "Turns"]

_TAG = deferred_pattern(r"([<\[◁]/?)([^<>\[\]◁▷/]+)([>\]▷])")
_TOKEN = re.compile(r"<[^<>]+>|\[/?[A-Z_]+\]|◁[^◁▷]+▷")
_SPACE = "[ \t\r\n]{0,3}"
_HEAD = 12  # characters of a text that hold the first ones of a mark, with spaces
_COMPARED = 3  # of its characters
_FIRST_PART = 512  # characters of a text that are searched for marks first


@dataclass(frozen=True, slots=True)
class MarkFamily:
    """One way to mark a thought: any of ``open`` begins it, any of ``close`` ends it.

    ``answer`` may follow a close, ``end`` ends the answer after it. ``special``: the marks are
    special tokens in the tokenizers of the models that write them; then ``answer`` may stand in a
    close's place, and ``end`` needs none before it. ``bare_open`` and ``bare_close`` are the words
    that are left where an engine removed special tokens; ``bare_close`` may also name marks that a
    model writes in place of its own.
    """

    name: str
    open: tuple[str, ...] = ()
    close: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    special: bool = False
    bare_open: tuple[str, ...] = ()
    bare_close: tuple[str, ...] = ()

    @property
    def paired(self) -> bool:
        """Whether a close counts only after an open, whose attribute sets a common tag apart."""
        return any("=" in mark for mark in self.open)

    def token_texts(self) -> tuple[str, ...]:
        """Return the texts of the tokens in the marks, each once, to find their ids by.

        >>> MarkFamily("a", ("<unused94>thought",), ("<unused95>",), special=True).token_texts()
        ('<unused94>', '<unused95>')
        """
        marks = (*self.open, *self.close, *self.answer, *self.end)
        return tuple(dict.fromkeys(token for mark in marks for token in _TOKEN.findall(mark)))


@dataclass(frozen=True, slots=True)
class Turns:
    """Headers of the turns of a chat: of the model's (``reply``) and of all ``other``."""

    other: tuple[str, ...]
    reply: tuple[str, ...]


class Mark(NamedTuple):
    """A text that is searched for, its role, and its family's index (-1 for a turn's header).

    ``role`` is ``open``, ``close``, ``answer``, ``end``, ``other`` or ``reply``.
    """

    text: str
    role: str
    family: int


class FoundMark(NamedTuple):
    """A mark that stands in a text from ``start`` to ``end``."""

    start: int
    end: int
    mark: Mark


@dataclass(frozen=True)
class Marks:
    """All marks that are searched for; where two families share one, it is the earlier family's."""

    families: tuple[MarkFamily, ...]
    turns: tuple[Turns, ...] = ()

    @cached_property
    def table(self) -> tuple[Mark, ...]:
        """Every mark once, longest first, because one may begin with another."""
        marks: dict[str, Mark] = {}
        for mark in self._all():
            marks.setdefault(mark.text.casefold(), mark)
        return tuple(sorted(marks.values(), key=lambda mark: len(mark.text), reverse=True))

    def starts(self, text: str, low: int = 0, high: int | None = None) -> list[int]:
        """Return where in ``text[low:high]`` a mark may begin.

        A search by a pattern of all marks takes 100 times as long.
        """
        positions = []
        for first in self.firsts:
            position = text.find(first, low, high)
            while position >= 0:
                positions.append(position)
                position = text.find(first, position + 1, high)
        return sorted(positions)

    def find(self, text: str, low: int = 0, part: int = _FIRST_PART) -> Iterator[FoundMark]:
        """Yield the marks in ``text`` from ``low`` on; they do not overlap.

        It searches a ``part`` of so many characters first: often only the first mark is asked for.
        """
        begin, size = low, part
        while begin < len(text):  # in parts that grow
            for position in self.starts(text, begin, begin + size):
                if position < low:
                    continue
                found = self.at(text, position)
                if found:
                    low = found.end
                    yield found
            begin, size = begin + size, 2 * size

    def find_all(self, text: str) -> list[FoundMark]:
        """Return the marks in a text; they do not overlap."""
        found: list[FoundMark] = []
        low = 0
        for position in self.starts(text):
            if text[position + 1 : position + 2] not in self._follow:
                continue
            one = self.at(text, position) if position >= low else None
            if one:
                low = one.end
                found.append(one)
        return found

    def at(self, text: str, position: int) -> FoundMark | None:
        """Return the mark that begins at a position, None without one."""
        exact = self._exact.get(text[position : position + _COMPARED])
        if exact:
            match = exact[0].match(text, position)
            if match:
                return FoundMark(position, match.end(), exact[1][(match.lastindex or 1) - 1])
        second = text[position + 1 : position + 2].casefold()
        if second not in self._seconds and not second.isspace():
            return None
        head = text[position : position + _COMPARED].casefold()
        if not head.isprintable() or " " in head:
            head = _squeezed(text[position : position + _HEAD])
        for length, patterns in self._by_head:
            entry = patterns.get(head[:length])
            match = entry[0].match(text, position) if entry else None
            if entry and match:
                return FoundMark(position, match.end(), entry[1][(match.lastindex or 1) - 1])
        return None

    @cached_property
    def _follow(self) -> frozenset[str]:
        """The second characters of the marks as texts write them, and spaces."""
        return frozenset(" \t\r\n") | {form for one in self._seconds for form in (one, one.upper())}

    @cached_property
    def _seconds(self) -> frozenset[str]:
        """Second characters of the marks, without cases."""
        return frozenset(_squeezed(mark.text)[1:2] for mark in self.table)

    @cached_property
    def _by_head(self) -> list[tuple[int, dict[str, tuple[re.Pattern[str], list[Mark]]]]]:
        """Patterns of the marks with the same first characters, with how many those are."""
        heads: dict[int, dict[str, list[Mark]]] = {}
        for mark in self.table:
            head = _squeezed(mark.text)[:_COMPARED]
            heads.setdefault(len(head), {}).setdefault(head, []).append(mark)
        return [
            (length, {head: (_any_of(marks), marks) for head, marks in heads[length].items()})
            for length in sorted(heads, reverse=True)
        ]

    @cached_property
    def _exact(self) -> dict[str, tuple[re.Pattern[str], list[Mark]]]:
        """The patterns of the marks by their first characters, as most texts write them."""
        length, patterns = self._by_head[0] if self._by_head else (0, {})
        if length != _COMPARED:
            return {}
        return {form: entry for head, entry in patterns.items() for form in (head, head.upper())}

    def may_be_in(self, text: str) -> bool:
        """Whether a text may hold marks, or begin with the words that are left of one."""
        for first in self.firsts:  # a generator would take as long as the rest
            if first in text:
                return True
        return self.bare_pattern.match(text) is not None

    @cached_property
    def firsts(self) -> tuple[str, ...]:
        """First characters of the marks: a text without them holds none."""
        return tuple({mark.text[0] for mark in self.table})

    @cached_property
    def bare(self) -> tuple[tuple[str, int], ...]:
        """Words that begin a thought at the start of a text, with their family's index."""
        return tuple(
            (word, index) for index, family in enumerate(self.families) for word in family.bare_open
        )

    @cached_property
    def bare_words(self) -> tuple[str, ...]:
        """The words of ``bare``."""
        return tuple(word for word, _ in self.bare)

    @cached_property
    def bare_pattern(self) -> re.Pattern[str]:
        """One of ``bare_words`` at the start of a text, behind its first spaces."""
        words = "|".join(map(re.escape, self.bare_words))
        return re.compile(rf"\s{{0,99}}(?:{words})" if words else r"(?!)")

    @cached_property
    def replies(self) -> tuple[str, ...]:
        """Headers of the model's turns."""
        return tuple(text for turns in self.turns for text in turns.reply)

    @cached_property
    def longest(self) -> int:
        """Characters of the longest mark, spaces inside included."""
        return max((2 * len(mark.text) for mark in self.table), default=0)

    def partial(self, text: str, start: int = 0) -> tuple[int, tuple[Mark, ...]]:
        """Find a mark that is cut off at the end of ``text[start:]``.

        Returns:
            Where it begins, and the marks that it may become; ``len(text)`` and none where the
            text does not end inside a mark.
        """
        for position in self.starts(text, max(start, len(text) - self.longest)):
            rest = _squeezed(text[position:])
            if rest in self._prefixes:
                return position, tuple(
                    mark
                    for mark in self.table
                    if (whole := _squeezed(mark.text)) != rest and whole.startswith(rest)
                )
        return len(text), ()

    @cached_property
    def _prefixes(self) -> frozenset[str]:
        whole = [_squeezed(mark.text) for mark in self.table]
        return frozenset(text[:length] for text in whole for length in range(1, len(text)))

    def _all(self) -> Iterator[Mark]:
        for index, family in enumerate(self.families):
            for role in ("open", "close", "answer", "end"):
                yield from (Mark(text, role, index) for text in getattr(family, role))
        for turns in self.turns:
            yield from (Mark(text, "other", -1) for text in turns.other)
            yield from (Mark(text, "reply", -1) for text in turns.reply)


def _any_of(marks: Iterable[Mark]) -> re.Pattern[str]:
    """Return a pattern of these marks, the group N + 1 of which is the N-th."""
    return re.compile("|".join(f"({_loose(mark.text)})" for mark in marks), re.IGNORECASE)


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()


def _loose(mark: str) -> str:
    """Pattern of a mark with any spaces inside its brackets and between its tokens."""
    tag = _TAG.fullmatch(mark)
    if tag and "|" not in mark:
        return _SPACE.join(
            (re.escape(tag[1]).replace("/", f"{_SPACE}/"), re.escape(tag[2]), re.escape(tag[3]))
        )
    pattern = re.escape(mark).replace(r"\ ", _SPACE)
    pattern = re.sub(r">(?=.)", f">{_SPACE}", pattern)
    return re.sub(r"(?<=[^>\]}])(?=<)", _SPACE, pattern)
