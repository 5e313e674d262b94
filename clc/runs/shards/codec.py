"""One problem to one row of a shard, and back."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.runs.checks import check_plan, check_problem
from clc.runs.codec import TABLES, lost_path, read_path, read_plan, read_problem, write_plan
from clc.runs.protocol import Finished

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.plan import Plan
    from clc.records import Problem, Verdict

__all__ = ["ShardRow", "read_row", "shard_schema", "table_of"]

_NUMBERS = frozenset({"idx", "seed", "prompt_tokens", "completion_tokens", "reasoning_tokens"})


class ShardRow(NamedTuple):
    """One problem with all that was sampled for it.

    ``position`` is its number in the file (0-based), ``key`` the content key of the whole record,
    ``budget`` the paths that it was given, ``drawn`` rows by table, with the columns of
    ``clc.runs.codec.TABLES``. A problem that could not be solved has no plan; ``set_aside`` is the
    reason. ``grown`` is how often the run's limits of tokens had grown before.
    """

    position: int
    key: str
    budget: int
    problem: Problem
    plan: Plan | None
    drawn: Mapping[str, Sequence[Sequence[Any]]]
    verdict: Verdict | None = None
    set_aside: str | None = None
    grown: int = 0

    @property
    def progress(self) -> tuple[int, int, bool, int]:
        """Progress of the row: of two rows of a problem, the one further on counts."""
        return self.grown, self.budget, self.plan is not None, -self.lost

    @property
    def lost(self) -> int:
        """Paths and steps that were lost; they may be sampled again."""
        return len(self.drawn["failures"])

    @property
    def has_samples(self) -> bool:
        """Whether something was sampled for the problem."""
        return bool(self.drawn["paths"] or self.drawn["steps"])

    def finished(self) -> Finished | None:
        """The problem as a run gives it; None where it was set aside."""
        if self.plan is None:
            return None
        wanted = set(self.plan.keys())
        paths = {row[0]: read_path(row) for row in self.drawn["paths"] if row[0] in wanted}
        for key, why in self.drawn["failures"]:
            if key in wanted:
                paths.setdefault(key, lost_path(key, why))
        return Finished(self.problem, self.plan, paths) if len(paths) == len(wanted) else None


def table_of(rows: Sequence[ShardRow]) -> Any:
    """Make an Arrow table, one row a problem; see ``clc.runs.shards``."""
    import pyarrow as pa

    verdicts = [row.verdict for row in rows]
    columns: dict[str, Any] = {
        "position": pa.array([row.position for row in rows], pa.int64()),
        "id": pa.array([row.problem.id for row in rows], pa.string()),
        "key": pa.array([bytes.fromhex(row.key) for row in rows], pa.binary(16)),
        "language": pa.array([row.problem.language for row in rows], pa.string()),
        "answer": pa.array([one and one.answer for one in verdicts], pa.string()),
        "agreement": pa.array([one and one.agreement for one in verdicts], pa.float64()),
        "tied": pa.array([one and one.tied for one in verdicts], pa.bool_()),
        "budget": pa.array([row.budget for row in rows], pa.int64()),
        "lost": pa.array([row.lost for row in rows], pa.int64()),
        "set_aside": pa.array([row.set_aside for row in rows], pa.string()),
        "grown": pa.array([row.grown for row in rows], pa.int64()),
        "problem": pa.array([orjson.dumps(row.problem) for row in rows], pa.string()),
        "plan": pa.array([row.plan and write_plan(row.plan) for row in rows], pa.string()),
    }
    for table, names in TABLES.items():
        lists = [row.drawn[table] for row in rows]
        flat = list(zip(*chain.from_iterable(lists), strict=True)) or [()] * len(names)
        fields = [_column(pa, name, values) for name, values in zip(names, flat, strict=True)]
        offsets = pa.array(accumulate(map(len, lists), initial=0), pa.int32())
        structs = pa.StructArray.from_arrays(fields, names=names)
        columns[table] = pa.ListArray.from_arrays(offsets, structs)
    return pa.table(columns)


@lru_cache(maxsize=1)
def shard_schema() -> Any:
    """Return the Arrow schema of a shard."""
    return table_of([]).schema


def _column(pa: Any, name: str, values: Sequence[Any]) -> Any:
    if name == "closed":
        return pa.array([None if value is None else bool(value) for value in values], pa.bool_())
    if name == "cost":
        return pa.array(values, pa.float64())
    return pa.array(values, pa.int64() if name in _NUMBERS else pa.string())


def read_row(values: Mapping[str, Any]) -> ShardRow:
    """Make a row of what Arrow gives for it.

    Raises:
        ValueError: its JSON is of something else.
    """
    plan = None if values["plan"] is None else read_plan(values["plan"])
    problem = read_problem(values["problem"])
    check_problem(problem)
    if plan is not None:
        check_plan(plan)
    drawn = {
        table: [tuple(one[name] for name in names if name in one) for one in values[table]]
        for table, names in TABLES.items()
    }
    return ShardRow(
        values["position"],
        values["key"].hex(),
        values["budget"],
        problem,
        plan,
        drawn,
        set_aside=values["set_aside"],
        grown=values["grown"],
    )
