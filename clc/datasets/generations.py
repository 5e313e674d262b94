"""Read recorded generations of clc and of other tools, row by row.

Three shapes of JSONL, recognized by each row's fields; ``.gz`` files and ``-`` for standard input
are read, too:

    clc                      id, language, response; optional question, gold, question_language,
                             finish_reason, confidence, kind, item. The confidence is a number
                             that grows with it, or an object with mean, tail, lowest_group and
                             logprob, as clc measures it
    lm-evaluation-harness    samples_*.jsonl: doc, resps, target; every repeat is a path, the
                             language is in the file's name, and the files of one task over
                             several languages are one problem each by doc_id
    OpenAI and vLLM batches  custom_id, response.body.choices; a custom_id ``ID:LANGUAGE`` or
                             ``ID:LANGUAGE:INDEX`` names the path's language
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import orjson

from clc.answers import extract_answer
from clc.errors import DatasetError
from clc.input_files import MOST_LEVELS, is_text, nested_deeper, open_once, printable_path
from clc.languages import UNKNOWN_LANGUAGE
from clc.records import AbstainReason, Abstention, Answer, Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from clc.records import AnswerKind
    from clc.thoughts import Marks

__all__ = ["Generation", "parse_generations", "read_generation", "read_generations", "read_rows"]

_SAMPLES = re.compile(r"(?:samples_)?(.+?)(?:_\d{4}-\d{2}-\d{2}T[\d\-.]+)?\.jsonl(?:\.gz)?\Z")
_CODE = re.compile(r"(?<![a-zA-Z])(en|de|es|fr|ja|ru|zh|bn|sw|te|th|ar|hi|it|ko|pt|id|ms|vi|pl|tr|fa|nl|uk|ca|eu|gl)(?![a-zA-Z])")  # fmt: skip  # noqa: E501
_CUSTOM = re.compile(r"(.+?)[:|/]([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)(?:[:|/]\d+)?\Z")
_GSM8K = "####"
_TEXTS = (
    ("id", "a text or a number"),
    ("language", "a BCP-47 code"),
    ("gold", "a text or a number"),
    ("question", "a text"),
    ("question_language", "a BCP-47 code"),
    ("finish_reason", "a text such as 'stop'"),
    ("item", "a text"),
)
_IDENTIFIERS = ("id", "item", "custom_id", "doc_id", "language", "question_language")
_CONFIDENCE = {field.name for field in fields(Confidence)}
_NUMBERS_TOO = frozenset(["id", "gold", "item"])


class Generation(NamedTuple):
    """One recorded path, with the fields of its problem."""

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


def read_rows(files: Iterable[str | Path]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield the rows of JSONL files with file and line (1-based).

    Raises:
        DatasetError: a file cannot be read or a line is not a JSON object.
    """
    for file in files:
        source = printable_path(file)
        try:
            with _opened(file) as lines:
                for number, line in enumerate(lines, start=1):
                    if number == 1:
                        line = line.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901  Windows' mark
                    if not line.strip():
                        continue
                    try:
                        row = _parsed(line)
                    except (ValueError, RecursionError) as error:
                        shown = line[:60].decode("utf-8", "replace").strip()
                        raise DatasetError.at(
                            source,
                            number,
                            f"{shown!r} is not JSON ({error}); give one object a line",
                        ) from error
                    if line.count(b"[") + line.count(b"{") > MOST_LEVELS and nested_deeper(
                        row, MOST_LEVELS
                    ):
                        raise DatasetError.at(
                            source, number, f"nested deeper than {MOST_LEVELS} levels"
                        )
                    if not isinstance(row, dict):
                        raise DatasetError.at(
                            source, number, f"{row!r:.60} is not an object; give one object a line"
                        )
                    yield source, number, row
        except (OSError, EOFError, gzip.BadGzipFile) as error:
            why = getattr(error, "strerror", None) or error
            raise DatasetError.at(source, None, f"cannot be read: {why}") from error


def _parsed(line: bytes) -> Any:
    """Parse a line of JSON; a lone surrogate, where a generation was cut, becomes '?'.

    Raises:
        ValueError: it is not JSON, or a lone surrogate is in a name, an id or a language.
    """
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if "surrogate in string" not in str(error):
            raise
        values = json.loads(line)
        for field in _IDENTIFIERS:
            text = values.get(field) if isinstance(values, dict) else None
            if isinstance(text, str) and not is_text(text):
                # As '?' it would be the id of another problem.
                raise ValueError(f"{field!r} holds half a surrogate pair") from error
        whole = json.dumps(values, ensure_ascii=False)
        return orjson.loads(whole.encode("utf-8", "replace"))


@contextmanager
def _opened(source: str | Path) -> Iterator[IO[bytes]]:
    if source == "-":
        yield sys.stdin.buffer
        return
    with open_once(source) as file:
        if str(source).endswith(".gz"):
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            yield file


def parse_generations(source: str, line: int, row: dict[str, Any]) -> list[Generation]:
    """Return the paths of one row: one in clc's shape, else one for each repeat or choice.

    >>> row = {"id": 7, "language": "de", "response": "Antwort: 5"}
    >>> parse_generations("g.jsonl", 1, row)[0][:3]
    ('7', 'de', 'Antwort: 5')

    Raises:
        DatasetError: the row lacks a field, or one has the wrong type.
    """
    if "resps" in row:
        return _harness(source, line, row)
    if "custom_id" in row:
        return _batch(source, line, row)
    response = row.get("response")
    if not isinstance(response, str) and not (response is None and row.get("error")):
        fault = (
            f"is {response!r:.60}"
            if "response" in row
            else f"is missing (fields: {', '.join(row)})"
        )
        raise DatasetError.at(source, line, f"'response' {fault}; give the path's text")
    if row.get("id") is None:
        raise DatasetError.at(source, line, "'id' is missing; give the problem's id")
    for field, needed in _TEXTS:
        value = row.get(field)
        if value is not None and not isinstance(value, str):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and field in _NUMBERS_TOO):
                raise DatasetError.at(source, line, f"{field!r} is {value!r:.60}; give {needed}")
        elif field.endswith("language") and value and not value.isprintable():
            raise DatasetError.at(source, line, f"{field!r} is {value!r:.60}; give {needed}")
    language = row.get("language")
    confidence = _confidence(source, line, row.get("confidence"))
    kind = row.get("kind")
    if kind not in (None, "number", "choice", "latex"):
        raise DatasetError.at(
            source, line, f"'kind' is {kind!r:.60}; give number, choice or latex, or leave it out"
        )
    gold = row.get("gold")
    return [
        Generation(
            str(row["id"]),
            language or UNKNOWN_LANGUAGE,
            response or "",
            _text(row.get("question")),
            None if gold is None else str(gold),
            _text(row.get("question_language")),
            _text(row.get("finish_reason")),
            confidence,
            kind,
            None if row.get("item") is None else str(row["item"]),
            _text(row.get("error")),
        )
    ]


def _confidence(source: str, line: int, value: Any) -> Confidence | float | None:
    if isinstance(value, dict) and value.keys() == _CONFIDENCE:
        numbers = list(value.values())
    else:
        numbers = [] if value is None else [value]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        raise DatasetError.at(
            source,
            line,
            f"'confidence' is {value!r:.60}; give a number, or an object of numbers: "
            f"{', '.join(sorted(_CONFIDENCE))}",
        )
    return Confidence(**value) if isinstance(value, dict) else value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _harness(source: str, line: int, row: dict[str, Any]) -> list[Generation]:
    doc = row.get("doc")
    doc = doc if isinstance(doc, dict) else {}
    match = _SAMPLES.match(Path(source).name)
    task = match[1] if match else Path(source).stem
    named = None
    for named in _CODE.finditer(task):  # noqa: B007  the last one: mgsm_en_cot_de asks in German
        pass
    language = named[1] if named else _text(doc.get("language")) or UNKNOWN_LANGUAGE
    stem = task[: named.start()] + task[named.end() :] if named else task
    stem = re.sub(r"[_-]{2,}", "_", stem).strip("_-")
    number = row.get("doc_id", row.get("id"))
    if number is None:
        raise DatasetError.at(
            source, line, "'doc_id' is missing; give lm-eval's samples as written"
        )
    resps = row["resps"]
    if not isinstance(resps, list):
        raise DatasetError.at(source, line, f"'resps' is {resps!r:.60}; give a list of lists")
    texts = [text for part in resps for text in (part if isinstance(part, list) else [part])]
    if not all(isinstance(text, str) for text in texts):
        raise DatasetError.at(
            source, line, "'resps' holds no texts; only generate_until tasks can be voted on"
        )
    question = _text(doc.get("question"))
    gold = _harness_gold(doc, row.get("target"))
    languages = row.get("languages")
    if isinstance(languages, list) and len(languages) == len(texts):  # written by clc solve
        problem = str(doc.get("id", number))
    else:
        languages, problem = [language] * len(texts), f"{stem}-{number}"
    return [
        Generation(problem, str(code), text, question, gold, None, item=problem)
        for code, text in zip(languages, texts, strict=True)
    ]


def _harness_gold(doc: dict[str, Any], target: object) -> str | None:
    for value in (doc.get("answer_number"), target, doc.get("answer")):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            text = value.rsplit(_GSM8K, 1)[-1].strip()
            outcome = extract_answer(text, "en") if len(text) > 24 else None  # noqa: PLR2004
            return outcome.value if isinstance(outcome, Answer) else text
    return None


def _batch(source: str, line: int, row: dict[str, Any]) -> list[Generation]:
    name = str(row["custom_id"])
    match = _CUSTOM.match(name)
    problem, language = (match[1], match[2]) if match else (name, UNKNOWN_LANGUAGE)
    response = row.get("response")
    body = response.get("body") if isinstance(response, dict) else None
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices:
        fault = row.get("error") or (response or "no response")
        return [Generation(problem, language, "", error=f"{fault!r:.200}")]
    paths = []
    for choice in choices:
        if not isinstance(choice, dict):
            raise DatasetError.at(source, line, f"choice {choice!r:.60} is no object")
        message = choice.get("message")
        content = (
            message.get("content") or message.get("refusal")
            if isinstance(message, dict)
            else choice.get("text")
        )
        finish = _text(choice.get("finish_reason"))
        paths.append(Generation(problem, language, _text(content) or "", finish_reason=finish))
    return paths


def read_generation(path: Generation, marks: Marks | None = None) -> Answer | Abstention:
    """Read the answer of a recorded path; ``marks``: of thoughts, by default the bundled ones."""
    if path.error:
        return Abstention(AbstainReason.ENGINE_FAILURE, path.error)
    return extract_answer(
        path.response,
        None if path.language == UNKNOWN_LANGUAGE else path.language,
        path.question,
        kind=path.kind,
        finish_reason=path.finish_reason,
        marks=marks,
    )


def read_generations(files: Sequence[str | Path]) -> Iterator[tuple[str, int, list[Generation]]]:
    """Yield (source, line, paths) of every row; repetitions by lm-eval's filters are skipped.

    Raises:
        DatasetError: a row is wrong.
    """
    filters: dict[str, object] = {}
    for source, line, row in read_rows(files):
        # lm-eval repeats every row for each filter of the task, with the same responses
        if "resps" in row and filters.setdefault(source, row.get("filter")) != row.get("filter"):
            continue
        yield source, line, parse_generations(source, line, row)
