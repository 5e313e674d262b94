"""Models that plan the languages and pick the path."""

import dataclasses

import pytest

from clc.errors import ConfigurationError
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.strategies.catalogue import STRATEGIES
from clc.strategies.strategy import Planner
from clc.voting.stopping import Stopping
from tests.engines.scripted import ScriptedEngine
from tests.solving.solved import solved


class Plans(ScriptedEngine):
    """Answers AutoCAP's two questions with what it is given."""

    def __init__(self, languages, weights):
        super().__init__()
        self._said = {"Languages: code": languages, "Weights: language": weights}

    async def complete(self, request):
        done = await super().complete(request)
        for asked, said in self._said.items():
            if asked in request.messages[-1]["content"]:
                return dataclasses.replace(done, text=said)
        return done


def autocap(languages, weights):
    strategy = dataclasses.replace(
        STRATEGIES["autocap"], planner=Planner(STRATEGIES["autocap"].languages, choose=3)
    )
    return solved(Plans(languages, weights), strategy=strategy, paths=3, languages=None)


def test_the_models_plan_decides_languages_and_weights():
    _, verdict = autocap("Languages: ja, de, fr", "Weights: ja=0.5, de=0.25, fr=1")
    plan = verdict.details["plan"]
    assert plan["languages"] == ["ja", "de", "fr"]
    assert plan["weights"] == {"ja": 0.5, "de": 0.25, "fr": 1.0}
    assert plan["faults"] == []
    cast = {language for by in verdict.tally.values() for language in by}
    lost = {language for by in verdict.abstentions.values() for language in by}
    assert cast | lost == {"ja", "de", "fr"}
    assert all(
        support == plan["weights"][language]
        for by in verdict.tally.values()
        for language, support in by.items()
    )


@pytest.mark.parametrize("languages", ["", "I choose Klingon.", "Languages: ja, ja, ja"])
def test_a_bad_plan_is_mended_and_told(languages):
    _, verdict = autocap(languages, "no idea")
    plan = verdict.details["plan"]
    assert len(plan["languages"]) == len(set(plan["languages"])) == 3
    assert plan["faults"]
    assert set(plan["weights"].values()) == {1.0}


def test_the_model_picks_the_path():
    class Picks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if "Response 2:" in request.messages[-1]["content"]:
                return dataclasses.replace(done, text="The most consistent response is Response 2")
            return done

    store = Store(None)
    made, verdict = solved(Picks(), strategy="usc", paths=4, store=store)
    store.labelled("")
    plan = store.plan("p")
    paths = made.store.paths(plan.keys())
    second = paths[plan.keys()[1]]
    assert verdict.details["choice"]["path"] == second.key
    assert verdict.answer is not None
    assert verdict.answer in second.text


@pytest.mark.parametrize("picked", ["", "I am sorry, I cannot help with that."])
def test_a_choice_that_says_nothing_is_none(picked):
    class Picks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            last = request.messages[-1]["content"].startswith("A question has been answered")
            first = request == self.requests[0]
            text = "Response 1" if last else picked if first else "Antwort: 7"
            return dataclasses.replace(done, text=text)

    _, verdict = solved(Picks(), strategy="usc", paths=3)
    assert (verdict.answer, verdict.total) == ("7", 2)


@pytest.mark.parametrize(
    ("weights", "paths"), [("ja=1, de=1, fr=1", 4), ("ja=0.5, de=0.5, fr=0.5", 6)]
)
def test_a_certificate_weighs_the_votes_as_the_plan_does(weights, paths):
    class Agrees(Plans):
        async def complete(self, request):
            done = await super().complete(request)
            if "code" in done.text or done.text in self._said.values():
                return done
            return dataclasses.replace(done, text="Answer: 7")

    strategy = dataclasses.replace(
        STRATEGIES["autocap"], planner=Planner(STRATEGIES["autocap"].languages, choose=3)
    )
    engine = Agrees("Languages: ja, de, fr", f"Weights: {weights}")
    made, verdict = solved(
        engine, strategy=strategy, paths=18, languages=None, stopping=Stopping("cite", 0.6)
    )
    assert verdict.paths == made.counters.drawn == paths
    assert verdict.details["stop"]["rule"] == "cite"


def test_other_rules_count_each_vote_once():
    with pytest.raises(ConfigurationError, match="'beta' counts every vote once"):
        configure("autocap", stopping="beta")
