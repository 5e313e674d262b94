"""Files of a run folder: one writer at a time, and a reader sees a whole file or none."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager
from io import BufferedWriter, FileIO
from secrets import token_hex
from typing import IO, TYPE_CHECKING

from clc.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "SHARDS",
    "Location",
    "create_beside",
    "locked",
    "replacing",
    "write_atomically",
    "writing",
]

SHARDS = "shards"  # the folder in place of run.sqlite in a run of a cluster; see clc.runs.shards


_DEVICES = ("/dev", "/dev/fd", "/proc/self/fd")


class Location:
    """Files of a run folder, or the folder, to notice that others have their names now.

    On some network file systems only an open file keeps its inode.
    """

    def __init__(self, *paths: Path) -> None:
        self._inodes = {path: _inode(path) for path in paths}

    def check(self) -> None:
        """Check that the same files are there.

        Raises:
            StoreError: one was moved, replaced or deleted.
        """
        for path, inode in self._inodes.items():
            if _inode(path) != inode:
                raise StoreError(
                    f"{path}: was moved, replaced or deleted while the run went on; nothing was "
                    "written to what is there now. The same command goes on with the run where it "
                    "is"
                )


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder, made if missing, against other writers.

    Raises:
        StoreError: another process holds it, or its name is that of a file or a dangling link.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        kind = "a link to nothing" if folder.is_symlink() else "no folder"
        raise StoreError(
            f"{folder}: cannot open the run folder: it is {kind}; name a folder that can be written"
        ) from error
    # Without O_NONBLOCK a FIFO would wait for a reader.
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    with FileIO(os.open(folder / ".lock", flags, 0o666), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{folder}: another process is working on this run; wait for it, or choose "
                "another run folder"
            ) from None
        yield


def create_beside(path: Path) -> tuple[Path, FileIO]:
    """Create a file in the folder of ``path``, open for writing, and return its path.

    Its name is random and hidden. It is always a new file: where somebody else may write to the
    folder, a fixed name could be a link to a file elsewhere.

    Raises:
        OSError: it cannot be created.
    """
    part = path.with_name(f".clc-{token_hex(8)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return part, FileIO(os.open(part, flags, 0o666), "w")


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file so that a reader sees the old one or the new one, never a part.

    The new file takes the old one's place when the block ends, and is removed when it fails. A
    link at ``path`` is replaced, not followed. A device, and what lies among devices
    (``/dev/stdout``), is written to.

    Raises:
        OSError: it cannot be written.
    """
    if _is_device(path):
        with path.open("wb") as file:
            yield file
        return
    part, raw = create_beside(path)
    try:
        with BufferedWriter(raw) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _is_device(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    among = path.absolute().parent.as_posix() in _DEVICES
    return among or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file of a run folder as ``replacing`` does.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        with replacing(path) as file:
            yield file
    except OSError as error:
        raise StoreError(f"{path}: cannot write: {error.strerror or error}") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file of a run folder at once.

    Raises:
        StoreError: it cannot be written.
    """
    with writing(path) as file:
        file.write(data)
