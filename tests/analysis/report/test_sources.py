"""Runs and recorded generations as sources of a report."""

import json
from pathlib import Path

import pytest

from clc.analysis.report import sources
from clc.analysis.report.sources import open_sources
from clc.analysis.report.summary import SummaryBuilder, comparison
from clc.datasets.recorded_votes import group_votes
from clc.errors import ConfigurationError, DatasetError, StrategyError
from clc.plan import Plan
from clc.runs.store import Store
from tests.analysis.report.made import fact, many, section

RECORDED = Path(__file__).parents[4] / "shared" / "data" / "recorded"
recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason=f"needs the recorded data, {RECORDED}")


def test_several_runs_are_compared(tmp_path):
    with Store(tmp_path) as store:
        # The store is one for both, as clc compare makes it: sc's paths are those in German.
        for number, row in enumerate(many(problems=10)):
            store.add_problem(number, row.problem)
            for path in row.paths.values():
                store.add_path(path)
            german = [arm for arm in row.plan.arms if arm.language == "de"]
            store.labelled("clc").set_plan(row.problem.id, row.plan)
            store.labelled("sc").set_plan(row.problem.id, Plan.of(german))
        for label in ("clc", "sc"):
            store.labelled(label).write_manifest({"seconds": 2.0})
        store.commit()
    with open_sources(tmp_path) as sources:
        found = {one.name: one for one in comparison(sources.items())}
        right = [
            sum(one.verdict.answer == one.problem.gold for one in sources[name].solved())
            for name in ("clc", "sc")
        ]
    assert [row[:3] for row in found["strategies"].rows] == [
        ("clc", 10, right[0]), ("sc", 10, right[1]),
    ]  # fmt: skip
    (gain,) = found["strategies_differences"].rows
    assert gain[0] == "clc"
    assert gain[4] == pytest.approx((right[0] - right[1]) / 10)
    assert {row[0] for row in found["strategies_paths"].rows} == {"clc", "sc"}
    with open_sources(tmp_path) as sources, pytest.raises(StrategyError, match="'xcot' is not"):
        comparison(sources.items(), reference="xcot")


def write(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def generation(number, language, response, **more):
    return {"id": f"g-{number}", "language": language, "response": response, "question_language": "de",
            "question": "Wie viele?", "gold": "18", **more}  # fmt: skip


def test_recorded_generations_are_a_source(tmp_path):
    rows = [
        generation(n, code, f"{n}. The answer is {18 + (code == 'zh')}.")
        for code in ("zh", "de", "en")
        for n in (0, 1)
    ]
    rows.append({"id": "g-1", "language": "sw", "error": "lost", "question_language": "de"})
    with open_sources(write(tmp_path / "said.v1.jsonl.gz.jsonl", rows)) as sources:
        ((name, source),) = sources.items()
        assert name == "said.v1"
        assert source.manifest == {}
        first, second = source.solved()
        assert list(source.solved()) == [first, second]
    assert first.problem.question == "Wie viele?"
    assert first.plan.languages == ["en", "de", "zh"]
    assert [(language, path.text[:2]) for language, path in first.drawn()] == [
        ("en", "0."), ("de", "0."), ("zh", "0."),
    ]  # fmt: skip
    assert [one.answer for one in first.votes] == ["18", "18", "19"]
    assert first.verdict.answer == "18"
    assert (second.verdict.paths, len(second.votes)) == (3, 4)
    assert [path.error for _, path in second.drawn()] == [None, None, None, "lost"]


def test_filters_of_the_harness_are_one_path(tmp_path):
    rows = [
        {"doc_id": 0, "doc": {"question": "?"}, "target": "4", "resps": [["It is 4.", "It is 5."]],
         "filter": name}
        for name in ("strict", "flexible")
    ]  # fmt: skip
    write(tmp_path / "samples_mgsm_de_cot.jsonl", rows)
    write(tmp_path / "samples_mgsm_en_cot.jsonl", rows[:1])
    with open_sources(tmp_path) as sources:
        (source,) = sources.values()
        (one,) = source.solved()
    assert [(language, path.text) for language, path in one.drawn()] == [
        ("en", "It is 4."), ("de", "It is 4."), ("en", "It is 5."), ("de", "It is 5."),
    ]  # fmt: skip


def test_what_cannot_be_reported_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="is not there; name the --out"), \
            open_sources(tmp_path / "no"):  # fmt: skip
        pass
    with pytest.raises(ConfigurationError, match="neither a run folder"), open_sources(tmp_path):
        pass
    bad = write(tmp_path / "bad.jsonl", [{"id": 1}])
    with (
        open_sources(bad) as sources,
        pytest.raises(DatasetError, match=r"bad.jsonl:1: 'response' is"),
    ):
        list(sources["bad"].solved())


def test_nothing_added_is_nothing_said():
    found = SummaryBuilder("none", {}).summary()
    assert found.sections == ()
    assert fact(found, "Problems").value == "0"


@recorded
@pytest.mark.slow
def test_recorded_runs(tmp_path):
    """Figures as measured; one source of 750 problems that ask 250 items."""
    for file in RECORDED.glob("*.clsp.jsonl"):
        (tmp_path / file.name).symlink_to(file)
    with open_sources(tmp_path) as sources:
        (source,) = sources.values()
        gatherer = SummaryBuilder("recorded", source.manifest)
        for one in source.solved():
            gatherer.add(one)
    found = gatherer.summary()
    assert float(fact(found, "Accuracy").value.split()[0]) >= 79.5
    cells = {
        (row["question"], row["reasoning"]): row["right share"]
        for row in section(found, "languages")
    }
    assert len(cells) == 21
    assert max(cells, key=cells.__getitem__) == ("de", "en")
    gains = {row["language"]: row for row in section(found, "left_out")}
    assert max(gains, key=lambda code: gains[code]["difference"]) == "en"
    assert gains["en"]["low"] > 0
    assert [row["paths"] for row in section(found, "curve")] == [1, 2, 4, 7]


@pytest.mark.parametrize("change", ["", '{"id": "b", "language": "en", "response": "7"}\n' * 3])
def test_generations_that_change_between_two_readings_are_named(change, tmp_path, monkeypatch):
    file = tmp_path / "g.jsonl"
    file.write_text('{"id": "a", "language": "en", "response": "It is 7."}\n' * 2)
    real = group_votes

    def changed(files, **more):
        file.write_text(change or '{"id": "a", "language": "en", "response": "7"}\n')
        return real(files, **more)

    monkeypatch.setattr(sources, "group_votes", changed)
    with (
        pytest.raises(DatasetError, match=r"g\.jsonl: was changed while it was read"),
        sources.open_sources(file) as opened,
    ):
        list(opened["g"].solved())
