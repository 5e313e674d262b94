"""The result of a run on Ray, added up from the messages of its replicas."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clc.cluster.messages import EndOfSource, SetAsideProblem, add_counters
from clc.errors import BudgetError, RunError
from clc.solving.notes import merge_notes
from clc.solving.sampler import Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from clc.analysis.scores import Score
    from clc.cluster.messages import BatchResult
    from clc.records import Verdict
    from clc.solving.bill import Bill

    Watch = Callable[[Counters, Sequence[Verdict]], None]

__all__ = ["ClusterResult", "Collector"]

_log = logging.getLogger(__name__)


@dataclass
class ClusterResult:
    """The score of the whole run, and what this call added to it.

    Attributes:
        score: of the whole run.
        counters: of this call.
        set_aside: problems without a verdict; the same call tries them again.
        finished: whether the run was finished before, so that nothing was sampled.
        problems: number of problems that were read from the source.
        start_seconds: time that the slowest engine took to start.
        reason: the commonest one of the paths that were lost.
        notes: of the engines; see ``NotingEngine``.
    """

    score: Score | None = None
    counters: Counters = field(default_factory=Counters)
    set_aside: list[SetAsideProblem] = field(default_factory=list)
    finished: bool = False
    problems: int = 0
    start_seconds: float = 0.0
    reason: str | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Collector:
    """Adds the messages of the replicas and the reader to a result and a bill.

    Args:
        result: of the run.
        bill: of the run.
        in_hand: batches that replicas have at a time. When the budget is spent, so many are
            awaited, because each stores what it sampled.
        watch: called with the counters so far and the verdicts that just arrived.
    """

    result: ClusterResult
    bill: Bill
    in_hand: int
    watch: Watch | None = None
    _solved: int = 0
    _noticed: bool = False
    _spent: BudgetError | None = None

    def collect(
        self, messages: Iterable[BatchResult | EndOfSource], keep: Callable[[], None]
    ) -> None:
        """Add messages up; ``keep`` is called after each one of a replica.

        Raises:
            ClcError: from a replica, at once; from the reader, after the rows before it are solved.
            BudgetError: the budget is spent.
            RunError: problems were read whose results never arrived.
        """
        read: EndOfSource | None = None
        for message in messages:
            if isinstance(message, EndOfSource):
                read = message
                continue
            self._add(message)
            keep()
            if self.watch is not None:
                self.watch(self.result.counters, message.verdicts)
            if not self.in_hand:
                break
        if self._spent is not None:
            raise self._spent
        if read is not None and read.error is not None:
            raise read.error
        returned = self._solved + len(self.result.set_aside)
        if read is None or read.problems - read.done != returned:
            raise RunError(
                f"Ray returned {returned:,} problems, not all that it was given; the same command "
                "solves the others"
            )
        self.result.problems = read.problems

    def _add(self, message: BatchResult) -> None:
        result = self.result
        if isinstance(message.error, BudgetError):
            self._spent = message.error
            self.in_hand -= 1
        elif message.error is not None:
            raise message.error
        self._solved += len(message.verdicts)
        result.start_seconds = max(result.start_seconds, message.start_seconds)
        result.set_aside += message.set_aside
        result.notes = merge_notes(result.notes, message.notes)
        if message.counters is not None:
            add_counters(result.counters, message.counters)
        self.bill.is_known |= message.cost is not None
        self.bill.cost += message.cost or 0.0
        self.bill.cached_tokens += message.cached_tokens
        if not self._noticed and (notice := result.counters.truncation_notice()):
            self._noticed = True
            _log.warning(notice)
