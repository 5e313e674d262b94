"""Where in a text its thought and its answer are."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from clc.thoughts.mentions import Mentions, is_quoted, may_open

if TYPE_CHECKING:
    from clc.thoughts.marks import FoundMark, Marks

__all__ = ["PARTIAL", "Spans", "find_spans", "is_glued"]

_WORD = re.compile(r"\w")
_ROUNDS = 8  # thoughts that only bare words or marks within code close
PARTIAL = 3  # characters of a mark cut off at the end, so that "a <" is none


class Spans(NamedTuple):
    """Slices (start, end) of one text; ``thought`` is None and ``closed`` None without a thought.

    ``closed`` is False where the text ends inside its thought.
    """

    thought: tuple[int, int] | None
    visible: tuple[int, int]
    closed: bool | None


def find_spans(
    text: str, marks: Marks, *, opened: bool = False, finish_reason: str | None = None
) -> Spans:
    """Find the thought and the answer of ``text``, in time proportional to its length.

    See :func:`clc.thoughts.split.split` for the arguments.
    """
    if not (opened or marks.may_be_in(text)):
        return Spans(None, (0, len(text)), None)
    found = marks.find_all(text)
    if not (opened or found or marks.bare_pattern.match(text) or marks.partial(text)[1]):
        return Spans(None, (0, len(text)), None)
    return _Search(text, marks, found, opened=opened, cut=finish_reason != "stop").run()


class _Search:
    """One pass over the marks of one text."""

    def __init__(
        self, text: str, marks: Marks, found: list[FoundMark], *, opened: bool, cut: bool
    ) -> None:
        self.text = text
        self.marks = marks
        self.cut = cut
        self.mentions = Mentions(text)
        self.found = found
        self.closes: list[int | None] = []
        self.low = 0  # where the reply begins
        self.end = len(text)  # where it ends
        self.thought: list[int] | None = None  # start and end of the thought so far
        # Family that the open thought belongs to; None outside; -1 where the prompt opened it.
        self.inside: int | None = -1 if opened else None
        self.visible = 0  # start of the part outside of thoughts that is being read
        self.visible_end: int | None = None  # where a mark ended it
        self.wrapped = -1  # family of the answer mark at its start
        self.wrapped_at = 0  # where that mark begins
        self.word: tuple[int, int] = (-1, 0)  # the first word after a start, as searched last
        self.opened = 0  # start of the thought that is open
        self.nested = 0  # opening marks within the thought
        # The last part before a thought that is not blank.
        self.before: tuple[int, int] | None = None
        self.in_code: FoundMark | None = None  # a close within code, if no other comes
        self.named: set[int] = set()  # starts of closes that a sentence names

    def run(self) -> Spans:
        self._keep_reply()
        if self.inside is not None:
            self.thought, self.opened = [self.low, self.low], self.low
        self._bare_open()
        rest = 0
        for _ in range(_ROUNDS):
            self._scan(rest)
            if not self._close_late():
                break
            rest = bisect_left(self.found, self.visible, key=lambda one: one.start)
        return self._result()

    def _scan(self, first: int) -> None:
        for index in range(first, len(self.found)):
            one = self.found[index]
            if is_quoted(self.text, one.start, one.end, self.low):
                continue
            if self.inside is None:
                self._outside(index, one)
            else:
                self._within(one)

    def _next_closes(self) -> list[int | None]:
        """For each mark the start of the next close of its family."""
        nearest: dict[int, int] = {}
        closes: list[int | None] = []
        for one in reversed(self.found):
            closes.append(nearest.get(one.mark.family))
            if one.mark.role == "close":
                nearest[one.mark.family] = one.start
        return closes[::-1]

    def _keep_reply(self) -> None:
        """Keep the last reply of a chat transcript, up to another turn."""
        found = self.found
        if found and found[0].mark.role == "other" and not self.text[: found[0].start].strip():
            prompted, rest = True, 1  # a header that no reply follows is part of the text
            for index, one in enumerate(found):
                if one.mark.role == "other":
                    prompted = True
                elif prompted and self._is_reply(one):
                    prompted = False
                    is_header = one.mark.role == "reply"
                    self.low = self.visible = one.end if is_header else one.start
                    rest = index + is_header
            found = found[rest:]
        last = next((at for at, one in enumerate(found) if one.mark.role == "other"), len(found))
        if last < len(found):
            self.end = found[last].start
        self.found = found[:last]
        self.closes = self._next_closes()

    def _is_reply(self, one: FoundMark) -> bool:
        """Whether a mark is a reply's header, or begins with one, as those of harmony do."""
        return one.mark.role == "reply" or one.mark.text.startswith(self.marks.replies)

    def _bare_open(self) -> None:
        low = self.low
        if self.marks.bare_pattern.match(self.text, low) is None:
            return
        while low < len(self.text) and self.text[low].isspace():
            low += 1
        for word, family in self.marks.bare:
            if self.inside is None and self.text.startswith(word, low):
                end = low + len(word)
                closed = self._bare_close(family, end) is not None
                if closed or not word[-1].isalnum() or is_glued(self.text[end : end + 1]):
                    self.inside, self.opened = family, end
                    self.thought = [end, end]

    def _bare_close(self, family: int, start: int) -> tuple[int, int] | None:
        places = [
            (at, at + len(word))
            for word in self.marks.families[family].bare_close
            if (at := self.text.find(word, start, self.end)) >= 0
        ]
        return min(places, default=None)

    def _outside(self, index: int, one: FoundMark) -> None:
        role = one.mark.role
        if one.start in self.named or self._is_code(one, self.visible):
            return
        if role == "open":
            close = self.closes[index]
            if not may_open(self.text, one.start, one.end, self.visible, close):
                if close is not None:
                    self.named.add(close)
                return
            self._keep_visible(one.start)
            self.inside, self.opened, self.nested = one.mark.family, one.end, 0
            if self.thought is None:
                self.thought = [one.end, one.end]
        elif role == "close" and not self.marks.families[one.mark.family].paired:
            self._stray_close(one)
        elif role == "answer" and not self._says(self.visible, one.start):
            self.visible, self.visible_end = one.end, None
            self.wrapped, self.wrapped_at = one.mark.family, one.start
        elif role == "answer" and self.wrapped == one.mark.family and self.visible_end:
            self.visible, self.visible_end, self.wrapped = self.wrapped_at, None, -1  # two answers
        elif role == "end" and self.visible_end is None and self._ends(one):
            self.visible_end = one.start

    def _ends(self, one: FoundMark) -> bool:
        """Whether a mark ends the answer: a text's own tag does so only where one began it."""
        family = one.mark.family
        special = self.marks.families[family].special
        return (special or self.wrapped == family) and self._says(self.visible, one.start)

    def _stray_close(self, one: FoundMark) -> None:
        """End a thought that the prompt began, or that ended once before."""
        if self.thought is None:
            self.thought = [self.low, one.start]
        elif self.nested:
            self.nested -= 1
        else:
            self._keep_visible(one.start)
        self._close(one.start, one.end)

    def _within(self, one: FoundMark) -> None:
        mark = one.mark
        self.nested += mark.role == "open"
        any_family = self.inside == -1 and not self.marks.families[mark.family].paired
        if mark.role not in ("close", "answer") or not (any_family or self.inside == mark.family):
            return
        if self._is_code(one, self.opened):
            self.in_code = self.in_code or one
            return
        if mark.role == "answer" and not (
            self.marks.families[mark.family].special
            and may_open(self.text, one.start, one.end, self.opened, None)
        ):
            return
        self._close(one.start, one.end)

    def _close(self, start: int, end: int) -> None:
        assert self.thought is not None  # noqa: S101 - an open thought has a start
        self.thought[1] = start
        self.inside = self.in_code = None
        self.named.clear()
        self.visible, self.visible_end, self.wrapped = end, None, -1

    def _keep_visible(self, end: int) -> None:
        end = end if self.visible_end is None else self.visible_end
        if self._says(self.visible, end):
            self.before = (self.visible, end)
        self.visible_end = None

    def _is_code(self, one: FoundMark, low: int) -> bool:
        return self.mentions.is_code(one.start, one.end, low, self.end)

    def _says(self, start: int, end: int) -> bool:
        """Whether a word stands in ``text[start:end]``."""
        if self.word[0] != start:
            word = _WORD.search(self.text, start)
            self.word = (start, len(self.text) if word is None else word.start())
        return self.word[1] < end

    def _result(self) -> Spans:
        if self.cut:
            self._cut_mark()
        if self.inside is not None:
            assert self.thought is not None  # noqa: S101 - see _close
            visible = self.before or (self.end, self.end)
            return Spans((self.thought[0], self.end), visible, closed=False)
        visible = (self.visible, self.end if self.visible_end is None else self.visible_end)
        if self.thought is None:
            return Spans(None, visible, None)
        if self.before and not self._says(*visible):
            visible = self.before
        return Spans((self.thought[0], max(self.thought)), visible, closed=True)

    def _close_late(self) -> bool:
        """Close an open thought at bare words or at a mark within code, where nothing else did."""
        if self.inside is None:
            return False
        families = [self.inside] if self.inside >= 0 else range(len(self.marks.families))
        places = [self._bare_close(family, self.opened) for family in families]
        place = min((one for one in places if one), default=None)
        if place is None and self.in_code:
            place = self.in_code.start, self.in_code.end
        if place:
            self._close(*place)
        return place is not None

    def _cut_mark(self) -> None:
        """Leave out a mark that is cut off at the end; an open or a stray close opens a thought."""
        if self.end < len(self.text):
            return
        low = self.visible if self.inside is None or self.thought is None else self.thought[0]
        position, candidates = self.marks.partial(self.text, low)
        if len(self.text[position : self.end].rstrip()) < PARTIAL:
            return
        roles = {mark.role for mark in candidates}
        if self.inside is None and "open" in roles:
            if not may_open(self.text, position, self.end, low, None):
                return
            self._keep_visible(position)
            self.inside = -1
            self.thought = self.thought or [position, position]
        elif self.inside is None and "close" in roles and self.thought is None:
            self.inside = -1
            self.thought = [self.low, position]
        self.end = position


def is_glued(follows: str) -> bool:
    """Whether a word that another follows at once, as in ``analysisWe``, is a mark's remainder."""
    return follows.isalnum() and not (follows.isascii() and follows.islower())
