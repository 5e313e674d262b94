"""The shards of a run folder: Parquet files that are named, written, read and cut into spans."""

from __future__ import annotations

import re
from collections import deque
from contextlib import contextmanager
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from clc.errors import StoreError
from clc.records import content_key
from clc.runs.files import SHARDS, Location
from clc.runs.shards.codec import read_row, shard_schema, table_of
from clc.runs.shards.filesystem import Files
from clc.runs.shards.tables import at_once, fits, places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from clc.runs.shards.codec import ShardRow

__all__ = ["ShardFiles", "Span"]

_NAME = re.compile(r"(\d{12,18})-(\d{12,18})-[0-9a-f]{12}\.parquet", re.ASCII)


class Span(NamedTuple):
    """Problems from one place of the file to another (0-based, both in it), and their shards."""

    first: int
    last: int
    names: tuple[str, ...]


class ShardFiles:
    """The shards of a run folder.

    Args:
        folder: a local folder, or a URI.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = str(folder)
        self._files = Files(self.folder)
        self._location = Location()

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Write a file of the run: it is there, whole, when the block ends without an error.

        Raises:
            StoreError: it cannot be written, or a local folder was moved, replaced or deleted.
        """
        self._location.check()
        with self._files.write(name) as file:
            yield file
            self._location.check()

    def names(self) -> list[str]:
        """Names of the shards, by the place of their first problem.

        Raises:
            StoreError: a file has another name than clc gives.
        """
        names = self._files.names(SHARDS, "parquet")
        for name in names:
            match = _NAME.fullmatch(name)
            if match is None or int(match[1]) > int(match[2]):
                raise StoreError(
                    f"{self.folder}/{SHARDS}/{name!r:.80}: not the name of a shard of clc; move it "
                    "away, or give it back its name"
                )
        return names

    def write_shard(self, rows: Sequence[ShardRow]) -> str:
        """Write problems as one shard and return its name."""
        from pyarrow import parquet

        rows = sorted(rows, key=lambda row: row.position)
        digest = content_key("shard", [row.key for row in rows])[:12]
        name = f"{rows[0].position:012}-{rows[-1].position:012}-{digest}.parquet"
        with self.write(f"{SHARDS}/{name}") as sink:
            parquet.write_table(table_of(rows), sink, compression="zstd", write_page_checksum=True)
        return name

    def read_shard(self, name: str, matching: Any = None) -> list[ShardRow]:
        """Read the problems of a shard, or those that a pyarrow expression is true of."""
        try:
            rows = [read_row(values) for values in self._table(name, None, matching).to_pylist()]
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise self._files.damage(f"{SHARDS}/{name}", str(error)) from error
        first, last = places(name)
        for row in rows:
            if not first <= row.position <= last:
                raise self._files.damage(
                    f"{SHARDS}/{name}", f"it holds problem number {row.position + 1:,}"
                )
        return rows

    def states(self) -> Iterator[tuple[str, Any]]:
        """Yield each shard with its ``key``, ``budget``, ``lost``, ``set_aside`` and ``grown``."""
        names, columns = self.names(), ["key", "budget", "lost", "set_aside", "grown"]
        yield from zip(names, at_once(lambda name: self._table(name, columns), names), strict=True)

    def clear(self) -> bool:
        """Remove all shards, if nothing was sampled in them; return whether it was so."""
        names = self.names()
        columns = ["paths", "steps"]
        for table in at_once(lambda name: self._table(name, columns), names):
            if any(rows for column in columns for rows in table[column].to_pylist()):
                return False
        self._location.check()
        for name in names:
            self._files.remove(f"{SHARDS}/{name}")
        return True

    def within(self, first: int, last: int) -> dict[int, str]:
        """Shards by the places of their problems, of those that lie between two places."""
        found: dict[int, str] = {}
        for name in self.names():
            start, end = places(name)
            if first <= start and end <= last:
                positions = self._table(name, ["position"])["position"].to_pylist()
                found.update(dict.fromkeys(positions, name))
        return found

    def spans(self) -> Iterator[Span]:
        """Cut the file where shards begin, and yield the spans in order, each of a few shards.

        One whose problems lie far apart is in several.
        """
        spans = {name: places(name) for name in self.names()}
        starts = sorted({first for first, _ in spans.values()})
        end = max((last for _, last in spans.values()), default=-1) + 1
        waiting, held = deque(spans), list[str]()
        for first, following in pairwise([*starts, end]):
            while waiting and spans[waiting[0]][0] == first:
                held.append(waiting.popleft())
            held = [name for name in held if spans[name][1] >= first]
            yield Span(first, following - 1, tuple(held))

    def _rows_of(self, span: Span) -> list[ShardRow]:
        """Problems of a span in the order of the file, each once: as it went furthest."""
        from pyarrow import compute

        place = compute.field("position")
        found: dict[int, ShardRow] = {}
        for name in span.names:
            first, last = places(name)
            whole = span.first <= first and last <= span.last
            matching = None if whole else (place >= span.first) & (place <= span.last)
            for row in self.read_shard(name, matching):
                best = found.get(row.position)
                if best is None or row.progress > best.progress:
                    found[row.position] = row
        return [found[position] for position in sorted(found)]

    def _table(self, name: str, columns: Sequence[str] | None, matching: Any = None) -> Any:
        """Read columns of a shard, all by default.

        Raises:
            StoreError: it is damaged, or no shard.
        """
        import pyarrow as pa

        table = self._files.read_table(f"{SHARDS}/{name}", columns, matching)
        schema = shard_schema()
        if "grown" in (columns or schema.names) and "grown" not in table.schema.names:
            # a shard of before the limits could grow
            table = table.append_column("grown", pa.repeat(pa.scalar(0, pa.int64()), len(table)))
        for column in columns or schema.names:
            if column not in table.schema.names or not fits(
                table[column], schema.field(column).type
            ):
                raise self._files.damage(f"{SHARDS}/{name}", f"no column {column} of a shard")
        return table
