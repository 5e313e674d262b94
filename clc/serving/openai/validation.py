"""Validation of request bodies: the first field that is wrong, and what to do about it."""

from __future__ import annotations

from typing import NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from clc.bounds import abbreviate
from clc.serving.errors import ApiError

__all__ = ["parse"]

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
    given = abbreviate(fault["input"])
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
