"""Rows of what engines produced, for every store that keeps them: SQLite and shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson

from clc.errors import StoreError
from clc.plan import ArmRecord, Plan
from clc.records import Confidence, Problem, Prompt, ReasoningPath, Step, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ADDED",
    "FORMAT",
    "READ_FORMATS",
    "TABLES",
    "check_format",
    "checksum",
    "lost_path",
    "path_row",
    "prompt_row",
    "read_path",
    "read_plan",
    "read_problem",
    "read_prompt",
    "read_step",
    "step_row",
    "without_surrogates",
    "write_plan",
]

FORMAT = 3
READ_FORMATS = (2, FORMAT)

TABLES: Mapping[str, tuple[str, ...]] = {
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
        "thought",
        "closed",
        "reasoning_tokens",
        "cost",
    ),
    "steps": (
        "key",
        "kind",
        "language",
        "text",
        "finish_reason",
        "prompt_tokens",
        "completion_tokens",
        "thought",
        "closed",
        "reasoning_tokens",
        "cost",
    ),
    "failures": ("key", "reason"),
}
"""Columns of what engines produced, by table. Rows of format 2 end before ``thought``, and those of
an early format 3 before ``cost``."""


def check_format(written: object, where: object, *, read_only: bool) -> None:
    """Check that a run of format ``written`` can be read or, unless ``read_only``, resumed.

    Raises:
        StoreError: it cannot.
    """
    if written == FORMAT or (read_only and written in READ_FORMATS):
        return
    if written in READ_FORMATS:
        raise StoreError(
            f"{where}: written in format {written} by an older clc; clc score, vote, show and "
            "report read it; to sample more, choose another run folder (translations come from the "
            "cache)"
        )
    raise StoreError(
        f"{where}: the store has format {written}, and this clc reads formats "
        f"{' and '.join(map(str, READ_FORMATS))}; use the clc that wrote it (see manifest.json)"
    )


_NO_THOUGHT = ("", None, 0, None)  # and no cost
_PATH_COLUMNS = len(TABLES["paths"])
_WRONG = (ValueError, TypeError, AttributeError, KeyError, IndexError)  # of JSON of another shape
ADDED = frozenset({"thought", "closed", "reasoning_tokens", "cost"})
"""Columns that older runs lack."""


def checksum(row: Sequence[Any]) -> int:
    """Return the checksum of a row: the CRC-32 of its values as JSON.

    >>> checksum(["a", 1]) == checksum(["a", "1"])
    False
    """
    return crc32(orjson.dumps(row, default=_blob))


def _blob(value: bytes) -> list[str]:
    return [value.decode("utf-8", "backslashreplace")]


def without_surrogates(row: Sequence[Any]) -> Sequence[Any]:
    """Return a row with "?" in place of lone surrogates, which UTF-8 does not have."""
    return tuple(
        value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for value in row
    )


def lost_path(key: str, why: str) -> ReasoningPath:
    """Make the path that stands for one that was lost."""
    return ReasoningPath(key, "", "", 0, 0, "", "error", error=why)


def write_plan(plan: Plan) -> bytes:
    """Write a plan as JSON, as stores keep it."""
    arms = [list(arm if arm.engine else arm[:-1]) for arm in plan.arms]
    return orjson.dumps([arms, plan.order, plan.usage, plan.details])


def read_plan(data: bytes | str) -> Plan:
    """Read what ``write_plan`` wrote.

    Raises:
        ValueError: it is not what ``write_plan`` writes.
    """
    try:
        arms, order, usage, details = orjson.loads(data)
        return Plan(tuple(_read_arm(*arm) for arm in arms), tuple(order), Usage(**usage), details)
    except _WRONG as error:
        raise ValueError(f"not a plan: {error!s:.120}") from error


def read_problem(data: bytes | str) -> Problem:
    """Read a problem from its JSON.

    Raises:
        ValueError: it is no problem.
    """
    try:
        values = orjson.loads(data)
        return Problem(**{**values, "context": tuple(values.get("context", ()))})
    except _WRONG as error:
        raise ValueError(f"not a problem: {error!s:.120}") from error


def read_prompt(
    key: str, language: str, template: str, template_hash: str, messages: bytes | str
) -> Prompt:
    """Make a prompt of its row.

    Raises:
        ValueError: ``messages`` is not JSON of a list.
    """
    try:
        return Prompt(key, tuple(orjson.loads(messages)), language, template, template_hash)
    except _WRONG as error:
        raise ValueError(f"not a prompt: {error!s:.120}") from error


def _last(values: Sequence[Any]) -> Sequence[Any]:
    """Return the last values of a row; older rows have fewer."""
    return [*values, *_NO_THOUGHT[len(values) :]]


def read_path(row: Sequence[Any]) -> ReasoningPath:
    """Make a path of its row, whose columns are those of ``TABLES``.

    Raises:
        ValueError: its confidence is not what ``path_row`` writes.
    """
    if len(row) < _PATH_COLUMNS:
        row = [*row, *_NO_THOUGHT[len(row) - _PATH_COLUMNS :]]
    path: Any = _OpenPath()
    usage: Any = _OpenUsage()
    (path.key, path.prompt_key, path.language, path.index, path.seed, path.text,
     path.finish_reason, usage.prompt_tokens, usage.completion_tokens, confidence, path.thought,
     closed, usage.reasoning_tokens, path.cost) = row  # fmt: skip
    usage.__class__ = Usage
    path.usage = usage
    path.confidence = None if confidence is None else _read_confidence(confidence)
    path.error = None
    path.closed = None if closed is None else bool(closed)
    path.__class__ = ReasoningPath
    whole: ReasoningPath = path
    return whole


class _OpenPath:
    """A path whose fields are being set: a frozen dataclass takes 1 µs to set them, this 0.2."""

    __slots__ = ReasoningPath.__slots__


class _OpenUsage:
    """The usage of a path whose fields are being set."""

    __slots__ = Usage.__slots__


def read_step(*row: Any) -> Step:
    """Make a step of its row, whose columns are those of ``TABLES``."""
    _, kind, language, text, finish, prompt, completion = row[:7]
    thought, closed, reasoning, cost = _last(row[7:])
    closed = None if closed is None else bool(closed)
    usage = Usage(prompt, completion, reasoning)
    return Step(kind, language, text, finish, usage, thought, closed, cost)


def prompt_row(prompt: Prompt) -> tuple[Any, ...]:
    """Make the row of a prompt, whose columns are those of ``TABLES``."""
    messages = orjson.dumps(prompt.messages)
    return prompt.key, prompt.language, prompt.template, prompt.template_hash, messages


def path_row(path: ReasoningPath) -> tuple[Any, ...]:
    """Make the row of a path, whose columns are those of ``TABLES``."""
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
        path.thought,
        None if path.closed is None else int(path.closed),
        path.usage.reasoning_tokens,
        path.cost,
    )


def step_row(key: str, step: Step) -> tuple[Any, ...]:
    """Make the row of a step, whose columns are those of ``TABLES``."""
    usage = step.usage
    return (
        key,
        step.kind,
        step.language,
        step.text,
        step.finish_reason,
        usage.prompt_tokens,
        usage.completion_tokens,
        step.thought,
        None if step.closed is None else int(step.closed),
        usage.reasoning_tokens,
        step.cost,
    )


def _read_arm(*values: Any) -> ArmRecord:
    fields: list[Any] = [*values[:6], Usage(**values[6]), *values[7:]]
    return ArmRecord(*fields)


def _read_confidence(data: bytes | str) -> Confidence:
    try:
        return Confidence(**orjson.loads(data))
    except _WRONG as error:
        raise ValueError(f"not a confidence: {error!s:.120}") from error
