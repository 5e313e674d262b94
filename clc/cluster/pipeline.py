"""The work spread by Ray Data: one reader, replicas that stay, and what they say back."""

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
from clc.cluster.messages import ReadAll
from clc.cluster.ray_session import reported
from clc.cluster.replica import Replica
from clc.cluster.source import Problems, known, read, read_message
from clc.errors import ClcError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from clc.cluster.messages import Batch, Job, Told
    from clc.cluster.ray_session import Pool
    from clc.cluster.source import Known

__all__ = ["messages"]

_BATCHES = 3  # of a replica at a time: one that ends, one that runs, one that waits


def messages(
    job: Job, pool: Pool, source: str, reading: Mapping[str, Any], most: int
) -> Generator[Told | ReadAll]:
    """Spread a file's problems over replicas, and yield what they and the reader say, as it comes.

    Args:
        job: what every replica must know.
        pool: how many replicas, and what each takes.
        source: the file.
        reading: how it is read.
        most: problems of one batch, at most.

    Raises:
        RunError: Ray is lost.
    """
    node = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    here = {"num_cpus": 0, "scheduling_strategy": node}
    ledger = ray.remote(Ledger).options(**here).remote(pool.replicas)
    # Looked up once and kept by Ray: a reader that is started again must read the same batches.
    before = ray.remote(_known).options(**here).remote(job.out, job.configuration.paths)
    how = {"folder": str(Path.cwd()), "most": most, "replicas": pool.replicas}
    with _quiet():
        dataset = ray.data.read_datasource(
            Problems(partial(_read, source, dict(reading), before, how)),
            override_num_blocks=1,
            num_cpus=0,
        ).map_batches(
            Replica,
            fn_constructor_args=(job, ledger),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(
                size=pool.replicas,
                max_tasks_in_flight_per_actor=_BATCHES,
                max_concurrent_calls_per_actor=_BATCHES,
                enable_true_multi_threading=True,
            ),
            num_cpus=pool.cpus,
            num_gpus=pool.gpus,
        )
        dataset.context.target_max_block_size = 1  # a message is a row is a block: none waits
        dataset.context.enable_progress_bars = False
        dataset.context.print_on_execution_start = False
        blocks = dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
        with reported(), closing(iter(blocks)) as each:  # whoever stops early ends the work
            yield from map(read_message, each)


def _known(out: str, budget: int) -> Known | ClcError:
    try:
        return known(out, budget)
    except ClcError as error:
        return error


def _read(
    source: str, reading: Mapping[str, Any], before: Any, how: Mapping[str, Any]
) -> Iterator[Batch | ReadAll]:
    found: Known | ClcError = ray.get(before)
    if isinstance(found, ClcError):
        yield ReadAll(0, 0, found)
    else:
        yield from read(source, reading, found, **how)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Ray Data say nothing but errors."""
    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
