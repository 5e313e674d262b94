"""The file of problems as a Ray Data source: read once, in order, in batches.

The reader runs on the driver's node, so only that node needs the file. It reads with
``clc.datasets``, so ids, positions, languages and errors equal those of a run on one machine.
"""

from __future__ import annotations

import pickle
from contextlib import chdir
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask

from clc.cluster.messages import TOTAL_BLOCK, EndOfSource, PendingProblem, ProblemBatch
from clc.datasets import load_problems
from clc.errors import ClcError, DatasetError
from clc.records import content_key
from clc.runs.shards import Shards, done_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from clc.records import Problem
    from clc.solving.configuration import TotalBudget

__all__ = [
    "Problems",
    "StoredProblems",
    "read",
    "read_message",
    "read_stored",
    "write_message",
]

_FIRST_BATCH = 8
_DONE = 2**62  # rank of a problem that is done


class StoredProblems(NamedTuple):
    """The problems in the shards of a run: sorted keys, the shard of each, whether it is done.

    Takes 21 bytes a problem. ``names`` are those of the shards.
    """

    keys: Any
    shards: Any
    done: Any
    names: tuple[str, ...]

    def find(self, key: bytes) -> tuple[str | None, bool]:
        """Return the shard of a problem (None where no shard has it), and whether it is done."""
        key = key.rstrip(b"\0")  # numpy drops trailing zeros of bytes
        index = int(np.searchsorted(self.keys, np.bytes_(key)))
        if index == len(self.keys) or self.keys[index] != key:
            return None, False
        return self.names[self.shards[index]], bool(self.done[index])


def read_stored(out: str, budget: int, grown: int = 0) -> StoredProblems:
    """Read which problems the shards of a run hold; the most complete row of a problem counts.

    ``budget`` is ``done_budget`` of the configuration, ``grown`` how often the limits of tokens
    have grown; see ``done_rows``.
    """
    shards = Shards(out, read_only=True)
    names: list[str] = []
    keys: list[Any] = [np.empty(0, "S16")]
    numbers: list[Any] = [np.empty(0, np.int32)]
    ranks: list[Any] = [np.empty(0, np.int64)]
    for number, (name, table) in enumerate(shards.states()):
        names.append(name)
        given, lost, times = (table[name].to_numpy() for name in ("budget", "lost", "grown"))
        here = table["set_aside"].is_null().to_numpy()
        keys.append(np.array(table["key"].to_pylist(), "S16"))
        numbers.append(np.full(len(table), number, np.int32))
        # Done ranks highest; then larger limits, more paths, fewer lost; set aside ranks lowest.
        done = done_rows(table, budget, grown).to_numpy()
        known = np.minimum(given, 2**23)
        sampled = times * 2**40 + known * 2**16 - np.minimum(lost, 2**15)
        ranks.append(np.where(done, _DONE, here * sampled))
    key, shard, rank = map(np.concatenate, (keys, numbers, ranks))
    order = np.lexsort((-rank, key))
    key, first = np.unique(key[order], return_index=True)
    chosen = order[first]
    return StoredProblems(key, shard[chosen], rank[chosen] == _DONE, tuple(names))


def read(
    source: str,
    reading: Mapping[str, Any],
    stored: StoredProblems,
    *,
    folder: str,
    most: int,
    replicas: int,
    parts: Sequence[TotalBudget] = (),
) -> Iterator[ProblemBatch | EndOfSource]:
    """Yield the problems that are not done in batches, then the number of problems read.

    The first batches are small, so that every replica of a small run gets some; batches grow to
    ``most`` problems. A bad row ends the reading; the rows before it are solved.

    With a total budget, ``parts`` are those of blocks of ``TOTAL_BLOCK`` problems. A block is a
    batch, whole where any of its problems is not done: each of its decisions needs all votes.
    """
    if parts:
        yield from _read_blocks(source, reading, stored, folder, parts)
        return
    waiting: list[PendingProblem] = []
    count = done = 0
    error: ClcError | None = None
    with chdir(folder):  # the driver's: paths may be relative
        try:
            for count, problem in enumerate(load_problems(source, **reading), start=1):
                pending = _pending(count - 1, problem, stored)
                if pending is None:
                    done += 1
                    continue
                waiting.append(pending)
                if len(waiting) >= min(most, max(_FIRST_BATCH, count // (4 * replicas))):
                    yield ProblemBatch(tuple(waiting))
                    waiting = []
        except ClcError as caught:
            error = caught
    if waiting:
        yield ProblemBatch(tuple(waiting))
    yield EndOfSource(count, done, error)


def _read_blocks(
    source: str,
    reading: Mapping[str, Any],
    stored: StoredProblems,
    folder: str,
    parts: Sequence[TotalBudget],
) -> Iterator[ProblemBatch | EndOfSource]:
    count = done = 0
    error: ClcError | None = None
    with chdir(folder):
        try:
            numbered = enumerate(load_problems(source, **reading))
            for part in parts:
                block = islice(numbered, TOTAL_BLOCK)
                rows = [_look_up(position, problem, stored) for position, problem in block]
                count += len(rows)
                if all(is_done for _, is_done in rows):
                    done += len(rows)
                else:
                    yield ProblemBatch(tuple(pending for pending, _ in rows), part)
        except ClcError as caught:
            error = caught
    yield EndOfSource(count, done, error)


def _pending(position: int, problem: Problem, stored: StoredProblems) -> PendingProblem | None:
    pending, is_done = _look_up(position, problem, stored)
    return None if is_done else pending


def _look_up(
    position: int, problem: Problem, stored: StoredProblems
) -> tuple[PendingProblem, bool]:
    try:
        key = content_key("problem", problem)
    except orjson.JSONEncodeError as error:
        raise DatasetError(
            f"problem {problem.id!r} (number {position + 1} of the input) cannot be written as "
            f"JSON: {error}"
        ) from error
    shard, done = stored.find(bytes.fromhex(key))
    return PendingProblem(position, key, orjson.dumps(problem), shard), done


def write_message(message: object) -> Any:
    """Pickle a message into a block of one row."""
    return pa.table({"message": pa.array([pickle.dumps(message)], pa.binary())})


def read_message(block: Any) -> Any:
    """Unpickle the message of a block; only our own processes write blocks."""
    return pickle.loads(block["message"][0].as_py())  # noqa: S301


class Problems(Datasource):  # type: ignore[misc]  # Ray's classes are Any here
    """A Ray Data source with one block for each message of ``messages()``."""

    def __init__(self, messages: Callable[[], Iterator[object]]) -> None:
        super().__init__()
        self._messages = messages

    def estimate_inmemory_data_size(self) -> int | None:
        """Return None: the size of the file's problems is unknown."""
        return None

    @property
    def supports_distributed_reads(self) -> bool:
        """Return False: only the driver's node has the file."""
        return False

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:  # noqa: ARG002
        """Return one task whatever ``parallelism`` is, because one reader must see all ids."""
        messages = self._messages
        metadata = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(lambda: map(write_message, messages()), metadata)]
