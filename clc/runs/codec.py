"""Rows of what engines produced, for every store that keeps them: SQLite, shards, the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from clc.plan import ArmRecord, Plan
from clc.records import Confidence, Problem, Prompt, ReasoningPath, Step, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DRAWN",
    "lost_path",
    "path_row",
    "prompt_row",
    "read_path",
    "read_plan",
    "read_problem",
    "read_prompt",
    "read_step",
    "step_row",
    "write_plan",
]

# Columns by table.
DRAWN: Mapping[str, tuple[str, ...]] = {
    "prompts": ("key", "language", "template", "template_hash", "messages"),
    "paths": (
        "key",
        "prompt_key",
        "language",
        "idx",
        "seed",
        "text",
        "finish_reason",
        "prompt_tokens",
        "completion_tokens",
        "confidence",
    ),
    "steps": (
        "key",
        "kind",
        "language",
        "text",
        "finish_reason",
        "prompt_tokens",
        "completion_tokens",
    ),
    "failures": ("key", "reason"),
}


def lost_path(key: str, why: str) -> ReasoningPath:
    """Make the path that stands for one that was lost."""
    return ReasoningPath(key, "", "", 0, 0, "", "error", error=why)


def write_plan(plan: Plan) -> bytes:
    """Write a plan as JSON, as stores keep it."""
    return orjson.dumps([list(map(list, plan.arms)), plan.order, plan.usage, plan.details])


def read_plan(data: bytes | str) -> Plan:
    """Read what ``write_plan`` wrote."""
    arms, order, usage, details = orjson.loads(data)
    planned = [_planned_paths(*arm) for arm in arms]
    return Plan(tuple(planned), tuple(order), Usage(**usage), details)


def read_problem(data: bytes | str) -> Problem:
    """Read a problem from its JSON."""
    values = orjson.loads(data)
    return Problem(**{**values, "context": tuple(values.get("context", ()))})


def read_prompt(
    key: str, language: str, template: str, template_hash: str, messages: bytes | str
) -> Prompt:
    """Make a prompt of its row."""
    return Prompt(key, tuple(orjson.loads(messages)), language, template, template_hash)


def read_path(*row: Any) -> ReasoningPath:
    """Make a path of its row, whose columns are those of ``DRAWN``."""
    key, prompt_key, language, index, seed, text, finish, *spent, confidence = row
    measured = None if confidence is None else Confidence(**orjson.loads(confidence))
    return ReasoningPath(
        key, prompt_key, language, index, seed, text, finish, Usage(*spent), measured
    )


def read_step(*row: Any) -> Step:
    """Make a step of its row without the key."""
    kind, language, text, finish_reason, *spent = row
    return Step(kind, language, text, finish_reason, Usage(*spent))


def prompt_row(prompt: Prompt) -> tuple[Any, ...]:
    """Make the row of a prompt, whose columns are those of ``DRAWN``."""
    messages = orjson.dumps(prompt.messages)
    return prompt.key, prompt.language, prompt.template, prompt.template_hash, messages


def path_row(path: ReasoningPath) -> tuple[Any, ...]:
    """Make the row of a path, whose columns are those of ``DRAWN``."""
    return (
        path.key,
        path.prompt_key,
        path.language,
        path.index,
        path.seed,
        path.text,
        path.finish_reason,
        path.usage.prompt_tokens,
        path.usage.completion_tokens,
        None if path.confidence is None else orjson.dumps(path.confidence),
    )


def step_row(key: str, step: Step) -> tuple[Any, ...]:
    """Make the row of a step, whose columns are those of ``DRAWN``."""
    *fields, usage = step
    return (key, *fields, usage.prompt_tokens, usage.completion_tokens)


def _planned_paths(*values: Any) -> ArmRecord:
    made = ArmRecord(*values)
    return made._replace(translation_usage=Usage(**values[6]))
