"""Files of a run folder: one writer at a time, and a reader sees a whole file or none."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from clc.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["SHARDS", "locked", "write_atomically", "writing"]

SHARDS = "shards"  # the folder in place of run.sqlite in a run of a cluster; see clc.runs.shards


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder, made if missing, against other writers.

    Raises:
        StoreError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{folder}: another process is working on this run; wait for it, or choose "
                "another run folder"
            ) from None
        yield


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Raises:
        StoreError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot write: {error}") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file at once; see ``writing``."""
    with writing(path) as file:
        file.write(data)
