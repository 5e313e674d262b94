"""Several strategies and several runs: corrected p values, nested intervals, effective voters."""

import random

import pytest

from clc.analysis.comparison import compare_strategies
from clc.analysis.comparison_records import Entry, ProblemOutcome
from clc.analysis.independence import effective_voters
from clc.analysis.intervals import holm
from clc.analysis.resampling import PathOutcome


def outcomes(right, languages=("en",)):
    """A strategy with a path a language on each question, right where ``right`` says."""
    return [
        ProblemOutcome(
            f"p-{number}", f"p-{number}", "7", "7" if is_right else "8",
            [PathOutcome(code, "7" if is_right else "8", 100) for code in languages],
            order=languages,
        )
        for number, is_right in enumerate(right)
    ]  # fmt: skip


def test_holm_worked_by_hand():
    assert holm([]) == []
    assert holm([0.2]) == [0.2]
    assert holm([0.01, 0.02, 0.5]) == pytest.approx([0.03, 0.04, 0.5])
    assert holm([0.03, 0.02]) == pytest.approx([0.04, 0.04])  # never below an earlier one
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_holm_keeps_the_error_of_all_tests():
    rng = random.Random(0)
    false = sum(min(holm([rng.random() for _ in range(5)])) < 0.05 for _ in range(4000))
    assert false / 4000 == pytest.approx(0.05, abs=0.011)


def test_a_comparison_corrects_for_its_differences():
    reference = [True] * 20 + [False] * 20
    better = [True] * 27 + [False] * 13
    entries = [Entry("sc", outcomes(reference)), Entry("a", outcomes(better)),
               Entry("b", outcomes(reference[::-1]))]  # fmt: skip
    result = compare_strategies(entries)
    _, a, b = (one.difference for one in result.strategies)
    assert a.p_value == pytest.approx(2 / 2**7)
    assert a.p_holm == pytest.approx(4 / 2**7)
    assert b.p_holm == 1.0
    (_, alone) = compare_strategies(entries[:2]).strategies
    assert alone.difference.p_holm == alone.difference.p_value
    assert "groups" not in result.to_json()


def test_runs_of_one_strategy_are_taken_together():
    rng = random.Random(1)

    def runs(strategy, level, count):
        for number in range(count):
            shift = rng.uniform(-0.1, 0.1)
            right = [rng.random() < level + shift for _ in range(100)]
            yield Entry(f"{strategy}-{number}", outcomes(right), group=strategy)

    entries = [*runs("sc", 0.5, 3), *runs("clc", 0.7, 3)]
    result = compare_strategies(entries, reference="sc-0")
    first, second = result.groups
    accuracies = [one.accuracy.value for one in result.strategies]
    assert first.runs == ("sc-0", "sc-1", "sc-2")
    assert first.accuracy.value == pytest.approx(sum(accuracies[:3]) / 3)
    assert first.difference is None
    assert second.difference.value == pytest.approx(
        sum(accuracies[3:]) / 3 - sum(accuracies[:3]) / 3
    )
    assert second.difference.low < second.difference.value < second.difference.high
    assert compare_strategies(entries, reference="sc-0").groups == result.groups
    assert len(result.to_json()["groups"]) == 2


def test_runs_that_differ_widen_the_interval():
    """Runs that are all right or all wrong: the items alone would have no spread at all."""
    entries = [
        Entry("x-0", outcomes([True] * 30), group="x"),
        Entry("x-1", outcomes([False] * 30), group="x"),
        Entry("y", outcomes([True] * 30), group="y"),
    ]
    x, y = compare_strategies(entries, reference="x-0").groups
    assert (x.accuracy.low, x.accuracy.high) == (0, 1)
    assert (y.accuracy.low, y.accuracy.high) == (1, 1)
    assert (y.difference.low, y.difference.high) == (0, 1)


def test_budgets_begin_with_the_cheapest_path():
    rows = outcomes([True] * 9 + [False])
    cheap = rows[3].paths[0]._replace(tokens=10)
    rows[3] = ProblemOutcome("p-3", "p-3", "7", "7", [cheap], order=("en",))
    first, *_, last = compare_strategies([Entry("sc", rows)]).strategies[0].budgets
    assert (first.budget, first.without, first.accuracy.right) == (pytest.approx(10), 9, 1)
    assert not first.is_plotted
    assert last.budget == pytest.approx(91)


def test_languages_that_err_together_are_one_voter():
    rng = random.Random(2)
    alike = [dict.fromkeys("abc", rng.random() < 0.5) for _ in range(200)]
    found = effective_voters(alike)
    assert (found.languages, found.kish, found.eigenvalues) == (3, 1, 1)
    apart = [{code: rng.random() < 0.5 for code in "abcd"} for _ in range(4000)]
    found = effective_voters(apart)
    assert found.kish == pytest.approx(4, abs=0.3)
    assert found.eigenvalues == pytest.approx(4, abs=0.1)
    pairs = [{"a": one["a"], "b": one["a"], "c": one["c"], "d": one["c"]} for one in apart]
    found = effective_voters(pairs)  # eigenvalues 2, 2, 0, 0
    assert found.eigenvalues == pytest.approx(2, abs=0.05)
    assert found.correlation == pytest.approx(1 / 3, abs=0.03)
    assert found.kish == pytest.approx(2, abs=0.1)


def test_languages_without_an_error_are_left_out():
    assert effective_voters([{"en": 0.0, "de": 1.0}, {"en": 0.0, "de": 0.0}]) is None
    assert effective_voters([]) is None
    (result,) = compare_strategies([Entry("sc", outcomes([True, False]))]).strategies
    assert result.voters is None
    (result,) = compare_strategies([Entry("sc", outcomes([True, False], ("en", "de")))]).strategies
    assert result.voters.languages == 2
