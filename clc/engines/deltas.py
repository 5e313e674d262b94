"""Turn cumulative text into deltas, and cut it at stop strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["DeltaStream", "cut_at_stop", "stable_prefix"]


class DeltaStream:
    """Passes on what is new in a text; called with the whole text so far.

    >>> pieces = []
    >>> stream = DeltaStream(pieces.append)
    >>> for text in ("3", "3 + 4", "3 + 4", "3 + 4 = 7"):
    ...     stream(text)
    >>> pieces
    ['3', ' + 4', ' = 7']
    """

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._length = 0

    def __call__(self, text: str) -> None:
        """Pass on the end of ``text``, from where the last call ended."""
        if len(text) > self._length:
            delta, self._length = text[self._length :], len(text)
            self._on_text(delta)


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
