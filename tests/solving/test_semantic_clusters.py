"""Voting by semantic clusters and by mutual agreement, end to end."""

import asyncio
import dataclasses
import json
import math

import pytest

from clc.cli.vote_tables import detail_lines
from clc.errors import ConfigurationError
from clc.records import Problem
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.voting.verdict import verdict_fields
from tests.cli.running import call
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import solve

QUESTION = Problem("p", "Why does ice float?", "en")
TEXTS = [
    "Water expands when it freezes, so ice is lighter.",
    "Cold things rise.",
    "Ice is less dense than water.",
    "Ice has air in it, perhaps.",
]
SAME = [{0, 2}, {1}, {3}]


class Writes(ScriptedEngine):
    """Writes the texts in turn, and judges whether two of them are in one set of ``same``."""

    def __init__(self, texts=TEXTS, same=SAME, reply="One sentence.\nEntailed: {}", **options):
        super().__init__(**options)
        self.texts, self.same, self.reply = texts, same, reply
        self.judged = []

    async def complete(self, request):
        done = await super().complete(request)
        content = request.messages[-1]["content"]
        if content.startswith("Two answers to a question"):
            shown = sorted(
                (content.index(text), number)
                for number, text in enumerate(self.texts)
                if text in content
            )
            pair = [number for _, number in shown]
            self.judged.append(tuple(pair))
            yes = any(set(pair) <= group for group in self.same)
            return dataclasses.replace(done, text=self.reply.format("yes" if yes else "no"))
        index = self.requests.index(request)
        return dataclasses.replace(done, text=self.texts[index % len(self.texts)])


def voted(engine, store, strategy, *problems, **settings):
    """Solve in a run whose manifest has the strategy, and return the verdicts by id."""
    work = Run(configure(strategy, **settings), engine, store)
    work.begin({"given": "by a test"})

    async def collect():
        return {one.id: one async for one in work.verdicts(problems or [QUESTION])}

    return asyncio.run(collect())


def test_paths_that_say_the_same_are_one_answer():
    store, engine = Store(None), Writes()
    verdict = voted(engine, store, "semantic", paths=4)["p"]
    assert verdict.answer == TEXTS[0]
    assert (verdict.support, verdict.total, verdict.agreement) == (2, 4, 0.5)
    choice = verdict.details["choice"]
    assert [len(cluster) for cluster in choice["clusters"]] == [2, 1, 1]
    assert choice["entropy"] == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(4))
    assert choice["unusable"] == 0
    # Both ways, against the first member of each cluster until one is the same.
    assert sorted(engine.judged) == sorted(
        [(0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (3, 0), (1, 3), (3, 1)]
    )
    assert choice["asked"] == 8
    assert verdict_fields(verdict)["entropy"] == round(choice["entropy"], 6)
    (again,) = revote(store)
    assert again.verdict == verdict
    other = Writes()
    assert voted(other, store, "semantic", paths=4)["p"] == verdict
    assert other.requests == []


def test_both_must_entail_the_other():
    class OneWay(Writes):
        async def complete(self, request):
            done = await super().complete(request)
            if self.judged and done.text.endswith("yes") and self.judged[-1] == (2, 0):
                return dataclasses.replace(done, text="Entailed: no")
            return done

    _, verdict = solve(QUESTION, OneWay(), strategy="semantic", languages=None, paths=4)
    assert [len(one) for one in verdict.details["choice"]["clusters"]] == [1, 1, 1, 1]


def test_an_unusable_reply_is_no_and_is_counted():
    engine = Writes(reply="I cannot tell, {}.")
    _, verdict = solve(QUESTION, engine, strategy="semantic", languages=None, paths=3)
    choice = verdict.details["choice"]
    assert len(choice["clusters"]) == 3
    assert choice["unusable"] == choice["asked"] == 6
    assert verdict.tied


def test_values_are_compared_without_the_model():
    texts = ["Answer: 7", "So it is 8.\nAnswer: 8", "Answer: seven", "Answer: 8"]
    engine = Writes(texts, [])
    _, verdict = solve(QUESTION, engine, strategy="semantic", languages=None, paths=4)
    assert engine.judged == []
    assert (verdict.answer, verdict.support, verdict.tied) == ("7", 2, True)


def test_paths_without_a_text_are_in_no_cluster():
    _, verdict = solve(QUESTION, Writes([""]), strategy="semantic", languages=None, paths=2)
    assert verdict.answer is None
    assert verdict.details["choice"]["clusters"] == []
    assert "Clusters of paths that say the same: none (entropy 0.00)" in detail_lines(verdict, 2)


def test_mutual_agreement_needs_no_model():
    texts = ["Cold things rise.", "Ice is less dense.", "Ice is less dense than water."]
    store, engine = Store(None), Writes(texts)
    verdict = voted(engine, store, "mbr", paths=3)["p"]
    assert len(engine.requests) == 3
    assert verdict.answer in texts[1:]
    assert verdict.total == 3
    (again,) = revote(store)
    assert again.verdict == verdict


@pytest.mark.parametrize("strategy", ["mbr", "semantic"])
def test_they_pick_a_path_and_take_no_weights_or_early_stop(strategy):
    with pytest.raises(ConfigurationError, match="leave out weighting"):
        configure(strategy, weighting="ratio")
    with pytest.raises(ConfigurationError, match="counts every vote once"):
        configure(strategy, stopping="beta")


@pytest.mark.parametrize("strategy", ["mbr", "semantic"])
def test_the_command_line(strategy, tmp_path, monkeypatch):
    monkeypatch.setattr("clc.engines.factory.open_engine", lambda *_, **__: Writes())
    (tmp_path / "q.jsonl").write_text(json.dumps({"id": "p", "question": QUESTION.question}) + "\n")
    done = call("solve", tmp_path / "q.jsonl", "--strategy", strategy, "--paths", 4,
                "--out", tmp_path / "run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "run" / "verdicts.jsonl").read_text())
    assert row["answer"] in TEXTS
    assert ("entropy" in row) == (strategy == "semantic")
    shown = call("show", tmp_path / "run", "p").stdout
    assert ("Clusters of paths that say the same: 2, 1, 1" in shown) == (strategy == "semantic")
    assert ("path that is most like the others" in shown) == (strategy == "mbr")
    report = call("report", tmp_path / "run", "--out", tmp_path / "r.html")
    assert report.returncode == 0, report.stderr


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["mbr", "semantic"])
def test_the_bundled_model(strategy, tmp_path):
    transformers = pytest.importorskip("clc.engines.transformers.engine")
    pytest.importorskip("torch", reason="needs the extra transformers")
    problems = [
        QUESTION,
        Problem("q", "Tom has 3 apples and buys 4 more. How many apples does he have?", "en", "7"),
    ]
    engine = transformers.TransformersEngine("clc-tiny")
    with Store(tmp_path / "run") as store:
        found = voted(engine, store, strategy, *problems, paths=4, max_tokens=80)
        again = {one.problem.id: one.verdict for one in revote(store)}
    assert found == again
    assert found["q"].answer == "7"
    assert found["q"].agreement > 0.5
