"""Replies of ``POST /v1/responses``: whole, or a stream of events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import orjson
from pydantic import BaseModel

from clc.serving.openai.bodies import Votes  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.serving.errors import ApiError
    from clc.serving.openai.requests import ResponsesRequest
    from clc.serving.reply import Reply

__all__ = ["ResponsesReply", "ResponsesWriter"]


class _OutputText(BaseModel):
    type: Literal["output_text"]
    text: str
    annotations: list[Any]
    logprobs: list[Any]


class _OutputMessage(BaseModel):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[_OutputText]


class _InputDetails(BaseModel):
    cached_tokens: int
    cache_write_tokens: int


class _OutputDetails(BaseModel):
    reasoning_tokens: int


class _Usage(BaseModel):
    input_tokens: int
    input_tokens_details: _InputDetails
    output_tokens: int
    output_tokens_details: _OutputDetails
    total_tokens: int


class _Incomplete(BaseModel):
    reason: Literal["max_output_tokens", "content_filter"]


class ResponsesReply(BaseModel):
    """The body of a reply; a vote has ``clc``."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    error: None
    incomplete_details: _Incomplete | None
    instructions: str | None
    max_output_tokens: int | None
    metadata: dict[str, str]
    model: str
    output: list[_OutputMessage]
    parallel_tool_calls: bool
    previous_response_id: None
    service_tier: Literal["default"]
    store: Literal[False]
    temperature: float | None
    text: dict[str, Any]
    tool_choice: Literal["auto", "none"]
    tools: list[Any]
    top_p: float | None
    truncation: Literal["disabled"]
    usage: _Usage | None
    user: str | None
    clc: Votes | None = None


class ResponsesWriter:
    """Writes the reply to one request.

    Args:
        request: the request.
        key: the response's id, without its prefix.
    """

    def __init__(self, request: ResponsesRequest, key: str) -> None:
        self._request = request
        self._key = key
        self._created = int(time.time())
        self._number = 0
        self._sent = 0  # characters of the text
        self._position = {"item_id": f"msg_{key}", "output_index": 0, "content_index": 0}

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Write a whole reply."""
        (choice,) = reply.choices
        whole = choice.finish_reason == "stop"
        why = "content_filter" if choice.finish_reason == "content_filter" else "max_output_tokens"
        usage = reply.usage
        status = "completed" if whole else "incomplete"
        body = self._body(status) | {
            "incomplete_details": None if whole else {"reason": why},
            "output": [self._item(status, choice.text)],
            "usage": {
                "input_tokens": usage.prompt_tokens,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": usage.completion_tokens,
                "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
                "total_tokens": usage.total,
            },
        }
        if reply.votes is not None:
            body["clc"] = reply.votes.model_dump()
        return body

    def begin(self) -> Iterator[bytes]:
        """Write the first events of a stream."""
        body = self._body("in_progress")
        yield self._event("response.created", response=body)
        yield self._event("response.in_progress", response=body)

    def progress(self, progress: dict[str, Any]) -> bytes:
        """Write the progress of the vote."""
        body = self._body("in_progress")
        return self._event("response.in_progress", response=body, clc=progress)

    def thought(self, index: int, text: str) -> Iterator[bytes]:  # noqa: ARG002
        """Write nothing: an output has one item, the text."""
        return iter(())

    def piece(self, index: int, text: str) -> Iterator[bytes]:  # noqa: ARG002 - there is one
        """Write more of the text."""
        if not self._sent:
            yield from self._open()
        self._sent += len(text)
        yield self._event("response.output_text.delta", **self._position, delta=text, logprobs=[])

    def end(self, reply: Reply) -> Iterator[bytes]:
        """Write the rest of the text, and the last events of a stream."""
        body = self.whole(reply)
        (item,) = body["output"]
        (part,) = item["content"]
        text = part["text"]
        if rest := text[self._sent :]:
            yield from self.piece(0, rest)
        elif not text:
            yield from self._open()
        yield self._event("response.output_text.done", **self._position, text=text, logprobs=[])
        yield self._event("response.content_part.done", **self._position, part=part)
        yield self._event("response.output_item.done", output_index=0, item=item)
        yield self._event(f"response.{body['status']}", response=body)

    def fail(self, error: ApiError) -> Iterator[bytes]:
        """Write an error in the middle of a stream."""
        code = "rate_limit_exceeded" if error.status == 429 else "server_error"  # noqa: PLR2004
        failed = self._body("failed") | {"error": {"code": code, "message": error.message}}
        yield self._event("response.failed", response=failed)

    def _open(self) -> Iterator[bytes]:
        """Write the first events of the text."""
        item = self._item("in_progress", "")
        (part,) = item["content"]
        opened = item | {"content": []}
        yield self._event("response.output_item.added", output_index=0, item=opened)
        yield self._event("response.content_part.added", **self._position, part=part)

    def _event(self, kind: str, **fields: Any) -> bytes:
        body = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(body) + b"\n\n"

    def _item(self, status: str, text: str) -> dict[str, Any]:
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        return {
            "id": self._position["item_id"],
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [part],
        }

    def _body(self, status: str) -> dict[str, Any]:
        request, sampling = self._request, self._request.sampling()
        return {
            "id": f"resp_{self._key}",
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": request.instructions,
            "max_output_tokens": request.max_output_tokens,
            "metadata": request.metadata or {},
            "model": request.model,
            "output": [],
            "parallel_tool_calls": request.parallel_tool_calls is not False,
            "previous_response_id": None,
            "service_tier": "default",
            "store": False,
            "temperature": sampling.get("temperature"),
            "text": {"format": {"type": "text"}},
            "tool_choice": request.tool_choice or "auto",
            "tools": [],
            "top_p": sampling.get("top_p"),
            "truncation": "disabled",
            "usage": None,
            "user": request.user,
        }
