"""A model made of arithmetic: what it says depends on the messages and the seed, and on nothing else."""

import asyncio
import random
from collections import Counter

from clc.engines.base import Completion, Request
from clc.records import Usage

TRANSLATE = "Translate this problem into "


def say(messages, seed: int) -> str:
    """Translate by framing the question (its numbers stay), or reason to 7, 8 or nothing."""
    content = messages[-1]["content"]
    if content.startswith(TRANSLATE):
        name, _, question = content.removeprefix(TRANSLATE).partition(". ")
        return f"[{name}] " + question.split("\n\n", 1)[1]
    if content.startswith("Translate the last problem into "):
        question, _, name = content.rsplit("\n\n", 1)[1].rpartition("\n")
        return f"[{name.rstrip(':')}] " + question.partition(": ")[2]
    rng = random.Random(seed)
    value = rng.choices(["7", "8", "9", ""], [6, 3, 2, 1])[0]
    steps = "".join(f"Step {step}: so it is.\n" for step in range(rng.randrange(1, 4)))
    return f"{steps}\nAnswer: {value}" if value else f"{steps}\nI cannot tell."


class ScriptedEngine:
    """Answers by ``say``, after ``delay(request)`` seconds; counts what it was asked.

    ``lose`` gives the reason why a request is lost, or None. ``think`` gives the thought before an
    answer; it is streamed in two pieces to a request that wants it.
    """

    def __init__(self, *, delay=None, lose=None, think=None, fingerprint="scripted", window=16):
        self.fingerprint = fingerprint
        self.window = window
        self.asked: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.cancelled = 0
        self.started = 0
        self.closed = 0
        self._delay = delay
        self._lose = lose
        self._think = think

    @property
    def translations(self) -> list[Request]:
        return [r for r in self.requests if r.messages[-1]["content"].startswith("Translate th")]

    async def start(self) -> None:
        self.started += 1
        await asyncio.sleep(0)

    async def complete(self, request: Request) -> Completion:
        assert self.started == 1
        self.asked[request.key] += 1
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self._delay(request) if self._delay else 0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        reason = self._lose(request) if self._lose else None
        if reason is not None:
            return Completion.lost(reason)
        text = say(request.messages, request.seed)
        prompt = sum(len(message["content"].split()) for message in request.messages)
        if self._think is None:
            return Completion(text, "stop", Usage(prompt, len(text.split())))
        thought = self._think(request)
        if request.on_thought is not None:
            request.on_thought(thought[:5])
            await asyncio.sleep(0)
            request.on_thought(thought[5:])
        thinking = len(thought.split())
        usage = Usage(prompt, thinking + len(text.split()), thinking)
        return Completion(text, "stop", usage, thought=thought, closed=True)

    async def close(self) -> None:
        self.closed += 1
