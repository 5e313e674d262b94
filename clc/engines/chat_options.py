"""Options that make a model think: its chat template's switches, an effort, a budget."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import orjson

from clc.bounds import TOKENS, abbreviate
from clc.errors import ConfigurationError
from clc.records import Sampling, content_key
from clc.thoughts.mark_files import own_marks_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.records import Message
    from clc.thoughts import Marks

__all__ = [
    "RESERVED",
    "SWITCHES",
    "ChatOptions",
    "Thinking",
    "add_options",
    "is_json",
    "reserved_fault",
]

Thinking = Literal["auto", "on", "off", "avoid"]
SWITCHES = ("enable_thinking", "thinking")  # Qwen3, GLM, …; DeepSeek V3.1, Granite, Kimi
RESERVED = frozenset({
    "add_generation_prompt", "chat_template", "continue_final_message", "conversation", "documents",
    "max_length", "messages", "padding", "return_assistant_tokens_mask", "return_dict",
    "return_tensors", "self", "tokenize", "tokenizer_kwargs", "tools", "truncation",
})  # fmt: skip
"""Arguments of transformers' ``apply_chat_template`` and of servers, which are no variables of a
template. A template given with a request would run as code in the engine."""
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
        system: a system prompt before all messages.
        template: a chat template (Jinja) in place of the model's own; in-process engines only.

    Raises:
        ConfigurationError: a value is wrong, or given twice, or contradicts another.
    """

    thinking: Thinking = "auto"
    reasoning_effort: str | None = None
    thinking_budget: int | None = None
    template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    system: str | None = None
    template: str | None = None

    def __post_init__(self) -> None:
        if self.thinking not in get_args(Thinking):
            raise ConfigurationError(
                f"thinking is {self.thinking!r}: choose one of {', '.join(get_args(Thinking))}"
            )
        if self.thinking_budget is not None:
            TOKENS.check(
                "thinking_budget (thinking='off' switches thinking off)", self.thinking_budget
            )
            if self.thinking == "off":
                raise ConfigurationError(
                    f"thinking is 'off' and thinking_budget is {self.thinking_budget}: without a "
                    "thought it limits nothing; leave one of them out"
                )
        effort = self.reasoning_effort
        if effort is not None and not (isinstance(effort, str) and effort.strip()):
            raise ConfigurationError(
                f"reasoning_effort is {abbreviate(effort)}: give a level, such as 'low'"
            )
        for name in ("system", "template"):
            text = getattr(self, name)
            if text is not None and not (isinstance(text, str) and text.strip()):
                raise ConfigurationError(
                    f"{name} is {abbreviate(text)}: give a text, or leave it out"
                )
        self._check_kwargs()

    def _check_kwargs(self) -> None:
        kwargs = self.template_kwargs
        if not isinstance(kwargs, Mapping):
            raise ConfigurationError(
                f"template_kwargs is {abbreviate(kwargs)}: give the variables by their names"
            )
        for name, value in kwargs.items():
            if not is_json(value):
                raise ConfigurationError(
                    f"the variable {abbreviate(name)} of the chat template is "
                    f"{abbreviate(value)}: give a value that JSON can hold"
                )
        if fault := reserved_fault(kwargs):
            raise ConfigurationError(fault)
        given = {"reasoning_effort"} if self.reasoning_effort is not None else set()
        if self.thinking in {"on", "off"}:
            given |= set(SWITCHES)
        for name in sorted(given & kwargs.keys()):
            option = name if name == "reasoning_effort" else f"thinking, as {name},"
            raise ConfigurationError(
                f"{option} is given twice, by its option and among the chat template's variables: "
                "give it once"
            )

    def check_room(self, max_tokens: int) -> None:
        """Check that the budget leaves room for an answer.

        Args:
            max_tokens: of a path, with its thought.

        Raises:
            ConfigurationError: it does not.
        """
        if self.thinking_budget is not None and self.thinking_budget >= max_tokens:
            raise ConfigurationError(
                f"thinking_budget is {self.thinking_budget}, and a path has at most {max_tokens} "
                "tokens with its thought: raise max_tokens (--max-tokens) above the budget, or "
                "lower the budget (--thinking-budget)"
            )

    def with_room(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings of sampling that leave room for an answer behind the budget.

        Where no ``max_tokens`` is given, it is the budget and the default.

        >>> ChatOptions(thinking_budget=4096).with_room({"top_p": 0.9})
        {'top_p': 0.9, 'max_tokens': 5120}
        """
        if self.thinking_budget is None or settings.get("max_tokens") is not None:
            return dict(settings)
        return {**settings, "max_tokens": self.thinking_budget + Sampling().max_tokens}

    def switched(self, thinking: Thinking) -> ChatOptions:
        """Return the options with thinking on or off in place of any other switch.

        Off, there is no effort and no budget.
        """
        kwargs = {name: one for name, one in self.template_kwargs.items() if name not in SWITCHES}
        changed = replace(self, thinking="auto", template_kwargs=kwargs)
        if thinking == "off":
            changed = replace(changed, reasoning_effort=None, thinking_budget=None)
        return replace(changed, thinking=thinking)

    def with_prompts_of(self, other: ChatOptions) -> ChatOptions:
        """Return the options with the system prompt and template of others, where they have none.

        >>> ChatOptions().with_prompts_of(ChatOptions(system="Be brief.")).system
        'Be brief.'
        """
        return replace(
            self, system=self.system or other.system, template=self.template or other.template
        )

    def add_system(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return messages with the system prompt before them, in one turn with theirs.

        >>> ChatOptions(system="Be brief.").add_system([{"role": "user", "content": "1 + 1"}])[0]
        {'role': 'system', 'content': 'Be brief.'}
        """
        if self.system is None:
            return messages
        content, rest = self.system, list(messages)
        if rest and rest[0]["role"] == "system":
            content = f"{content}\n\n{rest.pop(0)['content']}"
        return [{"role": "system", "content": content}, *rest]

    def settle(self, *, has_switch: bool) -> ChatOptions:
        """Return the options with ``avoid`` decided; without a thought, no effort and no budget.

        >>> ChatOptions(thinking="avoid", thinking_budget=9).settle(has_switch=True).thinking
        'off'
        """
        if self.thinking != "avoid":
            return self
        if not has_switch:
            return replace(self, thinking="auto")
        return self.switched("off")

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


def is_json(value: object) -> bool:
    """Whether a value is written as JSON unchanged: infinity, for one, would become null."""
    try:
        json.dumps(value, allow_nan=False)
        orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def reserved_fault(template_kwargs: Mapping[str, Any]) -> str | None:
    """Return the reason why a name is no variable of a chat template, None if all are.

    >>> reserved_fault({"two words": 1}), reserved_fault({"enable_thinking": False})
    ("'two words' is no name of a variable of a chat template", None)
    """
    for name in template_kwargs:
        if not (isinstance(name, str) and name.isidentifier()):
            return f"{abbreviate(name)} is no name of a variable of a chat template"
        if name in RESERVED:
            return (
                f"{name!r} is no variable of a chat template: clc itself sets it, so leave it out"
            )
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
        template = options.template or read_template()
        options = options.settle(has_switch=_SWITCH.search(template) is not None)
    if options.key:
        fingerprint += f"+chat-{options.key}"
    own = "" if marks is None else own_marks_key(marks)
    return f"{fingerprint}+marks-{own}" if own else fingerprint
