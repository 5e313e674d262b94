"""Rows of PolyMath's output: ``LEVEL/LANGUAGE.jsonl``, see arXiv 2504.18428."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.datasets.generation import (
    Generation,
    content_text,
    identifier,
    missing_response,
    row_language,
)
from clc.datasets.levels import read_level
from clc.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["parse_polymath_row"]


def parse_polymath_row(source: str, line: int, row: Mapping[str, Any]) -> Generation:
    """Return the path of a row.

    Raises:
        DatasetError: it has no number.
    """
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
