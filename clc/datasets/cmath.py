"""CMATH: ``golden`` answers to Chinese questions in ``question`` or ``input``, and its distractors.

A distractor row is its ``original`` with irrelevant sentences added; rows of one original are one
item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.datasets.rows import Defaults, SourceRow, make_problem
from clc.records import content_key

if TYPE_CHECKING:
    from clc.records import Problem

__all__ = ["cmath_problem"]


def cmath_problem(row: SourceRow, defaults: Defaults) -> Problem:
    """Make a problem of a CMATH row (``grade``, ``reasoning_step``, ``num_digits`` are kept).

    >>> from clc.datasets.source import Place
    >>> from clc.datasets.set_names import SetName
    >>> fields = {"input": "3只猫和4只猫一共几只？", "golden": "7", "grade": 1}
    >>> row = SourceRow(Place("c.jsonl", 1), 0, fields)
    >>> problem = cmath_problem(row, Defaults(SetName("c", None)))
    >>> problem.id, problem.language, problem.gold, problem.metadata["grade"]
    ('c-000', 'zh', '7', 1)
    """
    original = row.fields.get("original")
    item = None
    if isinstance(original, str):
        item = f"{defaults.named.set}-{content_key('item', original.strip())[:12]}"
    question = (
        "input" if row.fields.get("question") is None and "input" in row.fields else "question"
    )
    return make_problem(
        row, defaults, question=question, gold="golden", item=item, numeric=True, chinese=True
    )
