"""What is derived from a store: always the same, whenever it is derived."""

import json

import pytest

from clc.analysis.export import export, verdict_row
from clc.analysis.scoring import score_run
from clc.errors import ConfigurationError, StoreError
from clc.records import Problem
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from tests.cli.running import call
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import problems, run


@pytest.fixture
def folder(tmp_path):
    with Store(tmp_path) as store:
        store.write_manifest({"identity": {"strategy": {"name": "clc", "voting": "majority"}}})
        run(problems(8), store, ScriptedEngine(lose=lambda r: "503" if r.seed % 9 == 0 else None))
    return tmp_path


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_exported_verdicts_are_those_of_the_store(folder):
    with Store(folder) as store:
        score = export(store)
        again = [
            verdict_row(solved.verdict, gold=solved.problem.gold, kind="number")
            for solved in revote(store)
        ]
    written = lines(folder / "verdicts.jsonl")
    assert written == json.loads(json.dumps(again))
    assert [row["id"] for row in written] == [f"p-{number}" for number in range(8)]
    assert score.problems == 8
    assert json.loads((folder / "results.json").read_text())["problems"] == 8
    assert any("engine_failure" in row["abstentions"] for row in written)
    for row in written:
        cast = sum(sum(by.values()) for by in row["tally"].values())
        silent = sum(sum(by.values()) for by in row["abstentions"].values())
        assert cast == row["total"]
        assert cast + silent == 6
    assert not list(folder.glob(".*.part"))


def test_exporting_twice_writes_the_same_bytes(folder):
    with Store(folder) as store:
        export(store)
        names = ("verdicts.jsonl", "results.json", "samples_clc.jsonl")
        first = [(folder / name).read_bytes() for name in names]
        export(store)
        assert [(folder / name).read_bytes() for name in names] == first


def test_samples_have_the_shape_of_lm_evaluation_harness(folder):
    with Store(folder) as store:
        export(store)
    samples = lines(folder / "samples_clc.jsonl")
    assert [sample["doc_id"] for sample in samples] == list(range(8))
    for sample in samples:
        assert {"doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics",
                "exact_match"} <= set(sample)  # fmt: skip
        assert len(sample["resps"][0]) == len(sample["languages"]) == 6
        assert sample["exact_match"] in {0.0, 1.0}


def test_samples_have_the_thoughts_beside_the_responses(folder, tmp_path):
    with Store(folder) as store:
        export(store)
    assert not any("thoughts" in sample for sample in lines(folder / "samples_clc.jsonl"))
    thinking = tmp_path / "thinking"
    with Store(thinking) as store:
        store.write_manifest({"identity": {"strategy": {"name": "clc", "voting": "majority"}}})
        run(problems(3), store, ScriptedEngine(think=lambda request: f"Let me see {request.seed}."))
        export(store)
        paths = [[path for _, path in solved.drawn()] for solved in revote(store)]
    samples = lines(thinking / "samples_clc.jsonl")
    assert [sample["thoughts"][0] for sample in samples] == [
        [f"Let me see {path.seed}." for path in row] for row in paths
    ]
    assert [sample["resps"][0] for sample in samples] == [
        [path.text for path in row] for row in paths
    ]
    assert len(json.dumps(samples).split("Let me see")) == 1 + 3 * 6
    done = call("vote", thinking / "samples_clc.jsonl", "--out", tmp_path / "again.jsonl")
    assert done.returncode == 0, done.stderr
    again = lines(tmp_path / "again.jsonl")
    assert [row["answer"] for row in again] == [sample["filtered_resps"][0] for sample in samples]


def test_gold_is_read_by_scores_only(folder, tmp_path):
    verdicts = {}
    for gold in ("7", "8", None):
        with Store(None) as store:
            source = [Problem(p.id, p.question, p.language, gold) for p in problems(8)]
            run(source, store)
            verdicts[gold] = [solved.verdict for solved in revote(store)]
            score = score_run(store)
            assert (score.accuracy is None) == (gold is None)
    assert verdicts["7"] == verdicts["8"] == verdicts[None]


def test_a_problem_that_is_not_done_has_no_verdict_yet(folder):
    with Store(folder) as store:
        before = {solved.problem.id for solved in revote(store)}
        key = store.plan("p-3").arms[0].prompt_key
        store._connection.execute("DELETE FROM paths WHERE prompt_key = ?", (key,))
        assert {solved.problem.id for solved in revote(store)} == before - {"p-3"}


def test_the_voting_rule_of_the_run_is_the_rule_of_the_revote(folder):
    with Store(folder) as store:
        store.write_manifest({"identity": {"strategy": {"name": "x", "voting": "weighted"}}})
        assert len(list(revote(store))) == 8
        store.write_manifest({"identity": {"strategy": {"name": "x", "voting": "nonsense"}}})
        with pytest.raises(Exception, match="nonsense"):
            list(revote(store))


def test_what_cannot_be_exported_is_named(folder):
    with Store(None) as store, pytest.raises(ConfigurationError, match="in memory"):
        export(store)
    (folder / "verdicts.jsonl").mkdir()
    with Store(folder) as store, pytest.raises(StoreError, match="cannot write"):
        export(store)


def test_no_run_folder(tmp_path):
    for name in ("none", "."):
        with pytest.raises(ConfigurationError, match=r"not a run folder \(it has no run.sqlite\)"):
            open_run(tmp_path / name)
