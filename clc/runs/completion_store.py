"""Completions of engines, in SQLite by content key: prompts, paths, steps and failures."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from clc.runs.codec import path_row, prompt_row, read_path, read_prompt, read_step, step_row
from clc.runs.database import Database
from clc.runs.database_errors import damage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from clc.records import Prompt, ReasoningPath, Step

__all__ = ["CompletionStore"]

_T = TypeVar("_T")


class CompletionStore:
    """The completions of a run's SQLite file, and the prompts that they complete.

    Args:
        folder: the run folder, made if missing; None keeps everything in memory.
        read_only: open what is there, take no lock and write nothing.

    Raises:
        StoreError: see ``Database``.
    """

    def __init__(self, folder: Path | None, *, read_only: bool) -> None:
        self._database = Database(folder, read_only=read_only)
        self._file = None if folder is None else folder / "run.sqlite"

    def add_prompt(self, prompt: Prompt) -> None:
        """Store a prompt; one that is there stays."""
        self._database.insert("prompts", prompt_row(prompt))

    def prompts(self, keys: Sequence[str]) -> dict[str, Prompt]:
        """Return those of ``keys`` that are stored, by key."""
        rows = self._by_key("prompts", keys)
        prompts = {row[0]: self._read("prompts", row, read_prompt, *row) for row in rows}
        if len(prompts) < len(set(keys)):
            self._database.check_structure()
        return prompts

    def add_path(self, path: ReasoningPath) -> None:
        """Store a path. A path that is there is never changed; a failure under its key goes."""
        self._database.insert("paths", path_row(path))
        self.forget_failure(path.key)

    def paths(self, keys: Sequence[str]) -> dict[str, ReasoningPath]:
        """Return those of ``keys`` that are stored, by key."""
        paths: dict[str, ReasoningPath] = {}
        for row in self._by_key("paths", keys):
            try:
                paths[row[0]] = read_path(row)
            except ValueError as error:
                raise damage(self._file, str(error), "paths", row) from error
        return paths

    def add_failure(self, key: str, reason: str) -> None:
        """Store why a path or step was lost; it may be sampled again."""
        self._database.may_have_failures = True
        self._database.insert("failures", (key, reason), replace=True)

    def forget_failure(self, key: str) -> None:
        """Drop the failure of a path that is not wanted any more."""
        if self._database.may_have_failures:
            self._database.write("DELETE FROM failures WHERE key = ?", (key,))

    def failures(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the reasons of those of ``keys`` that were lost, by key."""
        return dict(self._by_key("failures", keys))

    def commonest_failure(self) -> str | None:
        """Return the commonest reason of the paths and steps that were lost, if there are any."""
        sql = "SELECT reason FROM failures GROUP BY reason ORDER BY count(*) DESC, reason LIMIT 1"
        row = self._database.one(sql)
        return None if row is None else row[0]

    def add_step(self, key: str, step: Step) -> None:
        """Store a step; one that is there stays; a failure under its key goes."""
        self._database.insert("steps", step_row(key, step))
        self.forget_failure(key)

    def step(self, key: str) -> Step | None:
        """Return one step by its key."""
        for row in self._database.rows("steps", "WHERE key = ?", (key,)):
            return self._read("steps", row, read_step, *row)
        return None

    def cost(self) -> float:
        """Return what the stored paths and steps cost, as far as it is known."""
        sql = "SELECT total(cost) FROM (SELECT cost FROM paths UNION ALL SELECT cost FROM steps)"
        row = self._database.one(sql)
        return 0.0 if row is None else float(row[0])

    def present(self, keys: Iterable[str]) -> set[str]:
        """Return those of ``keys`` that are stored or known to be lost."""
        found: set[str] = set()
        for chunk in _chunks(list(keys)):
            marks = ",".join("?" * len(chunk))
            sql = (
                f"SELECT key FROM paths WHERE key IN ({marks}) UNION "  # noqa: S608
                f"SELECT key FROM failures WHERE key IN ({marks})"
            )
            found.update(key for (key,) in self._database.all(sql, [*chunk, *chunk]))
        return found

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        tables = ("problems", "plans", "prompts", "paths", "steps", "failures")
        return {name: self.count(name) for name in tables}

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        # An index may be damaged.
        row = self._database.one(f"SELECT count(*) FROM {table} NOT INDEXED")  # noqa: S608
        return row[0] if row else 0

    def _by_key(self, table: str, keys: Sequence[str]) -> Iterator[Any]:
        return chain.from_iterable(
            self._database.rows(table, f"WHERE key IN ({','.join('?' * len(chunk))})", chunk)
            for chunk in _chunks(keys)
        )

    def _read(self, table: str, row: Sequence[Any], reader: Callable[..., _T], *values: Any) -> _T:
        """Read the record of a row.

        Raises:
            StoreError: the row holds something else.
        """
        try:
            return reader(*values)
        except ValueError as error:
            raise damage(self._file, str(error), table, row) from error


def _chunks(keys: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
