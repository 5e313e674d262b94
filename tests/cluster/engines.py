"""Scripted engines for replicas: they keep a log, and fail on demand."""

import os
import signal
from dataclasses import replace
from pathlib import Path

from clc.errors import EngineError
from tests.engines.scripted import ScriptedEngine


class Logged(ScriptedEngine):
    """Appends every request that it is asked, and every process that starts, to a file.

    ``dies_at`` is a text in a question at which the process is killed: every time, or only until
    ``once`` exists. ``fails`` is why it cannot start, ``breaks_at`` a text at which it is lost.
    """

    def __init__(
        self, log, *, delay=0.0, dies_at=None, once=None, fails=None, breaks_at=None, lose=None
    ):
        super().__init__(delay=(lambda _: delay) if delay else None, lose=lose)
        self._log = Path(log)
        self._dies_at, self._once = dies_at, once and Path(once)
        self._fails, self._breaks_at = fails, breaks_at

    def _note(self, line):
        with self._log.open("a") as log:
            log.write(f"{line}\n")

    def _died(self):
        return self._once is not None and self._once.exists()

    async def start(self):
        if self._fails == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._fails:
            raise EngineError(self._fails)
        self._note(f"start {os.getpid()}")
        await super().start()

    async def complete(self, request):
        content = request.messages[-1]["content"]
        if self._dies_at and self._dies_at in content and not self._died():
            if self._once:
                self._once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self._breaks_at and self._breaks_at in content:
            raise EngineError("the engine process ended")
        done = await super().complete(request)
        self._note(request.key)
        return done


class Costly(Logged):
    """Reports the cost of each completion, and notes that it leaves out seeds."""

    async def complete(self, request):
        return replace(await super().complete(request), cost=0.25, cached_tokens=3)

    def notes(self):
        return {"endpoints": {"http://h/v1": {"left_out": ["seed"]}}}


class Short(Logged):
    """Truncates a text after ``max_tokens`` words."""

    async def complete(self, request):
        completion = await super().complete(request)
        words, most = completion.text.split(), request.sampling.max_tokens
        if len(words) <= most:
            return completion
        return replace(completion, text=" ".join(words[:most]), finish_reason="length")


def lose_some(request):
    """Lose every seventh request."""
    return "503" if request.seed % 7 == 0 else None


def asked(log):
    """Keys that engines completed, in order, of all processes."""
    return [line for line in Path(log).read_text().splitlines() if not line.startswith("start")]


def starts(log):
    return [line for line in Path(log).read_text().splitlines() if line.startswith("start")]


class Mistranslating(Logged):
    """Its translations into Chinese lose the numbers of every other question."""

    async def complete(self, request):
        done = await super().complete(request)
        content = request.messages[-1]["content"]
        odd = any(f" {number}?" in content for number in range(51, 200, 2))
        if "into Chinese." in content and odd:
            return replace(done, text="Some text without any number.")
        return done
