"""Scores against numbers counted by hand."""

import json
import random
import time

import pytest

from clc.analysis import scoreboard
from clc.analysis.intervals import wilson
from clc.analysis.paired import compare
from clc.analysis.scoreboard import Scoreboard
from clc.analysis.scores import Scored, scored
from clc.analysis.scoring import score
from clc.errors import DatasetError
from clc.records import AbstainReason, Abstention, Answer, Problem, Usage, Verdict, Vote


def verdict(id_, answer, *, tally=None, agreement=0.0, tied=False, abstentions=None):
    return Verdict(
        id=id_,
        answer=answer,
        support=agreement * 4,
        total=4.0 if answer else 0.0,
        agreement=agreement,
        tied=tied,
        tally=tally or {},
        abstentions=abstentions or {},
        paths=4,
        usage=Usage(10, 100),
        translation_usage=Usage(1, 2),
    )


def votes(**answers):
    """Votes by language: an answer or None for an abstention."""
    return tuple(
        Vote(
            f"{language}{index}",
            language,
            Answer(answer) if answer else Abstention(AbstainReason.REFUSAL),
        )
        for language, given in answers.items()
        for index, answer in enumerate(given)
    )


def row(id_, answer, gold="7", *, item=None, language="de", paths=(), kind="number", **more):
    return Scored(id_, item or id_, language, gold, verdict(id_, answer, **more), paths, kind)


ROWS = [
    row("a", "7", agreement=1.0, paths=votes(en=["7", "7"], de=["7", "7"])),
    row("b", "8", agreement=0.5, tied=True, paths=votes(en=["8", "7"], de=["8", None])),
    row("c", "9", language="sw", agreement=0.75, paths=votes(en=["9", "9"], de=["9", "1"])),
    row(
        "d",
        None,
        language="sw",
        paths=votes(en=[None, None], de=[None, None]),
        abstentions={"refusal": {"en": 2, "de": 1}, "truncated": {"de": 1}},
    ),
]


def test_score_counted_by_hand():
    result = score(ROWS)
    assert (result.problems, result.items, result.with_gold) == (4, 4, 4)
    assert (result.unanswered, result.tied, result.unreadable_gold) == (1, 1, 0)
    assert (result.accuracy.value, result.accuracy.right, result.accuracy.total) == (0.25, 1, 4)
    assert (result.accuracy.low, result.accuracy.high) == pytest.approx(wilson(0.25, 4))
    assert result.oracle.value == 0.5
    assert {k: v.value for k, v in result.by_language.items()} == {"de": 0.5, "sw": 0.0}
    english, german = (result.by_reasoning_language[code] for code in ("en", "de"))
    assert (english.accuracy.right, english.accuracy.total, english.abstained) == (3, 8, 2)
    assert (german.accuracy.right, german.accuracy.total, german.abstained) == (2, 8, 3)
    assert result.mean_agreement == pytest.approx(0.75)
    assert result.abstentions == {"refusal": 3, "truncated": 1}
    assert result.paths == 16
    assert (result.usage, result.translation_usage) == (Usage(40, 400), Usage(4, 8))


def test_calibration_counted_by_hand():
    result = score(ROWS)
    table = [(b.low, b.high, b.mean_agreement, b.accuracy.value) for b in result.calibration]
    assert table == [(0.4, 0.5, 0.5, 0.0), (0.7, 0.8, 0.75, 0.0), (0.9, 1.0, 1.0, 1.0)]
    assert result.calibration_error == pytest.approx((0.5 + 0.75 + 0) / 3)


def test_questions_of_one_item_are_one_cluster():
    alone = score([row(f"{i}", "7" if i < 6 else "8") for i in range(10)]).accuracy
    rows = [
        row(f"{language}{i}", "7" if i < 6 else "8", item=f"{i}", language=language)
        for i in range(10)
        for language in ("de", "en", "sw")
    ]
    asked = score(rows)
    assert (asked.items, asked.accuracy.items, asked.accuracy.total) == (10, 10, 30)
    assert asked.accuracy.high - asked.accuracy.low >= alone.high - alone.low
    german = asked.by_language["de"]
    assert (german.low, german.high) == pytest.approx((alone.low, alone.high))


def test_the_oracle_reads_the_tally_where_there_are_no_votes():
    rows = [
        row("a", "8", tally={"8": {"en": 3.0}, "7": {"de": 1.0}}),
        row("b", "8", tally={"8": {}}),
    ]
    assert score(rows).oracle.value == 0.5
    assert score(rows).by_reasoning_language == {}


def test_golds_are_compared_by_value():
    golds = ["7", "7.0", "14/2", "007", "7,000"]
    right = [score([row("a", "7", gold)]).accuracy.right for gold in golds]
    assert right == [1, 1, 1, 1, 0]
    assert score([row("a", "2125", "2,125", language="de")]).accuracy.right == 1
    assert score([row("a", "1/3", "2/6")]).accuracy.right == 1


def test_without_gold():
    result = score([row("a", "7", gold=None, agreement=0.5), row("b", "7", gold="many apples")])
    assert (result.problems, result.with_gold, result.unreadable_gold) == (2, 0, 1)
    assert result.accuracy is None
    assert result.oracle is None
    assert result.calibration == ()
    assert result.calibration_error is None
    assert result.mean_agreement == 0.25


def test_nothing():
    result = score([])
    assert (result.problems, result.mean_agreement, result.accuracy) == (0, None, None)


def test_json():
    plain = json.loads(json.dumps(score(ROWS).to_json()))
    assert plain["accuracy"]["right"] == 1
    assert plain["usage"] == {"prompt_tokens": 40, "completion_tokens": 400}
    assert plain["calibration"][0]["accuracy"]["total"] == 1
    assert json.loads(json.dumps(compare(ROWS, ROWS).to_json()))["difference"] == 0


def test_scored():
    problem = Problem(
        "mgsm-de-007", "?", "de", "7", metadata={"item": "mgsm-007", "kind": "number"}
    )
    assert scored(problem, ROWS[0].verdict).item == "mgsm-007"
    assert scored(problem, ROWS[0].verdict).kind == "number"
    assert scored(Problem("x", "?", "de"), ROWS[0].verdict).item == "x"


def test_parts_that_are_merged_come_to_the_same_figures():
    rng = random.Random(3)
    rows = [
        row(
            f"p{n}",
            rng.choice(["7", "8", None]),
            rng.choice(["7", "7", "8", None, "?"]),
            item=f"i{rng.randrange(20)}",
            language=rng.choice(["de", "sw", "zh"]),
            agreement=rng.random(),
            tied=n % 5 == 0,
            abstentions={rng.choice(["refusal", "empty"]): {"en": 1}},
            paths=votes(**{
                rng.choice(["en", "th"]): [rng.choice(["7", "8", None]) for _ in range(n % 4)],
                "de": ["7"],
            }),
        )
        for n in range(60)
    ]  # fmt: skip
    merged = Scoreboard()
    for cut in (slice(0, 1), slice(1, 1), slice(1, 30), slice(30, 60)):
        merged.merge(Scoreboard().fill(rows[cut]))
    assert json.dumps(merged.score().to_json()) == json.dumps(score(rows).to_json())


def test_bins():
    assert [scoreboard._bin(k / 7, 10) for k in range(1, 8)] == [1, 2, 4, 5, 7, 8, 9]
    assert [scoreboard._bin(k / 10, 10) for k in range(11)] == [0, *range(10)]


def test_compare_counted_by_hand():
    # 20 shared problems, one question an item: 3 only the first has right, 1 only the second.
    first = ["7"] * 3 + ["8"] + ["7"] * 10 + ["8"] * 6
    second = ["8"] * 3 + ["7"] + ["7"] * 10 + ["8"] * 6
    a = [row(f"{i}", answer) for i, answer in enumerate(first)] + [row("x", "7")]
    b = [row(f"{i}", answer) for i, answer in enumerate(second)]
    result = compare(a, b)
    assert (result.problems, result.items, result.only_a, result.only_b) == (20, 20, 1, 0)
    assert (result.wins, result.losses) == (3, 1)
    assert (result.accuracy_a, result.accuracy_b) == (0.65, 0.55)
    assert result.difference == pytest.approx(0.1)
    assert (result.low, result.high) == pytest.approx((-0.10464, 0.28645), abs=1e-4)
    assert result.p_value == result.mcnemar_p == pytest.approx(2 * 5 / 16)
    assert (result.paths_a, result.usage_b) == (80, Usage(200, 2000))
    back = compare(b, a)
    assert back.difference == -result.difference
    assert (back.low, back.high) == pytest.approx((-result.high, -result.low))


def test_compare_clusters_by_item():
    languages = ("de", "en", "es", "fr", "sw")
    a = [row(f"{c}{i}", "7", item=f"{i}") for i in range(20) for c in languages]
    b = [row(f"{c}{i}", "7" if i > 3 else "8", item=f"{i}") for i in range(20) for c in languages]
    result = compare(a, b)
    assert (result.problems, result.items, result.wins) == (100, 20, 20)
    assert result.mcnemar_p < 1e-5
    assert result.p_value == 2 / 2**4
    assert result.low < 0.06


def test_runs_that_cannot_be_compared():
    with pytest.raises(DatasetError, match="share no problem"):
        compare([row("a", "7")], [row("b", "7")])
    with pytest.raises(DatasetError, match="problem 'a': gold is '7' in the first run and '8'"):
        compare([row("a", "7")], [row("a", "7", gold="8")])
    with pytest.raises(DatasetError, match="first run: two verdicts for problem 'a'"):
        compare([row("a", "7"), row("a", "8")], [row("a", "7")])


def test_it_is_linear():
    start = time.process_time()
    rows = (
        row(f"{i}", "7", agreement=0.5, paths=ROWS[0].votes, item=f"{i % 500}")
        for i in range(10_000)
    )
    assert score(rows).accuracy.value == 1.0
    assert time.process_time() - start < 5
