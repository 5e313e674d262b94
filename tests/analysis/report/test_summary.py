"""The numbers of a report, against votes and scores taken the long way."""

import json
import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.analysis.comparison import compare_strategies, problem_outcome
from clc.analysis.comparison_records import Entry
from clc.analysis.report import sources
from clc.analysis.report.fidelity import WrittenLanguages
from clc.analysis.report.languages import verdict_without
from clc.analysis.report.sources import open_sources
from clc.analysis.report.summary import SummaryBuilder, comparison
from clc.analysis.scoring import score, scored
from clc.datasets.recorded_votes import group_votes
from clc.errors import ConfigurationError, DatasetError, StrategyError
from clc.plan import ArmRecord, Plan
from clc.records import Answer, Confidence, Problem, ReasoningPath, Usage, Vote
from clc.runs.protocol import Finished
from clc.runs.revote import solved
from clc.runs.store import Store
from clc.voting.tally import vote
from clc.voting.verdict import Counting

RECORDED = Path(__file__).parents[4] / "shared" / "data" / "recorded"
recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason=f"needs the recorded data, {RECORDED}")
SENTENCE = {
    "en": "First we count all the apples in the basket.",
    "de": "Zuerst zählen wir alle Äpfel in dem Korb.",
    "zh": "我们先把篮子里的苹果都算清楚，然后再回答问题。",
}


def finished(
    number, by_language, *, gold="18", language="de", item=None, details=(), weights=(), fault=""
):
    """A problem with the answers of ``by_language``; None states no answer."""
    arms, paths = [], {}
    for code, answers in by_language.items():
        prompt = f"{number}-{code}"
        weight = dict(weights).get(code, 1.0)
        if fault == code:
            arms.append(ArmRecord(code, None, 0, len(answers), 0, fault="translation: unlike"))
            continue
        usage = Usage(5, 5)
        arms.append(ArmRecord(code, prompt, 0, len(answers), 0, None, usage, weight=weight))
        keys = Plan.of(arms[-1:]).keys()
        for index, (key, answer) in enumerate(zip(keys, answers, strict=True)):
            text = SENTENCE.get(code, SENTENCE["en"])
            if answer is not None:
                text += f"\nThe answer is {answer}." if code == "en" else f"\n{answer}"
            paths[key] = ReasoningPath(
                key, prompt, code, index, 0, text, "stop", Usage(10, 20),
                Confidence(10.0 if answer == gold else 5.0, 1, 1, -1),
            )  # fmt: skip
    plan = Plan.of(arms)
    plan = Plan(plan.arms, plan.order, details=dict(details))
    problem = Problem(
        f"p-{number}", "How many?", language, gold, metadata={"item": item or f"p-{number}"}
    )
    return Finished(problem, plan, paths)


def summary(rows, counting=Counting(), manifest=None):  # noqa: B008
    gatherer = SummaryBuilder("run", manifest or {})
    for row in rows:
        gatherer.add(solved(row, counting))
    return gatherer.summary()


def section(found, name):
    """A section's rows as dictionaries."""
    (one,) = [one for one in found.sections if one.name == name]
    return [dict(zip([c.name for c in one.columns], row, strict=True)) for row in one.rows]


def names(found):
    return [one.name for one in found.sections]


def fact(found, label):
    return next(one for one in found.facts if one.label == label)


def many(problems=40, seed=0, paths=4, **more):
    rng = random.Random(seed)
    for number in range(problems):
        easy = rng.random()
        by_language = {
            code: [
                "18" if rng.random() < easy else rng.choice(["26", "7", None]) for _ in range(paths)
            ]
            for code in ("en", "de", "zh")
        }
        language = ("de", "sw")[number % 2]
        yield finished(number, by_language, language=language, item=f"item-{number // 2}", **more)


FOUR = [
    finished(0, {"en": ["18"], "de": ["18"], "zh": ["26"]}),
    finished(1, {"en": ["18"], "de": ["26"], "zh": ["26"]}),
    finished(2, {"en": ["18"], "de": ["7"], "zh": ["26"]}),
    finished(3, {"en": [None], "de": ["26"], "zh": ["18"]}, fault="zh"),
]


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


def test_leaving_a_language_out():
    rows = {row["language"]: row for row in section(summary(FOUR), "left_out")}
    # en: p-0 then ties 18 (de) with 26 (zh), and de comes first: still right. p-2 loses it.
    assert (rows["en"]["gained"], rows["en"]["lost"], rows["en"]["difference"]) == (1, 0, 0.25)
    # de: p-0 ties 18 (en) with 26 (zh): right. p-1 becomes a tie that en wins.
    assert (rows["de"]["gained"], rows["de"]["lost"], rows["de"]["difference"]) == (0, 1, -0.25)
    assert rows["zh"]["problems"] == 4
    assert rows["de"]["with it"] == 0.5
    assert rows["de"]["without it"] == 0.75


VOTES = st.lists(
    st.tuples(
        st.sampled_from(["en", "de", "zh", "sw"]),
        st.sampled_from(["1", "2", "10", "1/2", "A"]),
        st.sampled_from([1, 1, 2, 0.5, 0.1, 0.3]),
    ),
    max_size=12,
)


@given(VOTES, st.sampled_from(["majority", "weighted"]), st.permutations(["en", "de", "zh"]))
def test_a_tally_without_a_language_is_a_vote_without_it(answers, rule, order):
    votes = [
        Vote(str(n), code, Answer(value), weight) for n, (code, value, weight) in enumerate(answers)
    ]
    verdict = vote(votes, rule=rule, order=order)
    for language in ("en", "de", "zh", "sw"):
        left = [one for one in votes if one.language != language]
        assert (
            verdict_without(verdict, language, order) == vote(left, rule=rule, order=order).answer
        )


def test_left_out_follows_the_weights_of_the_run():
    by_language = {"en": ["18"], "de": ["26"], "zh": ["26"]}
    rows = [finished(0, by_language, weights={"en": 3.0})]
    manifest = {"identity": {"strategy": {"name": "mine", "voting": "weighted"}}}
    found = summary(rows, Counting("weighted"), manifest)
    assert fact(found, "Accuracy").value.startswith("100.0 %")
    assert {row["language"]: row["gained"] for row in section(found, "left_out")} == {
        "en": 1, "de": 0, "zh": 0,
    }  # fmt: skip
    (whole,) = [row for row in section(found, "curve") if row["paths"] == 3]
    assert whole["vote right"] == 1.0  # and not 0, as the majority has it
    assert "weight" in next(one.note for one in found.sections if one.name == "left_out")


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
    assert "let the model choose" in next(one.note for one in found.sections if one.name == "curve")


def test_one_language_has_nothing_to_be_left_out_of():
    found = summary([finished(0, {"en": ["18", "26"]})])
    assert "left_out" not in names(found)
    assert "curve" in names(found)
    alone = summary([finished(0, {"en": ["18"]})])
    assert "curve" not in names(alone)


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


def test_fidelity_counts_the_language_that_was_written():
    found = summary(FOUR)
    rows = {row["asked for"]: row for row in section(found, "fidelity")}
    assert (rows["de"]["paths"], rows["de"]["as asked"], rows["de"]["as asked share"]) == (
        4,
        4,
        1.0,
    )
    assert rows["zh"]["paths"] == 3  # an arm without a prompt wrote nothing
    english = finished(0, {"fr": ["18"]})  # which SENTENCE does not know
    (row,) = section(summary([english]), "fidelity")
    assert (row["another"], row["others"], row["as asked share"]) == (1, "en 1", 0.0)


THOUGHTS = {
    "en": "We count the apples that are in the basket, and then we add the others to them.\n" * 4,
    "de": "Wir zählen die Äpfel, die in dem Korb sind, und zählen dann die anderen dazu.\n" * 4,
}


def thinking(one, thoughts):
    """The problem with the thoughts of each language's paths, in order, and their tokens."""
    left = {code: list(texts) for code, texts in thoughts.items()}
    paths = {}
    for key, path in one.paths.items():
        if left.get(path.language):
            usage = replace(path.usage, reasoning_tokens=15)
            thought = left[path.language].pop(0)
            path = replace(path, thought=thought, closed=True, usage=usage)  # noqa: PLW2901
        paths[key] = path
    return one._replace(paths=paths)


def test_fidelity_of_thoughts_beside_that_of_texts():
    plain = finished(0, {"en": ["18"], "de": ["18"] * 5, "zh": ["26"]})
    mixed = THOUGHTS["de"] + THOUGHTS["en"]
    found = summary(
        [thinking(plain, {"de": [THOUGHTS["de"], THOUGHTS["en"], mixed, "3 + 4"],
                          "en": [THOUGHTS["en"]]})]
    )  # fmt: skip
    rows = {row["asked for"]: row for row in section(found, "thought_fidelity")}
    german = {"asked for": "de", "thoughts": 4, "as asked": 1, "mixed": 1, "another": 1,
              "unknown": 1, "as asked share": 0.5, "others": "en 1"}  # fmt: skip
    assert rows["de"] == german
    assert rows["en"]["as asked share"] == 1
    texts = {row["asked for"]: row for row in section(found, "fidelity")}
    assert (texts["de"]["as asked share"], texts["de"]["share of thoughts"]) == (1, 0.5)
    assert texts["zh"]["share of thoughts"] is None
    assert fact(found, "Tokens of thoughts")[1:] == (
        "75",
        "48.4 % of the tokens of completions",  # 7 paths of 20, and 3 translations of 5
    )
    tokens = {row["language"]: row["of thoughts"] for row in section(found, "tokens")}
    assert tokens == {"en": 15, "de": 60, "zh": 0}
    without = summary([plain])
    assert "thought_fidelity" not in names(without)
    assert "share of thoughts" not in section(without, "fidelity")[0]
    assert "of thoughts" not in section(without, "tokens")[0]
    assert not [one for one in without.facts if one.label == "Tokens of thoughts"]


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
