"""The simulated guarantees, small: what a rule states holds where its conditions do."""

import pytest

pytest.importorskip("numpy")

from benchmarks.guarantees import Setting, measure, rules, simulate
from clc.voting.stopping import Stopping

QUESTIONS = 800


def errors(setting, threshold=0.9, names=None):
    questions = list(simulate(setting, QUESTIONS, 3))
    return {
        name: measure(stopping, questions).error(stopping.rule)
        for name, stopping in rules(setting, threshold, 3).items()
        if names is None or name in names
    }


@pytest.mark.parametrize("setting", [Setting(), Setting(answers=5)])
def test_independent_voters_keep_what_is_stated(setting):
    found = errors(setting, names={"bayes", "cite", "mmc"})
    assert all(error <= 0.1 + 3 * deviation for error, deviation in found.values())


def test_a_certificate_holds_for_the_hardest_question_and_a_posterior_does_not():
    found = errors(Setting(even=True), names={"beta", "cite"})
    assert found["cite"][0] <= 0.1 + 3 * found["cite"][1]
    assert found["beta"][0] > 0.3


def test_correlated_voters_break_beta_and_not_crosslingual():
    found = errors(Setting(0.5, deep=True), names={"beta", "crosslingual", "bayes, correlated"})
    assert found["beta"][0] > 0.1 + 5 * found["beta"][1]
    for name in ("crosslingual", "bayes, correlated"):
        error, deviation = found[name]
        assert error <= 0.1 + 3 * deviation


def test_languages_are_simulated_with_the_correlation_that_is_asked_for():
    """The chance that two paths of a language agree: 1/2 apart from the correlation's part."""
    for correlation in (0.0, 0.5):
        setting = Setting(correlation, repeats=2, deep=True, even=True)
        pairs = agree = 0
        for _, votes in simulate(setting, 1500, 1):
            answers = [one.answer for one in votes]
            pairs += len(answers) // 2
            agree += sum(a == b for a, b in zip(answers[::2], answers[1::2], strict=True))
        assert agree / pairs == pytest.approx(0.5 + correlation / 2, abs=0.02)


def test_the_stops_are_those_of_the_rule():
    questions = [("1", [one for _, votes in simulate(Setting(), 1, 0) for one in votes])]
    found = measure(Stopping(), questions)
    assert (found.stops, found.wrong, found.paths) == (0, 0, 28)
