"""A text that grows token by token, told piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["DeltaStream", "first_stop", "settled"]


class DeltaStream:
    """Tells whoever listens what is new in a text; called with the whole text so far.

    >>> pieces = []
    >>> tell = DeltaStream(pieces.append)
    >>> for text in ("3", "3 + 4", "3 + 4", "3 + 4 = 7"):
    ...     tell(text)
    >>> pieces
    ['3', ' + 4', ' = 7']
    """

    def __init__(self, heard: Callable[[str], None]) -> None:
        self._heard = heard
        self._told = 0

    def __call__(self, text: str) -> None:
        """Tell the end of ``text``, from where it was told before."""
        if len(text) > self._told:
            piece, self._told = text[self._told :], len(text)
            self._heard(piece)


def first_stop(text: str, stops: Sequence[str]) -> int:
    """Return where the first stop string begins; the length of the text without one."""
    found = [at for stop in stops if (at := text.find(stop)) >= 0]
    return min(found, default=len(text))


def settled(text: str, stops: Sequence[str]) -> str:
    """Return what no later token takes back from a text that is still being drawn.

    That is what stands before half a character, and before whatever may become a stop string.

    >>> settled("so it is 7. Q", ["Q:"])
    'so it is 7. '
    >>> settled("so it is 7. Quite", ["Q:"])
    'so it is 7. Quit'
    """
    text = text.rstrip("\ufffd")
    sure = len(text) - max(map(len, stops), default=1) + 1
    return text[: min(max(sure, 0), first_stop(text, stops))]
