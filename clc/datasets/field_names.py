"""Names that data sets give to their fields, and fields that a user names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clc.datasets.rows import SourceRow

__all__ = [
    "FIELDS",
    "GOLD_NAMES",
    "LANGUAGE_NAMES",
    "PASSAGE_NAMES",
    "QUESTION_NAMES",
    "first_name",
    "first_text",
    "parse_fields",
    "plain_name",
    "rename",
    "usual_names",
]

# The first that a row has counts.
QUESTION_NAMES = (
    "question", "problem", "Question", "Problem", "m_query", "query", "instruction", "prompt",
    "input", "question_text", "problem_text",
)  # fmt: skip
GOLD_NAMES = (
    "gold", "answer", "Answer", "final_answer", "expected_answer", "answer_number", "golden",
    "ground_truth", "correct_answer", "gold_answer", "reference_answer", "final_ans",
    "target", "label", "response",
)  # fmt: skip
LANGUAGE_NAMES = (
    "language", "lang", "language_code", "lang_code", "language_name", "locale", "dialect",
)  # fmt: skip
PASSAGE_NAMES = ("flores_passage", "passage", "body")
"""Fields with a text that the question is about."""
_USUAL = ("id", "translations", *LANGUAGE_NAMES, *PASSAGE_NAMES, *QUESTION_NAMES, *GOLD_NAMES)

_NOT_PLAIN = re.compile(r"[\W_]+")

FIELDS = ("question", "answer", "id", "language", "item", "kind", "translations", "choices")
"""Fields of ours that a user may name."""


def first_name(fields: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Return the first of ``names`` whose field is not null, None without one."""
    return next((name for name in names if fields.get(name) is not None), None)


def first_text(fields: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Return the first of ``names`` whose field is a text that is not blank, None without one."""
    return next(
        (one for one in names if isinstance(fields.get(one), str) and fields[one].strip()), None
    )


def plain_name(name: str) -> str:
    """Return a field's name in lower case, without spaces and signs.

    >>> plain_name("Option_A"), plain_name("Correct Answer")
    ('optiona', 'correctanswer')
    """
    return _NOT_PLAIN.sub("", name).lower()


def usual_names(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return fields under the usual spelling of their names, where it differs.

    >>> usual_names({"Question": "2 + 3?", "ANSWER": 5, "Final Answer": "five"})
    {'question': '2 + 3?', 'answer': 5, 'final_answer': 'five'}
    """
    spelled = _spelling(tuple(fields))
    return {spelled.get(one, one): value for one, value in fields.items()} if spelled else fields


@lru_cache(maxsize=256)
def _spelling(names: tuple[str, ...]) -> dict[str, str]:
    """Return the usual name of each field that is spelled otherwise, and is there once."""
    spelled: dict[str, str] = {}
    for name in names:
        usual = _PLAIN.get(plain_name(name), name)
        if usual not in names and usual not in spelled.values():
            spelled[name] = usual
    return spelled


_PLAIN = {plain_name(name): name for name in reversed(_USUAL)}


def parse_fields(fields: Mapping[str, str] | Iterable[str] | None) -> dict[str, str]:
    """Return the fields that a user names: the file's name by ours.

    ``fields`` are a mapping, or texts ``OURS=THEIRS``; ``id=`` alone ignores the file's field.

    >>> parse_fields(["question=problem", "id="])
    {'question': 'problem', 'id': ''}

    Raises:
        ConfigurationError: one of ours is unknown or given twice.
    """
    given = fields.items() if isinstance(fields, Mapping) else map(_pair, fields or ())
    named: dict[str, str] = {}
    for ours, theirs in given:
        if ours == "gold":
            ours = "answer"  # noqa: PLW2901  two names of one field
        if ours not in FIELDS:
            raise ConfigurationError(
                f"field {ours!r:.60}: there is no such field; name one of {', '.join(FIELDS)}"
            )
        if ours in named:
            raise ConfigurationError(f"field {ours!r} is given twice; name it once")
        if not theirs and ours in {"question", "choices"}:
            raise ConfigurationError(f"field {ours!r}: name the file's field after '='")
        named[ours] = theirs
    return named


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not equals:
        raise ConfigurationError(
            f"field {text!r:.60} is not OURS=THEIRS; give such as question=problem"
        )
    return ours.strip(), theirs.strip()


def rename(row: SourceRow, named: Mapping[str, str]) -> SourceRow:
    """Return a row whose fields have our names, as a user named them.

    Raises:
        DatasetError: the row has no field of such a name.
    """
    if not named:
        return row
    fields = dict(row.fields)
    values = {}
    for ours, theirs in named.items():
        if theirs and theirs not in fields:
            names = ", ".join(repr(name) for name in list(row.fields)[:8]) or "none"
            raise row.place.error(f"no {theirs!r}; the row's fields are: {names}")
        values[ours] = fields.get(theirs) if theirs else None
        if isinstance(values[ours], float) and row.raw is not None:  # as in the file: 0.10
            values[ours] = str(json.loads(row.raw, parse_float=str)[theirs])
    for ours, theirs in named.items():
        fields.pop(theirs, None)
        fields.pop(ours, None)
    if "answer" in named:  # before any other field with an answer
        fields.pop("gold", None)
        fields.pop("golden", None)
        fields.pop("answer_number", None)
    return row._replace(fields=fields | values, raw=None)
