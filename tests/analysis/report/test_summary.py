"""The numbers of a report, against votes and scores taken the long way."""

import tracemalloc

import pytest

from clc.analysis.comparison import compare_strategies
from clc.analysis.comparison_entries import problem_outcome
from clc.analysis.comparison_records import Entry
from clc.analysis.report.fidelity import WrittenLanguages
from clc.analysis.report.summary import SummaryBuilder
from clc.analysis.scores import scored
from clc.analysis.scoring import score
from clc.records import ReasoningPath
from clc.runs.revote import solved
from clc.voting.verdict import Counting
from tests.analysis.report.made import FOUR, SENTENCE, fact, finished, many, names, section, summary


def test_headline():
    found = summary(FOUR, manifest={"seconds": 75, "identity": {"seed": 3}})
    assert fact(found, "Accuracy").value.startswith("50.0 % (")
    assert fact(found, "Accuracy").note.startswith("2 of 4 problems right")
    assert fact(found, "Any path right").value.startswith("75.0 % (")
    assert fact(found, "Ties") == ("Ties", "1", "25.0 % of the problems")
    assert fact(found, "Paths").value == "11"
    assert fact(found, "Tokens of paths") == (
        "Tokens of paths",
        "330",
        "220 of completions, 110 of prompts",
    )
    assert fact(found, "Tokens before the paths").value == "110"
    assert fact(found, "Languages").value == "en, de, zh"
    assert fact(found, "Time of sampling").value == "1 min 15 s"
    assert fact(found, "Seed").value == "3"


def test_paths_by_language():
    rows = section(summary(FOUR), "languages")
    assert [(row["question"], row["reasoning"]) for row in rows] == [
        ("de", "en"), ("de", "de"), ("de", "zh"),
    ]  # fmt: skip
    assert [(row["paths"], row["right"], row["right share"]) for row in rows] == [
        (4, 3, 0.75), (4, 1, 0.25), (4, 0, 0.0),
    ]  # fmt: skip
    assert all(row["low"] <= row["right share"] <= row["high"] for row in rows)


def test_the_numbers_are_those_of_scoring():
    rows = [solved(row, Counting()) for row in many()]
    found = summary(many())
    right = score(scored(one.problem, one.verdict, one.votes) for one in rows)
    assert fact(found, "Accuracy").value.startswith(f"{100 * right.accuracy.value:.1f} %")
    by_question = {row["question"]: row for row in section(found, "questions")}
    assert {code: row["right"] for code, row in by_question.items()} == {
        code: rate.right for code, rate in right.by_language.items()
    }
    reasoning = {
        row["reasoning"]: (row["right share"], row["low"]) for row in section(found, "reasoning")
    }
    assert reasoning == {
        code: (one.accuracy.value, one.accuracy.low)
        for code, one in right.by_reasoning_language.items()
    }
    cells = section(found, "languages")
    assert len(cells) == 6
    assert sum(row["right"] for row in cells) == sum(
        one.accuracy.right for one in right.by_reasoning_language.values()
    )
    assert sum(row["verdicts"] for row in section(found, "calibration")) == right.accuracy.total
    # The vote over all paths is the verdict, and its interval that of the accuracy.
    last = section(found, "curve")[-1]
    assert (last["paths"], last["problems"]) == (12, 40)
    assert (last["vote right"], last["vote low"], last["vote high"]) == (
        right.accuracy.value, right.accuracy.low, right.accuracy.high,
    )  # fmt: skip
    assert (last["any right"], last["any low"]) == (right.oracle.value, right.oracle.low)


def test_the_curve_is_that_of_a_comparison():
    rows = [problem_outcome(*solved(row, Counting())) for row in many(paths=3)]
    (own,) = compare_strategies([Entry("sc", rows)]).strategies
    found = {row["paths"]: row for row in section(summary(many(paths=3)), "curve")}
    assert list(found) == [point.k for point in own.curve] == [1, 2, 4, 8, 9]
    for point in own.curve:  # up to 11 paths both are exact; chances are kept to a tenth of a point
        assert found[point.k]["vote right"] == pytest.approx(point.majority, abs=5e-4)
        assert found[point.k]["any right"] == pytest.approx(point.oracle, abs=5e-4)


def test_without_gold_the_verdict_is_the_measure():
    rows = [finished(n, by_language, gold=None) for n, by_language in enumerate([
        {"en": ["18"], "de": ["18"], "zh": ["26"]},
        {"en": ["18"], "de": ["26"], "zh": ["26"]},
        {"en": [None], "de": [None], "zh": [None]},
    ])]  # fmt: skip
    found = summary(rows)
    assert {"calibration", "questions"}.isdisjoint(names(found))
    assert next(one.label for one in found.facts) == "Mean agreement"
    assert fact(found, "Problems").note == "no gold answers"
    assert fact(found, "No answer").value == "1"
    agree = {row["reasoning"]: (row["paths"], row["agree"]) for row in section(found, "languages")}
    assert agree == {"en": (2, 1), "de": (2, 2), "zh": (2, 1)}
    changed = {
        row["language"]: (row["problems"], row["changed"]) for row in section(found, "left_out")
    }
    assert changed == {"en": (2, 0), "de": (2, 1), "zh": (2, 1)}
    assert section(found, "curve")[-1]["vote agree"] == 1.0


def test_gold_that_comes_late_is_still_the_measure():
    found = summary([finished(9, {"en": ["7", "7"], "de": ["7"]}, gold=None), *FOUR])
    assert sum(row["paths"] for row in section(found, "languages")) == 12
    assert fact(found, "Problems").note == "1 without a gold answer"


def test_a_choice_by_the_model_cannot_be_voted_again():
    manifest = {"identity": {"strategy": {"name": "usc", "voting": "usc"}}}
    found = summary(FOUR, Counting("usc"), manifest)
    assert "left_out" not in names(found)
    assert fact(found, "What each language adds").value == "does not apply"
    assert "the run itself chose a path" in next(
        one.note for one in found.sections if one.name == "curve"
    )


def test_early_stops():
    stop = {"stop": {"rule": "beta", "paths": 3, "probability": 0.96}}
    rows = [
        finished(0, {"en": ["18", "18"], "de": ["18"]}, details=stop),
        finished(1, {"en": ["18"], "de": ["18"]}, details={"deadline": True}),
        finished(2, {"en": ["18", "7", "26"], "de": ["18", "7", "26"]}),
    ]
    manifest = {"identity": {"paths": 6, "stopping": {"rule": "beta"}, "strategy": {}}}
    found = summary(rows, manifest=manifest)
    assert section(found, "stopping") == [
        {"paths sampled": 2, "beta": 0, "deadline": 1, "whole budget": 0},
        {"paths sampled": 3, "beta": 1, "deadline": 0, "whole budget": 0},
        {"paths sampled": 6, "beta": 0, "deadline": 0, "whole budget": 1},
    ]
    saved = fact(found, "Budget saved")
    assert saved.value == "38.9 %"
    assert saved.note == "7 of 18 paths were not sampled; 1 of 3 problems stopped early"
    assert "fewer paths" in next(one.note for one in found.sections if one.name == "curve")
    assert "stopping" not in names(summary(FOUR, manifest={"identity": {"paths": 3}}))


def test_abstentions_by_reason_and_language():
    rows = {row["language"]: row for row in section(summary(FOUR), "abstentions")}
    assert (rows["zh"]["translation"], rows["zh"]["paths"], rows["zh"]["without a vote"]) == (
        1,
        4,
        0.25,
    )
    assert rows["de"]["without a vote"] == 0
    assert rows["en"]["no answer"] == 1
    assert "abstentions" not in names(summary(FOUR[:1]))


def test_the_sample_of_paths_is_the_same_in_any_order():
    paths = [
        ReasoningPath(f"{n}", "p", "de", n, 0, SENTENCE["de" if n % 3 else "en"], "stop")
        for n in range(900)
    ]
    seen = []
    for order in (paths, paths[::-1]):
        written = WrittenLanguages()
        for path in order:
            written.add(path)
        (one,) = written.sections()
        seen.append(one)
    assert seen[0] == seen[1]
    _, looked_at, faithful, *_ = seen[0].rows[0]
    assert isinstance(looked_at, int)
    assert isinstance(faithful, int)
    assert looked_at == 250
    assert 0.58 < faithful / looked_at < 0.75  # of two thirds
    assert "250 are looked at" in seen[0].note


def test_confidence_where_it_was_measured():
    rows = {row["language"]: row for row in section(summary(FOUR), "confidence")}
    assert rows["en"]["their confidence, nats"] == 10.0
    assert rows["en"]["right paths"] == 3
    assert rows["en"]["others' confidence, nats"] == 5.0
    assert rows["zh"]["their confidence, nats"] is None


def test_tokens_by_language():
    rows = {row["language"]: row for row in section(summary(FOUR), "tokens")}
    assert rows["en"]["completion tokens"] == 80
    assert rows["zh"]["paths"] == 3
    assert rows["zh"]["tokens before"] == 30


def test_every_share_has_its_count_and_lies_where_it_should():
    for one in summary(many(), manifest={"identity": {"stopping": {"rule": "beta"}}}).sections:
        kinds = [column.kind for column in one.columns]
        assert "count" in kinds
        assert len({column.name for column in one.columns}) == len(one.columns)
        for row in one.rows:
            assert len(row) == len(one.columns)
            for cell, kind in zip(row, kinds, strict=True):
                if kind == "share" and cell is not None:
                    assert 0 <= cell <= 1
                if kind == "count":
                    assert isinstance(cell, int)


@pytest.mark.slow
def test_what_is_kept_of_a_problem_is_small():
    rows = [solved(row, Counting()) for row in many(problems=200, paths=15)]
    gatherer = SummaryBuilder("run", {})
    gatherer.add(rows[0])
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for row in rows[1:]:
            gatherer.add(row)
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept / 199 < 6_000  # bytes
