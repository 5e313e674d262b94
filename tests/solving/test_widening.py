"""``clc-widen``: few languages first, and more while they disagree."""

import dataclasses
import random
from pathlib import Path

import pytest

from clc.records import Answer, Vote
from clc.runs.store import Store
from clc.strategies.catalogue import STRATEGIES
from clc.strategies.files import load_strategy, strategy_toml
from clc.voting.stopping import first_stop
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import PROBLEM, solve

LANGUAGES = ["en", "de", "zh", "fr", "es", "ja", "ru"]
NAMES = {
    "en": "Answer",
    "zh": "答案",
    "fr": "Réponse",
    "es": "Respuesta",
    "ja": "答え",
    "ru": "Ответ",
}
RULE = STRATEGIES["clc-widen"].stopping


class Answers(ScriptedEngine):
    """Answers 7, but in some languages another number."""

    def __init__(self, **others):
        super().__init__()
        self.others = others

    async def complete(self, request):
        done = await super().complete(request)
        content = request.messages[-1]["content"]
        if content.startswith("Translate"):
            return done
        code = next((code for code, name in NAMES.items() if name in content), "de")
        return dataclasses.replace(done, text=f"Antwort: {self.others.get(code, 7)}")


def asked(engine, **settings):
    store = settings.setdefault("store", Store(None))
    options = {"strategy": "clc-widen", "languages": LANGUAGES, "paths": 7}
    _, verdict = solve(PROBLEM, engine, **options | settings)
    return [arm.language for arm, _ in store.plan("p").paths], verdict, store


def test_languages_that_agree_are_enough():
    languages, verdict, _ = asked(engine := Answers())
    assert languages == ["en", "de", "zh"]
    assert verdict.answer == "7"
    assert verdict.details["stop"] == {"rule": "crosslingual", "paths": 3, "probability": 0.9375}
    assert len(engine.requests) == 5  # two of them translations: no other language was touched


def test_it_widens_while_they_disagree():
    assert asked(Answers(de=8))[0] == LANGUAGES[:5]  # 4 to 1
    assert asked(Answers(de=8, zh=9))[0] == LANGUAGES[:6]  # 4 to 1 to 1
    languages, verdict, _ = asked(Answers(de=8, fr=8, ja=8))
    assert languages == LANGUAGES  # 4 to 3: the budget
    assert (verdict.answer, "stop" in verdict.details) == ("7", False)


def test_decisions_replay_from_the_store():
    _, verdict, store = asked(Answers(de=8))
    again = Answers(de=8)
    assert asked(again, store=store)[1] == verdict
    assert again.requests == []


def test_a_lead_of_three_votes_stops():
    rng = random.Random(2)
    for _ in range(200):
        answers = [str(rng.choice([7, 7, 7, 8, 9])) for _ in LANGUAGES]
        votes = [
            Vote("", code, Answer(answer)) for code, answer in zip(LANGUAGES, answers, strict=True)
        ]
        leads = []
        for paths in range(1, len(votes)):
            counts = sorted(
                (answers[:paths].count(one) for one in set(answers[:paths])), reverse=True
            )
            leads.append(counts[0] - (counts[1] if len(counts) > 1 else 0))
        wanted = next((paths for paths, lead in enumerate(leads, start=1) if lead >= 3), None)
        found = first_stop(RULE, votes, len(votes), LANGUAGES)
        assert (found and found.paths) == wanted


def test_it_is_data(tmp_path):
    path = tmp_path / "widen.toml"
    path.write_text(strategy_toml(STRATEGIES["clc-widen"]))
    assert load_strategy(path) == STRATEGIES["clc-widen"]


def test_the_file_of_the_page_begins_with_two(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text("utf-8")
    text = page.split('title="widen-from-two.toml"\n', 1)[1].split("```", 1)[0]
    (tmp_path / "two.toml").write_text(text)
    two = load_strategy(tmp_path / "two.toml")
    assert asked(Answers(), strategy=two)[0] == ["en", "de"]
    assert asked(Answers(de=8), strategy=two)[0] == ["en", "de", "zh", "fr"]  # 3 to 1


@pytest.mark.parametrize("ahead", [0, 3])
def test_paths_ahead_change_no_decision(ahead):
    assert asked(Answers(de=8), ahead=ahead)[0] == LANGUAGES[:5]
