"""Files packed with gzip or Zstandard, recognized by their first bytes."""

from __future__ import annotations

import gzip
import sys
import zlib
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, cast

from clc.errors import ConfigurationError
from clc.input_files import open_once
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["UNREADABLE", "open_packed", "unpack", "without_pack_suffix"]

UNREADABLE = (OSError, EOFError, zlib.error)
"""Errors of a file that cannot be read or unpacked."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BLOCK = 1 << 16
_SUFFIXES = (".gz", ".zst")


def without_pack_suffix(name: str) -> PurePath:
    """Return a file's name without the suffix of its pack.

    >>> without_pack_suffix("mgsm_de.tsv.gz").name
    'mgsm_de.tsv'
    """
    path = PurePath(name)
    return path.with_suffix("") if path.suffix.lower() in _SUFFIXES and path.stem else path


@contextmanager
def open_packed(source: str | Path) -> Iterator[IO[bytes]]:
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

    ``file`` can be read ahead (``peek``) or rewound (``seek``); otherwise it is returned as it is.

    Raises:
        ConfigurationError: it is packed with Zstandard, and ``zstandard`` is not installed.
    """
    if hasattr(file, "peek"):
        start = file.peek(len(_ZSTD))
    elif hasattr(file, "seekable") and file.seekable():
        at = file.tell()
        start = file.read(len(_ZSTD))
        file.seek(at)
    else:
        return file
    if start.startswith(_GZIP):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb"))
    if start.startswith(_ZSTD):
        return _zstandard(file, name)
    return file


def _zstandard(file: IO[bytes], name: str) -> IO[bytes]:
    try:
        import zstandard
    except ImportError as error:
        raise ConfigurationError(
            f"{name}: is packed with Zstandard; unpack it (zstd -d), or install zstandard: "
            f"{install_hint('zstd')}"
        ) from error
    stream = _ZstdStream(file, zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError)
    return cast("IO[bytes]", BufferedReader(stream))


class _ZstdStream(RawIOBase):
    """Bytes of Zstandard frames; a broken or unfinished one is an ``OSError``, as with gzip."""

    def __init__(self, file: IO[bytes], frame: Callable[[], Any], error: type[Exception]) -> None:
        self._file, self._new_frame, self._error = file, frame, error
        self._frame: Any = None
        self._left = b""  # unpacked, not read yet

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._left and (block := self._file.read(_BLOCK)):
            self._left = self._unpack(block)
        if not self._left and self._frame is not None:
            raise OSError("the Zstandard file ends before its last frame does")
        part = self._left[: len(buffer)]
        self._left = self._left[len(part) :]
        buffer[: len(part)] = part
        return len(part)

    def _unpack(self, block: bytes) -> bytes:
        parts = []
        try:
            while block:
                self._frame = self._frame or self._new_frame()
                parts.append(self._frame.decompress(block))
                if not self._frame.eof:
                    break
                block, self._frame = self._frame.unused_data, None
        except self._error as error:
            raise OSError(f"not a Zstandard file: {error}") from error
        return b"".join(parts)
