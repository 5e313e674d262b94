"""The paths of one problem in memory, before they become one row of a shard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.runs.codec import TABLES, path_row, prompt_row, read_path, read_step, step_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.plan import Plan
    from clc.records import Problem, Prompt, ReasoningPath, Step

__all__ = ["MemoryStore"]


class MemoryStore:
    """A store for one problem: a dict for each table, since opening SQLite takes 0.4 ms.

    Args:
        drawn: earlier rows by table, as ``drawn`` returns them.
    """

    def __init__(self, drawn: Mapping[str, Sequence[Sequence[Any]]] | None = None) -> None:
        self._rows: dict[str, dict[str, Sequence[Any]]] = {
            table: {row[0]: row for row in (drawn or {}).get(table, ())} for table in TABLES
        }
        self.problem: Problem | None = None
        self.plan: Plan | None = None

    def drawn(self) -> dict[str, list[Sequence[Any]]]:
        """Return all rows by table, with the columns of ``clc.runs.codec.TABLES``."""
        return {table: list(rows.values()) for table, rows in self._rows.items()}

    def add_problem(self, position: int, problem: Problem) -> None:  # noqa: ARG002 - one problem has no order
        """Keep the problem."""
        self.problem = problem

    def set_plan(self, problem_id: str, plan: Plan) -> None:  # noqa: ARG002 - there is one problem
        """Keep the plan."""
        self.plan = plan

    def add_prompt(self, prompt: Prompt) -> None:
        """Keep a prompt, unless its key is taken."""
        self._add("prompts", prompt_row(prompt))

    def add_path(self, path: ReasoningPath) -> None:
        """Keep a path, unless its key is taken, and drop a failure under its key."""
        self._add("paths", path_row(path))
        self.forget_failure(path.key)

    def paths(self, keys: Sequence[str]) -> dict[str, ReasoningPath]:
        """Return the stored paths among ``keys``, by key."""
        rows = self._rows["paths"]
        return {key: read_path(rows[key]) for key in keys if key in rows}

    def add_failure(self, key: str, reason: str) -> None:
        """Keep the reason why a path or step was lost."""
        self._rows["failures"][key] = (key, reason)

    def forget_failure(self, key: str) -> None:
        """Drop the failure under ``key``."""
        self._rows["failures"].pop(key, None)

    def add_step(self, key: str, step: Step) -> None:
        """Keep a step, unless its key is taken, and drop a failure under its key."""
        self._add("steps", step_row(key, step))
        self.forget_failure(key)

    def step(self, key: str) -> Step | None:
        """Return a step by its key, or None."""
        row = self._rows["steps"].get(key)
        return None if row is None else read_step(*row)

    def commit(self) -> None:
        """Do nothing: the row is written with its shard."""

    def _add(self, table: str, row: Sequence[Any]) -> None:
        self._rows[table].setdefault(row[0], row)
