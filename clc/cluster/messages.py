"""Messages between the reader, the replicas and the driver."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.solving.sampler import Counters, TokenLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clc.engines.base import Engine
    from clc.engines.chat_options import ChatOptions
    from clc.errors import ClcError
    from clc.prices import RunPrices
    from clc.records import Verdict
    from clc.solving.configuration import Configuration, TotalBudget

__all__ = [
    "BATCHES_AT_ONCE",
    "TOTAL_BLOCK",
    "BatchResult",
    "EndOfSource",
    "PendingProblem",
    "ProblemBatch",
    "RunSpec",
    "SetAsideProblem",
    "add_counters",
]


BATCHES_AT_ONCE = 3
"""Of a replica: one ends, one runs, one waits."""
TOTAL_BLOCK = 64
"""Problems that share a part of a total budget, whatever the replicas are."""


@dataclass(frozen=True)
class RunSpec:
    """The settings of a run, the same for every replica.

    ``engine`` and ``translator`` make engines in the process that calls them; see
    ``open_translator`` for other translators. ``prompts`` is a folder of templates that override
    the bundled ones, ``out`` the run folder. ``identity`` is the manifest's: a replica that would
    sample other paths than the driver refuses to start. ``earlier_limits`` are those of tokens
    before they grew; what ended under them is not sampled again. ``lengths`` are the longest
    sequences with which the run may have started, in tokens. ``prices`` and ``budget`` are those of
    its bill, which ``replicas`` share, and ``spent`` is what earlier calls cost.
    """

    configuration: Configuration
    engine: Callable[[], Engine]
    translator: Callable[[], Engine] | ChatOptions | None
    prompts: str | None
    out: str
    identity: Mapping[str, Any]
    earlier_limits: tuple[TokenLimits, ...] = ()
    lengths: tuple[int | None, ...] = ()
    prices: RunPrices | None = None
    budget: float | None = None
    spent: float = 0.0
    replicas: int = 1


class PendingProblem(NamedTuple):
    """A problem to solve: its position in the file (0-based), its key and its JSON.

    ``shard`` is the one that holds its earlier paths, if there are any.
    """

    position: int
    key: str
    problem: bytes
    shard: str | None = None


class ProblemBatch(NamedTuple):
    """Problems that become one shard; with a total budget, their part of it."""

    problems: tuple[PendingProblem, ...]
    total: TotalBudget | None = None

    @property
    def name(self) -> str:
        """Name in the ledger; unique, because no problem is in two batches."""
        return f"{self.problems[0].position}-{self.problems[-1].position}"


class EndOfSource(NamedTuple):
    """The end of the file: number of problems read, and of those that were done before.

    ``error`` is that of a row that cannot be read, or of the whole source.
    """

    problems: int
    done: int
    error: ClcError | None = None


class SetAsideProblem(NamedTuple):
    """A problem that crashed its replica repeatedly, and the reason."""

    id: str
    reason: str


@dataclass
class BatchResult:
    """The verdicts of a batch and their cost, or the error that ends the run.

    ``cost``, where it is known, and ``cached_tokens`` are what the replica spent since its last
    result; ``notes`` are those of its engines so far.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    counters: Counters | None = None
    set_aside: list[SetAsideProblem] = field(default_factory=list)
    start_seconds: float = 0.0
    error: ClcError | None = None
    cost: float | None = None
    cached_tokens: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)


def add_counters(total: Counters, more: Counters) -> None:
    """Add ``more`` to ``total`` in place."""
    for counter in fields(Counters):
        setattr(total, counter.name, getattr(total, counter.name) + getattr(more, counter.name))
