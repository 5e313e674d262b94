"""Numbers of options and files have bounds, and what is out of them is refused with words."""

import json
import math
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from clc.cli import COMMANDS
from clc.cli.options import NumberType
from clc.cli.strategies import command as strategies
from clc.cli.vote import command as vote
from clc.errors import ClcError
from clc.records import Confidence
from clc.solving.configure import configure
from clc.strategies.files import load_strategy
from clc.voting.weighting import language_means, normalized_weights


def every_command():
    for name in COMMANDS:
        command = import_module(f"clc.cli.{name.replace('-', '_')}").command
        group = isinstance(command, click.Group)
        yield from command.commands.values() if group else [command]


NUMBERS = [
    (command, option)
    for command in every_command()
    for option in command.params
    if isinstance(option.type, NumberType)
]
TOO_MUCH = ["10" + "0" * 23, "-" + "9" * 30, "9" * 5000, "nan", "inf", "-inf", "1e400", "", "1.5x",
            "0x10", "1_0,0", "None", "\x1b[31m"]  # fmt: skip


def test_every_number_of_an_option_has_bounds():
    assert len(NUMBERS) > 80
    for command in every_command():
        for option in command.params:
            unbounded = (click.types.IntParamType, click.types.FloatParamType)
            assert not isinstance(option.type, unbounded), (command.name, option.name)


@pytest.mark.parametrize("value", TOO_MUCH)
def test_a_number_out_of_bounds_is_refused(value):
    for command, option in NUMBERS:
        with pytest.raises(click.BadParameter) as failed:
            option.type.convert(value, option, None)
        assert "must be" in failed.value.message, (command.name, option.name)
        assert len(failed.value.message) < 200


def test_the_bounds_themselves_are_taken():
    for _, option in NUMBERS:
        for bound in ("ge", "le"):
            if (limit := option.type.number.bounds.get(bound)) is not None:
                assert option.type.convert(str(limit), option, None) == limit


STRATEGY = 'paths = 8\n[[arms]]\nlanguage = "en"\n'
HUGE = "1" + "0" * 20
BAD_STRATEGIES = [
    "paths = 0\n", "paths = -1\n", f"paths = {HUGE}\n", "paths = 10001\n", "paths = 1.5\n", "paths = true\n",
    f"paths = {'9' * 5000}\n", "temperature = nan\n", "temperature = inf\n", "temperature = -1\n",
    f"temperature = {'9' * 400}\n", "temperature = 2.5\n", "paths = 44\ntemperature = 0.0\n",
    f"[stopping]\nrule = 'window'\nwindow = {HUGE}\n", "[stopping]\nrule = 'window'\nwindow = 1\n",
    "[stopping]\nrule = 'beta'\nthreshold = nan\n", "[stopping]\nrule = 'beta'\nthreshold = 1.0\n",
    f"[stopping]\nrule = 'crosslingual'\nlanguages = {HUGE}\n",
    "[stopping]\nrule = 'crosslingual'\ncorrelation = inf\n",
    "x = " + "[" * 3000 + "]" * 3000 + "\n", "x = " + "{a=" * 900 + "1" + "}" * 900 + "\n",
    f"paths = {'[' * 200}{']' * 200}\n", "languages = []\n", "voting = 'usc'\n[stopping]\nrule = 'beta'\n",
]  # fmt: skip
BAD_ARMS = ["share = 0\n", f"share = {HUGE}\n", "share = 1000000000\n", "share = nan\n", "shots = 9\n",
            f"shots = {HUGE}\n", "switch = nan\n", "switch = 2\n"]  # fmt: skip


def write_strategy(path, text):
    head, _, arms = STRATEGY.partition("[[arms]]")
    if "share" in text or "sh" in text or "switch" in text:
        path.write_text(f"{STRATEGY}{text}")
        return
    table = text if text.startswith("[") else ""
    plain = "" if table else text
    voting, _, stopping = text.partition("[stopping]")
    if stopping and voting:
        plain, table = voting, f"[stopping]{stopping}"
    kept = "" if "paths" in plain else head
    path.write_text(f"{kept}{plain}[[arms]]{arms}{table}")


@pytest.mark.parametrize("text", [*BAD_STRATEGIES, *BAD_ARMS])
def test_check_refuses_what_solve_refuses(tmp_path, text):
    path = tmp_path / "mine.toml"
    write_strategy(path, text)
    with pytest.raises(ClcError) as refused:
        configure(load_strategy(path))
    assert len(str(refused.value)) < 400
    checked = CliRunner().invoke(strategies, ["check", str(path)])
    assert type(checked.exception) is type(refused.value)
    assert str(checked.exception).endswith(str(refused.value))
    assert str(path) in str(checked.exception)


@pytest.mark.parametrize(
    "settings",
    [
        {"paths": 10**6}, {"paths": 10**20}, {"seed": 1 << 63}, {"seed": -(1 << 63)}, {"ahead": 10**9},
        {"translation_tries": 10**9}, {"translation_max_tokens": 1 << 31}, {"max_tokens": 10**20},
        {"top_k": 10**23}, {"paths": math.nan}, {"paths": 1.5}, {"seed": "1"}, {"paths": 10**5000},
    ],
)  # fmt: skip
def test_settings_out_of_bounds_are_refused(settings):
    with pytest.raises(ClcError, match="must be"):
        configure(**settings)


# Weights


def generations(tmp_path, *confidences):
    file = tmp_path / "g.jsonl"
    languages = ["en", "en", "de"]
    rows = [
        {"id": "a", "language": language, "response": f"Answer: {number}", "gold": "1"}
        | ({} if confidence is None else {"confidence": confidence})
        for number, (language, confidence) in enumerate(
            zip(languages, confidences or [None] * 3, strict=True), start=1
        )
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


@pytest.mark.parametrize(
    "weights",
    ["en=1e308", "en=1e13", "en=inf", "en=nan", "en=-1", "en=-0.5,de=1", "=5", " =5", "en=1,en=2",
     "en=1,EN=2", "xx=1", "en", "en=", "en==1", "en=1=2", "en=one", "en:2", "en=1;de=2", "\x1b=1",
     "en=0x10", "en=" + "9" * 400],
)  # fmt: skip
def test_weights_that_make_no_sense_are_refused(tmp_path, weights):
    options = ["--rule", "weighted", "--weights", weights]
    result = CliRunner().invoke(vote, [generations(tmp_path), *options])
    assert isinstance(result.exception, ClcError)
    assert result.exception.exit_code == 2
    assert not result.stdout


@pytest.mark.parametrize("weights", ["en=2,de=0.5", "en=1e12", "EN=1, und=2", "en=0", "zh-Hant=1"])
def test_weights_that_make_sense_are_taken(tmp_path, weights):
    options = ["--rule", "weighted", "--weights", weights]
    result = CliRunner().invoke(vote, [generations(tmp_path), *options], catch_exceptions=False)
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "confidences",
    [(1e308, 1e308, 1e308), (1.7e308, 1.7e308, 1), (1e308, 5e-324, 0), (0, 0, 0), (-1, 2, 3),
     (5e-324, 5e-324, 5e-324), (1e308, -1e308, 1e308), (2**63, 2**64 - 1, 1), (1e-300, 1e300, 0)],
)  # fmt: skip
def test_any_confidence_gives_a_vote(tmp_path, confidences):
    file = generations(tmp_path, *confidences)
    result = CliRunner().invoke(vote, [file, "--rule", "weighted"], catch_exceptions=False)
    (row,) = map(json.loads, result.stdout.splitlines())
    assert row["answer"] in {"1", "2", "3"}
    assert 0 <= row["agreement"] <= 1 < row["total"]


def test_a_mean_of_large_confidences_is_exact_enough():
    assert language_means(["en"] * 4, [1e308] * 4) == {"en": 1e308}
    assert normalized_weights(["en"] * 2, [1.5e308, 0.5e308]) == [1.5, 0.5]
    extreme = Confidence(1e308, 1e308, 1e308, 1e308)
    assert language_means(["en"] * 2, [extreme] * 2, "logprob") == {"en": 1.0}
