"""Stopping rules against worked numbers, exhaustive search and the full vote."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.errors import StrategyError
from clc.voting.posterior import beta_posterior, dirichlet_posterior
from clc.voting.stopping import RULES, Stop, Stopping, first_stop, next_round_size
from clc.voting.tally import vote

from .casting import ENGLISH, SEVEN, cast, make_votes

languages = st.sampled_from(["en", "de", "zh"])
some_votes = st.builds(cast, languages, st.sampled_from(["1", "2", "3", None]))
settings = st.builds(
    Stopping,
    st.sampled_from(list(RULES)),
    threshold=st.sampled_from([0.51, 0.6, 0.75, 0.8, 0.9, 0.95]),
    window=st.integers(2, 4),
    languages=st.integers(1, 4),
    correlation=st.sampled_from([0.0, 0.2, 0.5, 1.0]),
)


def paths(rule, text, codes=ENGLISH, budget=40, planned=()):
    stop = first_stop(rule, make_votes(text, codes), budget, planned)
    return stop and stop.paths


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rule": "asap"}, "'asap'; there are: fixed, lead, beta"),
        ({"threshold": 0.5}, r"threshold must be above 0\.5 and below 1, not 0\.5"),
        ({"threshold": 1.0}, r"threshold must be .*, not 1\.0"),
        ({"threshold": math.nan}, "threshold must be .*, not nan"),
        ({"window": 1}, "window must be from 2 to 10000, not 1"),
        ({"languages": 0}, "languages must be from 1 to 1000, not 0"),
        ({"correlation": -0.1}, r"correlation must be from 0 to 1, not -0\.1"),
        ({"correlation": 1.1}, r"correlation must be from 0 to 1, not 1\.1"),
    ],
)
def test_a_wrong_setting_is_named(wrong, message):
    with pytest.raises(StrategyError, match=message):
        Stopping(**wrong)


# Rules


def test_fixed_never_stops():
    assert first_stop(Stopping(), make_votes("1" * 40), 40) is None


def test_lead_stops_when_nobody_can_catch_up():
    lead = Stopping("lead")
    assert paths(lead, "1111", budget=7) == 4  # three left: 4 to 3
    assert paths(lead, "1111", budget=8) is None  # four left: a tie is possible
    assert paths(lead, "112111", budget=7) == 5  # 4 to 1 and two left
    assert paths(lead, "11..", budget=5) == 4  # an abstention cannot catch up
    assert paths(lead, "....", budget=5) is None
    assert first_stop(lead, make_votes("1111"), 7) == Stop(4, None)


def test_beta_stops_at_the_threshold():
    assert first_stop(Stopping("beta"), make_votes("1111"), 40) == Stop(4, 0.96875)
    assert paths(Stopping("beta", threshold=0.9375), "111") == 3  # at the threshold, not above it
    assert paths(Stopping("beta"), "1.1.11") == 6
    assert paths(Stopping("beta"), "2111111") == 7  # 6 to 1: 1 - 9/256
    assert paths(Stopping("beta"), "23111111") == 8  # the third answer does not count


def test_dirichlet_looks_at_every_answer():
    dirichlet = Stopping("dirichlet")
    assert paths(dirichlet, "1111") == 4
    assert paths(dirichlet, "23111111") is None  # 0.9649 against one rival, 0.930 against two
    stop = first_stop(dirichlet, make_votes("231111111"), 40)
    assert stop == Stop(9, dirichlet_posterior((7, 1, 1)))


def test_windows_lie_side_by_side():
    window = Stopping("window", window=3)
    assert paths(window, "111") == 3
    assert paths(window, "2111") is None  # the last three agree, but in two windows
    assert paths(window, "211222") == 6
    assert paths(window, "1.1.1") == 5  # an abstention neither fills nor breaks one
    assert first_stop(window, make_votes("111"), 40) == Stop(3, None)


def test_crosslingual_counts_languages():
    half = Stopping("crosslingual", threshold=0.9, languages=3)
    assert paths(half, "1" * 39) is None  # a single language, however often
    assert paths(half, "111", ["en", "de", "es"]) == 3
    # Six paths, two a language: 2 / 1.5 * 3 = 4 effective votes.
    stop = first_stop(half, make_votes("111111", ["en", "en", "de", "de", "es", "es"]), 40)
    assert stop.paths == 5  # 2 * 2 / 1.5 + 1
    assert stop.probability == pytest.approx(beta_posterior(11 / 3, 0))


def test_crosslingual_stops_for_a_sole_leader_only():
    # Three votes each after six paths, but effectively 3 for the one from three languages.
    codes = ["de", "en", "en", "en", "es", "fr", "ja"]
    rule = Stopping("crosslingual", threshold=0.73, languages=3)
    assert beta_posterior(3, 1.5) > 0.73
    assert paths(rule, "122211", codes) is None
    assert paths(rule, "1222111", codes) == 7


def test_crosslingual_with_few_planned_languages():
    rule = Stopping("crosslingual", threshold=0.85, languages=3)
    codes = ["en", "de"] * 2
    assert paths(rule, "1111", codes) is None  # three are asked for
    assert paths(rule, "1111", codes, planned=["en", "de"]) == 2
    assert paths(rule, "1111", codes, planned=SEVEN) is None
    assert next_round_size(rule, [], codes) == 2


def test_nothing_stops_without_a_vote():
    for rule in RULES:
        assert paths(Stopping(rule, threshold=0.51), "." * 39) is None


def test_reaching_the_budget_is_no_stop():
    for rule in (Stopping("beta"), Stopping("dirichlet"), Stopping("window", window=4)):
        assert paths(rule, "11111", budget=5) == 4
        assert paths(rule, "11111", budget=4) is None
    assert paths(Stopping("lead"), "1", budget=1) is None


# Properties


@given(settings, st.lists(some_votes, max_size=14), st.data())
def test_waves_draw_what_one_by_one_draws(rule, everything, data):
    budget = len(everything)
    codes = [one.language for one in everything]
    one_by_one = first_stop(rule, everything, budget, codes)
    drawn = 0
    while drawn < budget and first_stop(rule, everything[:drawn], budget, codes) is None:
        size = next_round_size(rule, everything[:drawn], codes[drawn:])
        assert 1 <= size <= budget - drawn
        drawn += data.draw(st.integers(1, size))  # a scheduler may take less at once
    assert drawn == (one_by_one.paths if one_by_one else budget)
    assert first_stop(rule, everything[:drawn], budget, codes) == one_by_one


@given(settings, st.lists(some_votes, max_size=6), st.lists(languages, min_size=1, max_size=4))
def test_a_wave_ends_where_the_rule_first_could(rule, drawn, upcoming):
    """All continuations, exhaustively: none stops before the wave's end, and one does there."""
    codes = [*(one.language for one in drawn), *upcoming]
    if first_stop(rule, drawn, len(codes), codes) is not None:
        return
    stops = set()
    for answers in itertools.product(["1", "2", "3", "4", None], repeat=len(upcoming)):
        continued = [*drawn, *map(cast, upcoming, answers)]
        stop = first_stop(rule, continued, len(codes), codes)
        stops.add(stop.paths if stop else len(codes))
    assert next_round_size(rule, drawn, upcoming) == min(stops) - len(drawn)


def test_no_wave_without_upcoming_paths():
    assert next_round_size(Stopping("beta"), make_votes("12"), []) == 0
    assert next_round_size(Stopping(), make_votes("12"), ["en"] * 5) == 5


def test_a_wave_is_never_empty():
    size = next_round_size(Stopping("beta"), make_votes("11111"), ["en"] * 3)
    assert size == 1  # though four were enough


@given(st.lists(some_votes, min_size=1, max_size=12))
def test_lead_keeps_the_verdict(everything):
    stop = first_stop(Stopping("lead"), everything, len(everything))
    if stop is None:
        return
    for order in itertools.permutations(["en", "de", "zh"]):
        early = vote(everything[: stop.paths], order=order)
        full = vote(everything, order=order)
        assert early.answer == full.answer
        assert not full.tied


@given(settings, st.lists(some_votes, min_size=1, max_size=14), st.randoms(use_true_random=False))
def test_the_order_of_drawn_paths_does_not_matter(rule, everything, rng):
    """Votes that stop a rule stop it in any order, sooner perhaps.

    A window is a matter of order, and a certificate counts the votes after an answer's first one.
    """
    budget = len(everything) + 1
    stop = first_stop(rule, everything, budget)
    if stop is None or rule.rule in {"window", "cite", "mmc"}:
        return
    shuffled = everything[: stop.paths]
    rng.shuffle(shuffled)
    again = first_stop(rule, shuffled, budget)
    assert again is not None
    assert again.paths <= stop.paths
    if again.paths == stop.paths:
        assert again == stop


@given(st.lists(some_votes, max_size=14), st.sampled_from([0.6, 0.8, 0.95]))
def test_uncorrelated_crosslingual_is_beta(everything, threshold):
    independent = Stopping("crosslingual", threshold, languages=1, correlation=0)
    beta = Stopping("beta", threshold)
    assert first_stop(independent, everything, 14) == first_stop(beta, everything, 14)
