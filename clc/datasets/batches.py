"""Output of OpenAI's and vLLM's batches: chat completions, completions and responses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from clc.datasets.generation import CustomId, Generation, content_text
from clc.errors import DatasetError, LanguageError
from clc.languages import UNKNOWN_LANGUAGE, read_language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["parse_batch_row", "split_custom_id"]

_SEPARATOR = re.compile(r"([:/|])")
_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z")


def split_custom_id(name: str) -> CustomId | None:
    """Split an id at its last part that is a language's code; None without one.

    Whether the part names a language is seen only over the ids of a whole file.

    >>> split_custom_id("q1:de:0")[:3], split_custom_id("math/en/12"), split_custom_id("a/17")
    (('q1', 'de', '0'), CustomId(rest='math', language='en', number='12', whole='math/12'), None)
    """
    parts = _SEPARATOR.split(name)  # with the separators at odd positions
    for position in range(len(parts) - 1, -1, -2):
        language = _code(parts[position])
        if language is None:
            continue
        before, after = "".join(parts[: max(position - 1, 0)]), parts[position + 1 :]
        whole = before + "".join(after) if before else "".join(after[1:])
        number = after[1] if before and len(after) == 2 and after[1].isdecimal() else ""  # noqa: PLR2004
        rest = before if number else whole
        return CustomId(rest, language, number, whole) if rest else None
    return None


def _code(part: str) -> str | None:
    if not _CODE.match(part):
        return None
    try:
        return read_language(part)
    except LanguageError:
        return None


def parse_batch_row(source: str, line: int, row: Mapping[str, Any]) -> list[Generation]:
    """Return the paths of a line of a batch's output, one for each choice.

    Raises:
        DatasetError: a choice or an output is no object.
    """
    name = str(row["custom_id"])
    split = split_custom_id(name)
    # The language is good for reading the text, even where it is no part of the vote.
    path = Generation(name, split.language if split else UNKNOWN_LANGUAGE, "", custom_id=split)
    response = row.get("response")
    body = response.get("body") if isinstance(response, dict) else None
    if isinstance(body, dict):
        choices, output = body.get("choices"), body.get("output")
        if isinstance(choices, list) and choices:
            return list(_choices(source, line, path, choices))
        if isinstance(output, list) and output:
            return [_response(source, line, path, body, output)]
    fault = row.get("error") or (response or "no response")
    return [path._replace(error=f"{fault!r:.200}")]


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
        finish = choice.get("finish_reason")
        yield path._replace(
            response=content or "", finish_reason=finish if isinstance(finish, str) else None
        )


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
