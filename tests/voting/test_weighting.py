import math
from dataclasses import asdict

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.datasets.recorded_votes import group_votes
from clc.engines.confidence import Measure, Meter, measure_tokens
from clc.errors import ConfigurationError, DatasetError, StrategyError
from clc.records import AbstainReason, Abstention, Answer, Confidence, Vote
from clc.voting.tally import vote
from clc.voting.weighting import WEIGHTINGS, Weighting, floors, language_means, weigh

logprobs = st.floats(-30, 0)
tokens = st.lists(
    st.tuples(st.lists(logprobs, min_size=1, max_size=6), logprobs), min_size=1, max_size=40
)


def votes(*cast: tuple[str, str | None]) -> list[Vote]:
    return [
        Vote(str(i), language, Answer(a) if a else Abstention(AbstainReason.NO_ANSWER))
        for i, (language, a) in enumerate(cast)
    ]


def sure(value: float) -> Confidence:
    return Confidence(value, value, value, -1 / value)


# Measuring


@given(tokens, st.integers(1, 6), st.integers(1, 50), st.integers(1, 50))
def test_figures_are_what_their_definitions_say(path, top_k, tail, group):
    found = measure_tokens(path, Measure(top_k, tail, group))
    each = [-sum(likeliest[:top_k]) / len(likeliest[:top_k]) for likeliest, _ in path]
    windows = [each[i : i + group] for i in range(max(len(each) - group, 0) + 1)]
    near: dict = {"rel": 1e-9, "abs": 1e-9}
    assert found.mean == pytest.approx(sum(each) / len(each), **near)
    assert found.tail == pytest.approx(sum(each[-tail:]) / len(each[-tail:]), **near)
    assert found.lowest_group == pytest.approx(min(sum(w) / len(w) for w in windows), **near)
    assert found.logprob == pytest.approx(sum(drawn for _, drawn in path) / len(path), **near)


@given(tokens, st.integers(1, 5), st.floats(0, 30))
def test_a_path_falls_with_the_first_whole_group_under_the_floor(path, group, floor):
    meter = Meter(Measure(group=group, floor=floor))
    fell = [meter.add(likeliest, drawn) for likeliest, drawn in path]
    lowest = [
        meter_until(path[: end + 1], group).confidence.lowest_group for end in range(len(path))
    ]
    assert fell == [end + 1 >= group and low < floor for end, low in enumerate(lowest)]


def meter_until(path, group):
    meter = Meter(Measure(group=group))
    for likeliest, drawn in path:
        meter.add(likeliest, drawn)
    assert not meter.fell
    return meter


def test_a_short_path_is_one_group_and_never_falls():
    meter = Meter(Measure(group=3, floor=100.0))
    assert meter.confidence is None
    meter.add([-1.0, -2.0], -1.0)
    meter.add([-1.0, -4.0], -4.0)
    assert not meter.fell
    assert meter.confidence == Confidence(2.0, 2.0, 2.0, -2.5)


def test_impossible_tokens_say_nothing():
    for none in (-math.inf, -9999.0):
        assert measure_tokens([([-1.0, none], none)], Measure()) == Confidence(1.0, 1.0, 1.0, 0.0)
    assert measure_tokens([([], -2.0)], Measure()) == Confidence(2.0, 2.0, 2.0, -2.0)


@pytest.mark.parametrize(
    "wrong", [{"top_k": 0}, {"tail": 0}, {"group": -1}, {"floor": math.nan}, {"floor": math.inf}]
)
def test_a_measure_says_what_is_wrong(wrong):
    (name,) = wrong
    with pytest.raises(ConfigurationError, match=name):
        Measure(**wrong)


# Weighing


def test_languages_never_meet_with_raw_values():
    """Thai's tokenizer makes every value ten times English's; the votes do not notice."""
    cast = votes(("en", "1"), ("en", "2"), ("th", "1"), ("th", "2"))
    for weighting in WEIGHTINGS.values():
        weighed = weigh(cast, [2.0, 1.0, 10.0, 20.0], weighting)
        for here, there in ((0, 3), (1, 2)):
            assert weighed[here].weight == pytest.approx(weighed[there].weight)
            assert (weighed[here].answer is None) == (weighed[there].answer is None)
        if weighting.keep == 1:
            assert vote(weighed, rule="weighted").tied


def test_one_path_a_language_needs_the_means_of_a_run():
    cast = votes(("en", "1"), ("th", "2"))
    alike = weigh(cast, [sure(3.0), sure(9.0)], Weighting(keep=0.5))
    assert [one.weight for one in alike] == [1.0, 1.0]
    run = language_means(["en", "en", "th", "th"], list(map(sure, (2.0, 4.0, 10.0, 14.0))))
    assert run == {"en": 3.0, "th": 12.0}
    by_run = weigh(cast, [sure(3.0), sure(9.0)], Weighting(), run)
    assert [one.weight for one in by_run] == [1.0, 0.75]
    kept = weigh(cast, [sure(3.0), sure(9.0)], Weighting(keep=0.5), run)
    assert [one.answer for one in kept] == ["1", None]


def test_those_left_out_abstain_with_a_reason():
    cast = votes(("en", "1"), ("en", "1"), ("en", "2"), ("en", None))
    weighed = weigh(cast, list(map(sure, (1.0, 2.0, 9.0, 50.0))), Weighting(keep=0.1))
    assert [one.answer for one in weighed] == [None, None, "2", None]
    assert weighed[0].outcome.reason == AbstainReason.LOW_CONFIDENCE
    assert "mean is 0.0645 of its language's mean; 0.581 was" in weighed[0].outcome.detail
    assert weighed[3].outcome.reason == AbstainReason.NO_ANSWER  # and took no place from a vote
    assert vote(weighed, rule="weighted").answer == "2"


@pytest.mark.parametrize(
    ("keep", "of", "kept"), [(0.1, 11, 2), (0.1, 10, 1), (0.1, 30, 3), (0.9, 11, 10), (0.1, 3, 1)]
)
def test_keep_is_a_share_rounded_up(keep, of, kept):
    cast = votes(*[("en", "1")] * of)
    weighed = weigh(cast, [1.0 + i for i in range(of)], Weighting(keep=keep))
    assert [one.answer for one in weighed] == [None] * (of - kept) + ["1"] * kept


@given(
    st.lists(st.tuples(st.sampled_from(["en", "th"]), st.none() | st.floats(0.1, 50)), min_size=1),
    st.sampled_from(sorted(WEIGHTINGS)),
    st.randoms(),
)
def test_the_order_of_the_votes_decides_nothing(given_, name, rng):
    pairs = list(zip(votes(*[(lang, "1") for lang, _ in given_]), given_, strict=True))
    once = outcomes(pairs, name)
    rng.shuffle(pairs)
    again = outcomes(pairs, name)
    assert once.keys() == again.keys()
    for key, (answer, weight) in once.items():
        assert again[key] == (answer, pytest.approx(weight))


def outcomes(pairs, name):
    weighed = weigh([v for v, _ in pairs], [c for _, (_, c) in pairs], WEIGHTINGS[name])
    return {one.path_key: (one.answer, one.weight) for one in weighed}


def test_cisc_is_the_softmax_of_its_paper_times_the_votes():
    cast = votes(("en", "1"), ("en", "1"), ("en", "2"))
    found = [Confidence(1, 1, 1, math.log(p)) for p in (0.2, 0.4, 0.9)]
    weighed = weigh(cast, found, Weighting("softmax", "logprob", temperature=0.5))
    powers = [math.exp(p / 0.5 / 0.5) for p in (0.2, 0.4, 0.9)]  # their mean is 0.5
    assert [one.weight for one in weighed] == pytest.approx([3 * p / sum(powers) for p in powers])
    tight = weigh(cast, found, Weighting("softmax", "logprob", temperature=1e-6))
    assert [one.weight for one in tight] == pytest.approx([0, 0, 3])  # and nothing overflows


def test_a_missing_confidence_counts_as_the_mean():
    cast = votes(("en", "1"), ("en", "2"), ("en", "3"), ("sw", "4"))
    weighed = weigh(cast, [sure(1.0), sure(3.0), None, math.nan], Weighting())
    assert [one.weight for one in weighed] == [0.5, 1.5, 1.0, 1.0]
    assert weigh([], [], WEIGHTINGS["cisc"]) == []
    nobody = votes(("en", None))
    assert weigh(nobody, [sure(1.0)], WEIGHTINGS["cisc"]) == nobody


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rule": "rank"}, "rule of a weighting 'rank'"),
        ({"field": "entropy"}, "'entropy'.*lowest_group"),
        ({"keep": 10}, "keep must be above 0 and at most 1 .*not 10"),
        ({"keep": 0.0}, "not 0.0"),
        ({"temperature": 0.0}, "temperature"),
    ],
)
def test_a_weighting_says_what_is_wrong(wrong, words):
    with pytest.raises(StrategyError, match=words):
        Weighting(**wrong)


# Recorded


def test_recorded_rows_keep_their_confidence(tmp_path):
    rows = [
        {"id": 1, "language": "en", "response": "Answer: 1", "confidence": asdict(sure(2.0))},
        {"id": 1, "language": "en", "response": "Answer: 2", "confidence": 4},
        {"id": 1, "language": "en", "response": "Answer: 2"},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    (ballot,) = group_votes([file])
    assert ballot.confidences == [sure(2.0), 4, None]
    assert [one.weight for one in ballot.votes] == pytest.approx([2 / 3, 4 / 3, 1.0])


@pytest.mark.parametrize("wrong", [{"mean": 1.0}, True, "2", asdict(sure(1.0)) | {"tail": "x"}])
def test_a_row_with_another_confidence_is_refused(tmp_path, wrong):
    file = tmp_path / "rows.jsonl"
    file.write_bytes(orjson.dumps({"id": 1, "response": "Answer: 1", "confidence": wrong}))
    with pytest.raises(DatasetError, match=r"'confidence' is .* give a number, or an object"):
        list(group_votes([file]))


# Floors


def test_floors_let_the_best_share_of_the_warm_up_pass():
    lows = [float(n) for n in range(1, 17)]
    found = floors(
        ["en"] * 16 + ["th"] * 16, [sure(x) for x in (*lows, *(10 * x for x in lows))], 0.1
    )
    assert found == {"en": 15.0, "th": 150.0}
    assert floors(["en"] * 16, list(map(sure, lows)), 0.9) == {"en": 2.0}
    assert floors(["en", "sw"], [sure(3.0), None], 0.9) == {"en": 3.0}
    with pytest.raises(StrategyError, match="keep"):
        floors([], [], 0)


def test_a_warm_up_path_that_passes_would_not_have_been_aborted():
    path = [([-1.0], -1.0), ([-9.0], -9.0), ([-2.0], -2.0), ([-4.0], -4.0)]
    group = 2
    low = measure_tokens(path, Measure(group=group))
    floor = floors(["en"], [low], 0.9)["en"]
    meter = Meter(Measure(group=group, floor=floor))
    for likeliest, drawn in path:
        meter.add(likeliest, drawn)
    assert not meter.fell
