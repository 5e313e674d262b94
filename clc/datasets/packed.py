"""Files packed with gzip or Zstandard, recognized by their first bytes."""

from __future__ import annotations

import gzip
import sys
import zlib
from contextlib import contextmanager
from io import BufferedReader
from typing import IO, TYPE_CHECKING, cast

from clc.errors import ConfigurationError
from clc.input_files import open_once
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["PACKED_SUFFIXES", "UNREADABLE", "unpack", "unpacked"]

PACKED_SUFFIXES = (".gz", ".zst")
UNREADABLE = (OSError, EOFError, gzip.BadGzipFile, zlib.error)
"""Errors of a file that cannot be read or unpacked."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


@contextmanager
def unpacked(source: str | Path) -> Iterator[IO[bytes]]:
    """Open a file, or standard input for ``-``, and unpack it.

    Raises:
        OSError: it cannot be opened.
        ConfigurationError: it needs a package that is not installed.
    """
    if source == "-":
        yield unpack(sys.stdin.buffer, "<stdin>")
        return
    with open_once(source) as file:
        yield unpack(file, str(source))


def unpack(file: IO[bytes], name: str) -> IO[bytes]:
    """Return a stream of what a file holds, unpacked if its first bytes are those of a pack.

    Raises:
        ConfigurationError: it is packed with Zstandard, and ``zstandard`` is not installed.
    """
    buffered = file if hasattr(file, "peek") else BufferedReader(cast("BufferedReader", file))
    start = cast("BufferedReader", buffered).peek(len(_ZSTD))
    if start.startswith(_GZIP):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=buffered))
    if start.startswith(_ZSTD):
        return _zstandard(buffered, name)
    return buffered


def _zstandard(file: IO[bytes], name: str) -> IO[bytes]:
    try:
        import zstandard
    except ImportError as error:
        raise ConfigurationError(
            f"{name}: is packed with Zstandard; unpack it (zstd -d), or install zstandard: "
            f"{install_hint('zstd')}"
        ) from error
    reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return cast("IO[bytes]", BufferedReader(reader))
