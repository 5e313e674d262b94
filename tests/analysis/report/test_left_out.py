"""Votes without one language."""

from hypothesis import given
from hypothesis import strategies as st

from clc.analysis.report.languages import verdict_without
from clc.records import Answer, Vote
from clc.voting.tally import vote
from clc.voting.verdict import Counting
from tests.analysis.report.made import FOUR, fact, finished, names, section, summary


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


def test_one_language_has_nothing_to_be_left_out_of():
    found = summary([finished(0, {"en": ["18", "26"]})])
    assert "left_out" not in names(found)
    assert "curve" in names(found)
    alone = summary([finished(0, {"en": ["18"]})])
    assert "curve" not in names(alone)
