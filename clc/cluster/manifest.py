"""The manifest of a run on Ray: its begin, its time and its end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clc.errors import StoreError
from clc.runs.resume import begin_run
from clc.solving.notes import merge_notes
from clc.solving.sampler import earlier_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from clc.cluster.collecting import ClusterResult
    from clc.runs.shards import Shards
    from clc.solving.bill import Bill
    from clc.solving.run import Run

__all__ = ["begin_shards", "finish_shards", "keep_time"]

_KEEP_SECONDS = 10.0


def begin_shards(shards: Shards, identity: Mapping[str, Any], work: Run, bill: Bill) -> bool:
    """Write or check the manifest of a run; return whether the run is finished.

    Raises:
        BudgetError: earlier calls spent the budget.
    """
    budget = work.configuration.done_budget
    shards.check_manifest()
    stored = shards.manifest()
    grown = len(earlier_limits(stored))
    manifest, finished = begin_run(
        stored,
        identity,
        shards.folder,
        count=lambda: (shards.started(), shards.done(budget, grown)),
        clear=shards.clear,
    )
    if not finished:
        bill.begin(stored)
        if bill.prices is not None:
            manifest["prices"] = bill.prices.to_json()
        manifest |= work.length_of(manifest)
        shards.write_manifest({**manifest, "store": "shards"})
    return finished


def finish_shards(shards: Shards, problems: int, budget: int, grown: int) -> None:
    """Mark the run as finished; ``grown``: how often its limits of tokens have grown.

    Raises:
        StoreError: the shards lack some of the ``problems`` that were read.
    """
    if (done := shards.done(budget, grown)) < problems:
        raise StoreError(
            f"{shards.folder}: {problems - done:,} of {problems:,} problems are not stored with "
            "all their paths; the same command samples what is missing"
        )
    manifest = shards.manifest() or {}
    shards.write_manifest({**manifest, "finished": True, "problems": problems})


@contextmanager
def keep_time(shards: Shards, result: ClusterResult, bill: Bill) -> Iterator[Callable[[], None]]:
    """Add the sampling time, without the slowest engine's start, to the manifest.

    Beside it go the money spent and the engines' notes.

    Gives a function that does so before the end, at most every few seconds: a driver may be killed.
    """
    began = written = time.monotonic()
    before = (shards.manifest() or {}).get("seconds", 0.0)

    def write() -> None:
        manifest = shards.manifest()
        if manifest is not None and result.counters.drawn:
            seconds = before + time.monotonic() - began - result.start_seconds
            values = {
                "seconds": round(seconds, 3),
                "spent": bill.to_json(),
                "notes": merge_notes(manifest.get("notes", {}), result.notes),
            }
            known = {name: value for name, value in values.items() if value}
            shards.write_manifest({**manifest, **known})

    def write_sometimes() -> None:
        nonlocal written
        if time.monotonic() - written > _KEEP_SECONDS:
            write()
            written = time.monotonic()

    try:
        yield write_sometimes
    finally:
        write()
