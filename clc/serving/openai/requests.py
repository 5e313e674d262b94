"""Requests as they are checked.

Every field of a request is either honoured or must hold the value that changes nothing; an unknown
one is refused. So nothing that a client asks for is lost without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from clc.records import Message
from clc.serving.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ChatMessage",
    "ChatRequest",
    "InputMessage",
    "ResponsesRequest",
    "Sampled",
    "TextPart",
    "VoteSettings",
    "parse",
]

_T = TypeVar("_T", bound=BaseModel)

# Why a value cannot be honoured, and what to do about it.
_REASONS = {
    "tools": "no tools are called here; leave them out",
    "functions": "no functions are called here; leave them out",
    "function_call": "no functions are called here; leave it out",
    "tool_choice": "there are no tools to choose from; leave it out",
    "response_format": "paths are free text, and only their answers are compared; leave it out, "
    "or give {'type': 'text'}",
    "text": "paths are free text, and only their answers are compared; leave it out",
    "logprobs": "the log-probabilities of one path say nothing about a vote; leave it out",
    "top_logprobs": "the log-probabilities of one path say nothing about a vote; leave it out",
    "logit_bias": "a bias on token ids is not passed on; leave it out",
    "store": "replies are not stored for later; leave it out",
    "background": "replies are not made in the background; stream them",
    "previous_response_id": "replies are not stored; send the earlier turns as input",
    "conversation": "conversations are not stored; send the earlier turns as input",
    "modalities": "only text is read and written",
    "include": "there is nothing more to include; leave it out",
    "truncation": "earlier turns are never cut; leave it out",
}

_Empty = Annotated[list[Any], Field(max_length=0)]
_Zero = Annotated[int, Field(ge=0, le=0)]
_Text = Annotated[str, Field(max_length=512)]


def _is_off(value: bool) -> bool:  # noqa: FBT001
    if value:
        raise ValueError("it should be false")
    return value


# Literal[False] would take a 0, too: the two are equal.
_Off = Annotated[bool, AfterValidator(_is_off), WithJsonSchema({"type": "boolean", "const": False})]


class _Strict(BaseModel):
    """No other fields, and no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TextPart(_Strict):
    """A piece of a message's text."""

    type: Literal["text", "input_text", "output_text"]
    text: str
    annotations: _Empty | None = None
    logprobs: _Empty | None = None


class ChatMessage(_Strict):
    """One turn. The fields after ``content`` are those that a reply has, without content."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(min_length=1)]
    refusal: None = None
    audio: None = None
    function_call: None = None
    annotations: _Empty | None = None
    tool_calls: _Empty | None = None


class InputMessage(_Strict):
    """One turn, as the Responses API writes it; a reply's output is one, too."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(min_length=1)]
    id: _Text | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None
    phase: None = None


class VoteSettings(_Strict):
    """How to vote; what is left out is read from the ``X-CLC-*`` headers, then the server's own.

    ``stopping`` names the rule that says when a question has enough paths. ``language`` is the
    question's (BCP-47), detected by default; ``deadline`` is in seconds.
    """

    strategy: str | None = None
    languages: Annotated[list[str], Field(min_length=1)] | None = None
    paths: Annotated[int, Field(ge=1)] | None = None
    stopping: str | None = None
    language: str | None = None
    deadline: Annotated[float, Field(gt=0)] | None = None


class Sampled(_Strict):
    """What both APIs share: the model, how each path is drawn, and what changes nothing."""

    model: str
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1 << 20)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=2)] | None = None
    seed: Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)] | None = None
    stop: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=16)]
        | None
    ) = None
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
    clc: VoteSettings | None = None

    def turns(self) -> tuple[Message, ...]:
        """Return the conversation as every engine takes it."""
        raise NotImplementedError

    def new_tokens(self) -> int | None:
        """Return the limit on new tokens of each path, where there is one."""
        raise NotImplementedError

    def choices(self) -> int:
        """Return how many answers are wanted."""
        return 1

    def sampling(self) -> dict[str, Any]:
        """Return what is said of how a path is drawn, as arguments of ``configure``."""
        names = ("temperature", "top_p", "top_k", "min_p", "presence_penalty",
                 "frequency_penalty", "repetition_penalty", "seed")  # fmt: skip
        said = {name: value for name in names if (value := getattr(self, name)) is not None}
        if self.stop is not None:
            said["stop"] = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)
        return said


class StreamOptions(_Strict):
    """What a stream holds besides the answer."""

    include_usage: bool | None = None
    include_obfuscation: _Off | None = None


class _TextFormat(_Strict):
    type: Literal["text"]


class _TextConfig(_Strict):
    format: _TextFormat | None = None


class ChatRequest(Sampled):
    """The body of ``POST /v1/chat/completions``."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    n: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stream_options: StreamOptions | None = None
    response_format: _TextFormat | None = None
    modalities: Annotated[list[Literal["text"]], Field(max_length=1)] | None = None
    functions: _Empty | None = None
    function_call: Literal["auto", "none"] | None = None
    logprobs: _Off | None = None
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


class ResponsesRequest(Sampled):
    """The body of ``POST /v1/responses``."""

    input: Annotated[str, Field(min_length=1)] | Annotated[list[InputMessage], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    stream_options: StreamOptions | None = None
    text: _TextConfig | None = None
    truncation: Literal["disabled"] | None = None
    include: _Empty | None = None
    background: _Off | None = None
    previous_response_id: None = None
    conversation: None = None

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


def as_messages(turns: Iterable[ChatMessage | InputMessage]) -> tuple[Message, ...]:
    """Write turns as every engine takes them; a developer's are a system's."""
    return tuple(
        Message(
            role="system" if turn.role == "developer" else turn.role,
            content=turn.content
            if isinstance(turn.content, str)
            else "\n".join(part.text for part in turn.content),
        )
        for turn in turns
    )


def parse(kind: type[_T], body: object) -> _T:
    """Check a body.

    Raises:
        ApiError: 400, naming the first field that is wrong and what to do.
    """
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        _refuse(error)


def _refuse(error: ValidationError) -> NoReturn:
    faults = error.errors(include_url=False, include_context=False)
    # Of a union every member complains: the complaint that got furthest is about the real fault.
    fault = max(
        faults,
        key=lambda one: (
            one["loc"][-1:] == ("type",) and len(one["loc"]),
            one["type"] == "extra_forbidden",
            not one["type"].endswith("_type"),
            len(one["loc"]),
        ),
    )
    path = [part for part in fault["loc"] if not str(part)[:1].isupper() and "[" not in str(part)]
    path = [part for part in path if part not in {"str", "list", "constrained-str"}]
    param = ".".join(map(str, path)) or None
    top = str(fault["loc"][0]) if fault["loc"] else ""
    given = repr(fault["input"])
    given = given if len(given) <= 80 else f"{given[:79]}…"  # noqa: PLR2004
    if fault["type"] == "extra_forbidden":
        raise ApiError(
            400,
            f"unknown parameter {param!r}: it would have no effect here; leave it out",
            code="unknown_parameter",
            param=param,
        )
    if fault["type"] == "missing":
        raise ApiError(
            400, f"{param} is missing; give it", code="missing_required_parameter", param=param
        )
    reason = _REASONS.get(top)
    if reason is not None:
        raise ApiError(
            400,
            f"{param} is {given}, which cannot be honoured here: {reason}",
            code="unsupported_value",
            param=param,
        )
    message = fault["msg"].replace("Input should", "it should")
    if "content" in path and path[-1] == "type":
        message = "only text is read here"
    raise ApiError(400, f"{param} is {given}: {message}", code="invalid_value", param=param)
