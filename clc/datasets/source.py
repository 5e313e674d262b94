"""Files and streams of problems, packed or not: bytes to lines with their places."""

from __future__ import annotations

import hashlib
import io
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from clc.datasets.packed import UNREADABLE, unpack, without_pack_suffix
from clc.errors import DatasetError
from clc.input_files import open_once, printable_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "Place",
    "RawSource",
    "empty_error",
    "open_source",
    "read_snapshot",
    "read_whole",
    "text_lines",
]

_BOM = b"\xef\xbb\xbf"
_IN_MEMORY = 256 << 20  # bytes of a snapshot; a larger one is a temporary file
_BLOCK = 1 << 20


class Place(NamedTuple):
    """The place of a problem: line (1-based) of a text file, or row (1-based) of any other."""

    name: str
    line: int | None = None
    row: int | None = None

    def error(self, message: str) -> DatasetError:
        """Make the error for this place."""
        name = f"{self.name}: row {self.row}" if self.row else self.name
        return DatasetError.at(name, self.line, message)


@dataclass(frozen=True, slots=True)
class RawSource:
    """A file or stream that is not empty.

    ``first`` is its first line that is not blank, by which its format is recognized; ``lines``
    reads it from the start (a stream only once). ``sha256`` is set for a snapshot.
    """

    name: str
    stem: str
    suffix: str
    first: bytes
    lines: Callable[[], Iterator[bytes]]
    path: Path | None = None
    sha256: str | None = None


@contextmanager
def _readable(path: Path) -> Iterator[IO[bytes]]:
    try:
        with open_once(path) as handle:
            yield handle
    except FileNotFoundError as error:
        raise DatasetError(f"{printable_path(path)}: no such file; check the path") from error
    except UNREADABLE as error:
        why = getattr(error, "strerror", None) or error
        raise DatasetError(f"{printable_path(path)}: cannot be read: {why}") from error


def _file_lines(path: Path) -> Iterator[bytes]:
    with _readable(path) as handle:
        yield from unpack(handle, printable_path(path))


class _Bytes:
    """Bytes in memory or, beyond a size, in a temporary file that is deleted with this object."""

    def __init__(self, path: Path) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by __del__
        self._path = path
        self.write = self._file.write

    def lines(self) -> Iterator[bytes]:
        """Yield the unpacked lines from the start; one reader at a time."""
        name = printable_path(self._path)
        self._file.seek(0)
        try:
            for line in unpack(self._file, name):  # noqa: UP028 - `yield from` closes the file
                yield line
        except UNREADABLE as error:
            raise DatasetError(f"{name}: cannot be read: {error}") from error

    def __del__(self) -> None:
        self._file.close()


def read_snapshot(path: Path) -> RawSource:
    """Read a file, FIFO or ``/dev/fd`` once and keep its bytes.

    Raises:
        DatasetError: it is missing, unreadable or empty.
    """
    kept, digest = _Bytes(path), hashlib.sha256()
    with _readable(path) as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
            kept.write(block)
    first, name = _first(kept.lines())[1], printable_path(path)
    if not first:
        raise empty_error(name)
    plain = without_pack_suffix(name)
    return RawSource(
        name, plain.stem, plain.suffix, first, kept.lines, path, sha256=digest.hexdigest()
    )


def _stream_lines(stream: IO[str] | IO[bytes], name: str) -> Iterator[bytes]:
    raw: Any = getattr(stream, "buffer", stream)
    if not isinstance(raw, io.TextIOBase):
        raw = unpack(raw, name)
    try:
        for line in raw:
            yield line.encode() if isinstance(line, str) else line
    except UNREADABLE as error:
        raise DatasetError(f"{name}: cannot be read: {error}") from error


def empty_error(name: str) -> DatasetError:
    """Make the error for a source without rows."""
    return DatasetError(f"{name}: the file is empty; give a file with at least one problem")


def _first(lines: Iterator[bytes]) -> tuple[list[bytes], bytes]:
    """Read up to the first line that is not blank; return all lines read, and that line."""
    read = []
    for line in lines:
        read.append(line)
        text = line.removeprefix(_BOM).strip()
        if text:
            return read, text
    return read, b""


def open_source(source: str | Path | IO[str] | IO[bytes]) -> RawSource:
    """Open a file, standard input for ``-``, or a stream.

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
    return _open_stream(source, name, without_pack_suffix(name).stem.strip("<>"))


def _open_stream(stream: IO[str] | IO[bytes], name: str, stem: str) -> RawSource:
    lines = _stream_lines(stream, name)
    read, first = _first(lines)
    if not first:
        raise empty_error(name)
    return RawSource(
        name, stem, without_pack_suffix(name).suffix, first, lambda: chain(read, lines)
    )


def _open_file(path: Path) -> RawSource:
    if path.exists() and not (path.is_file() or path.is_dir()):
        return read_snapshot(path)  # a FIFO or /dev/fd/63: it can be read once
    name = printable_path(path)
    with _readable(path) as handle:
        first = _first(iter(unpack(handle, name)))[1]
    if not first:
        raise empty_error(name)
    plain = without_pack_suffix(name)
    return RawSource(name, plain.stem, plain.suffix, first, lambda: _file_lines(path), path)


def text_lines(source: RawSource) -> Iterator[tuple[Place, str]]:
    r"""Decode a source line by line, without line ends, a byte order mark or trailing blank lines.

    Only ``\n`` and ``\r\n`` end a line; U+2028 and similar characters are text.

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
            position = offset + len(raw) - len(line) + error.start
            raise place.error(
                f"byte 0x{line[error.start]:02x} at offset {position} is not UTF-8; "
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


def read_whole(source: RawSource) -> io.BytesIO:
    """Read a source into memory, for formats that are not read line by line."""
    return io.BytesIO(b"".join(source.lines()))
