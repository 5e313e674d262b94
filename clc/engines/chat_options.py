"""How a model is asked to think: its chat template's switches, an effort, a budget."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from clc.errors import ConfigurationError
from clc.records import content_key

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ChatOptions", "Thinking"]

Thinking = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """Options of a thinking model; the defaults leave everything to the model.

    Attributes:
        thinking: ``on`` or ``off`` sets the switch of the chat template (``enable_thinking`` or
            ``thinking``); ``auto`` does not touch it.
        reasoning_effort: such as ``low``, ``medium`` or ``high``, for models that take it.
        thinking_budget: tokens after which an open thought is closed and the answer sampled, or
            None for no limit but the sampling's ``max_tokens``.
        template_kwargs: more variables of the chat template.

    Raises:
        ConfigurationError: a value is wrong, or given twice.
    """

    thinking: Thinking = "auto"
    reasoning_effort: str | None = None
    thinking_budget: int | None = None
    template_kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.thinking not in get_args(Thinking):
            raise ConfigurationError(
                f"thinking is {self.thinking!r}: choose one of {', '.join(get_args(Thinking))}"
            )
        if self.thinking_budget is not None and self.thinking_budget < 1:
            raise ConfigurationError(
                f"thinking_budget is {self.thinking_budget}: it must be at least 1; "
                "thinking='off' switches thinking off"
            )
        if self.reasoning_effort is not None and "reasoning_effort" in self.template_kwargs:
            raise ConfigurationError("reasoning_effort is given twice: give it once")

    @property
    def key(self) -> str:
        """A hash of the options that differ from their defaults; '' where none does."""
        defaults = ChatOptions()
        given = {
            option.name: value
            for option in fields(self)
            if (value := getattr(self, option.name)) != getattr(defaults, option.name)
        }
        if not given:
            return ""
        try:
            return content_key("chat", given)[:12]
        except TypeError as error:
            raise ConfigurationError(
                f"chat template arguments cannot be written as JSON: {error}"
            ) from None
