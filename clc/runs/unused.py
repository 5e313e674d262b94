"""Removal of a new run folder in which nothing was sampled."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from clc.errors import InputError, StoreError
from clc.runs.files import locked
from clc.runs.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["removing_unused"]

_FILES = ("manifest.json", "run.sqlite", "run.sqlite-wal", "run.sqlite-shm", ".lock")


@contextmanager
def removing_unused(folder: Path) -> Iterator[None]:
    """Remove the run folder that the block makes, if an input error ends it with nothing sampled.

    A folder that was there before stays, and so does one that holds anything else.
    """
    new = not os.path.lexists(folder)
    try:
        yield
    except InputError:
        if new:
            with suppress(OSError, StoreError):
                _remove(folder)
        raise


def _remove(folder: Path) -> None:
    if {file.name for file in folder.iterdir()} - {*_FILES}:
        return
    with Store(folder, read_only=True) as store:
        if store.count("paths") or store.count("steps"):
            return
    with locked(folder):
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
