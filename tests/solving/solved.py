"""One problem solved by the scripted engine, and checked against a new vote over the store."""

import asyncio
import dataclasses

from clc.prompts.templates import Templates
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.solver import Solver
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import PROBLEM

LANGUAGES = ["en", "de", "zh", "fr"]


def solved(
    engine=None,
    *,
    problem=PROBLEM,
    manifest=None,
    store=None,
    deadline=None,
    watch=None,
    **settings,
):
    """Solve a problem, check that the store tells the same, and return solver and verdict."""
    chosen: dict = {"strategy": "clc", "languages": LANGUAGES, "paths": 24} | settings
    configuration = configure(chosen.pop("strategy"), **chosen)
    store = store or Store(None)
    made = Solver(engine or ScriptedEngine(), configuration, templates=Templates(), store=store)
    if store.problem(problem.id) is None:
        store.add_problem(0, problem)
    verdict = asyncio.run(made.solve(problem, deadline=deadline, watch=watch))
    if configuration.fidelity != "count" and configuration.strategy.voting == "majority":
        (again,) = revote(store)  # a store in memory has no manifest that says otherwise
        assert again.verdict == verdict
    return made, verdict


def agree(text):
    """An engine that always says the same in the end."""

    class Agrees(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if "into" in request.messages[-1]["content"][:40]:
                return done
            return dataclasses.replace(done, text=text)

    return Agrees()
