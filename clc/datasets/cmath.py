"""CMATH: ``golden`` answers to Chinese questions in ``question`` or ``input``, and its distractors.

A distractor row asks its ``original`` with sentences added that do not matter: rows of one original
are one item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.datasets.fields import Defaults, Row, make_problem
from clc.records import content_key

if TYPE_CHECKING:
    from clc.records import Problem

__all__ = ["fields_problem"]


def fields_problem(row: Row, defaults: Defaults) -> Problem:
    """Read a row with the fields of CMATH (``grade``, ``reasoning_step``, ``num_digits`` are kept).

    >>> from clc.datasets.source import Place
    >>> from clc.datasets.fields import Named
    >>> fields = {"input": "3只猫和4只猫一共几只？", "golden": "7", "grade": 1}
    >>> problem = fields_problem(Row(Place("c.jsonl", 1), 0, fields), Defaults(Named("c", None)))
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
