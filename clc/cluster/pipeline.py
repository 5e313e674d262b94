"""The pipeline in Ray Data: one reader, long-lived replicas, and their messages."""

from __future__ import annotations

import logging
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
import ray.data
from ray.data import ActorPoolStrategy
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from clc.cluster.ledger import Ledger
from clc.cluster.messages import BATCHES_AT_ONCE, EndOfSource
from clc.cluster.ray_session import ray_errors
from clc.cluster.replica import Replica
from clc.cluster.source import Problems, read, read_message, read_stored
from clc.errors import ClcError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from clc.cluster.messages import BatchResult, ProblemBatch, RunSpec
    from clc.cluster.ray_session import ReplicaPool
    from clc.cluster.source import StoredProblems
    from clc.solving.configuration import TotalBudget

__all__ = ["messages"]


def messages(
    spec: RunSpec,
    pool: ReplicaPool,
    source: str,
    reading: Mapping[str, Any],
    most: int,
    *,
    parts: Sequence[TotalBudget] = (),
) -> Generator[BatchResult | EndOfSource]:
    """Spread a file's problems over replicas; yield the messages as they arrive.

    Args:
        spec: settings of the run.
        pool: number of replicas, and the resources of each.
        source: the file.
        reading: options of ``load_problems``.
        most: largest number of problems in a batch.
        parts: of a total budget, for each block of problems.

    Raises:
        RunError: Ray is lost.
    """
    node = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    here = {"num_cpus": 0, "scheduling_strategy": node}
    ledger = ray.remote(Ledger).options(**here).remote(pool.replicas)
    # Computed once and kept by Ray: a reader that restarts must produce the same batches.
    stored = (
        ray.remote(_stored)
        .options(**here)
        .remote(spec.out, spec.configuration.done_budget, len(spec.earlier_limits))
    )
    batching = {"folder": str(Path.cwd()), "most": most, "replicas": pool.replicas,
                "parts": tuple(parts)}  # fmt: skip
    with _quiet():
        dataset = ray.data.read_datasource(
            Problems(partial(_read, source, dict(reading), stored, batching)),
            override_num_blocks=1,
            num_cpus=0,
        ).map_batches(
            Replica,
            fn_constructor_args=(spec, ledger),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(
                size=pool.replicas,
                max_tasks_in_flight_per_actor=BATCHES_AT_ONCE,
                max_concurrent_calls_per_actor=BATCHES_AT_ONCE,
                enable_true_multi_threading=True,
            ),
            num_cpus=pool.cpus,
            num_gpus=pool.gpus,
        )
        dataset.context.target_max_block_size = 1  # one message a block: none waits for others
        dataset.context.enable_progress_bars = False
        dataset.context.print_on_execution_start = False
        blocks = dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
        with ray_errors(), closing(iter(blocks)) as each:  # closing early ends the work
            yield from map(read_message, each)


def _stored(out: str, budget: int, grown: int) -> StoredProblems | ClcError:
    try:
        return read_stored(out, budget, grown)
    except ClcError as error:
        return error


def _read(
    source: str, reading: Mapping[str, Any], reference: Any, batching: Mapping[str, Any]
) -> Iterator[ProblemBatch | EndOfSource]:
    stored: StoredProblems | ClcError = ray.get(reference)
    if isinstance(stored, ClcError):
        yield EndOfSource(0, 0, stored)
    else:
        yield from read(source, reading, stored, **batching)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Ray Data's log below errors."""
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
