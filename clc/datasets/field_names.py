"""Names that data sets give to their fields, and fields that a user names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clc.datasets.fields import SourceRow

__all__ = [
    "FIELDS",
    "GOLD_NAMES",
    "LANGUAGE_NAMES",
    "QUESTION_NAMES",
    "first_name",
    "parse_fields",
    "rename",
]

# The first that a row has counts.
QUESTION_NAMES = (
    "question", "problem", "Question", "Problem", "m_query", "query", "instruction", "prompt",
    "input", "question_text", "problem_text",
)  # fmt: skip
GOLD_NAMES = (
    "gold", "answer", "Answer", "final_answer", "expected_answer", "answer_number", "golden",
    "target", "label", "response",
)  # fmt: skip
LANGUAGE_NAMES = ("language", "lang", "dialect")

FIELDS = ("question", "answer", "id", "language", "item", "kind", "translations", "choices")
"""Fields of ours that a user may name."""


def first_name(fields: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Return the first of ``names`` whose field is not null, None without one."""
    return next((name for name in names if fields.get(name) is not None), None)


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
