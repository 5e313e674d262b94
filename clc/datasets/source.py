"""Where problems are read from: bytes to lines and places, whatever the file holds."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from clc.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Place", "Source", "no_problems", "open_source", "text_lines", "whole"]

_BOM = b"\xef\xbb\xbf"


class Place(NamedTuple):
    """Where a problem stands: line (1-based) of a text file, or row (1-based) of anything else."""

    name: str
    line: int | None = None
    row: int | None = None

    def error(self, message: str) -> DatasetError:
        """Make the error for this place."""
        name = f"{self.name}: row {self.row}" if self.row else self.name
        return DatasetError.at(name, self.line, message)


@dataclass(frozen=True, slots=True)
class Source:
    """A file or stream that holds something.

    ``first`` is its first line that is not blank, by which its format is told; ``lines`` reads it
    from the start (a stream only once) and closes it at the end.
    """

    name: str
    stem: str
    suffix: str
    first: bytes
    lines: Callable[[], Iterator[bytes]]
    path: Path | None = None


@contextmanager
def _readable(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as handle:
            yield handle
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: no such file; check the path") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error


def _file_lines(path: Path) -> Iterator[bytes]:
    with _readable(path) as handle:
        yield from handle


def _stream_lines(stream: IO[str] | IO[bytes]) -> Iterator[bytes]:
    raw = getattr(stream, "buffer", stream)
    for line in raw:
        yield line.encode() if isinstance(line, str) else line


def no_problems(name: str) -> DatasetError:
    """Make the error for a source without a single row."""
    return DatasetError(f"{name}: the file is empty; give a file with at least one problem")


def _first(lines: Iterator[bytes]) -> tuple[list[bytes], bytes]:
    """Read up to the first line that is not blank: all that was read, and that line."""
    read = []
    for line in lines:
        read.append(line)
        text = line.removeprefix(_BOM).strip()
        if text:
            return read, text
    return read, b""


def open_source(source: str | Path | IO[str] | IO[bytes]) -> Source:
    """Look at a file, or at standard input for ``-``, or at an open stream.

    Raises:
        DatasetError: it is missing, unreadable or empty.
    """
    if isinstance(source, str) and source == "-":
        return _open_stream(sys.stdin, "<stdin>", "stdin")
    if isinstance(source, str | Path):
        return _open_file(Path(source))
    name = getattr(source, "name", None)
    if not isinstance(name, str):
        return _open_stream(source, "<stream>", "stream")
    return _open_stream(source, name, Path(name).stem.strip("<>"))


def _open_stream(stream: IO[str] | IO[bytes], name: str, stem: str) -> Source:
    lines = _stream_lines(stream)
    read, first = _first(lines)
    if not first:
        raise no_problems(name)
    return Source(name, stem, Path(name).suffix, first, lambda: chain(read, lines))


def _open_file(path: Path) -> Source:
    with _readable(path) as handle:
        first = _first(iter(handle))[1]
    if not first:
        raise no_problems(str(path))
    return Source(str(path), path.stem, path.suffix, first, lambda: _file_lines(path), path)


def text_lines(source: Source) -> Iterator[tuple[Place, str]]:
    r"""Decode a source line by line, without line ends, a byte order mark or trailing blank lines.

    Only ``\n`` and ``\r\n`` end a line: U+2028 and its like are text.

    Raises:
        DatasetError: bytes that are not UTF-8.
    """
    offset = 0
    blank: list[tuple[Place, str]] = []
    for number, raw in enumerate(source.lines(), 1):
        place = Place(source.name, number)
        line = raw.removeprefix(_BOM) if number == 1 else raw
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            at = offset + len(raw) - len(line) + error.start
            raise place.error(
                f"byte 0x{line[error.start]:02x} at offset {at} is not UTF-8; "
                "save the file as UTF-8"
            ) from error
        offset += len(raw)
        text = text.removesuffix("\n").removesuffix("\r")
        if text.strip():
            yield from blank
            blank.clear()
            yield place, text
        else:
            blank.append((place, ""))


def whole(source: Source) -> io.BytesIO:
    """Read a source into memory, for the formats that cannot be read line by line."""
    return io.BytesIO(b"".join(source.lines()))
