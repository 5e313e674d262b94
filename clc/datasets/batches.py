"""Output of OpenAI's and vLLM's batches: chat completions, completions and responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from clc.datasets.custom_ids import language_in_id
from clc.datasets.generation import (
    Generation,
    content_text,
    finish_reason,
    identifier,
    row_language,
)
from clc.errors import DatasetError
from clc.records import AnswerKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["parse_batch_row"]


def parse_batch_row(source: str, line: int, row: Mapping[str, Any]) -> list[Generation]:
    """Return the paths of a line of a batch's output, one for each choice.

    A line may have a ``language``, ``question``, ``gold``, ``kind`` and ``item`` of its own.

    Raises:
        DatasetError: a choice or an output is no object.
    """
    name = identifier(row["custom_id"])
    language = row.get("language")
    gold = row.get("gold")
    kind = row.get("kind")
    path = Generation(
        name,
        row_language(language if isinstance(language, str) else None),
        "",
        question=content_text(row.get("question")),
        gold=str(gold) if isinstance(gold, str | int | float) and gold == gold else None,  # noqa: PLR0124
        kind=kind if kind in get_args(AnswerKind) else None,
        item=str(row["item"]) if isinstance(row.get("item"), str | int) else None,
        custom_id=True,
        # The language is good for reading the text, even where it is no part of the vote.
        read_as=None if language else language_in_id(name),
    )
    response = row.get("response")
    body = _body(row, response)
    if isinstance(body, str):
        return [path._replace(response=body)]
    if isinstance(body, dict):
        choices, output = body.get("choices"), body.get("output")
        if isinstance(choices, list) and choices:
            return list(_choices(source, line, path, choices))
        if isinstance(output, list) and output:
            return [_response(source, line, path, body, output)]
        if (text := _message(body)) is not None:
            reason = finish_reason(body.get("stop_reason"))
            return [path._replace(response=text, finish_reason=reason)]
    fault = row.get("error") or (response or row.get("result") or "no response")
    return [path._replace(error=f"{fault!r:.200}")]


def _body(row: Mapping[str, Any], response: object) -> object:
    """Return the body of a response: an object or a text, None without one."""
    if isinstance(response, dict):
        body = response.get("body", response)
        return body if isinstance(body, dict) else None
    if response is not None:
        return content_text(response)
    result = row.get("result")  # Anthropic's message batches
    return result.get("message") if isinstance(result, dict) else None


def _message(body: Mapping[str, Any]) -> str | None:
    """Return the text of a body that is one message or one text, None for any other."""
    for name in ("output_text", "content", "text"):
        if (text := content_text(body.get(name))) is not None:
            return text
    return None


def _choices(source: str, line: int, path: Generation, choices: list[Any]) -> Iterator[Generation]:
    for choice in choices:
        if not isinstance(choice, dict):
            raise DatasetError.at(source, line, f"choice {choice!r:.60} is no object")
        message = choice.get("message")
        content = (
            content_text(message.get("content")) or content_text(message.get("refusal"))
            if isinstance(message, dict)
            else content_text(choice.get("text"))
        )
        reason = finish_reason(choice.get("finish_reason"))
        yield path._replace(response=content or "", finish_reason=reason)


def _response(
    source: str, line: int, path: Generation, body: Mapping[str, Any], output: list[Any]
) -> Generation:
    """Return the path of a response of ``/v1/responses``: the texts of its messages."""
    texts, finish = [], "stop"
    for item in output:
        if not isinstance(item, dict):
            raise DatasetError.at(source, line, f"output {item!r:.60} is no object")
        if item.get("type", "message") != "message":
            continue
        texts.append(content_text(item.get("content")) or "")
        for part in item.get("content") or ():
            if isinstance(part, dict) and part.get("type") == "refusal":
                texts.append(str(part.get("refusal") or ""))
                finish = "refusal"
    details = body.get("incomplete_details")
    cause = details.get("reason") if isinstance(details, dict) else None
    if body.get("status") == "incomplete" or cause:
        finish = "content_filter" if cause == "content_filter" else "length"
    return path._replace(response="".join(texts), finish_reason=finish)
