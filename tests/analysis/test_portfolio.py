"""Portfolios learned from worlds that we make, where what is right is known."""

import json
import random
from collections import Counter
from dataclasses import replace

import pytest

from clc.analysis.intervals import Difference
from clc.analysis.portfolio import PortfolioStep, read_portfolio, write_portfolio
from clc.analysis.portfolio_rows import PortfolioRow, paths_by_language
from clc.analysis.portfolio_search import search_portfolio
from clc.errors import ConfigurationError, DatasetError
from clc.records import Answer, Vote
from clc.voting.tally import vote

GOLD = "5"
WRONG = [
    str(number) for number in range(11) if number != 5
]  # as many below as above: ties are fair


def world(items, rates, *, paths=1, seed=0, questions=1):
    """Independent languages, each right at its rate."""
    rng = random.Random(seed)

    def sample(rate):
        return GOLD if rng.random() < rate else rng.choice(WRONG)

    return [
        PortfolioRow(
            f"item-{item}",
            GOLD,
            {language: [sample(rate) for _ in range(paths)] for language, rate in rates.items()},
        )
        for item in range(items)
        for _ in range(questions)
    ]


def test_a_much_better_language_is_chosen_first_and_most():
    rates = {"bn": 0.4, "de": 0.5, "en": 0.9, "sw": 0.3}
    found = search_portfolio(world(300, rates, paths=4), 5)
    assert found.supported
    assert found.sequence == found.learned
    assert found.sequence[0] == "en"
    assert max(found.shares, key=found.shares.get) == "en"
    last = found.steps[-1]
    assert last.paths == 5
    assert last.learned > last.plain + 0.1
    assert last.difference.low > 0
    assert "Use the learned portfolio" in found.advice
    assert list(found.accuracy) == list(rates)
    for language, rate in rates.items():
        seen = found.accuracy[language]
        assert seen.total == 1200
        assert seen.value == pytest.approx(rate, abs=0.06)


def test_equal_languages_keep_equal_shares():
    """A 95 % interval lies above 0 by chance in one world of forty."""
    rates = dict.fromkeys(["en", "de", "es", "fr", "ja", "ru"], 0.5)
    supported = 0
    for seed in range(20):
        found = search_portfolio(world(200, rates, paths=2, seed=seed), 6, seed=seed)
        supported += found.supported
        if not found.supported:
            assert found.sequence == tuple(rates)
            assert "Keep equal shares" in found.advice
    assert supported <= 1


def test_languages_that_fail_together_are_not_both_chosen_early():
    """`nb` repeats `da` nearly always; `fi` and `hu` are a little worse, and wrong elsewhere."""
    rng = random.Random(3)
    rows = []
    for item, row in enumerate(world(1000, {"da": 0.7, "nb": 0.7, "fi": 0.66, "hu": 0.66}, seed=4)):
        votes = dict(row.votes)
        if rng.random() < 0.95:
            votes["nb"] = votes["da"]
        rows.append(PortfolioRow(f"{item}", GOLD, votes))
    found = search_portfolio(rows, 3)
    assert set(found.learned) in ({"da", "fi", "hu"}, {"nb", "fi", "hu"})
    assert found.correlation["da"]["nb"] > 0.9
    assert abs(found.correlation["da"]["fi"]) < 0.1
    assert found.correlation["da"]["da"] is None  # one path each: nothing to compare
    assert found.correlation["nb"]["da"] == pytest.approx(found.correlation["da"]["nb"])


def test_correlation_within_a_language():
    """Right or wrong per problem, in every path: two paths always agree."""
    rng = random.Random(0)
    rows = [
        PortfolioRow(
            f"{item}",
            "0",
            {
                "en": [rng.choice("01")] * 3,
                "de": [rng.choice("01") for _ in range(3)],
                "fr": ["0", "0", "0"],
            },
        )
        for item in range(400)
    ]
    found = search_portfolio(rows, 3).correlation
    assert found["en"]["en"] == pytest.approx(1)
    assert abs(found["de"]["de"]) < 0.1
    assert abs(found["en"]["de"]) < 0.1
    assert found["fr"]["fr"] is None  # always right
    assert found["fr"]["en"] is None


def test_the_same_rows_give_the_same_portfolio_in_any_order():
    rows = world(60, {"en": 0.6, "de": 0.5, "sw": 0.4}, paths=3, questions=2)
    shuffled = random.Random(1).sample(rows, len(rows))
    assert search_portfolio(rows, 5) == search_portfolio(rows, 5)
    one, other = search_portfolio(rows, 5), search_portfolio(shuffled, 5)
    assert one.learned == other.learned
    assert [(step.learned, step.plain) for step in one.steps] == [
        (step.learned, step.plain) for step in other.steps
    ]
    assert search_portfolio(rows, 5, seed=1).learned == search_portfolio(rows, 5).learned


def test_items_do_not_leak_over_folds():
    """One item, asked a hundred times, likes `sw`; all others like `en`. Where it is held out,
    nothing speaks for `sw`: its own problems must come out wrong. Folds by problem would get them
    right."""
    likes_en, likes_sw = {"en": ["0"], "sw": ["1"]}, {"en": ["1"], "sw": ["0"]}
    rows = [PortfolioRow(f"item-{item}", "0", likes_en) for item in range(30)]
    rows += [PortfolioRow("heavy", "0", likes_sw)] * 100
    found = search_portfolio(rows, 1)
    assert found.learned == ("sw",)
    assert found.steps[-1].learned <= 7 / 130  # of the heavy item's fold, all others at most
    assert found.steps[-1].plain == 30 / 130
    assert not found.supported
    assert found.sequence == ("en",)


def test_the_advice_says_when_learning_does_harm(learned):
    harm = PortfolioStep(3, 0.5, 0.55, Difference(-0.05, -0.08, -0.02))
    found = replace(learned, supported=False, steps=(harm,))
    assert "does harm" in found.advice
    assert "-5.0 points" in found.advice
    assert "-8.0 to -2.0" in found.advice


def test_the_plain_side_is_the_vote_over_all():
    rows = world(80, {"en": 0.5, "de": 0.5, "zh": 0.4}, paths=2)
    right = 0
    for row in rows:
        votes = [
            Vote("", code, Answer(answer))
            for code, answers in row.votes.items()
            for answer in answers
        ]
        right += vote(votes, order=["en", "de", "zh"]).answer == GOLD
    last = search_portfolio(rows, 6).steps[-1]
    assert last.plain == right / len(rows)
    assert last.difference.value == pytest.approx(last.learned - last.plain)


@pytest.mark.parametrize("budget", [1, 2, 5, 8])
def test_a_sequence_spends_the_budget_on_paths_that_are_there(budget):
    rows = world(40, {"en": 0.9, "de": 0.5, "sw": 0.1}, paths=3)
    rows = [
        PortfolioRow(row.item, row.gold, row.votes | {"sw": row.votes["sw"][:2]}) for row in rows
    ]
    found = search_portfolio(rows, budget)
    for sequence in (found.sequence, found.learned):
        assert len(sequence) == budget
        assert Counter(sequence) <= Counter(en=3, de=3, sw=2)
    assert [step.paths for step in found.steps] == sorted(
        {1, 3, 7, budget} - set(range(budget + 1, 9))
    )


def test_prefixes_are_the_portfolios_for_less():
    rows = world(100, {"en": 0.7, "de": 0.6, "sw": 0.4}, paths=4)
    assert search_portfolio(rows, 4).learned == search_portfolio(rows, 9).learned[:4]


def test_an_abstention_is_better_than_a_wrong_answer_and_worse_than_a_right_one():
    rows = [
        PortfolioRow(f"{item}", "0", {"sw": ["1"], "de": [None], "en": ["0"]}) for item in range(20)
    ]
    assert search_portfolio(rows, 3).learned == ("en", "de", "sw")


def test_a_true_gain_that_too_few_items_show_says_how_many_would():
    found = search_portfolio(world(60, {"de": 0.6, "en": 0.66}, seed=7), 1)
    last = found.steps[-1]
    assert not found.supported
    assert last.difference.value > 0
    needed = int(found.advice.rsplit("about ", 1)[1].split()[0].replace(",", ""))
    half = (last.difference.high - last.difference.low) / 2
    assert 0 <= needed - 60 * (half / last.difference.value) ** 2 <= 100


GOOD = {"en": ["0"], "de": ["0"]}


@pytest.mark.parametrize(
    ("rows", "arguments", "error", "message"),
    [
        ([], {}, DatasetError, "no finished problem has a gold answer"),
        (world(30, {"en": 0.5}), {}, DatasetError, "all paths are in en; .* two languages"),
        (world(19, GOOD.fromkeys(GOOD, 0.5), questions=9), {}, DatasetError, "19 items .* at least 20"),
        (
            [PortfolioRow("a", "0", GOOD), PortfolioRow("b", "0", {"en": ["0"]})],
            {},
            DatasetError,
            "item 'b' has no path in 'de', one of item 'a' has",
        ),
        (
            [PortfolioRow("a", "0", GOOD), PortfolioRow("b", "0", GOOD | {"fr": ["1"]})],
            {},
            DatasetError,
            "item 'a' has no path in 'fr', one of item 'b' has",
        ),
        (world(20, GOOD.fromkeys(GOOD, 0.5)), {"budget": 0}, ConfigurationError, "budget is 0 .* 1 to 2"),
        (
            world(20, GOOD.fromkeys(GOOD, 0.5), paths=3),
            {"budget": 7},
            ConfigurationError,
            r"budget is 7 .* 1 to 6 \(every problem has: en 3, de 3\)",
        ),
        (world(20, GOOD.fromkeys(GOOD, 0.5)), {"folds": 1}, ConfigurationError, "folds is 1; give 2 to 20"),
        (world(20, GOOD.fromkeys(GOOD, 0.5)), {"folds": 21}, ConfigurationError, "folds is 21"),
    ],
)  # fmt: skip
def test_rows_that_nothing_can_be_learned_from_are_named(rows, arguments, error, message):
    with pytest.raises(error, match=message):
        search_portfolio(rows, **({"budget": 2} | arguments))


def test_paths_that_are_not_everywhere_are_left_out():
    rows = world(20, {"en": 0.5, "de": 0.5}, paths=2)
    rows[3] = PortfolioRow("item-3", GOLD, {"en": ["0"], "de": ["0", "1"], "sw": []})
    assert paths_by_language(rows) == {"en": 1, "de": 2}
    assert search_portfolio(rows, 3).accuracy["en"].total == 20


@pytest.fixture(scope="module")
def learned():
    return search_portfolio(world(60, {"en": 0.9, "zh-Hant": 0.4, "sw": 0.2}, paths=2), 3)


def test_a_file_reads_as_it_was_written(learned, tmp_path):
    for portfolio in (learned, search_portfolio(world(30, {"de": 0.5, "en": 0.5}), 2)):
        write_portfolio(tmp_path / "p.json", portfolio)
        assert read_portfolio(tmp_path / "p.json") == portfolio
    assert [file.name for file in tmp_path.iterdir()] == ["p.json"]


def test_a_file_of_an_older_clc_is_read(learned, tmp_path):
    write_portfolio(tmp_path / "p.json", learned)
    data = json.loads((tmp_path / "p.json").read_text("utf-8"))
    for name in ("sizes", "unit", "equal", "routes"):
        del data[name]
    for step in data["steps"]:
        del step["learned_size"], step["plain_size"]
    (tmp_path / "p.json").write_text(json.dumps(data))
    found = read_portfolio(tmp_path / "p.json")
    assert (found.sequence, found.steps, found.route_sequences) == (
        learned.sequence, learned.steps, {},
    )  # fmt: skip


def test_a_file_says_in_words_what_to_do(learned, tmp_path):
    write_portfolio(tmp_path / "p.json", learned)
    data = json.loads((tmp_path / "p.json").read_text("utf-8"))
    assert data["advice"] == learned.advice
    assert data["sequence"] == list(learned.sequence)


def test_where_no_file_can_be(learned, tmp_path):
    with pytest.raises(ConfigurationError, match=r"none/p.json: cannot be written: No such file"):
        write_portfolio(tmp_path / "none" / "p.json", learned)
    with pytest.raises(ConfigurationError, match="none: cannot be read: no such file"):
        read_portfolio(tmp_path / "none")
    with pytest.raises(ConfigurationError, match="cannot be read: it is a folder"):
        read_portfolio(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"p.json:1: is not JSON"),
        ('{"format":\n nope}', r"p.json:2: is not JSON"),
        ("[1]", r"p.json: 'format' is None, not 'clc-portfolio/1'"),
        ('{"format": "clc-portfolio/9"}', r"p.json: 'format' is 'clc-portfolio/9'"),
        ('{"format": "clc-portfolio/1"}', r"p.json: 'sequence' is missing"),
    ],
)
def test_what_is_no_portfolio_is_named(text, message, tmp_path):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_portfolio(tmp_path / "p.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequence": []}, r"'sequence' is \[\]; give a list that is not empty"),
        ({"sequence": "en"}, r"'sequence' is 'en'; give a list"),
        ({"sequence": ["en", "xx"]}, r"'sequence\[1\]' is 'xx'; give a BCP-47 code"),
        ({"learned": ["en", 7]}, r"'learned\[1\]' is 7; give a BCP-47 code"),
        ({"supported": "yes"}, "'supported' is 'yes'; give true or false"),
        ({"problems": 1.5}, "'problems' is 1.5; give a whole number"),
        ({"items": True}, "'items' is True; give a whole number"),
        ({"accuracy": {}}, "'accuracy' is {}; give an object by language"),
        ({"accuracy": {"en": 0.5}}, "'accuracy.en' is 0.5; give an object"),
        ({"accuracy": {"en": {"value": "a"}}}, "'accuracy.en.low' is missing|'accuracy.en.value' is 'a'"),
        ({"correlation": {"en": {"de": "a"}}}, "'correlation.en.de' is 'a'; give a number"),
        ({"steps": [{"paths": 1}]}, r"'steps\[0\].learned' is missing"),
        ({"sizes": {"en": -1}}, "'sizes.en' is -1; give a number of tokens"),
        ({"unit": "words"}, "'unit' is 'words'; give one of '', 'tokens', 'characters'"),
        ({"equal": "time"}, "'equal' is 'time'; give one of 'paths', 'tokens'"),
        ({"routes": {"by_language": {"de": 1}}}, "'routes.by_language.de' is 1; give an object"),
        ({"steps": None}, "'steps' is None; give a list"),
    ],
)  # fmt: skip
def test_a_field_that_has_no_meaning_is_named(change, message, learned, tmp_path):
    write_portfolio(tmp_path / "p.json", learned)
    data = json.loads((tmp_path / "p.json").read_text("utf-8"))
    (tmp_path / "p.json").write_text(json.dumps(data | change))
    with pytest.raises(ConfigurationError, match=f"p.json: ({message})"):
        read_portfolio(tmp_path / "p.json")


def test_paths_that_are_not_there_are_neither_right_nor_wrong():
    rows = world(60, {"en": 0.6, "de": 0.5}, paths=2)
    plain = search_portfolio(rows, 2)
    short = [
        PortfolioRow(
            f"short-{number}", GOLD, {"en": [GOLD, WRONG[0]], "de": []}, None, {}, {"de": 2}
        )
        for number in range(40)
    ]
    found = search_portfolio([*rows, *short], 2)
    assert found.problems == 100
    assert found.accuracy["de"].total == 120
    assert found.accuracy["de"].value == plain.accuracy["de"].value
    assert found.accuracy["en"].total == 200
    assert found.correlation["de"]["de"] == plain.correlation["de"]["de"]
