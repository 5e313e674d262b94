"""No prompt holds a thought: over all strategies, whatever the model thinks."""

import asyncio
import dataclasses

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from clc.engines.shared import SharedEngine
from clc.prompts.templates import Templates
from clc.records import Problem
from clc.runs.store import Store
from clc.serving.question import Question
from clc.serving.reply import Answerer
from clc.solving.configure import configure
from clc.solving.solver import Solver
from clc.solving.verifier import VerifierSpec
from clc.strategies.catalogue import STRATEGIES
from tests.engines.scripted import ScriptedEngine

PROBLEM = Problem("p", "Tom hat 3 Äpfel und kauft 4 dazu. Wie viele?", "de", "7")
LETTERS = str.maketrans("0123456789", "ghijklmnop")
MARKS = [
    "<think>",
    "</think>",
    "[THINK]",
    "<|channel|>analysis<|message|>",
    "Answer: 9",
    "3",
    "\n\n",
]
# Strategies whose later prompts hold an earlier completion: a translation, a turn, paths to choose.
CARRY = {
    "translate-en", "sc-en", "clc", "clc-think", "clc-bilingual", "xcot-two-stage", "clp", "clsp",
    "autocap", "self-translate", "usc", "clc-widen", "weighted-by-reward", "best-of-n",
}  # fmt: skip


def marker(request):
    """Letters that name a completion; digits would change a question's numbers."""
    return request.key.translate(LETTERS)


class Thinker(ScriptedEngine):
    """Each completion has a thought of its own before a text of its own."""

    def __init__(self, before="", after="", *, closed=True):
        super().__init__(think=lambda request: f"{before}THOUGHT{marker(request)}{after}")
        self.closed_thoughts = closed

    async def complete(self, request):
        done = await super().complete(request)
        text = f"SAID{marker(request)} {done.text}"
        return dataclasses.replace(done, text=text, closed=self.closed_thoughts)


def check(engine, *, carries=None):
    """Check what was sent: no thought, and no start of one; what was said where it belongs."""
    sent = [message["content"] for request in engine.requests for message in request.messages]
    said = [f"SAID{marker(request)}" for request in engine.requests]
    assert len(set(said)) > 0
    assert not [text for text in sent if "THOUGHT" in text]
    if carries is not None:
        assert any(one in text for one in said for text in sent) == carries


AROUND = st.lists(st.sampled_from(MARKS) | st.text(max_size=9), max_size=4).map("".join)


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(max_examples=3, deadline=None, phases=[Phase.generate])
@given(
    around=st.tuples(AROUND, AROUND),
    closed=st.booleans(),
    fidelity=st.sampled_from(["keep", "redraw"]),
    seed=st.integers(0, 99),
)
@pytest.mark.slow
def test_no_prompt_of_a_strategy_holds_a_thought(strategy, around, closed, fidelity, seed):
    engine = Thinker(*around, closed=closed)
    with Store(None) as store:
        store.add_problem(0, PROBLEM)
        configuration = configure(strategy, fidelity=fidelity, seed=seed)
        judge = VerifierSpec().open(Templates()) if configuration.needs_verifier else None
        solver = Solver(engine, configuration, templates=Templates(), store=store, verifier=judge)
        asyncio.run(solver.solve(PROBLEM))
        paths = list(store.paths(store.plan("p").keys()).values())
    assert all(f"THOUGHT{path.key.translate(LETTERS)}" in path.thought for path in paths)
    assert not any("THOUGHT" in path.text for path in paths)
    assert paths or not closed  # a translation in an open thought is none
    check(engine, carries=strategy in CARRY if closed else None)


def test_no_translation_of_a_served_reply_holds_a_thought():
    """The vote is English, so a path is translated into the question's language."""
    engine = Thinker()
    configuration = configure("translate-en", human_translations=True)
    problem = dataclasses.replace(PROBLEM, translations={"en": "Tom has 3 apples. How many?"})
    answerer = Answerer(SharedEngine(engine), templates=Templates())

    async def answer():
        until = asyncio.get_running_loop().time() + 60
        return await answerer.answer(Question("clc", problem, configuration, 60), until)

    reply = asyncio.run(answer())
    assert len(engine.requests) > 1  # a path, then its translation
    assert "THOUGHT" not in reply.choices[0].text
    check(engine, carries=True)
