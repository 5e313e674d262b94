"""What clc adds to vLLM: tokens per second through ``VllmEngine.complete`` and ``LLM.generate``.

Both get exactly the same prompts (token ids), sampling parameters and seeds, and take turns in
one process, A B A B, so that the machine's moods fall on both::

    python -m benchmarks.engine_overhead --model clc-tiny --prompts 64 --paths 16 --rounds 5

The target is a median ratio of at least 0.95. Needs a CPU vLLM or one GPU with room for the model
twice (``--gpu-memory-utilization 0.4``).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from clc.engines import Completion, Engine, Request
from clc.engines.environment import prepare
from clc.engines.vllm import VllmEngine
from clc.records import Message, Sampling, content_key, path_seed

Drive = Callable[[Engine, Sequence[Request]], Awaitable[list[Completion]]]

_QUESTION = (
    "Question {number}: {name} has {first} apples and buys {second} bags with {third} apples each. "
    "How many apples does {name} have now? Think step by step, then give the answer as a number."
)
_NAMES = ("Tom", "Ana", "Wei", "Amina", "Jonas", "Suda")


class Round(NamedTuple):
    """One timed pass over the work."""

    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Completion tokens per second."""
        return self.tokens / self.seconds


def make_work(prompts: int, paths: int, sampling: Sampling) -> list[Request]:
    """Return ``prompts`` x ``paths`` requests, breadth first: path 0 of every prompt, then 1."""
    return [
        Request(f"{number}/{index}", messages, sampling, path_seed(0, key, index))
        for index in range(paths)
        for number in range(prompts)
        for messages in [_messages(number)]
        for key in [content_key("bench", number)]
    ]


def _messages(number: int) -> tuple[Message, ...]:
    question = _QUESTION.format(
        number=number,
        name=_NAMES[number % len(_NAMES)],
        first=number % 17 + 2,
        second=number % 5 + 2,
        third=number % 11 + 3,
    )
    return (Message(role="user", content=question),)


async def drive_complete(engine: Engine, work: Sequence[Request]) -> list[Completion]:
    """Complete all requests with ``engine.window`` of them in flight."""
    completions: list[Completion | None] = [None] * len(work)
    todo = iter(enumerate(work))

    async def one_after_another() -> None:
        for place, request in todo:
            completions[place] = await engine.complete(request)

    await asyncio.gather(*(one_after_another() for _ in range(engine.window)))
    return [completion for completion in completions if completion is not None]


async def time_complete(
    engine: Engine, work: Sequence[Request], drive: Drive = drive_complete
) -> tuple[Round, list[str]]:
    """Time one pass through the engine; the texts come too, to be compared."""
    start = time.perf_counter()
    completions = await drive(engine, work)
    seconds = time.perf_counter() - start
    tokens = sum(completion.usage.completion_tokens for completion in completions)
    return Round(tokens, seconds), [completion.text for completion in completions]


def time_generate(llm: Any, prompts: Sequence[list[int]], work: Sequence[Request]) -> Any:
    """Time one pass through ``LLM.generate``; return the round and the texts."""
    from vllm import SamplingParams

    start = time.perf_counter()
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
    inputs = [{"prompt_token_ids": prompt} for prompt in prompts]
    outputs = llm.generate(inputs, params, use_tqdm=False)
    seconds = time.perf_counter() - start
    drawn = [output.outputs[0] for output in outputs]
    return Round(sum(len(one.token_ids) for one in drawn), seconds), [one.text for one in drawn]


def load_llm(engine: VllmEngine) -> Any:
    """Load ``vllm.LLM`` with the very arguments that ``engine`` runs with."""
    from vllm import LLM

    return LLM(**engine.engine_args)


async def compare(engine: VllmEngine, work: Sequence[Request], rounds: int) -> list[float]:
    """Run both in turn and print a line for each round; return the ratios."""
    await engine.start()
    try:
        llm = load_llm(engine)
        chat = engine.chat
        prompts = [chat.encode(request.messages) for request in work]
        some = work[: engine.window // 4]
        await time_complete(engine, some)
        time_generate(llm, prompts[: len(some)], some)
        print(f"{'round':>5}  {'LLM.generate':>14}  {'clc':>14}  {'ratio':>6}  same texts")
        ratios = []
        for number in range(1, rounds + 1):
            plain, plain_texts = time_generate(llm, prompts, work)
            ours, our_texts = await time_complete(engine, work)
            ratios.append(ours.rate / plain.rate)
            same = sum(map(str.__eq__, plain_texts, our_texts))
            print(
                f"{number:>5}  {plain.rate:>8.0f} tok/s  {ours.rate:>8.0f} tok/s  "
                f"{ratios[-1]:>6.3f}  {same}/{len(work)}",
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
    parser.add_argument("--target", type=float, default=0.95)
    options = parser.parse_args()
    prepare()
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # LLM in this process, as ours on a CPU
    engine = VllmEngine(options.model, gpu_memory_utilization=options.gpu_memory_utilization)
    sampling = Sampling(temperature=0.8, max_tokens=options.max_tokens)
    work = make_work(options.prompts, options.paths, sampling)
    ratios = asyncio.run(compare(engine, work, options.rounds))
    median = statistics.median(ratios)
    print(f"median ratio {median:.3f} (target {options.target})")
    return int(median < options.target)


if __name__ == "__main__":
    sys.exit(main())
