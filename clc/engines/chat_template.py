"""Render chat messages to token ids with the model's own template."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.engines.chat_options import SWITCHES, ChatOptions
from clc.engines.environment import without_collections
from clc.engines.error_text import first_line
from clc.engines.prompt_cache import PromptCache, count_characters
from clc.engines.token_codec import TokenCodec
from clc.errors import ConfigurationError, EngineError
from clc.thoughts import load_marks, split
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.records import Message
    from clc.thoughts import Marks

__all__ = ["Chat", "ChatTemplateError", "RenderedPrompt"]

_OTHERS = 8  # chats with other options that are kept
_CACHED = 1024  # prompts that are kept
_CACHED_CHARACTERS = 1 << 22
_LONG = 1 << 12  # characters that take some 10 ms to render; 32,000 of one word take seconds
_TAIL = 24  # tokens of a prompt's end in which a thought's opening mark stands
_Turns = tuple[tuple[str, str], ...]
_PROBE: _Turns = (("user", "1 + 1"),)


class ChatTemplateError(ValueError):
    """The model's chat template refuses these messages."""


class RenderedPrompt(NamedTuple):
    """A rendered prompt; ``opened``: it ends inside a thought, which the completion goes on."""

    ids: list[int]
    opened: bool


class Chat:
    """A model's tokenizer and chat template.

    All paths of a question share one prompt, so the last 1,024 prompts are cached, or as many as
    have 4 million characters.

    Args:
        tokenizer: of transformers.
        options: how to ask the model to think.
        marks: the marks of thoughts; the bundled ones by default.

    Attributes:
        codec: tokens to text and back.
        thinking_budget: of the options, in tokens.

    Raises:
        ConfigurationError: the template does not have the switches that the options need.
    """

    def __init__(
        self, tokenizer: Any, options: ChatOptions | None = None, marks: Marks | None = None
    ) -> None:
        self.tokenizer = tokenizer
        self.marks = load_marks() if marks is None else marks
        self.codec = TokenCodec(tokenizer, self.marks)
        self._opens = tuple(mark for family in self.marks.families for mark in family.open)
        self._prompts = PromptCache[RenderedPrompt](_CACHED, _CACHED_CHARACTERS)
        self._others: dict[str, Chat] = {}
        options = options or ChatOptions()
        self._options = options
        self._kwargs = dict(options.template_kwargs)
        if unknown := [name for name in self._kwargs if not self._mentions(name)]:
            raise ConfigurationError(f"the model's chat template has no variable {unknown[0]!r}")
        switch = None if options.thinking == "auto" else self._find_switch()
        options = options.settle(has_switch=switch is not None)
        self.thinking_budget = options.thinking_budget
        self._kwargs |= self._choose_switches(options, switch)

    @classmethod
    def load(
        cls,
        location: str,
        revision: str | None = None,
        options: ChatOptions | None = None,
        marks: Marks | None = None,
        *,
        tokenizer: str | None = None,
        **arguments: Any,
    ) -> Chat:
        """Load the tokenizer of a folder or Hugging Face id.

        Args:
            location: of the model.
            revision: of the model's tokenizer.
            options: how to ask the model to think.
            marks: the marks of thoughts; the bundled ones by default.
            tokenizer: another place, in its newest revision.
            arguments: of ``AutoTokenizer.from_pretrained``.

        Raises:
            EngineError: transformers is not installed, the tokenizer cannot be loaded, or it has
                no chat template.
            ConfigurationError: the template does not have the switches that the options need.
        """
        try:
            with without_collections():
                from transformers import AutoTokenizer
        except ModuleNotFoundError as error:
            raise EngineError(
                f"package transformers is not installed: {install_hint('transformers')}"
            ) from error
        place, version = (location, revision) if tokenizer is None else (tokenizer, None)
        try:
            loaded = AutoTokenizer.from_pretrained(place, revision=version, **arguments)
        except Exception as error:
            raise EngineError(
                f"the tokenizer of {place} cannot be loaded: {first_line(error)}"
            ) from error
        own_template = options is not None and options.template is not None
        if not (own_template or _has_template(loaded)):
            raise EngineError(
                f"model {location} has no chat template; choose an instruction-tuned model, or "
                'give one in an engine file ([chat] template = "FILE", or "base" for a base '
                "model); for DeepSeek V3.2 and later, vLLM has it: -E tokenizer_mode=deepseek_v32"
            )
        return cls(loaded, options, marks)

    def with_options(self, options: ChatOptions | None) -> Chat:
        """Return the chat of this tokenizer with other options; None stands for its own.

        Raises:
            ConfigurationError: the template does not have the switches that the options need.
        """
        if options is None:
            return self
        chat = self._others.pop(options.key, None) or Chat(self.tokenizer, options, self.marks)
        self._others[options.key] = chat  # the last one used stands last
        if len(self._others) > _OTHERS:
            del self._others[next(iter(self._others))]
        return chat

    def render(self, messages: Sequence[Message]) -> RenderedPrompt:
        """Render messages up to the beginning of the assistant's turn.

        A last message of the assistant is a prefill: its turn is left open.

        Raises:
            ChatTemplateError: the template refuses the messages (a system message, say).
        """
        return self._render(tuple((one["role"], one["content"]) for one in messages))

    async def render_beside(self, messages: Sequence[Message]) -> RenderedPrompt:
        """Render messages as ``render`` does, long ones in a thread beside the event loop.

        Raises:
            ChatTemplateError: the template refuses the messages.
        """
        turns = tuple((one["role"], one["content"]) for one in messages)
        prompt = self._prompts.find(turns)
        if prompt is None and count_characters(turns) > _LONG:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(_rendering(), self._render, turns)
        return prompt or self._render(turns)

    def _render(self, turns: _Turns) -> RenderedPrompt:
        prompt = self._prompts.find(turns)
        if prompt is None:
            prompt = self._render_once(turns)
            self._prompts.keep(turns, prompt)
        return prompt

    def _render_once(self, messages: _Turns) -> RenderedPrompt:
        if messages[-1][0] == "assistant":
            return self._prefilled(messages)
        ids = self._apply(messages)
        return RenderedPrompt(ids, self._tail(ids).rstrip().endswith(self._opens))

    def _prefilled(self, messages: _Turns) -> RenderedPrompt:
        prefill = messages[-1][1]
        begins_thought = split(prefill, self.marks).closed is False
        if not begins_thought and self._source:
            return RenderedPrompt(self._apply(messages, prefill=True), opened=False)
        # Some templates put an empty thought before, or take the thought out of, a last message
        # of the assistant (Qwen3), so the started thought follows the generation prompt.
        ids = self._apply(messages[:-1])
        tail = self._tail(ids).rstrip()
        for mark in self._opens:
            if tail.endswith(mark) and prefill.lstrip().startswith(mark):
                prefill = prefill.lstrip().removeprefix(mark).lstrip("\n")
        return RenderedPrompt([*ids, *self.codec.encode(prefill)], opened=begins_thought)

    def _apply(self, messages: _Turns, *, prefill: bool = False, **kwargs: Any) -> list[int]:
        from jinja2 import TemplateError

        given: Any = [{"role": role, "content": content} for role, content in messages]
        turns = self._options.add_system(given)
        if self._options.template is not None:
            kwargs["chat_template"] = self._options.template
        try:
            ids = self.tokenizer.apply_chat_template(
                turns,
                add_generation_prompt=not prefill,
                continue_final_message=prefill,
                tokenize=True,
                return_dict=False,
                **(self._kwargs | kwargs),
            )
        except (TemplateError, ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise ChatTemplateError(
                f"the model's chat template refuses the messages: {error}"
            ) from error
        return list(ids)

    def _find_switch(self) -> str | None:
        return next((name for name in SWITCHES if self._changes(name, (True, False))), None)

    def _choose_switches(self, options: ChatOptions, switch: str | None) -> dict[str, Any]:
        """Return the template's arguments for the options, each of which must change a prompt."""
        kwargs: dict[str, Any] = {}
        if options.thinking != "auto":
            on = options.thinking == "on"
            if switch is not None:
                kwargs[switch] = on
            elif not (on and self._render_once(_PROBE).opened):
                raise ConfigurationError(
                    f"thinking is {options.thinking!r}, and the model's chat template has no "
                    f"switch for it ({', '.join(SWITCHES)}): leave it out, or choose another model"
                )
        if options.reasoning_effort is not None:
            if not self._changes("reasoning_effort", ("low", "high")):
                raise ConfigurationError(
                    f"reasoning_effort is {options.reasoning_effort!r}, and the model's chat "
                    "template does not take it: leave it out, or choose another model"
                )
            kwargs["reasoning_effort"] = options.reasoning_effort
        if kwargs:
            try:
                self._apply(_PROBE, **kwargs)
            except ChatTemplateError as error:
                raise ConfigurationError(f"{kwargs}: {error}") from None
        return kwargs

    def _changes(self, name: str, values: Sequence[Any]) -> bool:
        """Whether the template's argument ``name`` changes a prompt."""
        prompts = set()
        for value in values:
            with suppress(ChatTemplateError):
                prompts.add(tuple(self._apply(_PROBE, **{name: value})))
        return len(prompts) > 1

    @property
    def _source(self) -> Any:
        """The Jinja source of the template, or several by name; None where it is Python."""
        return self._options.template or getattr(self.tokenizer, "chat_template", None)

    def _mentions(self, name: str) -> bool:
        if not (template := self._source):
            return True
        sources = template.values() if isinstance(template, dict) else [template]
        return any(re.search(rf"\b{re.escape(name)}\b", str(source)) for source in sources)

    def _tail(self, ids: Sequence[int]) -> str:
        return self.codec.decode_all(ids[-_TAIL:])

    def closing_text(self, prompt: RenderedPrompt, text: str) -> str:
        """Return what closes the thought that is open after ``text``; '' where none is open."""
        if split(text, self.marks, opened=prompt.opened).closed is not False:
            return ""
        whole = (self._tail(prompt.ids) if prompt.opened else "") + text
        families = [family for family in self.marks.families if family.close]
        last = max(
            families, key=lambda it: max((whole.rfind(mark) for mark in it.open), default=-1)
        )
        mark = last.close[0]
        return mark if last.special else f"\n{mark}\n\n"


def _has_template(tokenizer: Any) -> bool:
    """Whether a tokenizer renders messages, with a template or, as Mistral's, in Python."""
    if getattr(tokenizer, "chat_template", None):
        return True
    role, content = _PROBE[0]
    try:
        return bool(tokenizer.apply_chat_template([{"role": role, "content": content}]))
    except Exception:  # noqa: BLE001 - each tokenizer has its own error for it
        return False


@lru_cache(maxsize=1)
def _rendering() -> ThreadPoolExecutor:
    """Return the thread that renders long prompts."""
    return ThreadPoolExecutor(1, "clc-rendering")
