"""``clc strategies``, and runs with a strategy, a rule or a portfolio of one's own."""

import json

import pytest

from clc.strategies.catalogue import STRATEGIES

from .running import call, endpoint

QUESTIONS = "".join(
    f"Tom has {n} apples and buys {n + 1} more. How many?\t{2 * n + 1}\n" for n in range(2, 8)
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mgsm_en.tsv"
    path.write_text(QUESTIONS)
    return path


def test_every_strategy_is_listed_with_its_source():
    done = call("strategies", "list")
    assert done.returncode == 0
    for strategy in STRATEGIES.values():
        assert strategy.name in done.stdout


def test_show_is_a_file_that_check_takes(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(call("strategies", "show", "clsp").stdout)
    done = call("strategies", "check", path)
    assert done.stdout == "clsp: 1 arm, templates clp: fine\n"
    path.write_text(path.read_text().replace('"clp"', '"clip"'))
    done = call("strategies", "check", path)
    assert done.returncode == 2
    assert "no template 'clip'" in done.stderr


@pytest.mark.slow
def test_a_run_with_a_strategy_and_a_rule_of_ones_own(file, tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text('paths = 8\n[[arms]]\nlanguage = "question"\nquestion = "original"\n')
    out = tmp_path / "run"
    with endpoint("--delay", 0) as (url, _):
        engine = ("--base-url", url, "--model", "m")
        stops = ("--stopping", "beta", "--threshold", 0.8)
        done = call("solve", file, "--out", out, "--strategy", own, *stops, *engine, "--json")
        assert done.returncode == 0, done.stderr
        score = json.loads(done.stdout)
        assert score["paths"] < 6 * 8
        other = call("solve", file, "--out", out, "--strategy", own, *engine)
        assert other.returncode == 2
        assert 'stopping.rule: "beta" -> "fixed"' in other.stderr
    rows = [json.loads(line) for line in (out / "verdicts.jsonl").read_text().splitlines()]
    assert any(row.get("details", {}).get("stop", {}).get("rule") == "beta" for row in rows)
    score = call("score", out, "--fidelity")
    assert score.returncode == 0
    assert "asked for" in score.stdout


def test_a_portfolio_names_the_languages(file, tmp_path):
    bad = tmp_path / "portfolio.json"
    bad.write_text("{}")
    done = call("solve", file, "--out", tmp_path / "run", "--portfolio", bad)
    assert done.returncode == 2
    assert "portfolio.json" in done.stderr
    both = call("solve", file, "--out", tmp_path / "r", "--portfolio", bad, "--languages", "en")
    assert "leave out --languages" in both.stderr


def test_a_parameter_that_no_rule_reads_is_refused(file, tmp_path):
    done = call("solve", file, "--out", tmp_path / "run", "--threshold", 0.8)
    assert done.returncode == 2
    assert "--stopping fixed has no threshold" in done.stderr
