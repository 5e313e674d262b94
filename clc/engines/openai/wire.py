"""The bodies of requests of OpenAI's API and compatible servers.

Pure functions: chat completions, and completions. Servers differ; a line that tolerates one of them
names it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from clc.engines.chat_options import SWITCHES
from clc.engines.openai.endpoint_spec import SERVERS
from clc.engines.plain_prompt import render_text
from clc.errors import ConfigurationError
from clc.records import Sampling

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from clc.engines.base import Request
    from clc.engines.chat_options import ChatOptions
    from clc.records import Message

__all__ = [
    "COMPLETING",
    "PREFILLING",
    "SAMPLING_FIELDS",
    "RequestFormat",
    "is_prefilled",
    "option_fields",
    "request_fields",
    "unsent_fields",
]

# Sent with every request. Other sampling fields are sent where they are not at their default:
# not every server has them, and some refuse an empty list of stop strings.
_ALWAYS_SENT = frozenset({"temperature", "top_p", "max_tokens"})
COMPLETING = frozenset(SERVERS)
"""Owners of models that are sent every sampling field."""
PREFILLING = frozenset({"vllm", "sglang"})
"""Owners of models whose servers go on with a turn that has a start."""
_LLAMA_NAMES = {"repetition_penalty": "repeat_penalty"}
# A user's extra body may set these where the run does not.
_FREE_IN_EXTRA = frozenset({"presence_penalty", "frequency_penalty", "min_p", "repetition_penalty"})
SAMPLING_FIELDS = frozenset({field.name for field in fields(Sampling)} | {"seed"}) - _FREE_IN_EXTRA


@dataclass(frozen=True, slots=True)
class RequestFormat:
    """The format of an engine's requests.

    Args:
        model: name of the model.
        api: ``chat`` or ``completions``.
        extra: more fields of every request body.
        left_out: sampling fields that are not sent.
        chat_options: of requests without their own.
    """

    model: str
    api: str
    extra: Mapping[str, Any]
    left_out: Collection[str]
    chat_options: ChatOptions

    @property
    def path(self) -> str:
        """The path of requests under the base URL."""
        return "completions" if self.api == "completions" else "chat/completions"

    def options(self, request: Request) -> ChatOptions:
        """Return the chat options of a request."""
        return request.chat_options or self.chat_options

    def option_fields(self, options: ChatOptions) -> dict[str, Any]:
        """Return the fields of the body that chat options set; see ``option_fields``."""
        return option_fields(options, self.extra, self.api)

    def body(
        self,
        request: Request,
        *,
        stream: bool = True,
        stops: bool = True,
        counted: bool = False,
        owner: str | None = None,
    ) -> dict[str, Any]:
        """Return the body of a request.

        ``stops``: with the stop strings; ``counted``: with the token counts in every event;
        ``owner``: of the model, as the endpoint lists it.

        Raises:
            ConfigurationError: a sampling field is in the extra body, too.
        """
        options = self.options(request)
        messages, prompt = options.add_system(request.messages), None
        if self.api == "completions":
            prompt = render_text(messages, options.template, options.template_kwargs)
        return request_fields(
            self.model,
            request,
            messages,
            {**self.extra, **self.option_fields(options)},
            self.left_out if stops else {*self.left_out, "stop"},
            stream=stream,
            counted=counted,
            owner=owner,
            prompt=prompt,
        )


def request_fields(
    model: str,
    request: Request,
    messages: Sequence[Message],
    extra: Mapping[str, Any],
    left_out: Collection[str] = (),
    *,
    stream: bool = True,
    counted: bool = False,
    owner: str | None = None,
    prompt: str | None = None,
) -> dict[str, Any]:
    """Return the body of a request: its sampling exactly as given, and the ``extra`` fields.

    With a ``prompt`` it is one for completions, without messages.

    A last message of the assistant is a prefill, whose turn is left open. ``counted``: every event
    of a stream is to have the token counts so far (of vLLM).

    Servers of vLLM, SGLang and llama.cpp (``owner`` of the model) are sent every sampling field,
    because they fill what is left out: the first two from the model's generation_config, llama.cpp
    with a top_k of 40 and a min_p of 0.05. SGLang's name for no top_k is -1, and llama.cpp has
    another name for the repetition penalty.

    Raises:
        ConfigurationError: a sampling field is in ``extra``, too.
    """
    content = {"messages": messages} if prompt is None else {"prompt": prompt}
    body: dict[str, Any] = {"model": model, **content, "seed": request.seed}
    for field in fields(Sampling):
        name, value = field.name, getattr(request.sampling, field.name)
        if name not in _ALWAYS_SENT and value == field.default:
            if owner in COMPLETING and value != () and name not in extra:
                body[name] = -1 if name == "top_k" and owner == "sglang" else value
            continue
        if name in extra:
            raise ConfigurationError(
                f"{name} is {value} for the run and {extra[name]!r} in extra_body: give it once"
            )
        body[name] = value
    if (measure := request.measure) is not None:
        chat = {"logprobs": True, "top_logprobs": measure.top_k}
        body |= chat if prompt is None else {"logprobs": measure.top_k}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        if counted:
            body["stream_options"]["continuous_usage_stats"] = True
    if prompt is None and is_prefilled(request):
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    names = _LLAMA_NAMES if owner == "llamacpp" else {}
    kept = {names.get(name, name): value for name, value in body.items() if name not in left_out}
    return kept | dict(extra)


def option_fields(
    options: ChatOptions, extra: Mapping[str, Any], api: str = "chat"
) -> dict[str, Any]:
    """Return the fields of the request body that chat options set; of completions, none.

    >>> from clc.engines.chat_options import ChatOptions
    >>> option_fields(ChatOptions(thinking="off"), {})
    {'chat_template_kwargs': {'enable_thinking': False, 'thinking': False}}

    Raises:
        ConfigurationError: one is in the extra body, too.
    """
    if api == "completions":
        if options.settle(has_switch=False).asks_for_thought or options.thinking in {"on", "off"}:
            raise ConfigurationError(
                "options for thinking go with chats, and the endpoint has the API 'completions': "
                "leave one of them out"
            )
        return {}
    if options.template is not None:
        raise ConfigurationError(
            "a chat template goes with engines in this process: an endpoint has that of its own "
            "server; leave it out, and start the server with it (vllm serve --chat-template)"
        )
    options = options.settle(has_switch=False)  # no endpoint shows its template
    kwargs = dict(options.template_kwargs)
    if options.thinking != "auto":
        kwargs |= dict.fromkeys(SWITCHES, options.thinking == "on")
    values = {
        "chat_template_kwargs": kwargs or None,
        "reasoning_effort": options.reasoning_effort,
        "thinking_token_budget": options.thinking_budget,
    }
    given = {name: value for name, value in values.items() if value is not None}
    if twice := given.keys() & extra.keys():
        raise ConfigurationError(
            f"{min(twice)} is in extra_body and among the options for thinking: give it once"
        )
    return given


def unsent_fields(sampling: Sampling, owner: str | None, extra: Mapping[str, Any]) -> list[str]:
    """Return the sampling fields that are not sent, because they are at their defaults.

    >>> unsent_fields(Sampling(top_k=5), None, {})[:2], unsent_fields(Sampling(), "vllm", {})
    (['min_p', 'presence_penalty'], [])
    """
    if owner in COMPLETING:
        return []
    return [
        field.name
        for field in fields(Sampling)
        if field.name not in {*_ALWAYS_SENT, "stop", *extra}
        and getattr(sampling, field.name) == field.default
    ]


def is_prefilled(request: Request) -> bool:
    """Whether the last message is the beginning of the model's own turn."""
    return request.messages[-1]["role"] == "assistant"
