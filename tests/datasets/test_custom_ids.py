"""Ids of batch requests, which may name a language, and what else their lines say."""

import pytest

from clc.datasets.generations import read_generation
from clc.datasets.recorded_votes import group_votes
from tests.datasets.recorded_files import paths, request, write


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        (["math/en/12", "math/en/13"], [("math/en/12", "und"), ("math/en/13", "und")]),
        (["math/en/12", "math/de/12"], [("math/12", "en"), ("math/12", "de")]),
        (["q1:de", "q1:sw"], [("q1", "de"), ("q1", "sw")]),
        (["q1|DE", "q1|zh-CN"], [("q1", "de"), ("q1", "zh")]),
        (["de:q1", "en:q1"], [("q1", "de"), ("q1", "en")]),
        (["run:it:1", "run:it:2"], [("run:it:1", "und"), ("run:it:2", "und")]),
        (["http://a/no/1", "http://a/no/2"], [("http://a/no/1", "und"), ("http://a/no/2", "und")]),
        (["a/b", "a/c"], [("a/b", "und"), ("a/c", "und")]),
        (["mgsm-001:de:0", "mgsm-001:de:1", "mgsm-001:zh:0"],
         [("mgsm-001", "de"), ("mgsm-001", "de"), ("mgsm-001", "zh")]),
        (["q1:de:0", "q1:de:1"], [("q1", "de"), ("q1", "de")]),
        (["q1:de", "q1:en", "q2:de"], [("q1", "de"), ("q1", "en"), ("q2", "de")]),
        (["de", "en"], [("de", "und"), ("en", "und")]),
        (["algebra:de:1", "algebra:de:2", "geometry:de:1"],
         [("algebra:de:1", "und"), ("algebra:de:2", "und"), ("geometry:de:1", "und")]),
        (["mgsm_de_7", "mgsm_sw_7"], [("mgsm_7", "de"), ("mgsm_7", "sw")]),
        (["q1-de", "q1-zh-Hant", "q2-de"], [("q1", "de"), ("q1", "zh-Hant"), ("q2", "de")]),
        (["q1_pt_BR", "q1_fr"], [("q1", "pt"), ("q1", "fr")]),
        (["q 1 de", "q 1 en"], [("q 1", "de"), ("q 1", "en")]),
        (["q1#de", "q1#en"], [("q1", "de"), ("q1", "en")]),
        (["set::de::1", "set::te::1"], [("set::1", "de"), ("set::1", "te")]),
        (["1:German", "1:Swahili"], [("1", "de"), ("1", "sw")]),
        (["no/de/1", "no/en/1", "it/de/1"], [("no/1", "de"), ("no/1", "en"), ("it/1", "de")]),
        (["q1:it", "q1:no", "q1:de"], [("q1", "it"), ("q1", "no"), ("q1", "de")]),
    ],
)  # fmt: skip
def test_an_id_names_one_problem_unless_languages_vary_in_it(tmp_path, ids, wanted):
    found = paths(write(tmp_path, *map(request, ids)))
    assert [(path.id, path.language) for path in found] == wanted


@pytest.mark.parametrize(
    "ids",
    [
        ["do/it/1", "do/is/1", "do/no/1"],  # words
        ["exam/che/1", "exam/geo/1", "exam/lat/1", "exam/phy/1"],  # subjects
        ["exam/geo/1", "exam/lat/1"],
        ["set/aa/1", "set/ab/1", "set/ac/1"],
        ["trade_us_1", "trade_uk_1", "trade_eu_1", "trade_gb_1", "trade_jp_1"],
        ["vote-al-1", "vote-ak-1", "vote-tx-1", "vote-ca-1", "vote-ny-1", "vote-nj-1"],  # states
        ["run.in.1", "run.id.1", "run.or.1"],
        ["set/tr/1", "set/te/1"],  # train and test
        ["trade_us_1", "trade_de_1", "trade_fr_1"],  # countries
        ["2026-may-1", "2026-mar-1", "2026-jun-1", "2026-sep-1"],
        ["3f2a-de-9b1c", "77aa-be-0d4e", "12cd-ad-77fe", "9e1f-00-abcd"],  # parts of hashes
    ],
)
def test_parts_of_ids_that_only_look_like_languages_are_kept(tmp_path, ids):
    found = paths(write(tmp_path, *map(request, ids)))
    assert sorted((path.id, path.language) for path in found) == sorted((one, "und") for one in ids)


def test_many_numbers_after_a_set_are_problems(tmp_path):
    ids = [f"aime-24:{code}:{number}" for code in ("en", "de") for number in range(30)]
    found = list(group_votes([write(tmp_path, *map(request, ids))]))
    assert len(found) == 30
    assert all([vote.language for vote in one.votes] == ["en", "de"] for one in found)


def test_a_language_that_is_no_part_of_the_vote_is_good_for_reading(tmp_path):
    (path,) = paths(write(tmp_path, request("q1:de", "Antwort: 1.234")))
    assert path.language == "und"
    assert read_generation(path).value == "1234"


def test_ids_of_many_problems_keep_them_apart(tmp_path):
    subjects = ("algebra", "geometry", "it", "no", "de", "logic")
    ids = [f"{subject}/{code}/{n}" for subject in subjects for code in ("en", "te") for n in (1, 2)]
    found = list(group_votes([write(tmp_path, *map(request, ids))]))
    assert sorted(one.id for one in found) == sorted(
        f"{one}/{n}" for one in subjects for n in (1, 2)
    )
    assert all([vote.language for vote in one.votes] == ["en", "te"] for one in found)
