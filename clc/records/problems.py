"""Questions, and the prompts that ask them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Message", "Problem", "Prompt"]


class Message(TypedDict):
    """One chat message, as every engine takes it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A question, with whatever its file says about it.

    ``translations`` maps BCP-47 codes to human translations of the question. ``gold`` is the
    right answer as the file writes it; only scoring and reports read it. ``context`` are the
    chat messages that came before the question; they stand before every prompt.
    """

    id: str
    question: str
    language: str
    gold: str | None = None
    translations: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    context: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Final chat messages, and which template at which content hash rendered them.

    ``key`` is the content key of engine fingerprint, messages and sampling: two prompts that
    would be answered alike are one prompt.
    """

    key: str
    messages: tuple[Message, ...]
    language: str
    template: str
    template_hash: str
