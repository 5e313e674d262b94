"""JSON Lines and JSON arrays of problems: any set's fields, or our own.

Our own: ``question``, and optionally ``id``, ``language``, ``answer`` or ``gold``,
``translations``, ``item`` (what rows that ask the same share) and ``kind`` (number, choice or
latex). Every other field is kept as metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from clc.datasets import cmath, mgsm
from clc.datasets.fields import Defaults, Row, make_problem
from clc.datasets.source import Place, Source, text_lines, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.records import Problem

__all__ = ["array_rows", "fields_problem", "line_rows"]

_WORKED_ANSWER = "####"  # GSM8K: the reasoning, then "#### 18"


def line_rows(source: Source) -> Iterator[Row]:
    """Read one object a line; blank lines are skipped.

    Raises:
        DatasetError: a line that is not JSON, or not an object.
    """
    index = 0
    for place, line in text_lines(source):
        if not line:
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise place.error(
                f"broken JSON at column {error.colno} ({error.msg}): {line!r:.60}; "
                "write one object a line"
            ) from error
        yield _row(place, index, value, line)
        index += 1


def array_rows(source: Source) -> Iterator[Row]:
    """Read a JSON array of objects; it is read whole.

    Raises:
        DatasetError: it is not JSON, not UTF-8, or an element is not an object.
    """
    content = whole(source).getvalue().removeprefix(b"\xef\xbb\xbf")
    try:
        values = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        place = Place(source.name, error.lineno)
        raise place.error(f"broken JSON at column {error.colno} ({error.msg})") from error
    if not isinstance(values, list):
        raise Place(source.name).error("not an array; write [ and ] around the objects")
    for index, value in enumerate(values):
        yield _row(Place(source.name, row=index + 1), index, value, None)


def _row(place: Place, index: int, value: object, raw: str | None) -> Row:
    if not isinstance(value, Mapping):
        shown = orjson.dumps(value).decode()
        raise place.error(f'{shown:.60} is not an object; write {{"question": …}}')
    return Row(place, index, value, raw)


def fields_problem(row: Row, defaults: Defaults) -> Problem:
    """Make the problem of a row by the fields that it has: CMATH's, MGSM's or our own."""
    if "golden" in row.fields:
        return cmath.fields_problem(row, defaults)
    if "answer_number" in row.fields:
        return mgsm.fields_problem(row, defaults)
    gold = "answer" if row.fields.get("gold") is None else "gold"
    answer = row.fields.get(gold)
    if isinstance(answer, str) and _WORKED_ANSWER in answer:
        value = answer.rpartition(_WORKED_ANSWER)[2]
        worked = {**row.fields, "gold": value, "worked_answer": answer}
        worked.pop("answer", None)
        return make_problem(row._replace(fields=worked), defaults, gold="gold")
    return make_problem(row, defaults, gold=gold)
