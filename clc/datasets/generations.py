"""Read recorded generations of clc and of other tools, row by row.

Four shapes of JSONL, recognized by each row's fields; packed files (gzip, zstd) and ``-`` for
standard input are read, too:

    clc                      id, language, response; optional question, gold, question_language,
                             finish_reason, confidence, kind, item, level. The confidence is a
                             number that grows with it, or an object with mean, tail, lowest_group
                             and logprob, as clc measures it
    lm-evaluation-harness    doc, resps, target: see ``clc.datasets.lm_eval``
    OpenAI and vLLM batches  custom_id, response.body: see ``clc.datasets.batches``
    PolyMath                 idx, question, answer, thinking_pred, answer_pred in
                             ``LEVEL/LANGUAGE.jsonl``

A response may be a text or the parts of a message's content. A response that is null is an
abstention; a field of ours with another meaning is kept and ignored, with a notice.
"""

from __future__ import annotations

import re
from contextlib import closing, suppress
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from clc.datasets.batches import parse_batch_row
from clc.datasets.custom_ids import CustomIds
from clc.datasets.field_names import LANGUAGE_NAMES, plain_name
from clc.datasets.generation import (
    Generation,
    content_text,
    finish_reason,
    identifier,
    missing_response,
    read_generation,
    row_language,
)
from clc.datasets.levels import read_level
from clc.datasets.line_chunks import parse_lines, read_chunks
from clc.datasets.lm_eval import parse_harness_row
from clc.datasets.notices import Notices
from clc.datasets.option_fields import has_layout_of_options
from clc.datasets.options import has_options, recorded_options
from clc.datasets.source import Place
from clc.errors import DatasetError, LanguageError
from clc.languages.codes import UNKNOWN_LANGUAGE, read_language
from clc.records import AnswerKind, Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "Generation",
    "harness_filter",
    "parse_generations",
    "read_generation",
    "read_generations",
    "read_rows",
]

_KINDS = get_args(AnswerKind)
_NUMBERS = {one.name for one in fields(Confidence)}
_NUMERIC = re.compile(r"[-+.\d]+(?:e[-+]?\d+)?%?", re.IGNORECASE)
_NUMBERS_TOO = frozenset(["id", "gold"])
_TEXT_OR_NUMBER, _CODE = "a text or a number", "a BCP-47 code"
_ARE_LANGUAGES = frozenset(["language", "question_language"])


def read_rows(files: Iterable[str | Path]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield the rows of JSONL files with file and line (1-based).

    Raises:
        DatasetError: a file cannot be read or a line is not a JSON object.
    """
    for chunk in read_chunks(files):
        for number, row in parse_lines(chunk):
            yield chunk.source, number, row


def parse_generations(
    source: str, line: int, row: dict[str, Any], notices: Notices | None = None
) -> list[Generation]:
    """Return the paths of one row: one in clc's shape, else one for each repeat or choice.

    >>> row = {"id": 7, "language": "de", "response": "Antwort: 5"}
    >>> parse_generations("g.jsonl", 1, row)[0][:3]
    ('7', 'de', 'Antwort: 5')

    Raises:
        DatasetError: the row lacks a field, or one has the wrong type.
    """
    if "resps" in row:
        return parse_harness_row(source, line, row)
    if row.get("custom_id") is not None:
        return parse_batch_row(source, line, row)
    if "answer_pred" in row and "response" not in row:
        return [_polymath(source, line, row)]
    notices = notices or Notices()
    if "id" in row and row["id"] is None:
        notices.left_out(source, line, "id")
        return []
    path = _plain_row(row) or _own_row(_Fields(source, line, row, notices, []))
    response = row.get("response")
    if isinstance(response, list) and all(isinstance(one, str | None) for one in response):
        return [  # several samples
            missing_response(path, source, line) if one is None else path._replace(response=one)
            for one in response
        ]
    return [path]


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


_PLAIN = ("id", "language", "response", "gold", "question_language", "question", "finish_reason")
_OTHERS = frozenset(["confidence", "kind", "item", "level", "error"])


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


def _polymath(source: str, line: int, row: Mapping[str, Any]) -> Generation:
    """Return the path of a row of PolyMath's output, in ``LEVEL/LANGUAGE.jsonl``."""
    number = row.get("idx", row.get("id"))
    if number is None:
        raise DatasetError.at(source, line, "'idx' is missing; give the problem's number")
    path = Path(source)
    level = read_level(row.get("level")) or read_level(path.parent.name)
    stem = path.name.partition(".")[0]
    language = row.get("language") or (stem if stem != path.parent.name else None)
    # ``high-de-3`` in ``high/de.jsonl`` is number 3
    parts = [part for part in identifier(number).split("-") if part not in {level, language}]
    name = "-".join(filter(None, ("polymath", level, *parts)))
    text, thought = content_text(row["answer_pred"]), content_text(row.get("thinking_pred"))
    gold = row.get("answer")
    code = row_language(language if isinstance(language, str) else None)
    one = Generation(
        name,
        code,
        text or "",
        question=content_text(row.get("question")),
        gold=None if gold is None else str(gold),
        question_language=code,
        item=name,
        closed=bool(text and text.strip()) if thought else None,
        level=level,
    )
    return one if text is not None or thought else missing_response(one, source, line)


def harness_filter(source: str, row: Mapping[str, Any]) -> tuple[tuple[str, str, object], object]:
    """Return which sample of lm-eval a row is of, and the filter that it is of.

    lm-eval repeats every row for each filter of the task, with the same responses.
    """
    return (source, str(row.get("doc_id")), row.get("doc_hash")), row.get("filter")


def read_generations(files: Sequence[str | Path]) -> Iterator[tuple[str, int, list[Generation]]]:
    """Yield (source, line, paths) of the rows; repetitions by lm-eval's filters are skipped.

    Rows with a ``custom_id``, which may name a language, come last, when all of them were seen.

    Raises:
        DatasetError: a row is wrong.
    """
    filters: dict[tuple[str, str, object], object] = {}
    notices = Notices()
    with closing(CustomIds()) as custom:
        for source, line, row in read_rows(files):
            if "resps" in row:
                sample, filtered = harness_filter(source, row)
                if filters.setdefault(sample, filtered) != filtered:
                    continue
            paths = parse_generations(source, line, row, notices)
            rest = [one for one in paths if not (one.custom_id and custom.add(source, line, one))]
            if rest:
                yield source, line, rest
        yield from custom.resolved()
