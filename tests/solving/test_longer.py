"""A run that goes on with larger limits of tokens: what ended by itself stays."""

import asyncio
from dataclasses import replace

import pytest

from clc.engines.base import Completion
from clc.errors import ConfigurationError
from clc.records import Problem
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from tests.engines.scripted import ScriptedEngine

PROBLEMS = [
    Problem(f"p{n}", f"Juma ana vitabu {n} na anapata {n + 1}. Ana vingapi?", "sw", "7")
    for n in range(2, 8)
]
SETTINGS: dict = {"languages": ["en", "sw", "zh"], "paths": 9}


class ShortEngine(ScriptedEngine):
    """Truncates a text after ``max_tokens`` words."""

    lost = staticmethod(lambda request: False)

    async def complete(self, request):
        completion = await super().complete(request)
        if type(self).lost(request):
            return Completion.lost("503")
        words = completion.text.split()
        if len(words) <= request.sampling.max_tokens:
            return completion
        cut = " ".join(words[: request.sampling.max_tokens])
        return replace(completion, text=cut, finish_reason="length")


def solve(folder, max_tokens, strategy="clc", **settings):
    """Solve; return the requests, and the solved problems by id."""
    engine = ShortEngine()
    with Store(folder) as store:
        chosen = configure(strategy, max_tokens=max_tokens, **(SETTINGS | settings))
        work = Run(chosen, engine, store)

        async def drain():
            return [verdict async for verdict in work.verdicts(PROBLEMS)]

        if not work.begin({"given": "by a test"}):
            verdicts = asyncio.run(drain())
            work.finish()
            solved = {one.problem.id: one for one in revote(store)}
            assert {one.id: one for one in verdicts} == {
                name: one.verdict for name, one in solved.items()
            }
        solved = {one.problem.id: one for one in revote(store)}
        keys = [key for one in solved.values() for key in one.plan.keys()]  # noqa: SIM118
        paths = store.paths(keys)
    return engine, solved, paths


@pytest.mark.parametrize("fidelity", ["keep", "redraw"])
def test_only_truncated_paths_are_sampled_again(tmp_path, fidelity):
    _, _, before = solve(tmp_path, 13, fidelity=fidelity)
    cut = {key for key, path in before.items() if path.finish_reason == "length"}
    assert 0 < len(cut) < len(before)
    second, solved, after = solve(tmp_path, 40, fidelity=fidelity)
    assert len(before) == len(after) == 9 * len(PROBLEMS)
    assert set(before) - set(after) == cut
    assert {path.finish_reason for path in after.values()} == {"stop"}
    assert second.translations == []
    if fidelity == "keep":
        assert len(second.requests) == len(cut)
    assert all(one.sampling.max_tokens == 40 for one in second.requests)
    third, again, kept = solve(tmp_path, 60, fidelity=fidelity)
    assert third.requests == []
    assert kept == after
    assert {name: one.verdict for name, one in again.items()} == {
        name: one.verdict for name, one in solved.items()
    }
    assert solve(tmp_path, 60, fidelity=fidelity)[0].started == 0  # finished


def test_a_run_that_grew_with_nothing_truncated_equals_itself(tmp_path):
    _, solved, paths = solve(tmp_path, 40)
    engine, again, kept = solve(tmp_path, 50, paths=12)
    assert paths.keys() < kept.keys()
    assert len(engine.requests) == len(kept) - len(paths)
    assert solved.keys() == again.keys()


def test_turns_before_the_last_that_ended_stay_too(tmp_path):
    turns: dict = {"strategy": "clp", "temperature": 0.7, "languages": None}
    first, _, before = solve(tmp_path, 13, **turns)
    second, _, after = solve(tmp_path, 40, **turns)
    assert {path.finish_reason for path in after.values()} == {"stop"}
    assert 0 < len(second.requests) < len(first.requests)
    assert before.keys() & after.keys()
    assert solve(tmp_path, 60, **turns)[0].requests == []


def test_truncated_translations_are_made_again(tmp_path):
    first, _, _ = solve(tmp_path, 40, translation_max_tokens=3)
    second, _, after = solve(tmp_path, 40, translation_max_tokens=40)
    assert len(first.translations) == 3 * 2 * len(PROBLEMS)  # tries
    assert len(second.translations) == 2 * len(PROBLEMS)
    assert len(after) == 9 * len(PROBLEMS)


def test_a_run_whose_lost_paths_grew_is_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(ShortEngine, "lost", lambda request: request.seed % 5 == 0)
    solve(tmp_path, 13)
    with Store(tmp_path) as store:
        assert store.counts()["failures"] > 0
    monkeypatch.setattr(ShortEngine, "lost", lambda request: False)
    _, _, after = solve(tmp_path, 40)
    assert {path.finish_reason for path in after.values()} == {"stop"}
    assert solve(tmp_path, 40)[0].started == 0  # finished


def test_a_limit_does_not_shrink(tmp_path):
    solve(tmp_path, 40)
    with pytest.raises(ConfigurationError, match=r"sampling.max_tokens: 40 -> 39"):
        solve(tmp_path, 39)
    solve(tmp_path, 50)
    with pytest.raises(ConfigurationError, match=r"sampling.max_tokens: 50 -> 40"):
        solve(tmp_path, 40)
