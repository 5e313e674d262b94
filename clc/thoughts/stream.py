"""Splits a text that arrives piece by piece into its thought and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.thoughts.mark_files import load_marks
from clc.thoughts.mentions import is_quoted, may_open
from clc.thoughts.spans import PARTIAL, is_glued

if TYPE_CHECKING:
    from clc.thoughts.marks import FoundMark, Marks

__all__ = ["Deltas", "ThoughtStream"]

_CONTEXT = 256  # characters before the next one, by which a mark is judged


class Deltas(NamedTuple):
    """New characters of the thought and of what is visible."""

    thought: str
    visible: str


class ThoughtStream:
    r"""Split deltas of one text; a mark, or a part of one, is in no delta.

    Unlike ``split``, which sees the whole text, a stream gives out as visible what stands before a
    closing mark without an opening one: say ``opened`` where the prompt began the thought. It
    takes no text for a transcript.

    >>> stream = ThoughtStream()
    >>> [tuple(stream.feed(delta)) for delta in ("<thi", "nk>So 1", "7</think", ">\n17", "!")]
    [('', ''), ('So 1', ''), ('7', ''), ('', '\n17'), ('', '!')]
    >>> stream.finish(), stream.closed
    (Deltas(thought='', visible=''), True)

    Args:
        marks: the bundled ones when None.
        opened: the prompt ended inside a thought.
    """

    def __init__(self, marks: Marks | None = None, *, opened: bool = False) -> None:
        self._marks = marks or load_marks()
        self._inside: int | None = -1 if opened else None
        self._closed: bool | None = False if opened else None
        self._buffer = ""  # context, then what is held back
        self._position = 0  # where what is held back begins
        self._low = 0  # where the part that is being read begins; negative before the context
        self._began = opened  # whether the first word was looked at
        self._says = False
        self._named: set[int] = set()  # families whose opening mark a sentence names
        self._wrapped = -1  # family of the answer mark at the start of the visible part
        self._fenced = False  # within code between ``` and ```
        self._ticks = 0  # backticks at the end that are part of no whole ``` yet
        self._out: tuple[list[str], list[str]] = ([], [])

    @property
    def closed(self) -> bool | None:
        """True after a thought, False inside one, None where there was none."""
        return self._closed

    def feed(self, delta: str) -> Deltas:
        """Take the next characters; return those that are certain now."""
        self._buffer += delta
        return self._read(final=False, cut=False)

    def finish(self, finish_reason: str | None = None) -> Deltas:
        """Return what was held back; a part of a mark only where ``finish_reason`` is ``stop``."""
        return self._read(final=True, cut=finish_reason != "stop")

    def _read(self, *, final: bool, cut: bool) -> Deltas:
        if self._began or self._begin(final=final):
            while self._step(final=final):
                pass
            self._emit(self._certain(final=final, cut=cut))
            if final:
                self._position = len(self._buffer)
        deltas = Deltas(*("".join(parts) for parts in self._out))
        self._out = ([], [])
        self._forget()
        return deltas

    def _begin(self, *, final: bool) -> bool:
        """Look for a bare word at the start; False while more characters must decide."""
        head = self._buffer.lstrip()
        skipped = len(self._buffer) - len(head)
        for word, family in self._marks.bare:
            follows = head[len(word) : len(word) + 1]
            if (
                not final
                and word.startswith(head[: len(word)])
                and not (follows or (head == word and not word[-1].isalnum()))
            ):
                return False
            if head.startswith(word) and (not word[-1].isalnum() or is_glued(follows)):
                self._inside, self._closed = family, False
                self._position = self._low = skipped + len(word)
                break
        self._began = True
        return True

    def _step(self, *, final: bool) -> bool:
        """Read up to the next mark and past it; False where there is no whole one."""
        found = next(self._marks.find(self._buffer, self._position), None)
        bare = self._bare_close()
        if bare and (found is None or bare[0] <= found.start):
            self._emit(bare[0])
            self._close(bare[1])
            return True
        if found is None or not (final or self._decided(found)):
            return False
        self._emit(found.start)
        if is_quoted(self._buffer, found.start, found.end, max(self._low, 0)):
            self._emit(found.end)
        elif self._inside is None:
            self._outside(found)
        elif self._closes(found):
            self._close(found.end)
        else:
            self._emit(found.end)
        return True

    def _decided(self, found: FoundMark) -> bool:
        """Whether what follows a mark is here, and no longer mark can come of it."""
        spaced = found.start > 0 and self._buffer[found.start - 1].isspace()  # « <think> »
        if found.end + spaced >= len(self._buffer):
            return False
        return self._marks.partial(self._buffer, found.start)[0] > found.start

    def _outside(self, found: FoundMark) -> None:
        end, family = found.end, found.mark.family
        if self._fenced:
            self._emit(end)
        elif found.mark.role == "open" and self._may_open(found):
            self._inside, self._closed = found.mark.family, False
            self._position = self._low = end
        elif found.mark.role == "open":
            self._named.add(family)
            self._emit(end)
        elif found.mark.role == "close" and family in self._named:
            self._named.discard(family)
            self._emit(end)
        elif found.mark.role == "close" and not self._marks.families[family].paired:
            self._closed = True
            self._position = end
        elif found.mark.role == ("end" if self._says else "answer") and self._wraps(found):
            self._position = end
        else:
            self._emit(end)

    def _may_open(self, found: FoundMark) -> bool:
        return may_open(self._buffer, found.start, found.end, self._low, None)

    def _closes(self, found: FoundMark) -> bool:
        any_family = self._inside == -1 and not self._marks.families[found.mark.family].paired
        if not (any_family or self._inside == found.mark.family):
            return False
        if found.mark.role == "close":
            return True
        special = self._marks.families[found.mark.family].special
        return special and found.mark.role == "answer" and self._may_open(found)

    def _wraps(self, found: FoundMark) -> bool:
        """Whether an answer or end mark counts: a text's own end tag only after its answer tag."""
        family = found.mark.family
        if found.mark.role == "answer":
            self._wrapped = family
            return True
        return self._marks.families[family].special or self._wrapped == family

    def _close(self, end: int) -> None:
        self._inside, self._closed = None, True
        self._position = self._low = end
        self._says = self._fenced = False
        self._named.clear()
        self._wrapped = -1
        self._ticks = 0

    def _bare_words(self) -> tuple[str, ...]:
        if self._inside is None:
            return ()
        families = self._marks.families
        chosen = families if self._inside < 0 else (families[self._inside],)
        return tuple(
            word for family in chosen for word in family.bare_close if word[:1] not in "<["
        )  # a mark in place of another one's counts only where the text ends without that

    def _bare_close(self) -> tuple[int, int] | None:
        places = [
            (at, at + len(word))
            for word in self._bare_words()
            if (at := self._buffer.find(word, self._position)) >= 0
        ]
        return min(places, default=None)

    def _certain(self, *, final: bool, cut: bool) -> int:
        """Where the characters end that are part of no mark, whatever follows."""
        buffer = self._buffer
        if final:
            position, candidates = self._marks.partial(buffer, self._position)
            roles = {mark.role for mark in candidates}
            is_mark = (
                self._inside is not None
                or roles - {"open"}
                or may_open(buffer, position, len(buffer), self._low, None)
            )
            return (
                position
                if cut and len(buffer[position:].rstrip()) >= PARTIAL and is_mark
                else len(buffer)
            )
        found = next(self._marks.find(buffer, self._position), None)
        position = self._marks.partial(buffer, self._position)[0]
        if found:
            position = min(position, found.start)
        for word in self._bare_words():
            for length in range(1, len(word)):
                if buffer.endswith(word[:length]):
                    position = min(position, len(buffer) - length)
        return max(position, self._position)

    def _emit(self, end: int) -> None:
        """Give out the characters up to ``end``."""
        text = self._buffer[self._position : end]
        if not text:
            return
        self._out[self._inside is None].append(text)
        if self._inside is None:
            self._says = self._says or any(map(str.isalnum, text))
            text = "`" * self._ticks + text
            self._fenced ^= bool(text.count("```") % 2)
            self._ticks = (len(text) - len(text.rstrip("`"))) % 3
        self._position = end

    def _forget(self) -> None:
        """Drop characters that no later mark is judged by."""
        dropped = self._position - _CONTEXT
        if dropped > _CONTEXT:
            self._buffer = self._buffer[dropped:]
            self._position -= dropped
            self._low = max(self._low - dropped, -1)
