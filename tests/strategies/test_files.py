"""User-defined strategies: valid files, and the errors of invalid ones."""

import pytest

from clc.errors import StrategyError
from clc.strategies.catalogue import STRATEGIES
from clc.strategies.files import load_strategy, open_strategy, strategy_toml
from clc.strategies.strategy import Arm
from clc.voting.stopping import Stopping

MINE = """
summary = "two views, until they agree"
paths = 12
languages = ["en", "sw"]

[[arms]]
language = "question"
question = "original"
share = 2

[[arms]]
language = "*"
shots = 2
template = "few-shot"

[stopping]
rule = "crosslingual"
threshold = 0.9
languages = 2
"""


def test_a_file_is_a_strategy(tmp_path):
    path = tmp_path / "two-views.toml"
    path.write_text(MINE)
    strategy = open_strategy(str(path))
    assert strategy.name == "two-views"
    assert strategy.arms == (
        Arm("question", question="original", share=2),
        Arm("*", "few-shot", shots=2),
    )
    assert strategy.languages == ("en", "sw")
    assert strategy.stopping == Stopping("crosslingual", threshold=0.9, languages=2)
    assert (strategy.paths, strategy.temperature, strategy.voting) == (12, 0.7, "majority")


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_is_the_same_from_its_file(name, tmp_path):
    path = tmp_path / "copy.toml"
    path.write_text(strategy_toml(STRATEGIES[name]))
    assert load_strategy(path) == STRATEGIES[name]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("paths = 12", "paths = 12.5", r"mine.toml: paths is 12.5; it must be int"),
        ("paths = 12", "paths = true", r"paths is True; it must be int"),
        ("paths = 12", "path = 12", r"unknown field 'path'; there are: name, arms, paths, "),
        ("paths = 12", 'question = "original"', r"unknown field 'question'"),
        ("paths = 12", 'rule = "lead"', r"unknown field 'rule'"),
        ('["en", "sw"]', '["en", 5]', r"languages is \['en', 5\]; it must be tuple"),
        (
            "share = 2",
            "share = 0",
            r"\[\[arms\]\] number 1: an arm's share must be from 1 to 10000, not 0",
        ),
        ("shots = 2", "shots = 9", r"number 2: an arm's shots must be from 0 to 8, not 9"),
        ('language = "*"', "", r"number 2: language is missing"),
        (
            "threshold = 0.9",
            "threshold = 7",
            r"\[stopping\]: stopping threshold must be above 0.5 and below 1, not 7",
        ),
        ('rule = "crosslingual"', 'rule = "soon"', r"\[stopping\]: unknown stopping rule 'soon'"),
        ("[stopping]", "[stops]", r"unknown field 'stops'"),
        ("[stopping]", "[stopping", r"not TOML in UTF-8"),
        ("[[arms]]", "[[legs]]", r"has its arms in \[\[arms\]\]; found None"),
    ],
)
def test_a_wrong_file_is_named_with_the_place_and_the_value(old, new, why, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace(old, new))
    with pytest.raises(StrategyError, match=why) as caught:
        load_strategy(path)
    assert str(path) in str(caught.value)


def test_no_such_file_and_no_such_name(tmp_path):
    with pytest.raises(StrategyError, match=r"none.toml: cannot read the strategy"):
        open_strategy(str(tmp_path / "none.toml"))
    with pytest.raises(StrategyError, match="unknown strategy 'mine'"):
        open_strategy("mine")
