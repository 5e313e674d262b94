"""Problems of the scripted engine, and runs and solvers over them."""

import asyncio

from clc.prompts.templates import Templates
from clc.records import Problem
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.solving.solver import Solver
from tests.engines.scripted import ScriptedEngine

PROBLEM = Problem("p", "Tom hat 3 Äpfel und kauft 4 dazu. Wie viele?", "de", "7")
SETTINGS: dict = {"languages": ["en", "de", "zh"], "paths": 6}


def solver(engine=None, *, store=None, translator=None, cache=None, **settings):
    chosen: dict = {"languages": ["en", "de", "zh"], "paths": 11} | settings
    return Solver(
        engine or ScriptedEngine(),
        configure(chosen.pop("strategy", "clc"), **chosen),
        templates=Templates(),
        store=store or Store(None),
        translator=translator,
        cache=cache,
    )


def solve(problem=PROBLEM, *args, **more):
    made = solver(*args, **more)
    made.store.add_problem(0, problem)
    return made, asyncio.run(made.solve(problem))


def problems(count, first=0):
    for number in range(first, first + count):
        yield Problem(f"p-{number}", f"Wie viele sind {number} und 2?", "de", str(number + 2))


def run(source, store, engine=None, **settings):
    engine = engine or ScriptedEngine()
    work = Run(configure("clc", **(SETTINGS | settings)), engine, store)

    async def collect():
        return [verdict async for verdict in work.verdicts(source)]

    return asyncio.run(collect())


def rows(store):
    """Return the stored paths by key, as they are in the store."""
    return {
        row[0]: row
        for row in store._connection.execute(
            "SELECT key, idx, seed, text, finish_reason, prompt_tokens, completion_tokens FROM paths"
        )
    }


def by_id(verdicts):
    return {verdict.id: verdict for verdict in verdicts}
