"""Consecutive lines of JSONL files, and the objects in them."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.datasets.json_values import TOO_DEEP, NestedTooDeepError, parse_json
from clc.datasets.packed import UNREADABLE, open_packed
from clc.errors import DatasetError
from clc.input_files import MOST_LEVELS, nested_deeper, printable_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["LineChunk", "parse_lines", "read_chunks"]

_FIRST, _LARGEST = 1 << 16, 1 << 20  # bytes: small files and live streams have small chunks
_SECONDS = 1.0  # after which the lines of a slow stream are passed on


class LineChunk(NamedTuple):
    """Lines of a file; ``first`` is the number of the first one (from 1)."""

    source: str
    first: int
    lines: list[bytes]


def read_chunks(files: Iterable[str | Path]) -> Iterator[LineChunk]:
    """Yield the lines of files in chunks of about a megabyte; ``-`` is standard input.

    Raises:
        DatasetError: a file cannot be read; the chunks before have all lines before the fault.
    """
    most = _FIRST
    for file in files:
        source = printable_path(file)
        chunk = LineChunk(source, 1, [])
        try:
            with open_packed(file) as lines:
                size, started = 0, monotonic()
                for line in lines:
                    chunk.lines.append(line)
                    size += len(line)
                    if size >= most or monotonic() - started > _SECONDS:
                        yield chunk
                        most = min(2 * most, _LARGEST)
                        chunk = LineChunk(source, chunk.first + len(chunk.lines), [])
                        size, started = 0, monotonic()
        except UNREADABLE as error:
            yield chunk
            why = getattr(error, "strerror", None) or error
            raise DatasetError.at(source, None, f"cannot be read: {why}") from error
        yield chunk


def parse_lines(chunk: LineChunk) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of the lines that are not blank, with the numbers of their lines.

    Raises:
        DatasetError: a line is not a JSON object.
    """
    for number, line in enumerate(chunk.lines, start=chunk.first):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901  Windows' mark
        if line.strip():
            yield number, _row(chunk.source, number, line)


def _row(source: str, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = parse_json(line)
    except NestedTooDeepError as error:
        raise DatasetError.at(source, number, TOO_DEEP) from error
    except ValueError as error:
        shown = line[:60].decode("utf-8", "replace").strip()
        raise DatasetError.at(
            source, number, f"{shown!r} is not JSON ({error}); give one object a line"
        ) from error
    if line.count(b"[") + line.count(b"{") > MOST_LEVELS and nested_deeper(row, MOST_LEVELS):
        raise DatasetError.at(source, number, TOO_DEEP)
    if not isinstance(row, dict):
        raise DatasetError.at(
            source, number, f"{row!r:.60} is not an object; give one object a line"
        )
    return row
