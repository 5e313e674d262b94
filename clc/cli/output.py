"""The file or stream that a command writes its rows to."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from clc.errors import InputError
from clc.runs.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["rows_to"]

_DEVICES = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))  # /dev/stdout may be a file


@contextmanager
def rows_to(out: str | None) -> Iterator[IO[bytes]]:
    """Open ``out`` for writing, or standard output without it.

    The file is replaced when the block ends, so that it may be one of the inputs.

    Raises:
        InputError: ``out`` cannot be written.
    """
    if out is None:
        yield cast("IO[bytes]", sys.stdout.buffer)
        return
    target = Path(out)
    whole = target.parent not in _DEVICES and (target.is_file() or not target.exists())
    target = target.resolve() if whole else target  # a link stays one
    try:
        with replacing(target) if whole else target.open("wb") as sink:
            yield sink
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written: {error.strerror or error}") from error
