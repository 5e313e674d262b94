"""Options that make a model think: its chat template's switches, an effort, a budget."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from clc.bounds import TOKENS
from clc.errors import ConfigurationError
from clc.records import content_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clc.thoughts import Marks

__all__ = ["SWITCHES", "ChatOptions", "Thinking", "add_options", "reserved_fault"]

Thinking = Literal["auto", "on", "off", "avoid"]
SWITCHES = ("enable_thinking", "thinking")  # Qwen3, GLM, …; DeepSeek V3.1, Granite, Kimi
# Arguments of transformers' apply_chat_template and of servers, which are no variables: a template
# given with a request would run as code in the engine.
_RESERVED = frozenset({
    "add_generation_prompt", "chat_template", "continue_final_message", "conversation", "documents",
    "max_length", "messages", "padding", "return_assistant_tokens_mask", "return_dict",
    "return_tensors", "self", "tokenize", "tokenizer_kwargs", "tools", "truncation",
})  # fmt: skip
_SWITCH = re.compile(rf"\b({'|'.join(SWITCHES)})\b")


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """Options of a thinking model; the defaults leave everything to the model.

    Attributes:
        thinking: ``on`` or ``off`` sets the switch of the chat template (``enable_thinking`` or
            ``thinking``); ``auto`` does not touch it; ``avoid`` is ``off`` where the template is
            known to have a switch, and ``auto`` elsewhere.
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
        if self.thinking_budget is not None:
            TOKENS.check(
                "thinking_budget (thinking='off' switches thinking off)", self.thinking_budget
            )
        if fault := reserved_fault(self.template_kwargs):
            raise ConfigurationError(f"chat template arguments: {fault}; leave it out")
        if self.reasoning_effort is not None and "reasoning_effort" in self.template_kwargs:
            raise ConfigurationError("reasoning_effort is given twice: give it once")

    def settle(self, *, has_switch: bool) -> ChatOptions:
        """Return the options with ``avoid`` decided; without a thought, no effort and no budget.

        >>> ChatOptions(thinking="avoid", thinking_budget=9).settle(has_switch=True).thinking
        'off'
        """
        if self.thinking != "avoid":
            return self
        if not has_switch:
            return replace(self, thinking="auto")
        return replace(self, thinking="off", reasoning_effort=None, thinking_budget=None)

    @property
    def asks_for_thought(self) -> bool:
        """Whether a switch is on, or an effort or a budget is given."""
        return (
            self.thinking == "on"
            or self.reasoning_effort is not None
            or self.thinking_budget is not None
            or any(self.template_kwargs.get(name) for name in SWITCHES)
        )

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


def reserved_fault(template_kwargs: Mapping[str, Any]) -> str | None:
    """Return the reason why a name is no variable of a chat template, None if all are.

    >>> reserved_fault({"chat_template": "{{ 1 }}"}), reserved_fault({"enable_thinking": False})
    ("'chat_template' is set by clc", None)
    """
    for name in template_kwargs:
        if not name.isidentifier():
            return f"{name!r:.40} is no name of a variable"
        if name in _RESERVED:
            return f"{name!r} is set by clc"
    return None


def add_options(
    fingerprint: str,
    options: ChatOptions,
    read_template: Callable[[], str],
    marks: Marks | None = None,
) -> str:
    """Return an engine's fingerprint with chat options and marks of thoughts.

    Args:
        fingerprint: without them.
        options: of the requests.
        read_template: returns the model's chat template; called where the options depend on it.
        marks: those by which the engine splits off thoughts; bundled ones change nothing.

    >>> add_options("vllm:m", ChatOptions(thinking="avoid"), lambda: "{{ messages }}")
    'vllm:m'
    """
    if options.thinking == "avoid":
        options = options.settle(has_switch=_SWITCH.search(read_template()) is not None)
    if options.key:
        fingerprint += f"+chat-{options.key}"
    return f"{fingerprint}+marks-{marks.key}" if marks is not None and marks.key else fingerprint
