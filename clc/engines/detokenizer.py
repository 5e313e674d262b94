"""Decode a completion while its tokens arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.engines.token_codec import TokenCodec

__all__ = ["Detokenizer"]


class Detokenizer:
    """Decodes a completion while its tokens arrive, without splitting characters.

    Args:
        codec: its marks of thoughts are kept, other special tokens left out.
    """

    __slots__ = ("_codec", "_done", "_ids", "_start", "_text")

    def __init__(self, codec: TokenCodec) -> None:
        self._codec = codec
        self._ids: list[int] = []
        self._text = ""
        self._start = self._done = 0  # of the tokens that the next ones are decoded with, and after

    def feed(self, ids: Sequence[int]) -> str:
        """Return the text of all ids so far; what may be half a character is held back."""
        for id_ in ids[len(self._ids) :]:
            if id_ in self._codec.hidden_marks:
                self._text += self._pending() + self._codec.mark_tokens[id_]
                self._start = self._done = len(self._ids) + 1
            self._ids.append(id_)
        piece = self._pending()
        if not piece.endswith("\ufffd"):
            self._text += piece
            self._start, self._done = self._done, len(self._ids)
        return self._text

    def _pending(self) -> str:
        """Decode the new tokens behind those before, on which spaces and characters depend."""
        before = self._codec.decode_visible(self._ids[self._start : self._done])
        return self._codec.decode_visible(self._ids[self._start :])[len(before) :]
