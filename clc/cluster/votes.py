"""Count the votes of a large run on all CPUs of Ray; one CPU counts some 40,000 paths a second."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from clc.analysis.export import make_part
from clc.cluster.ray_session import ray_errors
from clc.errors import ClcError
from clc.runs.shards import Shards
from clc.voting.verdict import Counting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.analysis.export import Part
    from clc.runs.shards import Span

__all__ = ["parts"]

_FEW = 64  # spans; fewer take less time than starting Ray's workers
_MOST = 64  # spans in flight: keeps 30 CPUs busy, and the driver writes what 20 read


def parts(shards: Shards) -> Iterator[Part] | None:
    """Count the votes of a run's problems, in order; None where they are few or Ray has no CPUs.

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
    counting = Counting.from_manifest(shards.manifest())
    waiting = iter(spans)
    with ray_errors():
        running = deque(
            task.remote(shards.folder, span, counting) for span in islice(waiting, at_once)
        )
        while running:
            part: Part | ClcError = ray.get(running.popleft())
            if isinstance(part, ClcError):
                raise part
            running.extend(
                task.remote(shards.folder, span, counting) for span in islice(waiting, 1)
            )
            yield part


def _part(folder: str, span: Span, counting: Counting) -> Part | ClcError:
    try:
        with Shards(folder, read_only=True) as shards:
            return make_part(shards.finished(span), counting)
    except ClcError as error:
        return error
