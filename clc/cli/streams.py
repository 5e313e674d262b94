"""The three standard streams of the command line, and the exit status when one of them fails."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from io import FileIO, TextIOWrapper

__all__ = ["BROKEN_PIPE", "close_output", "pipe_is_broken", "prepare_streams", "terminal_width"]

BROKEN_PIPE = 141
"""Exit status of a closed pipe to the output: 128 and the number of SIGPIPE."""

_NARROWEST, _WIDEST = 20, 1000
_STREAMS = (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY))


def prepare_streams() -> None:
    """Open the standard streams that are closed, and make the others print any text.

    A file or socket that is opened later would take a closed stream's number, and get what a
    library prints. Standard output that is closed is opened for reading, so that writing to it
    fails as on a full disk; standard error that is closed swallows what is written.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        stream = getattr(sys, name)
        if stream is None:
            _open_null(number, mode)
            file = os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)
            setattr(sys, name, file)
        elif isinstance(stream, TextIOWrapper) and number:
            # The encoding of a pipe or a terminal may lack a text's script.
            stream.reconfigure(errors="backslashreplace")
    for name in ("COLUMNS", "LINES"):
        _check_size(name)


def _open_null(number: int, mode: int) -> None:
    with suppress(OSError):
        null = os.open(os.devnull, mode)
        if null != number:
            os.dup2(null, number)
            os.close(null)


def _check_size(name: str) -> None:
    """Remove a size of the terminal that is none, so that its real size holds."""
    size = os.environ.get(name)
    if size is None:
        return
    digits = size if size.isascii() and size.isdigit() and len(size) < 10 else "0"  # noqa: PLR2004
    if int(digits) == 0:
        del os.environ[name]
    elif name == "COLUMNS":
        os.environ[name] = str(min(max(int(digits), _NARROWEST), _WIDEST))


def terminal_width() -> int:
    """Return the width of the terminal, as ``shutil.get_terminal_size`` does.

    Without importing ``shutil``, which loads three libraries of compression, at every start.
    """
    with suppress(KeyError, ValueError):
        if (columns := int(os.environ["COLUMNS"])) > 0:
            return columns
    with suppress(AttributeError, ValueError, OSError):  # no standard output, or no terminal
        if (columns := os.get_terminal_size(sys.__stdout__.fileno()).columns) > 0:  # type: ignore[union-attr]
            return columns
    return 80


def pipe_is_broken(error: BaseException) -> bool:
    """Whether an error is, or comes from, a pipe whose reader is gone.

    rich ends the process with SystemExit(1) in its place.
    """
    if isinstance(error, BrokenPipeError) or getattr(error, "errno", None) == errno.EPIPE:
        return True
    return isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError)


def close_output() -> OSError | None:
    """Write what is left in the buffers, and return the error if standard output fails.

    Afterwards nothing is left that Python could fail to write when it exits.
    """
    failed: OSError | None = None
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError as error:
            if number == 1:
                failed = error
            _discard(stream, number)
        except ValueError:  # it is closed already
            continue
    return failed


def _discard(stream: object, number: int) -> None:
    """Send what a stream still holds to nowhere."""
    with suppress(OSError, ValueError):
        if isinstance(raw := getattr(getattr(stream, "buffer", None), "raw", None), FileIO):
            number = raw.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
