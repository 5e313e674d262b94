"""Sections of a report for a run of several models."""

from dataclasses import replace

from clc.analysis.report.summary import SummaryBuilder
from clc.records import Usage
from clc.runs.revote import revote
from clc.runs.store import Store
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import problems
from tests.solving.running import run as run_one
from tests.solving.test_voters import BIG, engines, run


class Right(ScriptedEngine):
    """Answers every question with 7."""

    async def complete(self, request):
        done = await super().complete(request)
        if request.messages[-1]["content"].startswith("Translate"):
            return done
        return replace(done, text="Answer: 7", usage=Usage(3, 2))


def sections(small, big):
    builder = SummaryBuilder("two", {})
    with Store(None) as store:
        run(store, small, big, count=6)
        for solved in revote(store):
            gold = replace(solved.problem, gold="7")
            builder.add(solved._replace(problem=gold))
    return {section.name: section for section in builder.summary().sections}


def test_models_are_compared():
    small, _ = engines()
    found = sections(small, Right(fingerprint="big"))
    rows = {row[0]: row[1:] for row in found["models"].rows}
    assert set(rows) == {"own", BIG}
    assert rows[BIG][:3] == (60, 60, 1.0)  # (2 languages x 2 + 1) x 2 rounds x 6 problems
    assert rows["own"][0] == 24
    assert 0 < rows["own"][2] < 1
    (pair,) = found["models-together"].rows
    both, first, second, neither, correlation = pair[2:]
    assert (pair[0], pair[1], both + first + second + neither) == (BIG, "own", 6)
    assert (second, neither, correlation) == (0, 0, None)


def test_a_run_of_one_model_has_no_such_section():
    builder = SummaryBuilder("one", {})
    with Store(None) as store:
        run_one(problems(2), store)
        for solved in revote(store):
            builder.add(solved)
    assert not {"models", "models-together"} & {one.name for one in builder.summary().sections}
