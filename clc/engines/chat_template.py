"""Render chat messages to the token ids of a prompt with the model's own template."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from clc.errors import EngineError
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.records import Message

__all__ = ["Chat", "ChatTemplateError"]


class ChatTemplateError(ValueError):
    """The model's chat template refuses these messages."""


class Chat:
    """A model's tokenizer and chat template.

    All paths of a question share one prompt, so the last 1,024 prompts are cached.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._encode = lru_cache(maxsize=1024)(self._encode_once)

    @classmethod
    def load(cls, location: str, revision: str | None = None) -> Chat:
        """Load the tokenizer of a folder or Hugging Face id.

        Raises:
            EngineError: transformers is not installed, the tokenizer cannot be loaded, or it has
                no chat template.
        """
        try:
            from transformers import AutoTokenizer
        except ModuleNotFoundError as error:
            raise EngineError(
                f"package transformers is not installed: {install_hint('transformers')}"
            ) from error
        try:
            tokenizer = AutoTokenizer.from_pretrained(location, revision=revision)
        except Exception as error:
            raise EngineError(
                f"the tokenizer of {location} cannot be loaded: {str(error).splitlines()[0]}"
            ) from error
        if not getattr(tokenizer, "chat_template", None):
            raise EngineError(
                f"model {location} has no chat template; choose an instruction-tuned model, or "
                "put a chat_template.jinja into its folder (for a base model: "
                "{% for m in messages %}{{ m.content }}\n{% endfor %})"
            )
        return cls(tokenizer)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the prompt's token ids, up to the beginning of the assistant's turn.

        Raises:
            ChatTemplateError: the template refuses the messages (a system message, say).
        """
        return self._encode(tuple((message["role"], message["content"]) for message in messages))

    def _encode_once(self, messages: tuple[tuple[str, str], ...]) -> list[int]:
        from jinja2 import TemplateError

        turns = [{"role": role, "content": content} for role, content in messages]
        try:
            ids = self.tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, tokenize=True, return_dict=False
            )
        except TemplateError as error:
            raise ChatTemplateError(
                f"the model's chat template refuses the messages: {error}"
            ) from error
        return list(ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of generated ids, without special tokens."""
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text
