"""A formula that takes long to simplify keeps neither other requests nor the server waiting."""

import asyncio
import dataclasses
import sys
import threading

import pytest

from clc.answers import latex_canonical
from clc.answers.latex_canonical import Simplifier
from clc.prompts.templates import Templates
from clc.records import Problem
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.reading import read_in_thread
from clc.solving.solver import Solver
from tests.engines.scripted import ScriptedEngine

# Says that it has an expression, and answers it when it is released.
PROGRAM = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
sys.stdout.write("ready\\n"); sys.stdout.flush()
for line in sys.stdin:
    (folder / "asked").touch()
    while not (folder / "release").exists():
        time.sleep(0.01)
    sys.stdout.write('"simplified"\\n'); sys.stdout.flush()
"""


class FormulaEngine(ScriptedEngine):
    """A model that answers with a formula."""

    async def complete(self, request):
        done = await super().complete(request)
        return dataclasses.replace(done, text=r"So it is \boxed{\sqrt{2} + k}.")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder of a simplification that waits to be released."""
    shared = Simplifier(seconds=60.0, command=(sys.executable, "-c", PROGRAM, str(tmp_path)))
    monkeypatch.setattr(latex_canonical, "simplifier", lambda: shared)
    latex_canonical.canonical_latex.cache_clear()
    yield tmp_path
    shared.close()
    latex_canonical.canonical_latex.cache_clear()


async def solve_and_release(folder):
    """Solve a problem beside a task that releases the simplification once it has started."""
    solver = Solver(
        FormulaEngine(),
        configure("sc", paths=2),
        templates=Templates(),
        store=Store(None),
    )
    problem = Problem("p", "What is the root of two, and k?", "en")
    solver.store.add_problem(0, problem)

    async def release():
        while not (folder / "asked").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.01)
        (folder / "release").touch()

    return (await asyncio.gather(solver.solve(problem), release()))[0]


def test_the_loop_goes_on_while_an_expression_is_simplified(folder):
    assert asyncio.run(solve_and_release(folder)).answer == "simplified"


def test_a_text_without_formula_is_read_at_once():
    async def read():
        return await read_in_thread("Answer: 18", None, threading.get_ident), threading.get_ident()

    here, main = asyncio.run(read())
    assert here == main
