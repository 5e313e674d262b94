"""A source of problems as a Ray Data source: read once, in order, in batches.

The reader runs where the driver runs, so that the file need be there only, and reads as one machine
would (``clc.datasets``): ids, places, languages and errors are the same.
"""

from __future__ import annotations

import pickle
from contextlib import chdir
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask

from clc.cluster.messages import Asked, Batch, ReadAll
from clc.datasets import load_problems
from clc.errors import ClcError
from clc.records import content_key
from clc.runs.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from clc.records import Problem

__all__ = ["Known", "Problems", "known", "read", "read_message", "write_message"]

_FIRST_BATCH = 8


class Known(NamedTuple):
    """What the shards hold of problems: keys in order, and of each its shard, and if it is done.

    21 bytes a problem. ``names`` are the shards'.
    """

    keys: Any
    shards: Any
    done: Any
    names: tuple[str, ...]

    def find(self, key: bytes) -> tuple[str | None, bool]:
        """Return the shard that has a problem, None where none has, and whether it is done."""
        key = key.rstrip(b"\0")  # numpy gives bytes without the zeros at their end
        place = int(np.searchsorted(self.keys, np.bytes_(key)))
        if place == len(self.keys) or self.keys[place] != key:
            return None, False
        return self.names[self.shards[place]], bool(self.done[place])


def known(out: str, budget: int) -> Known:
    """Look through the shards of a run; of a problem in several, the one that went furthest counts.

    A problem is done when it was given ``budget`` paths and lost none.
    """
    shards = Shards(out, read_only=True)
    names: list[str] = []
    keys: list[Any] = [np.empty(0, "S16")]
    places: list[Any] = [np.empty(0, np.int32)]
    ranks: list[Any] = [np.empty(0, np.int64)]
    for number, (name, table) in enumerate(shards.states()):
        names.append(name)
        given, lost = table["budget"].to_numpy(), table["lost"].to_numpy()
        here = table["set_aside"].is_null().to_numpy()
        keys.append(np.array(table["key"].to_pylist(), "S16"))
        places.append(np.full(len(table), number, np.int32))
        # Done is above all; then more paths, then fewer lost, and last what was set aside.
        done = here & (given >= budget) & (lost == 0)
        ranks.append(np.where(done, 2**40, here * (given * 2**16 - np.minimum(lost, 2**15))))
    key, place, rank = map(np.concatenate, (keys, places, ranks))
    order = np.lexsort((-rank, key))
    key, first = np.unique(key[order], return_index=True)
    chosen = order[first]
    return Known(key, place[chosen], rank[chosen] == 2**40, tuple(names))


def read(
    source: str,
    reading: Mapping[str, Any],
    before: Known,
    *,
    folder: str,
    most: int,
    replicas: int,
) -> Iterator[Batch | ReadAll]:
    """Read problems that are not done, in batches, and say at last how many were read.

    The first batches are small, so that every replica of a small run has some; a batch grows to
    ``most`` problems. After a bad row nothing is read: what came before it is solved.
    """
    waiting: list[Asked] = []
    count = done = 0
    error: ClcError | None = None
    with chdir(folder):  # as the driver: paths may be relative
        try:
            for count, problem in enumerate(load_problems(source, **reading), start=1):
                asked = _asked(count - 1, problem, before)
                if asked is None:
                    done += 1
                    continue
                waiting.append(asked)
                if len(waiting) >= min(most, max(_FIRST_BATCH, count // (4 * replicas))):
                    yield Batch(tuple(waiting))
                    waiting = []
        except ClcError as wrong:
            error = wrong
    if waiting:
        yield Batch(tuple(waiting))
    yield ReadAll(count, done, error)


def _asked(position: int, problem: Problem, before: Known) -> Asked | None:
    key = content_key("problem", problem)
    shard, done = before.find(bytes.fromhex(key))
    return None if done else Asked(position, key, orjson.dumps(problem), shard)


def write_message(message: object) -> Any:
    """Make a block of one row that holds a message."""
    return pa.table({"message": pa.array([pickle.dumps(message)], pa.binary())})


def read_message(block: Any) -> Any:
    """Take the message out of a block; only our own processes write them."""
    return pickle.loads(block["message"][0].as_py())  # noqa: S301


class Problems(Datasource):  # type: ignore[misc]  # Ray's classes are Any here
    """The messages that ``messages()`` gives, a block each, read on the driver's node."""

    def __init__(self, messages: Callable[[], Iterator[object]]) -> None:
        super().__init__()
        self._messages = messages

    def estimate_inmemory_data_size(self) -> int | None:
        """Unknown: the file is read once."""
        return None

    @property
    def supports_distributed_reads(self) -> bool:
        """No: the file is where the driver is."""
        return False

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:  # noqa: ARG002
        """One task, whatever ``parallelism``: ids must be seen by one reader."""
        messages = self._messages
        about = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(lambda: map(write_message, messages()), about)]
