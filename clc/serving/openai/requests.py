"""Bodies of requests.

Every field is either honoured or must hold the value that changes nothing, and an unknown one is
refused: nothing that a client asks for is dropped silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from clc.engines.chat_options import reserved_fault
from clc.records import Message
from clc.serving.openai.sampling import NewTokens, SamplingFields, StrictModel

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BaseRequest",
    "ChatMessage",
    "ChatRequest",
    "InputMessage",
    "ResponsesRequest",
    "TextPart",
    "VoteSettings",
]

_Empty = Annotated[list[Any], Field(max_length=0)]
_Zero = Annotated[int, Field(ge=0, le=0)]
_Text = Annotated[str, Field(max_length=512)]
_Effort = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,32}$")]
_MOST_KWARGS = 16
_KWARGS_BYTES = 4096  # as JSON


def _is_off(value: bool) -> bool:  # noqa: FBT001
    if value:
        raise ValueError("it should be false")
    return value


def _check_kwargs(value: dict[str, Any]) -> dict[str, Any]:
    if len(value) > _MOST_KWARGS:
        raise ValueError(f"it should have at most {_MOST_KWARGS} names")
    try:
        size = len(orjson.dumps(value))
    except orjson.JSONEncodeError as error:
        raise ValueError(f"it should be written as JSON ({error})") from None
    if size > _KWARGS_BYTES:
        raise ValueError(f"it should have at most {_KWARGS_BYTES} bytes as JSON")
    if fault := reserved_fault(value):
        raise ValueError(f"it should have variables of the chat template alone, and {fault}")
    return value


# Literal[False] would take a 0, too: the two are equal.
_Off = Annotated[bool, AfterValidator(_is_off), WithJsonSchema({"type": "boolean", "const": False})]


class TextPart(StrictModel):
    """A part of a message's text."""

    type: Literal["text", "input_text", "output_text"]
    text: str
    annotations: _Empty | None = None
    logprobs: _Empty | None = None


class ChatMessage(StrictModel):
    """One turn. The fields after ``content`` are those of a reply's message.

    Only the thought may be filled. It is dropped, because models are trained on conversations
    without earlier thoughts.
    """

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(min_length=1)]
    refusal: None = None
    audio: None = None
    function_call: None = None
    annotations: _Empty | None = None
    tool_calls: _Empty | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None

    @model_validator(mode="after")
    def _check_thought(self) -> Self:
        if self.role != "assistant" and (self.reasoning_content or self.reasoning):
            raise ValueError("only an assistant's turn has a thought")
        return self


class InputMessage(StrictModel):
    """One turn in the form of the Responses API, which a reply's output has, too."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(min_length=1)]
    id: _Text | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None
    phase: None = None


class VoteSettings(StrictModel):
    """Settings of the vote. Defaults are the ``X-CLC-*`` headers, then the server's options.

    ``stopping`` names the rule that ends the vote early. ``language`` is the question's (BCP-47),
    detected by default; ``deadline`` is in seconds.
    """

    strategy: str | None = None
    languages: Annotated[list[str], Field(min_length=1)] | None = None
    paths: Annotated[int, Field(ge=1)] | None = None
    stopping: str | None = None
    language: str | None = None
    deadline: Annotated[float, Field(gt=0)] | None = None


class BaseRequest(SamplingFields):
    """Fields of both APIs: model, sampling parameters, and those without effect."""

    model: str
    seed: Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)] | None = None
    stream: bool | None = None
    user: _Text | None = None
    safety_identifier: _Text | None = None
    prompt_cache_key: _Text | None = None
    metadata: Annotated[dict[str, _Text], Field(max_length=16)] | None = None
    parallel_tool_calls: bool | None = None
    service_tier: Literal["auto", "default"] | None = None
    store: _Off | None = None
    tools: _Empty | None = None
    tool_choice: Literal["auto", "none"] | None = None
    top_logprobs: _Zero | None = None
    chat_template_kwargs: Annotated[dict[str, Any], AfterValidator(_check_kwargs)] | None = None
    clc: VoteSettings | None = None

    def turns(self) -> tuple[Message, ...]:
        """Return the conversation as chat messages."""
        raise NotImplementedError

    def new_tokens(self) -> int | None:
        """Return the limit on new tokens of each path, or None."""
        raise NotImplementedError

    def choices(self) -> int:
        """Return the number of answers."""
        return 1

    def effort(self) -> str | None:
        """Return the effort that the model is asked for, or None."""
        raise NotImplementedError

    def sampling(self) -> dict[str, Any]:
        """Return the sampling parameters that are given, as arguments of ``configure``."""
        given = {
            name: value
            for name in (*SamplingFields.model_fields, "seed")
            if (value := getattr(self, name)) is not None
        }
        if (stop := given.get("stop")) is not None:
            given["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
        return given


class StreamOptions(StrictModel):
    """Options of a stream."""

    include_usage: bool | None = None
    include_obfuscation: _Off | None = None


class _Reasoning(StrictModel):
    effort: _Effort | None = None
    summary: None = None
    generate_summary: None = None


class _TextFormat(StrictModel):
    type: Literal["text"]


class _TextConfig(StrictModel):
    format: _TextFormat | None = None


class ChatRequest(BaseRequest):
    """The body of ``POST /v1/chat/completions``."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    n: Annotated[int, Field(ge=1)] | None = None
    max_tokens: NewTokens | None = None
    max_completion_tokens: NewTokens | None = None
    stream_options: StreamOptions | None = None
    response_format: _TextFormat | None = None
    modalities: Annotated[list[Literal["text"]], Field(max_length=1)] | None = None
    functions: _Empty | None = None
    function_call: Literal["auto", "none"] | None = None
    logprobs: _Off | None = None
    reasoning_effort: _Effort | None = None
    logit_bias: Annotated[dict[str, Any], Field(max_length=0)] | None = None

    def turns(self) -> tuple[Message, ...]:
        """Return the messages."""
        return as_messages(self.messages)

    def new_tokens(self) -> int | None:
        """Return ``max_completion_tokens``, or the older name of it."""
        return self.max_completion_tokens or self.max_tokens

    def choices(self) -> int:
        """Return ``n``."""
        return self.n or 1

    def effort(self) -> str | None:
        """Return ``reasoning_effort``."""
        return self.reasoning_effort


class ResponsesRequest(BaseRequest):
    """The body of ``POST /v1/responses``."""

    input: Annotated[str, Field(min_length=1)] | Annotated[list[InputMessage], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: NewTokens | None = None
    stream_options: StreamOptions | None = None
    text: _TextConfig | None = None
    truncation: Literal["disabled"] | None = None
    include: _Empty | None = None
    background: _Off | None = None
    previous_response_id: None = None
    conversation: None = None
    reasoning: _Reasoning | None = None

    def turns(self) -> tuple[Message, ...]:
        """Return instructions and input, the instructions first."""
        head: tuple[Message, ...] = ()
        if self.instructions is not None:
            head = (Message(role="system", content=self.instructions),)
        if isinstance(self.input, str):
            return (*head, Message(role="user", content=self.input))
        return (*head, *as_messages(self.input))

    def new_tokens(self) -> int | None:
        """Return ``max_output_tokens``."""
        return self.max_output_tokens

    def effort(self) -> str | None:
        """Return ``reasoning.effort``."""
        return None if self.reasoning is None else self.reasoning.effort


def as_messages(turns: Iterable[ChatMessage | InputMessage]) -> tuple[Message, ...]:
    """Turn a request's turns into chat messages; the role developer becomes system."""
    return tuple(
        Message(
            role="system" if turn.role == "developer" else turn.role,
            content=turn.content
            if isinstance(turn.content, str)
            else "\n".join(part.text for part in turn.content),
        )
        for turn in turns
    )
