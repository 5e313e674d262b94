"""Problems and their plans, in SQLite, with the paths that the plans name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from clc.errors import ConfigurationError, StoreError
from clc.input_files import is_text
from clc.runs.codec import lost_path, read_plan, read_problem, write_plan
from clc.runs.completion_store import CompletionStore
from clc.runs.protocol import Finished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clc.plan import Plan
    from clc.records import Problem

__all__ = ["ProblemStore"]

_SPAN = 128  # problems that are read at once


class ProblemStore(CompletionStore):
    """The problems of a run's SQLite file, and their plans under a label.

    Args:
        folder: the run folder, made if missing; None keeps everything in memory.
        read_only: open what is there, take no lock and write nothing.

    Attributes:
        folder: the run folder.
        label: of the plans; '' is that of a single run.

    Raises:
        StoreError: see ``Database``.
    """

    def __init__(self, folder: Path | None, *, read_only: bool) -> None:
        self.folder = folder
        self.label = ""
        super().__init__(folder, read_only=read_only)

    def add_problem(self, position: int, problem: Problem) -> None:
        """Store a problem at its place in the file (0-based).

        Raises:
            ConfigurationError: another problem has this place or this id, or this one cannot be
                written as JSON.
        """
        try:
            data = orjson.dumps(problem)
        except orjson.JSONEncodeError as error:
            raise ConfigurationError(
                f"problem {problem.id!r} cannot be written as JSON: {error}"
            ) from error
        if self._database.insert("problems", (position, problem.id, data)):
            return
        rows = self._database.rows("problems", "WHERE position = ?", (position,))
        row = next(((row[1], row[2]) for row in rows), None)
        if row == (problem.id, data):
            return
        if row is None:
            found = "is at another place in the store (or twice in the input)"
        elif row[0] == problem.id:
            found = "reads otherwise in the store"
        else:
            found = f"stands where the store has {row[0]!r}"
        raise ConfigurationError(
            f"{self.folder or 'run'}: problem {problem.id!r} (number {position + 1} of the input) "
            f"{found}; give the same problems with distinct ids, or another run folder"
        )

    def problems(self, span: tuple[int, int] | None = None) -> Iterator[Problem]:
        """Yield all problems, or those of a span, in the order of their file, lazily."""
        where = "" if span is None else "WHERE position BETWEEN ? AND ? "
        for row in self._database.rows("problems", f"{where}ORDER BY position", span or ()):
            yield self._read("problems", row, read_problem, row[2])

    def problem(self, problem_id: str) -> Problem | None:
        """Return one problem by its id."""
        if not is_text(problem_id):
            return None
        for row in self._database.rows("problems", "WHERE id = ?", (problem_id,)):
            return self._read("problems", row, read_problem, row[2])
        return None

    def set_plan(self, problem_id: str, plan: Plan) -> None:
        """Store the plan of a problem; a later plan replaces an earlier one."""
        self._database.insert("plans", (self.label, problem_id, write_plan(plan)), replace=True)

    def plan(self, problem_id: str) -> Plan | None:
        """Return the plan of a problem, or None when there is none yet."""
        where = "WHERE label = ? AND problem_id = ?"
        for row in self._database.rows("plans", where, (self.label, problem_id)):
            return self._read("plans", row, read_plan, row[2])
        return None

    def started(self) -> int:
        """Number of problems that were started, done or not."""
        return self.count("problems")

    def done(self) -> int:
        """Number of problems that are done: each planned path is stored or known to be lost."""
        done = 0
        where = "WHERE label = ? AND problem_id IN (SELECT id FROM problems)"
        for row in self._database.rows("plans", where, (self.label,)):
            keys = set(self._read("plans", row, read_plan, row[2]).keys())
            done += len(self.present(keys)) == len(keys)
        return done

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield the first and the last place of consecutive problems."""
        end = self._database.one("SELECT max(position) FROM problems")
        for first in range(0, end[0] + 1 if end and end[0] is not None else 0, _SPAN):
            yield first, first + _SPAN - 1

    def _finished(self, problem: Problem) -> Finished | None:
        try:
            plan = self.plan(problem.id)
            if plan is None:
                return None
            keys = plan.keys()
            paths = self.paths(keys)
            missing = [key for key in keys if key not in paths]
            lost = self.failures(missing)
        except StoreError as error:
            raise StoreError(f"problem {problem.id!r:.60}: {error}") from error
        if len(lost) < len(missing):
            return None
        paths.update((key, lost_path(key, why)) for key, why in lost.items())
        return Finished(problem, plan, paths)
