"""Routes by question language, costs of paths and the prior, from worlds that we make."""

import random
from dataclasses import replace

import pytest

from clc.analysis.portfolio import read_portfolio, write_portfolio
from clc.analysis.portfolio_rows import (
    PortfolioRow,
    mean_sizes,
    paths_by_language,
    rows_by_role,
)
from clc.analysis.portfolio_search import search_portfolio
from clc.analysis.prior_search import learn_prior
from clc.analysis.routes import learn_routes
from clc.analysis.shape_prior import read_prior
from clc.errors import DatasetError
from clc.voting.shapes import smooth_shapes
from tests.analysis.test_portfolio import GOLD, WRONG, world


def asked(question_language, rates, items=120, *, seed=0, paths=3):
    rows = world(items, rates, paths=paths, seed=seed)
    return [replace(row, question_language=question_language) for row in rows]


GERMAN = {"en": 0.5, "de": 0.95}
SWAHILI = {"en": 0.95, "de": 0.4}


def test_question_languages_with_different_best_languages_get_routes():
    found = learn_routes([*asked("de", GERMAN), *asked("sw", SWAHILI, seed=1)], 3)
    assert found.supported
    assert found.by_language["de"].sequence[:2] == ("de", "de")
    assert found.by_language["sw"].sequence[:2] == ("en", "en")
    for route in found.by_language.values():
        assert route.problems == 120
        assert route.learned > route.plain
    assert "Use a route for each question language" in found.advice


def test_question_languages_that_do_not_differ_get_one_order():
    rows = [*asked("de", SWAHILI), *asked("sw", SWAHILI, seed=1)]
    found = learn_routes(rows, 3)
    assert not found.supported  # one order for all has the better language first, too
    assert abs(found.difference.value) < 0.03
    assert "not supported" in found.advice


def test_an_item_is_in_one_fold_in_all_its_languages():
    # The second language repeats the first one's answers: it may teach nothing about them.
    rng = random.Random(3)
    rows = []
    for item in range(60):
        votes = {code: [rng.choice([GOLD, *WRONG])] for code in ("en", "de", "fr")}
        rows += [PortfolioRow(f"i{item}", GOLD, votes, code) for code in ("sw", "th")]
    assert not learn_routes(rows, 2).supported


def test_one_question_language_has_no_routes():
    assert learn_routes(asked("de", GERMAN), 3) is None
    few = [*asked("de", GERMAN), *asked("sw", SWAHILI, items=10, seed=1)]
    assert learn_routes(few, 3) is None


def test_native_and_english_are_roles():
    rows = [
        *asked("de", {"de": 0.9, "en": 0.6}),
        *asked("sw", {"sw": 0.3, "en": 0.9}, seed=1),
    ]
    with pytest.raises(DatasetError, match="no path in 'de'"):
        paths_by_language(rows)
    renamed = rows_by_role(rows)
    assert paths_by_language(renamed) == {"question": 3, "en": 3}
    found = learn_routes(renamed, 3)
    assert found.by_language["de"].sequence[0] == "question"
    assert found.by_language["sw"].sequence[0] == "en"
    assert rows_by_role(rows[:120]) == rows[:120]  # one set of languages stays as it is


SIZES = {"en": 400.0, "de": 100.0, "fr": 100.0}


def sized(rates, sizes=SIZES, **options):
    return [replace(row, sizes=sizes) for row in world(200, rates, **options)]


def test_at_equal_tokens_short_paths_may_be_more():
    rows = sized({"en": 0.7, "de": 0.7, "fr": 0.7}, paths=6)
    by_paths = search_portfolio(rows, 3)
    by_tokens = search_portfolio(rows, 3, equal="tokens")
    last = by_tokens.steps[-1]
    assert len(by_paths.learned) == 3
    assert len(by_tokens.learned) == 6  # the tokens of en, de and fr buy six short ones
    assert "en" not in by_tokens.learned
    assert last.learned_size <= last.plain_size == 600
    assert last.difference.low > 0
    assert "of as many tokens" in by_tokens.advice
    assert by_tokens.sizes == SIZES


def test_sizes_that_are_not_known():
    rows = sized({"en": 0.7, "de": 0.7}, {"en": 0.0, "de": 0.0})
    assert mean_sizes(rows, ["en", "de"]) == {}
    found = search_portfolio(rows, 2)
    assert (found.sizes, found.unit) == ({}, "")
    with pytest.raises(DatasetError, match="tokens of the paths are not known"):
        search_portfolio(rows, 2, equal="tokens")


def test_equal_sizes_change_nothing():
    rows = sized({"en": 0.9, "de": 0.5, "fr": 0.3}, dict.fromkeys(SIZES, 77.0), paths=3)
    assert search_portfolio(rows, 4).learned == search_portfolio(rows, 4, equal="tokens").learned


def test_a_file_with_everything_reads_as_it_was_written(tmp_path):
    rows = [
        replace(row, sizes=SIZES) for row in (*asked("de", GERMAN), *asked("sw", SWAHILI, seed=1))
    ]
    portfolio = replace(search_portfolio(rows, 3), routes=learn_routes(rows, 3))
    prior = learn_prior(rows)
    write_portfolio(tmp_path / "p.json", portfolio, prior)
    assert read_portfolio(tmp_path / "p.json") == portfolio
    assert set(portfolio.route_sequences) == {"de", "sw"}
    assert read_prior(tmp_path / "p.json") == smooth_shapes(prior.shapes, prior.paths)


def test_a_prior_of_questions_alike_is_better_than_a_flat_one():
    # Every question has an answer with nine tenths of the votes: an early leader is to be trusted.
    found = learn_prior(world(200, {"en": 0.9, "de": 0.9}, paths=4))
    assert found.paths == 8
    assert found.supported
    assert sum(shape.weight for shape in found.shapes) == 200
    assert "Use the learned prior" in found.advice


def test_gold_is_not_needed_for_the_prior():
    rows = world(50, {"en": 0.9, "de": 0.9}, paths=2)
    assert learn_prior([replace(row, gold=None) for row in rows]) == learn_prior(rows)


def test_too_few_votes_give_no_prior():
    assert learn_prior(world(50, {"en": 0.9, "de": 0.9})) is None
    assert learn_prior([]) is None
