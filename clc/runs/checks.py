"""Checks of rows that have no checksum: of an earlier version, or written by somebody else."""

from __future__ import annotations

from collections import Counter
from types import NoneType
from typing import TYPE_CHECKING, Any

from clc.plan import ArmRecord
from clc.records import Usage
from clc.runs.codec import read_path, read_plan, read_problem, read_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.plan import Plan
    from clc.records import Problem

__all__ = ["MAY_BE_NULL", "check_plan", "check_problem", "check_row", "check_types"]

MAY_BE_NULL: Mapping[str, tuple[type, ...]] = {
    "confidence": (bytes, str),
    "closed": (int,),
    "cost": (float, int),
}
_NUMBERS = frozenset(
    {"position", "idx", "seed", "prompt_tokens", "completion_tokens", "reasoning_tokens"}
)
_BLOBS = frozenset({"data", "messages"})
_NO_STOP: Mapping[str, Any] = {"rule": "", "paths": 0}
_ARM_TYPES: tuple[tuple[type, ...], ...] = (
    (str,),
    (str, NoneType),
    (int,),
    (int,),
    (int,),
    (str, NoneType),
    (Usage,),
    (str, NoneType),
    (float, int),
    (float, int, NoneType),
    (str, NoneType),
    (str, NoneType),
    (int,),
    (str,),
)
"""Types of the fields of ``ArmRecord``."""


def check_row(table: str, columns: Sequence[str], row: Sequence[Any]) -> None:
    """Check the types of a row, and what its JSON holds.

    Raises:
        ValueError: a value is not what clc writes.
    """
    check_types(columns, row)
    if table == "problems":
        check_problem(read_problem(row[2]))
    elif table == "plans":
        check_plan(read_plan(row[2]))
    elif table == "prompts":
        _check_messages(read_prompt(*row).messages)
    elif table == "paths" and (confidence := read_path(row).confidence) is not None:
        for name in ("mean", "tail", "lowest_group", "logprob"):
            value = getattr(confidence, name)
            _expect(name, value, isinstance(value, float | int))


def check_types(columns: Sequence[str], row: Sequence[Any]) -> None:
    """Check the types of a row's values.

    Raises:
        ValueError: a value has another type than its column.
    """
    for column, value in zip(columns, row, strict=False):
        if column in MAY_BE_NULL:
            fits = value is None or isinstance(value, MAY_BE_NULL[column])
        elif column in _NUMBERS:
            fits = isinstance(value, int)
        else:
            fits = isinstance(value, (bytes, str) if column in _BLOBS else str)
        _expect(f"its {column}", value, fits)


def check_problem(problem: Problem) -> None:
    """Check the types of a problem.

    Raises:
        ValueError: a field has another type.
    """
    for name in ("id", "question", "language"):
        _expect(name, value := getattr(problem, name), isinstance(value, str))
    _expect("gold", problem.gold, isinstance(problem.gold, str | None))
    _expect("metadata", problem.metadata, isinstance(problem.metadata, dict))
    kind = problem.metadata.get("kind")
    _expect("kind", kind, isinstance(kind, str | None))
    translations = problem.translations
    fits = isinstance(translations, dict) and set(map(type, translations.values())) <= {str}
    _expect("translations", translations, fits)
    _check_messages(problem.context)


def check_plan(plan: Plan) -> None:
    """Check the types of a plan, and that its order names paths of its arms.

    Raises:
        ValueError: it is no plan of clc.
    """
    for arm in plan.arms:
        for name, wanted, value in zip(ArmRecord._fields, _ARM_TYPES, arm, strict=True):
            _expect(name, value, type(value) in wanted)
        _check_usage(arm.translation_usage)
    _check_usage(plan.usage)
    _expect("order", plan.order, set(map(type, plan.order)) <= {int})
    for position, paths in Counter(plan.order).items():
        fits = 0 <= position < len(plan.arms) and plan.arms[position].paths >= paths
        _expect("order", plan.order, fits)
    _expect("details", plan.details, isinstance(plan.details, dict))
    stop = plan.details.get("stop", _NO_STOP)
    fits = isinstance(stop, dict) and isinstance(stop.get("rule"), str)
    _expect("stop", stop, fits and isinstance(stop.get("paths"), int))


def _check_usage(usage: Usage) -> None:
    counts = (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens)
    _expect("usage", counts, set(map(type, counts)) <= {int})


def _check_messages(messages: Sequence[Any]) -> None:
    for message in messages:
        fields = message if isinstance(message, dict) else {}
        texts = [fields.get("role"), fields.get("content")]
        _expect("message", message, all(isinstance(one, str) for one in texts))


def _expect(name: str, value: object, fits: bool) -> None:  # noqa: FBT001
    if not fits:
        raise ValueError(f"{name} is {value!r:.60}")
