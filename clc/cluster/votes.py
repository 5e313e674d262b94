"""The votes of a large run, taken by all CPUs of Ray: one takes some 40,000 paths a second."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from clc.analysis.export import part_of
from clc.cluster.ray_session import reported
from clc.errors import ClcError
from clc.runs.revote import counting_of
from clc.runs.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.analysis.export import Part
    from clc.runs.shards import Span
    from clc.voting.verdict import Counting

__all__ = ["parts"]

_FEW = 64  # spans: less work than starting Ray's workers
_MOST = 64  # spans in hand: thirty CPUs are kept busy, and the driver writes what twenty read


def parts(shards: Shards) -> Iterator[Part] | None:
    """Take the votes of a run's problems, in order; None where there are few, or no CPUs for it.

    Raises:
        StoreError: a shard cannot be read.
        RunError: Ray is lost.
    """
    spans = list(shards.spans())
    if len(spans) < _FEW:
        return None
    import ray

    cpus = int(ray.cluster_resources().get("CPU", 0))
    return _spread(shards, spans, min(_MOST, 2 * cpus)) if cpus else None


def _spread(shards: Shards, spans: list[Span], at_once: int) -> Iterator[Part]:
    import ray

    task = ray.remote(_part).options(num_cpus=1)
    counting = counting_of((shards.manifest() or {}).get("identity", {}))
    waiting = iter(spans)
    with reported():
        begun = deque(
            task.remote(shards.folder, span, counting) for span in islice(waiting, at_once)
        )
        while begun:
            part: Part | ClcError = ray.get(begun.popleft())
            if isinstance(part, ClcError):
                raise part
            begun.extend(task.remote(shards.folder, span, counting) for span in islice(waiting, 1))
            yield part


def _part(folder: str, span: Span, counting: Counting) -> Part | ClcError:
    try:
        with Shards(folder, read_only=True) as shards:
            return part_of(shards.finished(span), counting)
    except ClcError as error:
        return error
