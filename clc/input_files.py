"""Files that a user names: read whole, and only where they are regular files."""

from __future__ import annotations

import errno
import os
import re
import stat
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from io import BufferedReader

    from clc.errors import ClcError

__all__ = [
    "MOST_LEVELS",
    "is_text",
    "nested_deeper",
    "open_once",
    "parse_toml",
    "printable_path",
    "read_regular",
]

MOST_LEVELS = 64
"""Levels of objects and lists in a file or row."""
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def printable_path(path: str | Path) -> str:
    r"""Return the name of a file or folder as text, with bytes that are not UTF-8 escaped.

    >>> printable_path("bad\udcff.jsonl")
    'bad\\xff.jsonl'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_text(text: str) -> bool:
    """Whether a text can be stored: whether it holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_regular(path: Path, error: type[ClcError], *, follow_links: bool = True) -> bytes | None:
    """Read a regular file, or a link to one; None where nothing has that name.

    Args:
        path: of the file.
        error: type of the error.
        follow_links: read what a link leads to; False in folders that somebody else may have made.

    Raises:
        ClcError: of the type ``error``: a folder, FIFO, device or dangling link has the name, or
            the file cannot be read.
    """
    name = printable_path(path)
    if not follow_links and path.is_symlink():
        raise error(f"{name}: cannot be read: it is a link; name a regular file")
    flags = os.O_RDONLY | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    try:
        # A FIFO without a writer would wait for one.
        descriptor = os.open(path, flags | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        if not path.is_symlink():
            return None
        raise error(
            f"{name}: cannot be read: it is a link to nothing; name a regular file"
        ) from None
    except (OSError, ValueError) as reason:
        why = getattr(reason, "strerror", None) or reason
        raise error(f"{name}: cannot be read: {why}; name a regular file") from reason
    try:
        kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if kind != stat.S_IFREG:
            raise error(
                f"{name}: cannot be read: it is {_KINDS.get(kind, 'no file')}; name a regular file"
            )
        with FileIO(descriptor, closefd=False) as file:
            return file.readall()
    except OSError as reason:
        raise error(f"{name}: cannot be read: {reason.strerror or reason}") from reason
    finally:
        os.close(descriptor)


def open_once(path: str | Path) -> BufferedReader:
    """Open a file, FIFO or ``/dev/fd`` for reading from its start to its end.

    Raises:
        OSError: it cannot be opened, or is a folder or a device; a terminal may be read.
    """
    file = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    kind = stat.S_IFMT(os.fstat(file.fileno()).st_mode)
    if kind in (stat.S_IFCHR, stat.S_IFBLK) and not file.isatty():
        file.close()
        raise OSError(errno.EINVAL, f"it is {_KINDS[kind]}")
    return file


def parse_toml(data: bytes, path: str | Path, error: type[ClcError]) -> dict[str, Any]:
    """Parse a TOML file of settings.

    Raises:
        ClcError: of the type ``error``: it is not UTF-8, not TOML, or nested too deep.
    """
    import tomllib

    name = printable_path(path)
    try:
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except RecursionError as reason:
        raise error(f"{name}: nested too deep; write at most {MOST_LEVELS} levels") from reason
    except ValueError as reason:  # of TOML, of UTF-8, or of a number of thousands of digits
        place = re.search(r"at line (\d+)|at end of document", str(reason))
        line = place and (place[1] or max(1, len(data.splitlines())))
        where = f"{name}:{line}" if line else name
        raise error(f"{where}: not TOML in UTF-8: {reason!s:.200}") from reason
    if nested_deeper(tables, MOST_LEVELS):
        raise error(f"{name}: nested too deep; write at most {MOST_LEVELS} levels")
    return tables


def nested_deeper(value: object, levels: int) -> bool:
    """Whether objects and lists are nested in more than so many levels.

    >>> nested_deeper({"a": [1]}, 2), nested_deeper({"a": [[1]]}, 2)
    (False, True)
    """
    layer = [value]
    for _ in range(levels):
        inner: list[Any] = []
        for one in layer:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        if not inner:
            return False
        layer = inner
    return any(isinstance(one, dict | list) for one in layer)
