"""Read the fields of replies of OpenAI's API and compatible servers.

Pure functions. Servers differ in what they leave out; a line that tolerates one of them names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from clc.engines.openai.error_bodies import error_message, read_json
from clc.engines.openai.secrets import NO_SECRETS, Secrets
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clc.engines.base import Completion
    from clc.engines.openai.reply import ReplyReader

__all__ = [
    "BrokenReplyError",
    "NoLogprobsError",
    "first_choice",
    "read_billing",
    "read_completion",
    "read_reasoning",
    "read_reply_message",
    "read_source",
    "read_text",
    "read_tokens",
    "read_usage",
]

_THOUGHTS = ("thinking", "reasoning")  # types of parts; a tuple, for a type may be any JSON value
_TEXTS = (None, "text", "output_text")
_REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_details")
_THOUGHT_FIELDS = ("thinking", "reasoning", "text", "content", "summary")
_MOST_LEVELS = 6  # of the objects and lists in which a thought is looked for
_MOST_TOKENS = 10**9  # of one completion: sums over a run stay within SQLite's 64 bits
_HIGHEST_COST = 1e6  # of one completion
_SOURCE_CHARS = 200
_MOST_LOGPROB = 1.0  # 0, but for rounding


class BrokenReplyError(Exception):
    """A reply with status 200 that holds no completion.

    Args:
        problem: what is wrong with it.
        body: to be quoted after the problem.
    """

    def __init__(self, problem: str, body: bytes | None = None) -> None:
        super().__init__(problem)
        self._body = body

    def describe(self, secrets: Secrets = NO_SECRETS) -> str:
        """Return the problem and the beginning of the body, without secrets."""
        problem = secrets.quote(str(self))
        return problem if self._body is None else f"{problem}: {error_message(self._body, secrets)}"


class NoLogprobsError(Exception):
    """A completion without the requested log-probabilities."""


def read_completion(body: bytes, reader: ReplyReader) -> Completion:
    """Read the completion that a whole reply holds.

    Raises:
        BrokenReplyError: it does not hold exactly one finished completion.
        NoLogprobsError: it is to be measured, and its tokens have no log-probabilities.
    """
    reply = read_json(body)
    choice = first_choice(reply, body)
    message = None if choice is None else read_reply_message(choice, "message")
    if choice is None or message is None:
        raise BrokenReplyError("a choice without a message")
    reader.usage = read_usage(reply.get("usage"))
    reader.billing = read_billing(reply.get("usage"))
    reader.source = read_source(reply)
    reader.add(choice, message)
    if reader.finish_reason in {"abort", "error"}:  # vLLM, when it shuts down or loses its engine
        raise BrokenReplyError(f"a completion that it did not finish ({reader.finish_reason})")
    return reader.complete(reader.finish_reason or "unknown")


def read_reply_message(choice: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Return the ``message`` or ``delta`` of a choice, None without one.

    That of a completion without a chat is its text.

    >>> read_reply_message({"text": " 18"}, "message")
    {'content': ' 18'}
    """
    message = choice.get(name)
    if isinstance(message, dict):
        return message
    return {"content": choice["text"]} if isinstance(choice.get("text"), str) else None


def first_choice(reply: Any, body: bytes) -> dict[str, Any] | None:
    """Return the one choice of a reply or stream event; None where it is not an object.

    Raises:
        BrokenReplyError: it holds no choice, or several, or an error.
    """
    if reply is None:
        raise BrokenReplyError("a body that is not JSON, or not all of it", body)
    if not isinstance(reply, dict):
        raise BrokenReplyError("JSON that is no object", body)
    if reply.get("error"):  # OpenRouter: an upstream's error, with status 200
        raise BrokenReplyError("an error", body)
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
    if parts is None and isinstance(logprobs, dict):
        yield from _read_plain_tokens(logprobs)
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and _is_logprob(sampled := part.get("logprob")):
            top = part.get("top_logprobs")
            entries = top if isinstance(top, list) else []
            values = [entry.get("logprob") for entry in entries if isinstance(entry, dict)]
            yield sorted((value for value in values if _is_logprob(value)), reverse=True), sampled


def _read_plain_tokens(logprobs: Mapping[str, Any]) -> Iterator[tuple[list[float], float]]:
    """Yield the log-probabilities of a completion without a chat; see ``read_tokens``."""
    own, top = logprobs.get("token_logprobs"), logprobs.get("top_logprobs")
    if not isinstance(own, list):
        return
    entries = top if isinstance(top, list) and len(top) == len(own) else [{}] * len(own)
    for sampled, entry in zip(own, entries, strict=True):
        if _is_logprob(sampled):
            values = entry.values() if isinstance(entry, dict) else ()
            yield sorted((value for value in values if _is_logprob(value)), reverse=True), sampled


def read_text(content: object) -> str:
    """Return the text of a message's content: a string, null, or a list of parts.

    Raises:
        BrokenReplyError: it is something else, so that an answer might be lost unseen.
    """
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        return "".join(map(_read_part, content))
    raise BrokenReplyError(f"a content that is no text ({_kind(content)})")


def _read_part(part: object) -> str:
    """Return the text of a part of a message's content; none of a thought, image or other part."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise BrokenReplyError(f"a part of the content that is no text ({_kind(part)})")
    text = part.get("text")
    if part.get("type") in _THOUGHTS or text is None:
        return ""
    if isinstance(text, str):
        return text
    if part.get("type") in _TEXTS:
        raise BrokenReplyError(f"a part of the content whose text is no text ({_kind(text)})")
    return ""


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def read_reasoning(message: Mapping[str, Any]) -> str:
    """Return the thought that a message holds beside its content, or within a list of parts.

    >>> read_reasoning({"content": "18", "reasoning_content": "9 + 9"})  # DeepSeek, SGLang, Qwen
    '9 + 9'
    >>> read_reasoning({"content": "18", "reasoning": "9 + 9"})  # vLLM, OpenRouter, ollama
    '9 + 9'
    >>> details = [{"type": "reasoning.text", "text": "9 + 9"}, {"type": "reasoning.encrypted"}]
    >>> read_reasoning({"content": "18", "reasoning": None, "reasoning_details": details})
    '9 + 9'
    >>> parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "9 + 9"}]}]  # Mistral
    >>> read_reasoning({"content": parts})
    '9 + 9'
    """
    for name in _REASONING_FIELDS:
        if text := _read_thought(message.get(name)):
            return text
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    return "".join(
        _read_thought(part)
        for part in parts
        if isinstance(part, dict) and part.get("type") in _THOUGHTS
    )


def _read_thought(value: object, levels: int = _MOST_LEVELS) -> str:
    """Return the text of a thought: a string, an object with one, or a list of both."""
    if isinstance(value, str):
        return value
    if levels and isinstance(value, list):
        return "".join(_read_thought(one, levels - 1) for one in value)
    if levels and isinstance(value, dict):
        texts = (_read_thought(value.get(name), levels - 1) for name in _THOUGHT_FIELDS)
        return next(filter(None, texts), "")
    return ""


def read_usage(usage: object) -> Usage:
    """Read the token counts; an absent or invalid one is 0, one above 10^9 is 10^9.

    >>> read_usage({"prompt_tokens": 11, "completion_tokens": 2**70})
    Usage(prompt_tokens=11, completion_tokens=1000000000, reasoning_tokens=0)
    """
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("completion_tokens_details")
    prompt, completion = (_count(usage.get(f"{kind}_tokens")) for kind in ("prompt", "completion"))
    reasoning = details.get("reasoning_tokens") if isinstance(details, dict) else 0
    return Usage(prompt, completion, min(_count(reasoning), completion))


def read_billing(usage: object) -> tuple[int, float | None]:
    """Read the cached prompt tokens and the cost of a completion (OpenRouter), as far as given.

    >>> read_billing({"cost": 0.002, "prompt_tokens_details": {"cached_tokens": 20}})
    (20, 0.002)
    """
    if not isinstance(usage, dict):
        return 0, None
    details, cost = usage.get("prompt_tokens_details"), usage.get("cost")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    if not isinstance(cost, int | float) or isinstance(cost, bool):
        return cached, None
    return cached, float(cost) if 0 <= cost <= _HIGHEST_COST else None


def read_source(reply: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what replied, as far as a reply says it: model, fingerprint, provider.

    >>> read_source({"model": "qwen-2", "system_fingerprint": None, "provider": "X"})
    (('model', 'qwen-2'), ('provider', 'X'))
    """
    return tuple(
        (name, value)
        for name in ("model", "system_fingerprint", "provider")
        if isinstance(value := reply.get(name), str) and 0 < len(value) <= _SOURCE_CHARS
    )


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return 0
    return int(min(value, _MOST_TOKENS)) if value % 1 == 0 else 0


def _is_logprob(value: object) -> TypeGuard[float]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return value <= _MOST_LOGPROB
