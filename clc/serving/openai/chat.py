"""Replies of ``POST /v1/chat/completions``: whole, or a stream of chunks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import orjson
from pydantic import BaseModel

from clc.serving.openai.bodies import Votes  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.records import Usage
    from clc.serving.errors import ApiError
    from clc.serving.openai.requests import ChatRequest
    from clc.serving.reply import Reply

__all__ = ["ChatReply", "ChatWriter"]


class _Message(BaseModel):
    role: Literal["assistant"]
    content: str
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: None = None
    annotations: list[Any]


class _Choice(BaseModel):
    index: int
    message: _Message
    logprobs: None = None
    finish_reason: Literal["stop", "length", "content_filter"]


class _CompletionDetails(BaseModel):
    reasoning_tokens: int


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: _CompletionDetails


class ChatReply(BaseModel):
    """The body of a reply; a vote has ``clc``.

    A message has its thought, where there is one, under both names that servers use:
    ``reasoning_content`` (DeepSeek, SGLang) and ``reasoning`` (vLLM, OpenRouter).
    """

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[_Choice]
    usage: _Usage
    system_fingerprint: str
    service_tier: Literal["default"] = "default"
    metadata: dict[str, str] | None = None
    clc: Votes | None = None


class ChatWriter:
    """Writes the reply to one request.

    Args:
        request: the request.
        key: the completion's id, without its prefix.
        fingerprint: ``system_fingerprint`` of the reply.
    """

    def __init__(self, request: ChatRequest, key: str, fingerprint: str) -> None:
        self._request = request
        self._sent: dict[int, int] = {}  # characters by choice
        self._thought: dict[int, int] = {}
        self._common = {
            "id": f"chatcmpl-{key}",
            "created": int(time.time()),
            "model": request.model,
            "system_fingerprint": fingerprint,
        }

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Write a whole reply."""
        choices: list[dict[str, Any]] = [
            {
                "index": index,
                "message": {
                    "role": "assistant",
                    "content": choice.text,
                    "refusal": None,
                    "annotations": [],
                    **_thought_fields(choice.thought),
                },
                "logprobs": None,
                "finish_reason": choice.finish_reason,
            }
            for index, choice in enumerate(reply.choices)
        ]
        body = self._common | {
            "object": "chat.completion",
            "choices": choices,
            "usage": write_usage(reply.usage),
            "service_tier": "default",
        }
        if self._request.metadata is not None:
            body["metadata"] = self._request.metadata
        if reply.votes is not None:
            body["clc"] = reply.votes.model_dump()
        return body

    def begin(self) -> Iterator[bytes]:
        """Write the first chunks of a stream: the role of every choice."""
        for index in range(self._request.choices()):
            yield self._chunk(index, {"role": "assistant", "content": "", "refusal": None})

    def progress(self, progress: dict[str, Any]) -> bytes:
        """Write the progress of the vote, in a chunk without text."""
        return self._chunk(0, {}, clc=progress)

    def thought(self, index: int, text: str) -> Iterator[bytes]:
        """Write more of the thought of one choice."""
        self._thought[index] = self._thought.get(index, 0) + len(text)
        yield self._chunk(index, _thought_fields(text))

    def piece(self, index: int, text: str) -> Iterator[bytes]:
        """Write more of the text of one choice."""
        self._sent[index] = self._sent.get(index, 0) + len(text)
        yield self._chunk(index, {"content": text})

    def end(self, reply: Reply) -> Iterator[bytes]:
        """Write the rest of each thought and text, and the last chunks of a stream.

        The vote is in the last chunk of its choice.
        """
        for index, choice in enumerate(reply.choices):
            if rest := choice.thought[self._thought.get(index, 0) :]:
                yield from self.thought(index, rest)
            if rest := choice.text[self._sent.get(index, 0) :]:
                yield from self.piece(index, rest)
            more = {} if reply.votes is None else {"clc": reply.votes.model_dump()}
            yield self._chunk(index, {}, choice.finish_reason, **more)
        options = self._request.stream_options
        if options is not None and options.include_usage:
            yield _event(self._body([], write_usage(reply.usage)))
        yield b"data: [DONE]\n\n"

    def fail(self, error: ApiError) -> Iterator[bytes]:
        """Write an error in the middle of a stream; OpenAI's clients raise it."""
        yield _event(error.body())

    def _chunk(
        self, index: int, delta: dict[str, Any], finish_reason: str | None = None, **more: Any
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _event(self._body([choice]) | more)

    def _body(self, choices: list[Any], usage: dict[str, Any] | None = None) -> dict[str, Any]:
        body = self._common | {"object": "chat.completion.chunk", "choices": choices}
        options = self._request.stream_options
        if options is not None and options.include_usage:
            body["usage"] = usage
        return body


def _thought_fields(thought: str) -> dict[str, str]:
    return {"reasoning_content": thought, "reasoning": thought} if thought else {}


def write_usage(usage: Usage) -> dict[str, Any]:
    """Write token counts in the form of the chat API."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"
