"""Split a text that grows token by token into deltas; find the stop strings in its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.thoughts.spans import find_spans
from clc.thoughts.stream import ThoughtStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from clc.thoughts import Marks

__all__ = ["DeltaStream", "cut_at_stop", "find_stop"]


class DeltaStream:
    """Passes on what is new in a completion: its thought and its text, apart.

    Args:
        marks: the marks of thoughts.
        opened: the prompt ends inside a thought.
        on_text: gets the deltas of the text. Spaces before its first word are held back, because
            those after a thought are no part of a completion's text.
        on_thought: gets the deltas of the thought.
        stops: stop strings, of which the first in the text ends it; one in the thought is part of
            the thought. What may become one is held back.

    Attributes:
        started: a delta was passed on.
        stopped: a stop string ended the text.
        thought_seen: a thought came, which a mark or the server showed as one.

    >>> from clc.thoughts import load_marks
    >>> pieces, thoughts = [], []
    >>> stream = DeltaStream(load_marks(), on_text=pieces.append, on_thought=thoughts.append)
    >>> for text in ("<thi", "<think>3 + 4", "<think>3 + 4</think>", "<think>3 + 4</think> 7."):
    ...     stream(text)
    >>> thoughts, pieces
    (['3 + 4'], ['7.'])
    >>> pieces = []
    >>> stream = DeltaStream(load_marks(), on_text=pieces.append, stops=["Q:"])
    >>> for delta in ("<think>Q: 3 + 4", "</think>So it is 7. ", "Q", "uite. ", "Q: 5 + 6", "?"):
    ...     stream.add(delta)
    >>> "".join(pieces), stream.stopped
    ('So it is 7. Quite. ', True)
    """

    def __init__(
        self,
        marks: Marks,
        *,
        opened: bool = False,
        on_text: Callable[[str], None] | None = None,
        on_thought: Callable[[str], None] | None = None,
        stops: Sequence[str] = (),
    ) -> None:
        self._marks = marks
        self._opened = opened
        self._split = ThoughtStream(marks, opened=opened)
        self._on_text = on_text
        self._on_thought = on_thought
        self._length = 0
        self._spaces: str | None = ""  # before the first word; None after it
        self._stops = stops
        self._kept = max(map(len, stops), default=1) - 1  # characters that may begin a stop string
        self._held = ""
        self.started = self.stopped = self.thought_seen = False

    def __call__(self, text: str) -> None:
        """Pass on the end of ``text``, the whole text so far, from where the last call ended."""
        if len(text) > self._length:
            delta, self._length = text[self._length :], len(text)
            self.add(delta)

    def add(self, delta: str) -> None:
        """Pass on the next characters, as far as they can be no part of a mark."""
        thought, visible = self._split.feed(delta)
        self._pass_thought(thought)
        if visible and self._spaces is not None:
            visible = self._spaces + visible
            if self._split.closed or self.thought_seen:
                visible = visible.lstrip()
            self._spaces = None if visible.strip() else visible
            visible = "" if self._spaces is not None else visible
        if visible and not self.stopped:
            self._pass_on(visible)

    def think(self, thought: str) -> None:
        """Pass on the next characters of a thought that came apart from the text.

        What the prompt began was it, so the text does not begin inside a thought.
        """
        if thought and self._opened:
            self._split, self._opened = ThoughtStream(self._marks), False
        self._pass_thought(thought)

    def _pass_thought(self, thought: str) -> None:
        self.thought_seen |= bool(thought)
        if thought and self._on_thought is not None:
            self.started = True
            self._on_thought(thought)

    def _pass_on(self, visible: str) -> None:
        """Pass on a delta of the text, up to what may become a stop string."""
        held = self._held + visible
        text = cut_at_stop(held, self._stops)
        self.stopped = len(text) < len(held)
        if not self.stopped:
            text = text[: max(len(text) - self._kept, 0)]
        self._held = held[len(text) :]
        if text and self._on_text is not None:
            self.started = True
            self._on_text(text)


def cut_at_stop(text: str, stops: Sequence[str]) -> str:
    """Return what stands before the first stop string, or all of the text."""
    ends = [index for stop in stops if (index := text.find(stop)) >= 0]
    return text[: min(ends, default=len(text))]


def find_stop(
    text: str, stops: Sequence[str], marks: Marks, *, opened: bool = False, low: int = 0
) -> int | None:
    r"""Return where the first stop string of an answer begins, None where there is none.

    One within a thought, in a mark, or in the space between a thought and the answer does not
    count.

    Args:
        text: of a completion.
        stops: the stop strings.
        marks: the marks of thoughts.
        opened: the prompt ended inside a thought.
        low: where the search begins.

    >>> from clc.thoughts import load_marks
    >>> text = "<think>5?\n\nNo.</think>\n\nIt is 6.\n\nBye."
    >>> text[: find_stop(text, ["\n\n"], load_marks())]
    '<think>5?\n\nNo.</think>\n\nIt is 6.'
    """
    found: list[tuple[int, int]] | None = None
    for start, end in sorted(_places(text, stops, low)):
        if found is None:
            found = [(mark.start, mark.end) for mark in marks.find(text)]
        if any(first < end and start < last for first, last in found):
            continue
        closed = find_spans(text[:start], marks, opened=opened, finish_reason="stop").closed
        if closed is False:
            continue
        after = max((last for _, last in found if last <= start), default=0)
        if not (closed and text[start].isspace() and not text[after:start].strip()):
            return start
    return None


def _places(text: str, stops: Sequence[str], low: int) -> Iterator[tuple[int, int]]:
    for stop in stops:
        start = text.find(stop, low)
        while start >= 0:
            yield start, start + len(stop)
            start = text.find(stop, start + 1)
