"""The chat-completions wire format of OpenAI's API and compatible servers.

Pure functions: a request to its body, a body to a completion, an error body to its message.
Servers differ in what they leave out; a line that tolerates one of them names it.
"""

from __future__ import annotations

import math
from dataclasses import fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeGuard

import orjson

from clc.engines.base import Completion, Request
from clc.engines.confidence import Measure, Meter
from clc.errors import ConfigurationError
from clc.records import Sampling, Usage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = [
    "SAMPLING_FIELDS",
    "BrokenReplyError",
    "NoLogprobsError",
    "error_code",
    "error_message",
    "read_choice",
    "read_completion",
    "read_json",
    "read_text",
    "read_tokens",
    "read_usage",
    "request_body",
    "retry_after_s",
    "same_model",
    "served_models",
]

# Sent with every request. Other sampling fields are sent where they are not at their default:
# not every server has them, and some refuse an empty list of stop strings.
_ALWAYS_SENT = frozenset({"temperature", "top_p", "max_tokens"})
# A user's extra body may set these where the run does not.
_FREE_IN_EXTRA = frozenset({"presence_penalty", "frequency_penalty", "min_p", "repetition_penalty"})
SAMPLING_FIELDS = frozenset({field.name for field in fields(Sampling)} | {"seed"}) - _FREE_IN_EXTRA
_QUOTED_CHARS = 300


class BrokenReplyError(Exception):
    """A reply with status 200 that holds no completion; the message describes it."""


class NoLogprobsError(Exception):
    """A completion without the requested log-probabilities."""


def request_body(
    model: str, request: Request, extra: Mapping[str, Any], left_out: Collection[str] = ()
) -> bytes:
    """Return a request as JSON: its sampling exactly as given, and the ``extra`` fields.

    Raises:
        orjson.JSONEncodeError: a message is not valid Unicode (it holds a lone surrogate).
        ConfigurationError: a sampling field is in ``extra``, too.
    """
    body: dict[str, Any] = {"model": model, "messages": request.messages, "seed": request.seed}
    for field in fields(Sampling):
        name, value = field.name, getattr(request.sampling, field.name)
        if name not in _ALWAYS_SENT and value == field.default:
            continue
        if name in extra:
            raise ConfigurationError(
                f"{name} is {value} for the run and {extra[name]!r} in extra_body: give it once"
            )
        body[name] = value
    if (measure := request.measure) is not None:
        body |= {"logprobs": True, "top_logprobs": measure.top_k}
        if measure.floor is not None:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
    kept = {name: value for name, value in body.items() if name not in left_out}
    return orjson.dumps(kept | dict(extra))


def read_completion(body: bytes, measure: Measure | None = None) -> Completion:
    """Read the completion that a reply holds, and measure it.

    Raises:
        BrokenReplyError: it does not hold exactly one finished completion.
        NoLogprobsError: a measure is given, and the tokens have no log-probabilities.
    """
    reply = read_json(body)
    choice = read_choice(reply, body)
    message = choice.get("message") if choice is not None else None
    if choice is None or not isinstance(message, dict):
        raise BrokenReplyError("a choice without a message")
    finish_reason = choice.get("finish_reason")
    if finish_reason in {"abort", "error"}:  # vLLM, when it shuts down or loses its engine
        raise BrokenReplyError(f"a completion that it did not finish ({finish_reason})")
    text = read_text(message.get("content"))
    confidence = None
    if measure is not None:
        meter = Meter(measure)
        for likeliest, sampled in read_tokens(choice):
            meter.add(likeliest, sampled)
        if text and not meter.tokens:
            raise NoLogprobsError
        confidence = meter.confidence
    return Completion(
        text,
        finish_reason if isinstance(finish_reason, str) and finish_reason else "unknown",
        read_usage(reply.get("usage")),
        confidence=confidence,
    )


def read_choice(reply: Any, body: bytes) -> dict[str, Any] | None:
    """Return the one choice of a reply or stream event; None where it is not an object.

    Raises:
        BrokenReplyError: it holds no choice, or several, or an error.
    """
    if reply is None:
        raise BrokenReplyError(f"a body that is not JSON, or not all of it: {_quote(body)}")
    if not isinstance(reply, dict):
        raise BrokenReplyError(f"JSON that is no object: {_quote(body)}")
    if reply.get("error"):  # OpenRouter: an upstream's error, with status 200
        raise BrokenReplyError(f"an error: {error_message(body)}")
    choices = reply.get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        count = len(choices) if isinstance(choices, list) else "no"
        raise BrokenReplyError(f"{count} choices where 1 was asked for")
    return choices[0] if isinstance(choices[0], dict) else None


def read_tokens(choice: Mapping[str, Any]) -> Iterator[tuple[list[float], float]]:
    """Yield each token's likeliest log-probabilities and its own, as far as a choice has them.

    vLLM counts the sampled token among the likeliest, in place of the last of them.

    >>> part = {"token": "8", "logprob": -0.1, "top_logprobs": [{"token": "8", "logprob": -0.1}]}
    >>> list(read_tokens({"logprobs": {"content": [part]}}))
    [([-0.1], -0.1)]
    """
    logprobs = choice.get("logprobs")
    parts = logprobs.get("content") if isinstance(logprobs, dict) else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and _is_number(sampled := part.get("logprob")):
            top = part.get("top_logprobs")
            entries = top if isinstance(top, list) else []
            values = [entry.get("logprob") for entry in entries if isinstance(entry, dict)]
            yield sorted((value for value in values if _is_number(value)), reverse=True), sampled


def error_message(body: bytes) -> str:
    """Return the message in an error body, or else the beginning of the body.

    >>> error_message(b'{"error": {"message": "no such model"}}')
    'no such model'
    >>> error_message(b"<h1>Bad gateway</h1>")
    '<h1>Bad gateway</h1>'
    """
    reply = read_json(body)
    if isinstance(reply, dict):
        error = reply.get("error")
        for holder in (error, reply):
            if isinstance(holder, dict):
                message = holder.get("message") or holder.get("detail")  # detail: FastAPI
                if message:
                    return _clip(message if isinstance(message, str) else str(message))
        if isinstance(error, str) and error:  # ollama, TGI
            return _clip(error)
    return _quote(body)


def error_code(body: bytes) -> str:
    """Find the machine-readable code of an error body (``context_length_exceeded``), or ''."""
    reply = read_json(body)
    error = reply.get("error") if isinstance(reply, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""


def retry_after_s(value: str | None, now: datetime, longest_s: float) -> float:
    """Read a Retry-After header, in seconds or as an HTTP date; 0.0 if absent or invalid.

    >>> retry_after_s("3", datetime.now(UTC), 60), retry_after_s("9999", datetime.now(UTC), 60)
    (3.0, 60)
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> retry_after_s("Thu, 01 Jan 2026 00:00:07 GMT", at, 60)
    7.0
    """
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
            aware = when if when.tzinfo else when.replace(tzinfo=UTC)
            seconds = (aware - now).total_seconds()
        except (ValueError, OverflowError):
            return 0.0
    return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), longest_s)


def served_models(body: bytes) -> list[str] | None:
    """Return the names in a reply to ``GET /models``; None where it is no list of models."""
    reply = read_json(body)
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list):
        return None
    return [m["id"] for m in data if isinstance(m, dict) and isinstance(m.get("id"), str)]


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


def read_json(body: bytes) -> Any:
    """Parse JSON; None for invalid JSON (and for ``null``, which is no reply either)."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def read_text(content: object) -> str:
    """Return the text of a message's content: a string, null, or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(text for text in parts if isinstance(text, str))
    return ""


def read_usage(usage: object) -> Usage:
    """Read the token counts; an absent or invalid one is 0."""
    if not isinstance(usage, dict):
        return Usage()
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    return Usage(*(count if isinstance(count, int) and count > 0 else 0 for count in counts))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _quote(body: bytes) -> str:
    return _clip(body[: 4 * _QUOTED_CHARS].decode(errors="replace")) or "nothing"


def _clip(text: str) -> str:
    """Put ``text`` on one line of at most 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED_CHARS else line[: _QUOTED_CHARS - 1] + "…"
