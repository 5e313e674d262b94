"""Recorded votes as pools, and one budget over them, on small recordings of our own."""

import gzip

import click
import orjson
import pytest
from click.testing import CliRunner

from benchmarks import allocation, evidence, stopping
from benchmarks.allocation import equal, total
from benchmarks.recorded_pools import read_pools
from benchmarks.stopping import RULES, full_outcomes, learned_rules, row, stopped

ANSWERS = {  # by item, in the order of the languages: three agree, one is split to the end
    0: {"en": "5", "de": "5", "zh": "5", "fr": "5"},
    1: {"en": "7", "de": "8", "zh": "8", "fr": "8"},
    2: {"en": "1", "de": "2", "zh": "3", "fr": None},
}
GOLD = {0: "5", 1: "8", 2: "9"}


@pytest.fixture
def pool(tmp_path):
    rows = [
        {"model": "m", "condition": condition, "language": language, "item": item,
         "answer": answer, "gold": GOLD[item], "characters": 10}
        for condition in ("plain", "forced")
        for item, answers in ANSWERS.items()
        for language, answer in answers.items()
    ]  # fmt: skip
    with gzip.open(tmp_path / "own.jsonl.gz", "wb") as file:
        file.writelines(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in rows)
    single, every = read_pools([tmp_path])
    assert [len(one.votes) for one in single.questions] == [4] * 6
    assert [len(one.votes) for one in every.questions] == [8] * 3
    return single


def test_paths_are_in_the_order_of_the_languages(pool):
    first = pool.questions[0]
    assert [one.language for one in first.votes] == ["en", "de", "fr", "zh"]
    assert first.only("de").cost(9) == 10
    assert [one.right() for one in pool.questions[:3]] == [True, True, False]


def test_one_budget_goes_where_the_votes_disagree(pool):
    outcomes = total(pool, 16)
    paths = {one.item: [] for one in outcomes}
    for one in outcomes:
        paths[one.item].append(one.paths)
    assert sum(map(sum, paths.values())) == 16
    assert max(paths["0"]) <= min(paths["2"])
    assert sum(one.cost for one in total(pool, 120, in_paths=False)) == 120
    assert [one.paths for one in equal(pool, 12)] == [2] * 6
    assert sum(one.paths for one in equal(pool, 15)) == 15


def test_rows_are_paired_with_the_full_vote(pool):
    full = full_outcomes(pool)
    early = [stopped(one, RULES["window 2"]) for one in pool.questions]
    line = row("window 2", early, full)
    assert (line.rate.right, line.rate.total, line.rate.items) == (4, 6, 3)
    assert line.less_full.value == 0
    assert line.cost == pytest.approx((2 + 4 + 4) / 12)
    assert set(learned_rules(pool)) == {f"bayes {at}, learned" for at in (0.8, 0.9, 0.95)}


def test_a_folder_without_such_recordings(tmp_path):
    with pytest.raises(click.ClickException, match="no questions with gold and three paths"):
        read_pools([tmp_path])


def test_tables_name_the_english_baseline_and_the_point_where_the_full_vote_is_reached(
    pool, tmp_path, monkeypatch
):
    for module, words in (
        (stopping, ["English, one path", "cite 0.95", "as right as the full vote at"]),
        (allocation, ["total 2.0", "equal 2.0", "one budget of that cost", "English, one path"]),
        (evidence, ["3 languages, a path each", "any path right: 66.7%", "independent ones"]),
    ):
        monkeypatch.setattr(module, "read_pools", lambda *_: [pool])
        done = CliRunner().invoke(module.main, [str(tmp_path)])
        assert done.exit_code == 0, done.output
        assert all(word in done.output for word in words)
