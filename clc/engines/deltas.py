"""Split a text that grows token by token into deltas, and cut it at stop strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.thoughts.stream import ThoughtStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.thoughts import Marks

__all__ = ["DeltaStream", "cut_at_stop", "stable_prefix"]


class DeltaStream:
    """Passes on what is new in a completion: its thought and its text, apart.

    Args:
        marks: the marks of thoughts.
        opened: the prompt ends inside a thought.
        on_text: gets the deltas of the text. Spaces before its first word are held back, because
            those after a thought are no part of a completion's text.
        on_thought: gets the deltas of the thought.

    >>> from clc.thoughts import load_marks
    >>> pieces, thoughts = [], []
    >>> stream = DeltaStream(load_marks(), on_text=pieces.append, on_thought=thoughts.append)
    >>> for text in ("<thi", "<think>3 + 4", "<think>3 + 4</think>", "<think>3 + 4</think> 7."):
    ...     stream(text)
    >>> thoughts, pieces
    (['3 + 4'], ['7.'])
    """

    def __init__(
        self,
        marks: Marks,
        *,
        opened: bool = False,
        on_text: Callable[[str], None] | None = None,
        on_thought: Callable[[str], None] | None = None,
    ) -> None:
        self._marks = marks
        self._opened = opened
        self._split = ThoughtStream(marks, opened=opened)
        self._on_text = on_text
        self._on_thought = on_thought
        self._length = 0
        self._spaces: str | None = ""  # before the first word; None after it
        self._thought_apart = False
        self.started = False  # a delta was passed on

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
            if self._split.closed or self._thought_apart:
                visible = visible.lstrip()
            self._spaces = None if visible.strip() else visible
            visible = "" if self._spaces is not None else visible
        if visible and self._on_text is not None:
            self.started = True
            self._on_text(visible)

    def think(self, thought: str) -> None:
        """Pass on the next characters of a thought that came apart from the text.

        What the prompt began was it, so the text does not begin inside a thought.
        """
        if thought and self._opened:
            self._split, self._opened = ThoughtStream(self._marks), False
        self._pass_thought(thought)

    def _pass_thought(self, thought: str) -> None:
        self._thought_apart |= bool(thought)
        if thought and self._on_thought is not None:
            self.started = True
            self._on_thought(thought)


def cut_at_stop(text: str, stops: Sequence[str]) -> str:
    """Return what stands before the first stop string, or all of the text."""
    ends = [index for stop in stops if (index := text.find(stop)) >= 0]
    return text[: min(ends, default=len(text))]


def stable_prefix(text: str, stops: Sequence[str]) -> str:
    """Return the part of an unfinished text that no later token can change.

    That is what stands before half a character, and before what may become a stop string.

    >>> stable_prefix("so it is 7. Q", ["Q:"])
    'so it is 7. '
    >>> stable_prefix("so it is 7. Quite", ["Q:"])
    'so it is 7. Quit'
    """
    text = text.rstrip("\ufffd")
    length = len(text) - max(map(len, stops), default=1) + 1
    return cut_at_stop(text, stops)[: max(length, 0)]
