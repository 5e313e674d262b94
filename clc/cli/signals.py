"""SIGINT for the whole process; imported at every start, so without asyncio."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

__all__ = ["INTERRUPTED", "end_process", "handle_interrupts", "raise_once"]

INTERRUPTED = 130
"""Exit status after an interrupt: 128 and the number of SIGINT."""


def handle_interrupts() -> None:
    """Have the first SIGINT raise KeyboardInterrupt, and the second one end the process.

    A second KeyboardInterrupt would be raised anywhere in the code that cleans up, some of which
    Python only lets print a traceback. What is stored withstands the end of the process.
    """
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, raise_once)
        sys.unraisablehook = _end_if_interrupted


def raise_once(*_: object) -> NoReturn:
    """Raise KeyboardInterrupt; the next SIGINT ends the process."""
    signal.signal(signal.SIGINT, end_process)
    raise KeyboardInterrupt


def end_process(*_: object) -> NoReturn:
    """End the process, and its children, with the status of an interrupt."""
    with suppress(OSError):
        os.write(2, b"clc: interrupted\n")
    if (processes := sys.modules.get("multiprocessing")) is not None:
        for child in processes.active_children():
            child.kill()
    os._exit(INTERRUPTED)


def _end_if_interrupted(unraisable: sys.UnraisableHookArgs) -> None:
    """End at an interrupt that was raised where Python drops it, such as in ``__del__``."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        end_process()
    sys.__unraisablehook__(unraisable)
