"""The thinking mode in a measurement: an engine that thinks first, and what its paths thought."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tokenizers import Tokenizer

from benchmarks.training.tokenizer import THINK_MARK, THOUGHT_ENDS, THOUGHT_STARTS
from clc.engines.models import resolve_model
from clc.records import Message
from clc.runs.open import open_run
from clc.runs.revote import revote

if TYPE_CHECKING:
    from clc.engines.base import Completion, Request
    from clc.engines.shared import SharedEngine

__all__ = ["Thinking", "Thoughts", "thoughts_of"]


class Thinking:
    """The model in its thinking mode: each question bears the mark of its chat template.

    That is what the template renders with ``enable_thinking``, so it needs no option of an engine.
    """

    def __init__(self, lane: SharedEngine) -> None:
        self._lane = lane
        self.fingerprint = f"thinking:{lane.engine.fingerprint}"

    @property
    def window(self) -> int:
        """Requests to keep in flight."""
        return self._lane.engine.window

    async def start(self) -> None:
        """Load the model."""
        await self._lane.start()

    async def complete(self, request: Request) -> Completion:
        """Complete a request behind the mark."""
        *before, last = request.messages
        marked = Message(role=last["role"], content=last["content"] + THINK_MARK)
        return await self._lane.complete(replace(request, messages=(*before, marked)))

    async def close(self) -> None:
        """Free the model."""
        await self._lane.close()


class Thoughts(NamedTuple):
    """What a run's paths thought: how many paths, how many ended a thought, tokens in thoughts."""

    paths: int
    ended: int
    tokens: int


def thoughts_of(folder: Path, model: str) -> Thoughts:
    """Count the thoughts of a run, their tags included."""
    tokenizer = Tokenizer.from_file(str(Path(resolve_model(model)) / "tokenizer.json"))
    paths = ended = tokens = 0
    with open_run(folder) as store:
        for solved in revote(store):
            for _, path in solved.drawn():
                thought, end, _ = path.text.partition(THOUGHT_ENDS)
                paths += 1
                ended += bool(end)
                if end or thought.startswith(THOUGHT_STARTS):
                    tokens += len(tokenizer.encode(thought + end).ids)
    return Thoughts(paths, ended, tokens)
