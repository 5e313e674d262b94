"""Runs to damage, and the figures that must not change unnoticed."""

from pathlib import Path

from clc.analysis.scoring import score_run
from clc.records import Problem
from clc.runs.open import open_run
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from tests.engines.scripted import ScriptedEngine

PROBLEMS = [
    Problem(
        f"p-{number}", f"Tom has {number} pens and buys 4. How many?", "en", str(7 + number % 2)
    )
    for number in range(12)
]
SETTINGS = configure("clc", languages=("en", "de", "zh"), paths=6)
DATASET = {"source": "x"}
OLD = Path(__file__).parents[1] / "data" / "format2" / "run"


async def solve(folder, finish=True):
    with Store(folder) as store:
        run = Run(SETTINGS, ScriptedEngine(), store)
        run.begin(DATASET)
        async for _ in run.verdicts(PROBLEMS):
            pass
        if finish:
            run.finish()


def figures(folder):
    """All that a reader sees."""
    with open_run(folder) as store:
        problems = [
            (one, store.prompts([arm.prompt_key for arm in one.plan.arms]))
            for one in store.finished()
        ]
        return score_run(store), store.started(), problems
