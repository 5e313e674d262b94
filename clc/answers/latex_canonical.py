"""Canonical LaTeX, computed by sympy in a child process that can be killed.

Parsing and simplifying untrusted LaTeX can hang or crash, so it runs in one child process, started
at the first expression, with a time limit for each. If the process is lost, or without the
``latex`` extra, the canonical form is the text itself without spaces and styles; also where sympy
would read another value than the text has. Numbers are read without it.
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
from typing import TYPE_CHECKING

from clc.answers.compounds import evaluate
from clc.answers.context import TextContext
from clc.answers.factorials import mark_factorials
from clc.answers.latex import is_tuple, normal_latex, plain
from clc.answers.region import read_region
from clc.answers.sympy_worker import READY

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["Simplifier", "canonical_latex", "simplifier"]

_COMMAND = re.compile(r"\\[a-zA-Z]+")
_TEXT = re.compile(r"\\(?:text|mathrm|textrm|mbox|mathbf|textbf)\s?\{([^{}]*[a-zA-Z]{2}[^{}]*)\}")
_WORDS = re.compile(_TEXT.pattern + "|" + _COMMAND.pattern)
_VARIABLE = re.compile(r"[^\W\d_]")
_NAME = re.compile(r"[\s$]*(?:\\?[a-zA-Z]+|[a-zA-Z])(?:_\{?\w{1,8}\}?)?\s*")
_JOINED = re.compile(r"\b(?:or|and)\b|[<>≤≥±∪∩;]")
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:\s|\\[,;:! ]|~|\{,\})\d{3})+(?!\d)")
# A colon, marks of minutes, digits apart, a power of ten, and more digits than a float has.
_UNREADABLE = re.compile(
    r"[:：∶\"”″]|(?<=\d)['′’]|\\colon|\d(?:\s|\\[,;:! ]|~)+\d|\d[eE][-+]?\d"
    r"|\d[\d.]{16}|\\[dtc]?(?:overline|bar|dot)\b|\\pmod"
)
_LETTERS = re.compile(r"[a-zA-Z]{4,}|[A-Z]{2,}")  # a word, or points
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
    number = _number(markup)
    if number is not None:
        return str(number)
    joined = _join_thousands(markup.strip().strip("$").strip())
    if len(normal) > _LONGEST or _is_ambiguous(joined):
        return normal
    return simplifier().canonical(joined) or normal


def _number(markup: str) -> Fraction | None:
    """Read an expression as a number; None for a tuple, a set, and an equation of variables."""
    sides = markup.strip().strip("$").split("=")
    if is_tuple(sides[-1]) or len(markup) > _LONGEST:
        return None
    left = sides[1:-1] if _NAME.fullmatch(sides[0]) else sides[:-1]
    if any(_VARIABLE.search(_WORDS.sub("", side)) for side in left) or "\\pmod" in markup:
        return None
    content = plain(sides[-1].replace("\\left", "").replace("\\right", ""))
    value = evaluate(mark_factorials(content, mathematical=True))
    if value is not None:
        return value
    if not any(map(str.isdecimal, content)) or "\\" in content or _JOINED.search(content):
        return None
    reading = read_region(content, TextContext(content, None, None), mathematical=True)
    if reading is None or reading.value is None:
        return None
    rest = content[: reading.start] + content[reading.end :]
    return None if any(map(str.isdecimal, rest)) else reading.value


def _join_thousands(markup: str) -> str:
    r"""Remove the spaces in 12\,500."""
    return _GROUPED.sub(lambda number: re.sub(r"\D", "", number[0]), markup)


def _is_ambiguous(markup: str) -> bool:
    """Whether sympy would read another value: 1:00, 2 3, 1e5, AB, words, and long decimals."""
    if _UNREADABLE.search(markup):
        return True
    words = {word.strip().lower() for word in _TEXT.findall(markup)}
    return bool(words - {"or", "and"}) or _LETTERS.search(_COMMAND.sub(" ", markup)) is not None


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
