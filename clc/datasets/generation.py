"""A recorded generation: one path with the fields of its problem."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.answers import extract_answer
from clc.answers.option_lines import LETTERS
from clc.errors import LanguageError
from clc.languages.codes import UNKNOWN_LANGUAGE, read_language
from clc.records import AbstainReason, Abstention

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.answers.reading_files import ReadingFiles
    from clc.records import Answer, AnswerKind, Confidence

__all__ = [
    "Generation",
    "content_text",
    "finish_reason",
    "identifier",
    "missing_response",
    "read_generation",
    "row_language",
]

_LENGTH = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_TEXT_PARTS = frozenset({"text", "output_text", "input_text"})


class Generation(NamedTuple):
    """One recorded path, with the fields of its problem.

    ``error`` is why there is no response, and ``reason`` its abstention. ``closed`` is whether a
    thought that is recorded apart had ended, None without one. ``custom_id``: the id is that of a
    request, which may name a language; whether it does is seen over the whole file. ``read_as`` is
    the language that the text is read in, where it is another than that of the vote. ``options``
    are the texts of a multiple choice by letter, None without one.
    """

    id: str
    language: str
    response: str
    question: str | None = None
    gold: str | None = None
    question_language: str | None = None
    finish_reason: str | None = None
    confidence: Confidence | float | None = None
    kind: AnswerKind | None = None
    item: str | None = None
    error: str | None = None
    reason: AbstainReason = AbstainReason.ENGINE_FAILURE
    closed: bool | None = None
    level: str | None = None
    custom_id: bool = False
    read_as: str | None = None
    options: Mapping[str, str] | None = None


def read_generation(path: Generation, files: ReadingFiles | None = None) -> Answer | Abstention:
    """Read the answer of a recorded path; ``files`` are those of a folder of prompt files."""
    if path.error:
        return Abstention(path.reason, path.error)
    language = path.read_as or path.language
    return extract_answer(
        path.response,
        None if language == UNKNOWN_LANGUAGE else language,
        path.question,
        kind=path.kind,
        finish_reason=path.finish_reason,
        closed=path.closed,
        marks=files and files.marks,
        vocabulary=files and files.vocabulary,
        options=_texts(path.options) if path.options else None,
    )


def _texts(options: Mapping[str, str]) -> list[str]:
    """Return the texts from option A on, "" for a letter without one."""
    return [options.get(letter, "") for letter in LETTERS[: LETTERS.index(max(options)) + 1]]


def missing_response(path: Generation, source: str, line: int) -> Generation:
    """Return a path whose response is null: an abstention that names its line."""
    error = f"{source}:{line}: the response is null"
    return path._replace(error=error, reason=AbstainReason.EMPTY)


@lru_cache(maxsize=1024)
def row_language(text: str | None) -> str:
    """Return the language of a row; a text that names none is kept as it is.

    >>> row_language("English"), row_language("zh-CN"), row_language(None), row_language("arm 1")
    ('en', 'zh', 'und', 'arm 1')
    """
    if text is None or not text.strip():
        return UNKNOWN_LANGUAGE
    try:
        return read_language(text)
    except LanguageError:
        return text


def identifier(value: object) -> str:
    """Return an id as text; pandas writes whole numbers as floats where another row has none.

    >>> identifier(7.0), identifier(" q 1 "), identifier(0.5)
    ('7', 'q 1', '0.5')
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def finish_reason(reason: object) -> str | None:
    """Return why a text ended, a limit of any API being "length"; None without a text.

    >>> finish_reason("max_tokens"), finish_reason("stop"), finish_reason(3)
    ('length', 'stop', None)
    """
    if not isinstance(reason, str):
        return None
    return "length" if reason.lower() in _LENGTH else reason


def content_text(content: Any) -> str | None:
    """Return the text of a message's content, which may be a list of parts; None without text.

    Parts that are no text, such as thoughts and calls of tools, are left out.

    >>> content_text([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "5"}])
    '5'
    """
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return None
    texts = [
        part if isinstance(part, str) else part.get("text")
        for part in content
        if isinstance(part, str)
        or (isinstance(part, dict) and part.get("type", "text") in _TEXT_PARTS)
    ]
    whole = [text for text in texts if isinstance(text, str)]
    return "".join(whole) if whole else None
