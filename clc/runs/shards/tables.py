"""Names and tables of shards, read several at once."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from clc.runs.checks import MAY_BE_NULL
from clc.runs.codec import ADDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["at_once", "done_rows", "fits", "places"]

_Item = TypeVar("_Item")
_T = TypeVar("_T")
_READERS = 16  # shards that are read at once: an object store takes some 50 ms for each


def done_rows(table: Any, budget: int, grown: int = 0) -> Any:
    """Mark the problems of a table of ``states`` that are done (an Arrow mask).

    Done means: sampled with at least ``budget`` paths, none of them lost, and not set aside, after
    the limits of tokens had grown ``grown`` times.
    """
    from pyarrow import compute

    whole = compute.and_(
        compute.greater_equal(table["budget"], budget), compute.equal(table["lost"], 0)
    )
    whole = compute.and_(whole, compute.greater_equal(table["grown"], grown))
    return compute.and_(whole, compute.is_null(table["set_aside"]))


def fits(column: Any, wanted: Any) -> bool:
    """Whether a column has the type ``wanted``; the rows of format 2 have fewer fields."""
    import pyarrow as pa

    if not pa.types.is_list(wanted):
        return bool(column.type == wanted)
    if not (pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type)):
        return False
    fields = {field.name: field.type for field in column.type.value_type}
    types = {field.name: field.type for field in wanted.value_type}
    if any(fields.get(name, types[name]) != types[name] for name in types) or (
        not types.keys() - ADDED <= fields.keys() <= types.keys()
    ):
        return False
    rows = [chunk.flatten() for chunk in column.chunks]
    return not any(
        part.null_count
        or any(part.field(name).null_count for name in fields if name not in MAY_BE_NULL)
        for part in rows
    )


def places(name: str) -> tuple[int, int]:
    """Places of a shard's first and last problem."""
    first, last, _ = name.split("-")
    return int(first), int(last)


def at_once(
    work: Callable[[_Item], _T], items: Iterable[_Item], *, ahead: int = _READERS
) -> Iterator[_T]:
    """Do ``work`` for each item in order, ``ahead`` of them at a time."""
    waiting = iter(items)
    with ThreadPoolExecutor(ahead, "clc-shards") as pool:
        running = deque(pool.submit(work, item) for item in islice(waiting, ahead))
        while running:
            done = running.popleft().result()
            running.extend(pool.submit(work, item) for item in islice(waiting, 1))
            yield done
