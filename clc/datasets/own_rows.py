"""Rows of recorded generations in the shape of clc: ``id``, ``language``, ``response``."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from clc.datasets.field_names import LANGUAGE_NAMES, plain_name
from clc.datasets.generation import (
    Generation,
    content_text,
    finish_reason,
    identifier,
    missing_response,
    row_language,
)
from clc.datasets.levels import read_level
from clc.datasets.option_fields import has_layout_of_options
from clc.datasets.options import has_options, recorded_options
from clc.datasets.source import Place
from clc.errors import DatasetError, LanguageError
from clc.languages.codes import UNKNOWN_LANGUAGE, read_language
from clc.records import AnswerKind, Confidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.datasets.notices import Notices

__all__ = ["parse_own_row"]

_KINDS = get_args(AnswerKind)
_NUMBERS = {one.name for one in fields(Confidence)}
_NUMERIC = re.compile(r"[-+.\d]+(?:e[-+]?\d+)?%?", re.IGNORECASE)
_NUMBERS_TOO = frozenset(["id", "gold"])
_TEXT_OR_NUMBER, _CODE = "a text or a number", "a BCP-47 code"
_ARE_LANGUAGES = frozenset(["language", "question_language"])
_PLAIN = ("id", "language", "response", "gold", "question_language", "question", "finish_reason")
_OTHERS = frozenset(["confidence", "kind", "item", "level", "error"])


def parse_own_row(source: str, line: int, row: Mapping[str, Any], notices: Notices) -> Generation:
    """Return the path of a row; a list of several responses is left to the caller.

    Raises:
        DatasetError: the row lacks a field, or one has the wrong type.
    """
    return _plain_row(row) or _own_row(_Fields(source, line, row, notices, []))


@lru_cache(maxsize=256)
def _are_plain(names: tuple[str, ...]) -> bool:
    """Whether a row with these fields has an id, a language and a response, but nothing rare."""
    fields = dict.fromkeys(names, "")
    return {*_PLAIN[:3]} <= fields.keys() and not (
        _OTHERS & fields.keys() or has_layout_of_options(fields)
    )


def _plain_row(row: Mapping[str, Any]) -> Generation | None:
    """Return the path of a usual row, None for one that needs more checks: most rows are usual."""
    if not _are_plain(tuple(row)):
        return None
    values = [row.get(name) for name in _PLAIN]
    name, language, text, gold, question_language, question, reason = values
    for index, value in enumerate(values):
        if type(value) is not str and (value is not None or index < 3):  # noqa: PLR2004
            return None
    if not language.isprintable():  # type: ignore[union-attr]
        return None
    if question_language is not None:
        if not question_language.isprintable():
            return None
        question_language = row_language(question_language)
    return Generation(
        name.strip(),  # type: ignore[union-attr]
        row_language(language),
        text,  # type: ignore[arg-type]
        question,
        gold or None,
        None if question_language == UNKNOWN_LANGUAGE else question_language,
        finish_reason(reason),
    )


def _own_row(row: _Fields) -> Generation:
    values = row.row
    text = _response_text(row)
    name = row.needed("id", _TEXT_OR_NUMBER)
    language = row.language()
    gold = row.needed("gold", _TEXT_OR_NUMBER) or None
    question_language = row.text("question_language", "a language")
    if question_language is not None:
        question_language = row_language(row.needed("question_language", _CODE))
    if name is None and values.get("id") is None:
        row.faults.append("'id' is missing; give the problem's id")
    if name is None or row.faults:
        raise row.error("; ".join(row.faults))
    path = Generation(
        identifier(name),
        row_language(language),
        text or "",
        row.text("question", "a text"),
        gold,
        None if question_language == UNKNOWN_LANGUAGE else question_language,
        finish_reason(row.text("finish_reason", "a reason such as 'stop'")),
        row.confidence(),
        row.kind(),
        row.text("item", "a text", numbers=True),
        level=read_level(values.get("level")),
    )
    if path.kind in {None, "choice"} and has_options(values):
        options, letter = recorded_options(values, gold, Place(row.source, row.line))
        if options:
            path = path._replace(kind="choice", options=options, gold=letter)
    if text is not None:
        return path
    error = row.text("error", "a text")
    if error:
        return path._replace(error=error)
    return missing_response(path, row.source, row.line)


def _response_text(row: _Fields) -> str | None:
    """Return the text of a response, None for null; a missing one or another type is a fault."""
    response = row.row.get("response")
    if isinstance(response, str):
        return response
    text = content_text(response)
    if text is None and response is not None:
        row.faults.append(f"'response' is {response!r:.60}; give the path's text")
    elif "response" not in row.row and not row.row.get("error"):
        names = ", ".join(row.row)
        row.faults.append(f"'response' is missing (fields: {names}); give the path's text")
    return text


class _Fields(NamedTuple):
    """A row of clc's shape, with its place."""

    source: str
    line: int
    row: Mapping[str, Any]
    notices: Notices
    faults: list[str]

    def error(self, message: str) -> DatasetError:
        return DatasetError.at(self.source, self.line, message)

    def text(self, field: str, ours: str, *, numbers: bool = False) -> str | None:
        """Return a field's text, None with a notice where it is something else."""
        value = self.row.get(field)
        if isinstance(value, str) or value is None:
            return value
        if numbers and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.notices.ignored(self.source, self.line, field, value, ours)
        return None

    def needed(self, field: str, needed: str) -> str | None:
        """Return a field's text; a value of another type is a fault."""
        value = self.row.get(field)
        if value is None or isinstance(value, str):
            text = value
        elif field not in _NUMBERS_TOO or isinstance(value, bool | list | dict):
            self.faults.append(f"{field!r} is {value!r:.60}; give {needed}")
            return None
        else:
            text = identifier(value) if field == "id" else str(value)
        if text is not None and field in _ARE_LANGUAGES and not text.isprintable():
            self.faults.append(f"{field!r} is {value!r:.60}; give {needed}")
        return text

    def language(self) -> str | None:
        """Return the language, or a known one in a field that other tools name so."""
        if self.row.get("language") is not None:
            return self.needed("language", _CODE)
        for name in _language_names(tuple(self.row)):
            value = self.row[name]
            with suppress(LanguageError):
                if isinstance(value, str) and value.strip():
                    return read_language(value)
        return None

    def kind(self) -> AnswerKind | None:
        kind = self.row.get("kind")
        if kind is None or kind in _KINDS:
            return cast("AnswerKind | None", kind)
        self.notices.ignored(
            self.source, self.line, "kind", kind, f"a kind of answers ({', '.join(_KINDS)})"
        )
        return None

    def confidence(self) -> Confidence | float | None:
        value = self.row.get("confidence")
        if value is None:
            return None
        if isinstance(value, dict) and value.keys() == _NUMBERS:
            numbers = list(value.values())
        else:
            numbers = [value]
        if all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
            if isinstance(value, dict):
                return Confidence(**value)
            return _number(cast("float", value))
        if None in numbers:
            return None
        ours = f"a number, or an object of numbers: {', '.join(sorted(_NUMBERS))}"
        if isinstance(value, str) and not _NUMERIC.fullmatch(value.strip()):  # such as "high"
            self.notices.ignored(self.source, self.line, "confidence", value, ours)
            return None
        raise self.error(f"'confidence' is {value!r:.60}; give {ours}")


@lru_cache(maxsize=256)
def _language_names(names: tuple[str, ...]) -> tuple[str, ...]:
    plain = {plain_name(name) for name in LANGUAGE_NAMES}
    return tuple(name for name in names if plain_name(name) in plain)


def _number(value: float) -> float:
    """Return a number that is no integer of more than 64 bits."""
    return value if abs(value) < 1 << 63 else float(value)
