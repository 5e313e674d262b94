"""Comparisons against figures counted by hand."""

import json
import math
import random
from dataclasses import replace

import pytest

from clc.analysis.comparison import compare_strategies
from clc.analysis.comparison_entries import problem_outcome
from clc.analysis.comparison_records import Entry, ProblemOutcome
from clc.analysis.intervals import clustered_difference, mcnemar
from clc.analysis.resampling import PathOutcome
from clc.analysis.scoring import score_run
from clc.errors import ConfigurationError, DatasetError, StrategyError
from clc.plan import ArmRecord, Plan
from clc.records import Problem, ReasoningPath, Usage
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.voting.verdict import make_verdict, read_votes
from tests.solving.running import problems, run

ORDER = ("en", "de")


def solved(id_, *answers, answer="7", gold="7", item=None, tokens=100, preparation=0):
    """One outcome; the paths go over English and German in turn."""
    drawn = [PathOutcome(ORDER[i % 2], one, tokens) for i, one in enumerate(answers)]
    return ProblemOutcome(id_, item or id_, gold, answer, drawn, preparation, ORDER)


def verdicts(name, right, count=20, per_item=1, **more):
    """A strategy of one path a problem, right where the problem's number is in ``right``."""
    outcomes = []
    for number in range(count):
        given = "7" if number in right else "8"
        item = f"{number // per_item}"
        outcomes.append(solved(f"{number}", given, answer=given, item=item, **more))
    return Entry(name, outcomes)


def result(comparison, name):
    return next(one for one in comparison.strategies if one.name == name)


def test_costs_are_means_for_a_problem():
    rows = [
        solved("a", "7", "7", "8", tokens=100, preparation=40),
        solved("b", "8", tokens=200, answer="8"),
    ]
    found = compare_strategies([Entry("sc", rows, seconds=2.5, reused=3)]).strategies[0]
    assert (found.paths, found.least_drawn, found.most_drawn) == (2, 1, 3)
    assert (found.path_tokens, found.preparation_tokens, found.tokens) == (250, 20, 270)
    assert (found.seconds, found.reused) == (2.5, 3)
    assert (found.accuracy.right, found.accuracy.total) == (1, 2)
    assert found.difference is None


def test_differences_are_paired_with_the_reference():
    # 3 problems only clc has right, 1 only sc, 10 both.
    entries = [verdicts("sc", range(11)), verdicts("clc", [*range(10), 11, 12, 13])]
    found = result(compare_strategies(entries), "clc").difference
    assert (found.value, found.wins, found.losses) == (pytest.approx(0.1), 3, 1)
    assert found.mcnemar_p == found.p_value == mcnemar(3, 1)
    assert found.low < 0 < found.value < found.high
    back = result(compare_strategies(entries, reference="clc"), "sc").difference
    assert (back.value, back.wins) == (pytest.approx(-0.1), 1)


def test_the_bootstrap_is_near_its_normal_limit():
    draw = random.Random(4)
    right = [{n for n in range(600) if draw.random() < p} for p in (0.6, 0.7)]
    entries = [verdicts(*pair, count=600) for pair in zip(("sc", "clc"), right, strict=True)]
    found = result(compare_strategies(entries), "clc").difference
    gains = [(n in right[1]) - (n in right[0]) for n in range(600)]
    mean = sum(gains) / 600
    half = 1.96 * math.sqrt(sum((gain - mean) ** 2 for gain in gains)) / 600
    assert (found.low, found.high) == pytest.approx((mean - half, mean + half), abs=0.008)
    assert found.low != clustered_difference(gains, [1] * 600).low


def test_the_bootstrap_draws_items_not_problems():
    # Five languages of an item go together: 4 of 20 items differ, not 20 of 100 problems.
    entries = [
        verdicts("sc", range(20, 100), count=100, per_item=5),
        verdicts("clc", range(100), count=100, per_item=5),
    ]
    compared = compare_strategies(entries)
    found = result(compared, "clc").difference
    assert (compared.problems, compared.items) == (100, 20)
    assert found.p_value == 2 / 2**4
    assert found.mcnemar_p < 1e-5
    # The share of 20 drawn items that differ: Binomial(20, 0.2) has 2.5 % points 1 and 8.
    assert found.low == pytest.approx(1 / 20, abs=0.01)
    assert found.high == pytest.approx(8 / 20, abs=0.051)


def test_strategies_that_never_differ_still_have_an_interval():
    found = result(compare_strategies([verdicts("sc", range(9)), verdicts("b", range(9))]), "b")
    closed = clustered_difference([0] * 20, [1] * 20)
    assert (found.difference.low, found.difference.high) == (closed.low, closed.high)
    assert found.difference.high > 0


def test_curves_are_means_over_problems():
    rows = [solved("a", "8", "7", "7", "7"), solved("b", "8", "8", "8", "8", answer="8")]
    found = compare_strategies([Entry("sc", rows)])
    assert found.ks == (1, 2, 4)
    curve = found.strategies[0].curve
    # Of the six pairs of a, the three without 8 are right. English 8 wins against German 7 (two
    # pairs) and loses to English 7, the smaller number.
    assert [point.majority for point in curve] == pytest.approx([0.375, 0.5 * 4 / 6, 0.5])
    assert [point.oracle for point in curve] == [0.375, 0.5, 0.5]
    assert [point.error for point in curve] == [0, 0, 0]


def test_curves_stop_where_paths_do():
    rows = [solved("a", *["7"] * 8), solved("b", *["7"] * 3)]
    others = [solved("a", *["7"] * 6), solved("b", *["7"] * 6)]
    found = compare_strategies([Entry("sc", rows), Entry("clc", others)])
    assert found.ks == (1, 2, 3, 4, 6)
    assert [point.k for point in result(found, "sc").curve] == [1, 2, 3]
    assert [point.k for point in result(found, "clc").curve] == [1, 2, 3, 4, 6]
    asked = compare_strategies([Entry("sc", rows), Entry("clc", others)], ks=[5, 2, 90, 2])
    assert asked.ks == (2, 5, 90)
    assert [point.k for point in result(asked, "sc").curve] == [2]
    assert [point.k for point in result(asked, "clc").curve] == [2, 5]


def test_a_problem_without_paths_leaves_no_curve():
    rows = [solved("a", "7"), solved("b", answer=None)]
    found = compare_strategies([Entry("sc", rows)], budget=100)
    only = found.strategies[0]
    assert (only.curve, only.least_drawn, only.accuracy.right) == ((), 0, 1)
    assert only.equal_tokens.without == 1


def test_random_subsets_state_their_error():
    draw = random.Random(1)
    rows = [solved(f"{n}", *draw.choices(["7", "8", "9"], k=24)) for n in range(30)]
    curve = compare_strategies([Entry("sc", rows)], ks=[1, 8, 24]).strategies[0].curve
    assert [point.error > 0 for point in curve] == [False, True, False]
    assert curve[1].error < 0.5 / math.sqrt(30 * 100)
    wide = compare_strategies([Entry("sc", rows)], ks=[8], resamples=2_000).strategies[0].curve
    assert curve[1].majority == pytest.approx(wide[0].majority, abs=5 * curve[1].error)


def test_equal_tokens_buy_the_first_paths():
    # 250 tokens: two of sc's paths, one of clc's after its translations, none of xcot's.
    sc = [solved("a", "8", "7", "7", "7")]
    clc = [solved("a", "7", "8", "8", preparation=120, answer="8")]
    xcot = [solved("a", "7", tokens=300)]
    entries = [Entry("sc", sc), Entry("clc", clc), Entry("xcot", xcot)]
    found = compare_strategies(entries, budget=250)
    assert [
        (one.equal_tokens.paths, one.equal_tokens.tokens, one.equal_tokens.accuracy.right)
        for one in found.strategies
    ] == [(2, 200, 0), (1, 220, 1), (0, 0, 0)]
    assert [one.equal_tokens.without for one in found.strategies] == [0, 0, 1]


def test_a_translation_is_paid_for_by_the_first_path_that_asks_it():
    # A plan for 10 tokens; then en is as asked, de is translated for 60, and en and de come again.
    one = solved("a", "7", "7", "8", "7", tokens=100, preparation=70)
    one = replace(one, path_preparation=(0, 60, 0, 0))
    for budget, paths, tokens in (
        (109, 0, 0),
        (110, 1, 110),
        (269, 1, 110),
        (270, 2, 270),
        (470, 4, 470),
    ):
        (found,) = compare_strategies([Entry("sc", [one])], budget=budget).strategies
        assert (found.equal_tokens.paths, found.equal_tokens.tokens) == (paths, tokens)
        assert (found.tokens, found.preparation_tokens) == (470, 70)


def test_the_budget_is_what_the_cheapest_vote_costs():
    one = Entry("native-cot", [solved("a", "7"), solved("b", "7")])
    sc = Entry("sc", [solved("a", "7", "7", "7"), solved("b", "7", "7")])
    clc = Entry("clc", [solved("a", "7", "7", preparation=90), solved("b", "7", "7")])
    found = compare_strategies([one, sc, clc])
    assert found.budget == 245
    assert [point.budget for point in found.strategies[0].budgets] == [
        point.budget for point in found.strategies[1].budgets
    ]
    assert found.strategies[0].budgets[0].budget == 100
    assert found.strategies[0].budgets[-1].budget == pytest.approx(250)
    assert compare_strategies([one], reference="native-cot").budget == 100


def test_paths_whose_tokens_are_not_known():
    found = compare_strategies([Entry("sc", [solved("a", "7", "7", tokens=0)])])
    only = found.strategies[0]
    assert (found.budget, only.budgets, only.equal_tokens.paths) == (0, (), 2)


def test_only_shared_problems_are_compared():
    sc = [solved("a", "7"), solved("b", "7"), solved("c", "7"), solved("n", "7", gold=None)]
    clc = [solved("b", "8", answer="8"), solved("a", "7")]
    found = compare_strategies([Entry("sc", iter(sc)), Entry("clc", iter(clc))])
    assert (found.problems, found.items) == (2, 2)
    assert [(one.left_out, one.without_gold) for one in found.strategies] == [(1, 1), (0, 0)]
    assert [one.accuracy.right for one in found.strategies] == [2, 1]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([Entry("sc", []), Entry("clc", [])], "no problem with a gold answer is in all"),
        ([Entry("sc", [solved("a", "7", gold=None)])], "no problem with a gold answer"),
        ([Entry("sc", [solved("a", "7")]), Entry("clc", [solved("b", "7")])], r"\(sc, clc\)"),
        ([Entry("sc", [solved("a", "7")] * 2)], "sc: two outcomes of problem 'a'"),
        (
            [Entry("sc", [solved("a", "7")]), Entry("clc", [solved("a", "7", gold="8")])],
            "problem 'a': gold is '7' in sc and '8' in clc",
        ),
        (
            [Entry("sc", [solved("a", "7")]), Entry("clc", [solved("a", "7", item="q")])],
            "problem 'a': item is 'a' in sc and 'q' in clc",
        ),
    ],
)
def test_what_cannot_be_compared(entries, message):
    with pytest.raises(DatasetError, match=message):
        compare_strategies(entries)


def test_names_and_numbers_that_make_no_sense():
    sc = Entry("sc", [solved("a", "7")])
    with pytest.raises(StrategyError, match="reference 'sc' is not among the strategies: none"):
        compare_strategies([])
    with pytest.raises(StrategyError, match="reference 'clc' is not among the strategies: sc"):
        compare_strategies([sc], reference="clc")
    with pytest.raises(StrategyError, match="strategy 'sc' is given twice"):
        compare_strategies([sc, sc])
    with pytest.raises(ConfigurationError, match=r"ks are \[2, 0\]"):
        compare_strategies([sc], ks=[2, 0])
    with pytest.raises(ConfigurationError, match="budget is -1"):
        compare_strategies([sc], budget=-1)
    with pytest.raises(ConfigurationError, match="resamples is 0; give at least 1"):
        compare_strategies([sc], resamples=0)
    with pytest.raises(ConfigurationError, match="bootstraps is 1; give at least 2"):
        compare_strategies([sc], bootstraps=1)


def test_the_same_seed_gives_the_same_figures_whatever_the_order():
    draw = random.Random(2)
    rows = [solved(f"{n}", *draw.choices("789", k=20), answer=draw.choice("78")) for n in range(9)]
    sc, clc = Entry("sc", rows), Entry("clc", [solved(row.id, "7", "8") for row in rows])
    once, again = (compare_strategies([sc, clc], seed=5) for _ in range(2))
    assert once == again
    turned = compare_strategies([clc, Entry("sc", rows[::-1])], seed=5)
    assert result(turned, "sc").curve == pytest.approx(result(once, "sc").curve)
    assert result(turned, "clc").difference == result(once, "clc").difference
    other = compare_strategies([sc, clc], seed=6)
    assert result(other, "sc").curve != result(once, "sc").curve


def test_json():
    entries = [Entry("sc", [solved("a", "7", "8")], seconds=1.5), Entry("b", [solved("a", "8")])]
    plain = json.loads(json.dumps(compare_strategies(entries).to_json()))
    assert (plain["reference"], plain["problems"], plain["ks"]) == ("sc", 1, [1, 2])
    first, second = plain["strategies"]
    assert first["curve"][0] == {"k": 1, "majority": 0.5, "oracle": 0.5, "error": 0.0}
    assert first["equal_tokens"]["accuracy"]["total"] == 1
    assert second["difference"]["losses"] == 0
    assert (first["difference"], first["seconds"]) == (None, 1.5)


def test_outcome_of_a_solved_problem():
    problem = Problem("a", "?", "de", "7.0", metadata={"item": "q", "kind": "number"})
    arms = (
        ArmRecord("en", "e", 0, 2, 5, translation_usage=Usage(30, 12)),
        ArmRecord("de", None, 0, 1, 5, "translation: none", Usage(10, 0)),
    )
    plan = Plan.of(arms)
    english = [key for _, key in plan.paths if key]
    paths = {
        english[0]: ReasoningPath(english[0], "e", "en", 0, 5, "Answer: 7", "stop", Usage(60, 30)),
        english[1]: ReasoningPath(english[1], "e", "en", 1, 5, "", "error", error="lost"),
    }
    votes = read_votes(problem, plan, paths)
    verdict = make_verdict(problem, plan, paths, votes)
    found = problem_outcome(problem, plan, paths, votes, verdict)
    assert found == ProblemOutcome(
        "a", "q", "7", "7",
        [PathOutcome("en", "7", 90), PathOutcome("de", None, 0), PathOutcome("en", None, 0)],
        52, ["en", "de"], path_preparation=[42, 10, 0],
    )  # fmt: skip
    weighed = [replace(vote, weight=0.5) for vote in votes]
    assert problem_outcome(problem, plan, paths, weighed, verdict) == found
    twice = problem_outcome(problem, plan, paths, weighed, verdict, weighted=True)
    assert [path.weight for path in twice.paths] == [0.5] * 3


def test_a_stored_run_comes_to_its_score():
    with Store(None) as store:
        run(problems(12), store, paths=6)
        score = score_run(store)
        found = compare_strategies(
            [Entry("clc", (problem_outcome(*one) for one in revote(store)))], reference="clc"
        )
    (only,) = found.strategies
    assert only.accuracy == score.accuracy
    assert only.curve[-1].k == 6
    assert only.curve[-1].majority == pytest.approx(score.accuracy.value)
    assert only.curve[-1].oracle == pytest.approx(score.oracle.value)
    assert 12 * only.tokens == pytest.approx(score.usage.total + score.translation_usage.total)
    assert 0 < only.accuracy.value < 1
