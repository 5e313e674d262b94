"""What clc adds to vLLM: tokens per second of a whole clc run against ``LLM.generate``.

The run does all that ``clc solve`` does: it renders prompts, samples, reads answers, votes, and
stores every path on disk. ``LLM.generate`` gets exactly the same prompts (token ids), sampling
parameters and seeds. They take turns in one process, A B A B, first one first and then the other,
so that what else the machine does falls on both::

    python -m benchmarks.engine_overhead --model clc-tiny --prompts 64 --paths 16 --rounds 5
    python -m benchmarks.engine_overhead --model runs/real-models/SmolLM2-135M-Instruct \
        --prompts 16 --paths 8 --max-tokens 96 --rounds 6

The target is a median ratio of at least 0.98. Beside it stands the ratio of tokens per second of
CPU time, over all threads, which other programs disturb less. Needs a CPU vLLM or one GPU with room
for the model twice (``--gpu-memory-utilization 0.4``).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.engines import Completion, Engine, Request
from clc.engines.environment import prepare
from clc.engines.vllm.engine import VllmEngine
from clc.engines.vllm.requests import token_prompt
from clc.records import Problem
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.solving.configuration import Configuration

_QUESTION = (
    "Question {number}: {name} has {first} apples and buys {second} bags with {third} apples each. "
    "How many apples does {name} have now? Think step by step, then give the answer as a number."
)
_NAMES = ("Tom", "Ana", "Wei", "Amina", "Jonas", "Suda")


class Clock(NamedTuple):
    """Seconds that passed, and seconds of CPU time of this process."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Clock:
        """Read both clocks."""
        return cls(time.perf_counter(), time.process_time())

    def passed(self) -> Clock:
        """Return what has passed since."""
        now = Clock.now()
        return Clock(now.wall - self.wall, now.cpu - self.cpu)


class Round(NamedTuple):
    """One timed pass over the work."""

    tokens: int
    took: Clock
    texts: dict[str, str]

    @property
    def rate(self) -> float:
        """Completion tokens per second."""
        return self.tokens / self.took.wall

    @property
    def cpu_rate(self) -> float:
        """Completion tokens per second of CPU time."""
        return self.tokens / self.took.cpu


def problems(number: int) -> list[Problem]:
    """Make ``number`` problems, all different."""
    return [
        Problem(
            id=str(place),
            language="en",
            question=_QUESTION.format(
                number=place,
                name=_NAMES[place % len(_NAMES)],
                first=place % 17 + 2,
                second=place % 5 + 2,
                third=place % 11 + 3,
            ),
        )
        for place in range(number)
    ]


class Recorder:
    """An engine that samples nothing and keeps what it was asked for."""

    def __init__(self, engine: Engine) -> None:
        self.fingerprint = engine.fingerprint
        self.window = engine.window
        self.asked: list[Request] = []

    async def start(self) -> None:
        """Do nothing."""

    async def complete(self, request: Request) -> Completion:
        """Keep the request."""
        self.asked.append(request)
        return Completion("Answer: 1", "stop")

    async def close(self) -> None:
        """Do nothing."""


class Kept(Recorder):
    """An engine that outlives the run it serves, and keeps each request's text."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.engine = engine
        self.texts: dict[str, str] = {}
        self.tokens = 0

    async def complete(self, request: Request) -> Completion:
        """Complete and count."""
        completion = await self.engine.complete(request)
        self.texts[request.key] = completion.text
        self.tokens += completion.usage.completion_tokens
        return completion


async def solve(engine: Engine, configuration: Configuration, number: int) -> Clock:
    """Solve ``number`` problems as ``clc solve`` does, with a store on disk; return its time."""
    with tempfile.TemporaryDirectory() as folder, Store(folder) as store:
        run = Run(configuration, engine, store)
        start = Clock.now()
        async for _ in run.verdicts(problems(number)):
            pass
        return start.passed()


async def time_run(engine: Engine, configuration: Configuration, number: int) -> Round:
    """Time one whole run."""
    kept = Kept(engine)
    took = await solve(kept, configuration, number)
    return Round(kept.tokens, took, kept.texts)


def time_generate(llm: Any, prompts: Sequence[list[int]], work: Sequence[Request]) -> Round:
    """Time one pass through ``LLM.generate``."""
    from vllm import SamplingParams

    start = Clock.now()
    params = [
        SamplingParams(
            temperature=request.sampling.temperature,
            top_p=request.sampling.top_p,
            top_k=request.sampling.top_k,
            max_tokens=request.sampling.max_tokens,
            seed=request.seed,
        )
        for request in work
    ]
    inputs = [token_prompt(prompt) for prompt in prompts]
    outputs = llm.generate(inputs, params, use_tqdm=False)
    took = start.passed()
    sampled = [output.outputs[0] for output in outputs]
    texts = {request.key: one.text for request, one in zip(work, sampled, strict=True)}
    return Round(sum(len(one.token_ids) for one in sampled), took, texts)


def load_llm(engine: VllmEngine) -> Any:
    """Load ``vllm.LLM`` with the very arguments that ``engine`` runs with."""
    from vllm import LLM

    return LLM(**engine.engine_args)


async def compare(
    engine: VllmEngine, configuration: Configuration, number: int, rounds: int
) -> list[tuple[float, float]]:
    """Run both in turn and print a line for each round; return the ratios, of CPU time second."""
    await engine.start()
    try:
        llm = load_llm(engine)
        recorder = Recorder(engine)
        await solve(recorder, configuration, number)
        work = recorder.asked
        prompts = [engine.chat.render(request.messages).ids for request in work]
        some = work[: engine.window // 4]
        await solve(Kept(engine), configuration, max(number // 8, 1))
        time_generate(llm, prompts[: len(some)], some)
        print(f"{'round':>5}  {'LLM.generate':>14}  {'clc':>14}  {'ratio':>6}  {'of CPU':>6}  "
              f"{'same texts':>10}  load")  # fmt: skip
        ratios = []
        for turn in range(1, rounds + 1):
            if turn % 2:
                plain = time_generate(llm, prompts, work)
                ours = await time_run(engine, configuration, number)
            else:
                ours = await time_run(engine, configuration, number)
                plain = time_generate(llm, prompts, work)
            ratios.append((ours.rate / plain.rate, ours.cpu_rate / plain.cpu_rate))
            same = sum(ours.texts.get(key) == text for key, text in plain.texts.items())
            print(
                f"{turn:>5}  {plain.rate:>8.0f} tok/s  {ours.rate:>8.0f} tok/s  "
                f"{ratios[-1][0]:>6.3f}  {ratios[-1][1]:>6.3f}  {f'{same}/{len(work)}':>10}  "
                f"{os.getloadavg()[0]:.1f}",
                flush=True,
            )
        return ratios
    finally:
        await engine.close()


def main() -> int:
    """Parse the command line, compare, and print the median; 0 if it reaches the target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="clc-tiny")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--paths", type=int, default=16)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gpu-memory-utilization", type=float)
    parser.add_argument("--target", type=float, default=0.98)
    options = parser.parse_args()
    prepare()
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # LLM in this process, as ours on a CPU
    engine = VllmEngine(options.model, gpu_memory_utilization=options.gpu_memory_utilization)
    configuration = configure(
        "sc", paths=options.paths, temperature=0.8, max_tokens=options.max_tokens
    )
    ratios = asyncio.run(compare(engine, configuration, options.prompts, options.rounds))
    median, of_cpu = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(f"median ratio {median:.3f} (target {options.target}), of CPU time {of_cpu:.3f}")
    return int(median < options.target)


if __name__ == "__main__":
    sys.exit(main())
