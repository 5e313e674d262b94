"""Token ids to text and back, with the marks of thoughts kept."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.thoughts import Marks

__all__ = ["TokenCodec"]


class TokenCodec:
    """Encodes texts and decodes tokens, in which it finds the marks of thoughts.

    Args:
        tokenizer: of transformers.
        marks: the marks of thoughts.
    """

    def __init__(self, tokenizer: Any, marks: Marks) -> None:
        self.tokenizer = tokenizer
        self.marks = marks

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text; in it, the texts of special tokens are these tokens."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def decode_all(self, ids: Sequence[int]) -> str:
        """Return the text of ids with all special tokens."""
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return text

    @cached_property
    def mark_tokens(self) -> dict[int, str]:
        """The marks of thoughts, and parts of marks, that are single tokens: text by id."""
        texts = (text for family in self.marks.families for text in family.token_texts())
        ids = {self.tokenizer.convert_tokens_to_ids(text): text for text in texts}
        return {
            id_: text
            for id_, text in ids.items()
            if id_ is not None and self.decode_all([id_]) == text
        }

    @cached_property
    def thought_tokens(self) -> tuple[str, str] | None:
        """The marks that open and close a thought, where the tokenizer has a token for each."""
        tokens = set(self.mark_tokens.values())
        for family in self.marks.families:
            if family.open and family.close and {family.open[0], family.close[0]} <= tokens:
                return family.open[0], family.close[0]
        return None

    @cached_property
    def hidden_marks(self) -> frozenset[int]:
        """Ids of the marks that are special tokens, which engines leave out of their texts."""
        return frozenset(id_ for id_ in self.mark_tokens if not self.decode_visible([id_]))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of generated ids, of the special tokens only the marks of thoughts."""
        if self.hidden_marks.isdisjoint(ids):
            return self.decode_visible(ids)
        parts: list[str] = []
        start = 0
        for index, id_ in enumerate(ids):
            if id_ in self.hidden_marks:
                parts += (self.decode_visible(ids[start:index]), self.mark_tokens[id_])
                start = index + 1
        return "".join((*parts, self.decode_visible(ids[start:])))

    def decode_visible(self, ids: Sequence[int]) -> str:
        """Return the text of generated ids without any special token."""
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def count_thought(self, ids: Sequence[int], text: str, end: int) -> int:
        """Return how many of the ids, whose text is ``text``, are a thought that ends at ``end``.

        Its closing mark counts as far as it is one token.
        """
        length = counted = 0
        for index, id_ in enumerate(ids):
            if (mark := self.mark_tokens.get(id_)) is None:
                continue
            length += len(self.decode_visible(ids[counted:index]))
            if length > end:
                break
            length += len(mark)
            counted = index + 1
        return counted or min(len(self.encode(text[:end])), len(ids))
