"""A program that uses the public calls, for the type checker: it is read and never run.

What is asserted here is what an editor shows somebody who uses ``clc``. A change that fails here
breaks their type checks.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, assert_type

import clc
from clc import (
    Abstention,
    Answer,
    Arm,
    Completion,
    Configuration,
    Engine,
    Problem,
    ReasoningPath,
    Request,
    Sampling,
    Stopping,
    Store,
    Strategy,
    Templates,
    Verdict,
    Vote,
    Weighting,
)

# Answers and votes

read = clc.extract_answer("Antwort: 1.234,50", language="de")
assert_type(read, Answer | Abstention)
if isinstance(read, Answer):
    assert_type(read.value, str)
    assert_type(read.span, tuple[int, int] | None)
else:
    assert_type(read.detail, str)
assert_type(clc.canonical("2/6"), str | None)
for mention in clc.numbers_in("3 sheep cost 1,250.50 each", "en"):
    assert_type(mention.span, tuple[int, int])
assert_type(clc.vote([Vote("k", "de", read)], weights={"de": 0.5}), Verdict)
clc.extract_answer(5)  # type: ignore[arg-type]
clc.vote("7")  # type: ignore[arg-type]

# A question, many questions


def solving(engine: Engine) -> None:
    verdict = clc.solve("How many?", languages=["en", "de"], paths=4, engine=engine)
    assert_type(verdict, Verdict)
    assert_type(verdict.answer, str | None)
    assert_type(verdict.agreement, float)
    assert_type(verdict.tally, Mapping[str, Mapping[str, float]])
    assert_type(verdict.usage.completion_tokens, int)
    problems = clc.load_problems(Path("mgsm_de.tsv"))
    assert_type(problems, Iterator[Problem])
    verdicts = clc.solve_many(problems, store="runs/de")
    assert_type(verdicts, Generator[Verdict, None, None])
    verdicts.close()
    clc.solve_many(5)  # type: ignore[arg-type]
    verdict.answer = "7"  # type: ignore[misc]


async def solving_async() -> None:
    assert_type(await clc.asolve(Problem("1", "How many?", "en")), Verdict)
    found = clc.asolve_many(["How many?"], strategy=clc.STRATEGIES["sc"])
    assert_type(found, AsyncGenerator[Verdict, None])
    async for verdict in found:
        assert_type(verdict.id, str)


# Settings

arm = Arm("en", question="original")
strategy = Strategy("mine", (arm,), 1, 0.0)
configuration = clc.configure(strategy, stopping=Stopping("beta"), weighting=Weighting())
assert_type(configuration, Configuration)
assert_type(clc.load_strategy("mine.toml"), Strategy)
assert_type(clc.STRATEGIES["clc"], Strategy)
clc.configure("clc", path=3)  # type: ignore[call-arg]
clc.configure("clc", fidelity="maybe")  # type: ignore[arg-type]

# An engine of one's own


class Own:
    """As the documentation of extending tells it."""

    fingerprint = "own"
    window = 4

    async def start(self) -> None: ...

    async def complete(self, request: Request) -> Completion:
        assert_type(request.sampling, Sampling)
        return Completion("The answer is 7.", "stop")

    async def close(self) -> None: ...


own: Engine = Own()
assert_type(clc.open_engine(window=8), Engine)
other: Engine = object()  # type: ignore[assignment]


# What is stored


def looking(folder: Path) -> None:
    with clc.open_run(folder) as run:
        for one in clc.revote(run):
            assert_type(one.verdict, Verdict)
            assert_type(one.problem.gold, str | None)
            for key, path in one.drawn():
                assert_type(key, str)
                assert_type(path, ReasoningPath)
    with Store(folder, read_only=True) as store:
        assert_type(store, Store)


def working(engine: Engine) -> None:
    work = clc.Run(configuration, engine, Store(None), templates=Templates())
    assert_type(work.identity({}), dict[str, Any])
