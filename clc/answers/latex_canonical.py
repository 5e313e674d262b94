"""Canonical LaTeX, computed by sympy in a child process that can be killed.

Parsing and simplifying untrusted LaTeX can hang or crash, so it runs in one child process, started
at the first expression, with a time limit for each. If the process is lost, or without the
``latex`` extra, the canonical form is the text itself without spaces and styles. Numbers are not
handled here.
"""

from __future__ import annotations

import atexit
import json
import re
import selectors
import subprocess
import sys
import threading
from functools import lru_cache
from importlib.util import find_spec

from clc.answers.context import TextContext
from clc.answers.latex import normal_latex, plain
from clc.answers.region import read_region
from clc.answers.sympy_worker import READY

__all__ = ["Simplifier", "canonical_latex", "simplifier"]

_NUMBER = re.compile(
    r"[-−]?[\d.,]{1,60}(?:[ ]?\d{1,18})?(?:/\d{1,18})?[%°]?|[-−]?\d{1,30}(?:\^[-\d{}^]{1,30}|!)\.?"
)
_SECONDS = 3.0
_START_SECONDS = 30.0  # importing sympy on a busy machine
_LONGEST = 1000


@lru_cache(maxsize=4096)
def canonical_latex(markup: str) -> str | None:
    r"""Return the canonical form of an expression, None if it is empty.

    >>> canonical_latex(r"\dfrac{1}{2}"), canonical_latex("$0.5$")
    ('1/2', '1/2')
    """
    normal = normal_latex(markup)
    if normal is None:
        return None
    if _NUMBER.fullmatch(plain(normal)):
        reading = read_region(plain(normal), TextContext(normal, None, None), mathematical=True)
        if reading is not None and reading.value is not None:
            return str(reading.value)
    if len(normal) > _LONGEST:
        return normal
    return simplifier().canonical(markup.strip().strip("$").strip()) or normal


class Simplifier:
    """A child process that simplifies LaTeX: equal expressions have one form."""

    def __init__(self, seconds: float = _SECONDS, command: tuple[str, ...] | None = None) -> None:
        self.seconds = seconds
        self._command = command or (sys.executable, "-m", "clc.answers.sympy_worker")
        self._available = command is not None or (
            find_spec("sympy") is not None and find_spec("math_verify") is not None
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def canonical(self, markup: str) -> str | None:
        """Simplify an expression; None if it is unreadable, too slow, or crashes the process."""
        if not self._available:
            return None
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = self._start()
            answer = self._ask(self._process, markup) if self._process else None
            if answer is None:
                self._kill()
            return answer or None

    def close(self) -> None:
        """Kill the process."""
        with self._lock:
            self._kill()

    def _start(self) -> subprocess.Popen[bytes] | None:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        if _line(process, _START_SECONDS) == READY:
            return process
        process.kill()
        process.wait()
        self._available = False
        return None

    def _ask(self, process: subprocess.Popen[bytes], markup: str) -> str | None:
        """Return the process's answer, "" if the expression is unreadable, None if it is lost."""
        if process.stdin is None:
            return None
        try:
            process.stdin.write(json.dumps(markup).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            return None
        line = _line(process, self.seconds)
        if not line.endswith("\n"):
            return None
        answer = json.loads(line)
        return answer if isinstance(answer, str) else ""

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    continue


def _line(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Read a line of the process's output, or a part of it at the time limit."""
    from time import monotonic

    if process.stdout is None:
        return ""
    deadline = monotonic() + seconds
    data = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not data.endswith(b"\n"):
            left = deadline - monotonic()
            if left <= 0 or not selector.select(left):
                break
            part = process.stdout.read1(65536) if hasattr(process.stdout, "read1") else b""
            if not part:
                break
            data += part
    return data.decode("utf-8", "replace")


@lru_cache(maxsize=1)
def simplifier() -> Simplifier:
    """Return the process shared by all expressions."""
    shared = Simplifier()
    atexit.register(shared.close)
    return shared
