"""JSON Lines and JSON arrays of problems, with the fields of MGSM, CMATH or the general ones.

General fields: ``question``, and optionally ``id``, ``language``, ``answer`` or ``gold``,
``translations``, ``item`` (shared by rows that ask the same) and ``kind`` (number, choice or
latex); other usual names of question and answer are known, see ``clc.datasets.field_names``.
Every other field is kept as metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from clc.answers import extract_answer
from clc.datasets import cmath, mgsm
from clc.datasets.field_names import GOLD_NAMES, QUESTION_NAMES, first_name, rename, usual_names
from clc.datasets.json_values import TOO_DEEP, NestedTooDeepError, parse_json
from clc.datasets.rows import Defaults, SourceRow, make_problem
from clc.datasets.source import Place, RawSource, read_whole, text_lines
from clc.input_files import MOST_LEVELS, nested_deeper
from clc.records import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.records import Problem

__all__ = ["array_rows", "line_rows", "problem_from_row"]

_GOLDS = (
    "gold", "answer", "final_answer", "expected_answer", "ground_truth", "correct_answer",
    "gold_answer", "reference_answer", "final_ans",
)  # fmt: skip
_WORKED_ANSWER = "####"  # GSM8K: the reasoning, then "#### 18"


def line_rows(source: RawSource) -> Iterator[SourceRow]:
    """Read one object a line; blank lines are skipped.

    Raises:
        DatasetError: a line that is not JSON, or not an object.
    """
    index = 0
    for place, line in text_lines(source):
        if not line:
            continue
        try:
            value = parse_json(line.encode(), halves=False)
        except NestedTooDeepError as error:
            raise place.error(TOO_DEEP) from error
        except ValueError as error:
            raise place.error(f"{_broken(error)}: {line!r:.60}; write one object a line") from error
        yield _row(place, index, value, line)
        index += 1


def array_rows(source: RawSource) -> Iterator[SourceRow]:
    """Read a JSON array of objects; it is read whole.

    Raises:
        DatasetError: it is not JSON, not UTF-8, or an element is not an object.
    """
    content = read_whole(source).getvalue().removeprefix(b"\xef\xbb\xbf")
    try:
        values = parse_json(content, halves=False)
    except ValueError as error:
        place = Place(source.name, getattr(error, "lineno", None))
        raise place.error(_broken(error)) from error
    if not isinstance(values, list):
        raise Place(source.name).error("not an array; write [ and ] around the objects")
    for index, value in enumerate(values):
        yield _row(Place(source.name, row=index + 1), index, value, None)


def _broken(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"broken JSON at column {error.colno} ({error.msg})"
    return f"broken JSON ({error})"


def _row(place: Place, index: int, value: object, raw: str | None) -> SourceRow:
    if nested_deeper(value, MOST_LEVELS):
        raise place.error(TOO_DEEP)
    if not isinstance(value, Mapping):
        shown = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        raise place.error(f'{shown:.60} is not an object; write {{"question": …}}')
    return SourceRow(place, index, value, raw)


def problem_from_row(row: SourceRow, defaults: Defaults) -> Problem:
    """Make the problem of a row by its fields: CMATH's, MGSM's or the general ones."""
    row = rename(row, defaults.fields)
    row = row._replace(fields=usual_names(row.fields))
    if "golden" in row.fields:
        return cmath.cmath_problem(row, defaults)
    if "answer_number" in row.fields:
        return mgsm.mgsm_problem(row, defaults)
    fields = row.fields
    question = first_name(fields, QUESTION_NAMES) or "question"
    # Names of many meanings give a gold only beside a question that has no name of ours, either.
    golds = _GOLDS if question == "question" else GOLD_NAMES
    gold = first_name(fields, golds) or "answer"
    answer = fields.get(gold)
    if question == "instruction" and isinstance(fields.get("input"), str):  # Alpaca
        both = (str(fields[question]).strip(), fields["input"].strip())
        fields = {**fields, question: "\n\n".join(filter(None, both))}
        fields.pop("input")
        row = row._replace(fields=fields)
    if isinstance(answer, str) and _WORKED_ANSWER in answer:
        worked = {**fields, "gold": answer.rpartition(_WORKED_ANSWER)[2], "worked_answer": answer}
        if gold != "gold":
            worked.pop(gold, None)
        row, gold = row._replace(fields=worked), "gold"
    elif answer is None and (value := _solved(fields.get("solution"))) is not None:
        row, gold = row._replace(fields={**fields, "gold": value}), "gold"
    return make_problem(row, defaults, question=question, gold=gold)


def _solved(solution: object) -> str | None:
    """Return the boxed value of a worked solution (MATH), None without one."""
    if not isinstance(solution, str) or "\\boxed" not in solution:
        return None
    outcome = extract_answer(solution, "en")
    return outcome.value if isinstance(outcome, Answer) else None
