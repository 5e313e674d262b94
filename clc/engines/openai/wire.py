"""The bodies of requests of OpenAI's API and compatible servers, and their lists of models.

Pure functions: chat completions, and completions. Servers differ; a line that tolerates one of them
names it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from clc.engines.openai.endpoint_spec import SERVERS
from clc.engines.openai.error_bodies import read_json
from clc.errors import ConfigurationError
from clc.records import Sampling

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from clc.engines.base import Request
    from clc.records import Message

__all__ = [
    "COMPLETING",
    "PREFILLING",
    "SAMPLING_FIELDS",
    "is_prefilled",
    "request_fields",
    "same_model",
    "served_models",
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


def served_models(body: bytes) -> dict[str, str] | None:
    """Return the names in a reply to ``GET /models`` and their owners; None where it is no list.

    >>> served_models(b'{"data": [{"id": "qwen", "owned_by": "vllm"}]}')
    {'qwen': 'vllm'}
    """
    reply = read_json(body)
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list):
        return None
    models = (model for model in data if isinstance(model, dict))
    return {
        model["id"]: owner if isinstance(owner := model.get("owned_by"), str) else ""
        for model in models
        if isinstance(model.get("id"), str)
    }


def same_model(wanted: str, served: str) -> bool:
    """Whether a server that lists ``served`` probably serves ``wanted``.

    Lenient, because a wrong name fails at the first request: Gemini lists ``models/NAME`` and
    ollama ``NAME:latest``; OpenRouter takes variants (``NAME:free``).

    >>> same_model("llama3", "llama3:latest"), same_model("gemini", "models/gemini")
    (True, True)
    >>> same_model("qwen", "llama3")
    False
    """
    a, b = (name.casefold().split(":")[0] for name in (wanted, served))
    return a == b or a.endswith("/" + b) or b.endswith("/" + a)
