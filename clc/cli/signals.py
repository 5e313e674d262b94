"""SIGINT and SIGTERM for the whole process; imported at every start, so without asyncio."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

__all__ = [
    "SIGNALS",
    "end_process",
    "handle_interrupts",
    "interrupted_status",
    "note_signal",
    "raise_once",
    "release_signals",
]

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_received = [int(signal.SIGINT)]  # the signal that came last


def handle_interrupts() -> None:
    """Have the first SIGINT or SIGTERM raise KeyboardInterrupt, and the second end the process.

    A second KeyboardInterrupt would be raised anywhere in the code that cleans up, some of which
    Python only lets print a traceback. What is stored withstands the end of the process.
    """
    note_signal(signal.SIGINT)
    with suppress(ValueError):  # not in the main thread
        for number in SIGNALS:
            signal.signal(number, raise_once)
        sys.unraisablehook = _end_if_interrupted


def release_signals() -> None:
    """Have SIGINT end the process, and SIGTERM too, as the system does: the command has ended."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, end_process)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def note_signal(number: int) -> None:
    """Keep the signal that interrupts the command, for its exit status."""
    _received[0] = number


def interrupted_status() -> int:
    """Return the exit status after an interrupt: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + _received[0]


def raise_once(number: int = signal.SIGINT, *_: object) -> NoReturn:
    """Raise KeyboardInterrupt; the next signal ends the process."""
    note_signal(number)
    for each in SIGNALS:
        signal.signal(each, end_process)
    raise KeyboardInterrupt


def end_process(number: int | None = None, *_: object) -> NoReturn:
    """End the process, and its children, with the status of an interrupt."""
    if number is not None:
        note_signal(number)
    with suppress(OSError):
        os.write(2, b"clc: interrupted\n")
    if (processes := sys.modules.get("multiprocessing")) is not None:
        for child in processes.active_children():
            child.kill()
    os._exit(interrupted_status())


def _end_if_interrupted(unraisable: sys.UnraisableHookArgs) -> None:
    """End at an interrupt that was raised where Python drops it, such as in ``__del__``."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        end_process()
    sys.__unraisablehook__(unraisable)
