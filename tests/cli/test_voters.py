"""``--voter`` and strategies with several models, from the command line."""

import json

import pytest

from clc.runs.open import open_run
from tests.cli.solving import lines, options

from .running import call


@pytest.fixture
def other(tmp_path, quick):
    """Give an engine file of the same endpoint under another model's name."""
    path = tmp_path / "other.toml"
    path.write_text(
        f'model = "other"\n[sampling]\ntemperature = 0.3\n[[endpoint]]\nurl = "{quick}"\n'
    )
    return path


def test_two_models_vote(quick, file, other, tmp_path):
    out = tmp_path / "run"
    chosen = options(quick, "--voter", "own", "--voter", f"{other}:2", paths=9)
    done = call("solve", file, "--out", out, *chosen)
    assert done.returncode == 0, done.stderr
    assert {row["paths"] for row in lines(out)} == {9}
    with open_run(out) as store:
        identity = store.manifest()["identity"]
    (name,) = identity["voter_engines"]
    assert name == str(other)
    assert identity["voter_engines"][name] != identity["engine"]
    assert identity["voters"][name]["temperature"] == 0.3
    assert [arm["share"] for arm in identity["strategy"]["arms"]] == [1, 2]
    again = call("solve", file, "--out", out, *chosen)
    assert "nothing to sample" in again.stderr


def test_a_dry_run_counts_the_paths_of_all_models(quick, file, other):
    chosen = options(quick, "--voter", "own", "--voter", other)
    done = call("solve", file, "--dry-run", "--json", *chosen)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == 8


def test_commands_that_open_one_engine_refuse(quick, file, other, tmp_path):
    for arguments in (
        ["compare", file, "--out", tmp_path / "c", "--strategies", "clc,sc"],
        ["solve", file, "--out", tmp_path / "r", "--cluster", "ray"],
    ):
        for option, value in (("--voter", other), ("--verifier", "own")):
            done = call(*arguments, *options(quick, option, value))
            assert done.returncode == 2
            assert f"{option} goes with clc solve and clc ask" in done.stderr
    assert not (tmp_path / "r").exists()


def test_the_model_of_a_path_is_shown(quick, file, other, tmp_path):
    out = tmp_path / "run"
    call("solve", file, "--out", out, *options(quick, "--voter", "own", "--voter", other))
    shown = call("show", out, lines(out)[0]["id"])
    assert "model other.toml" in shown.stdout


def test_a_file_that_is_not_there(quick, file, tmp_path):
    done = call("solve", file, "--out", tmp_path / "r", *options(quick, "--voter", "none.toml"))
    assert done.returncode == 2
    assert "none.toml: cannot read the engine: no such file" in done.stderr
    assert not (tmp_path / "r").exists()


def test_two_prices_are_refused(quick, file, other, tmp_path):
    other.write_text(other.read_text() + "[prices]\nprompt = 1.0\ncompletion = 2.0\n")
    done = call("solve", file, "--out", tmp_path / "r", *options(quick, "--voter", other))
    assert done.returncode == 2
    assert "other.toml: [prices] are not those of the run's engine" in done.stderr


def test_two_models_on_vllm_in_one_process_are_refused(file, tmp_path):
    pytest.importorskip("vllm")
    second = tmp_path / "second.toml"
    second.write_text('engine = "vllm"\nmodel = "clc-tiny"\n')
    out = tmp_path / "r"
    done = call(
        "solve", file, "--out", out, "--engine", "vllm", "--voter", "own", "--voter", second
    )
    assert done.returncode == 2
    assert "second.toml: vLLM holds one model in a process" in done.stderr
    assert not out.exists()
