"""``clc compare``: one pool of paths, the baselines always, and nothing drawn twice."""

import json
from unittest import mock

import pytest

from .running import call, endpoint

QUESTIONS = "".join(
    f"Tom ana tufaha {n} na ananunua {n + 1}. Ana mangapi?\t{2 * n + 1}\n" for n in range(2, 8)
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mgsm_sw.tsv"
    path.write_text(QUESTIONS)
    return path


@pytest.mark.slow
def test_strategies_share_a_pool_and_the_same_command_draws_nothing(file, tmp_path):
    out = tmp_path / "pool"
    with endpoint("--delay", 0) as (url, _):
        command = ("compare", file, "--strategies", "clc,xcot", "--paths", 6, "--out", out,
                   "--languages", "en,sw,zh", "--base-url", url, "--model", "m")  # fmt: skip
        first = call(*command, "--json")
        assert first.returncode == 0, first.stderr
        again = call(*command, "--json")
    found = json.loads(first.stdout)
    names = ["native-cot", "sc", "sc-en", "clc", "xcot"]
    assert [one["name"] for one in found["strategies"]] == names
    by_name = {one["name"]: one for one in found["strategies"]}
    # sc draws 6 in Swahili and sc-en 6 in English: clc's two paths in each are among them.
    assert by_name["clc"]["reused"] == 6 * 4
    assert by_name["clc"]["paths"] == by_name["sc"]["paths"] == 6
    assert by_name["sc-en"]["preparation_tokens"] > 0
    assert by_name["sc"]["difference"] is None
    assert {path.name for path in out.iterdir()} >= {
        "comparison.json", "strategies.csv", "curves.csv", "budgets.csv", "run.sqlite",
        "manifest.sc.json", "manifest.clc.json",
    }  # fmt: skip
    repeated = json.loads(again.stdout)
    for before, after in zip(found["strategies"], repeated["strategies"], strict=True):
        assert {**before, "seconds": None, "reused": 0} == {**after, "seconds": None, "reused": 0}
        assert after["seconds"] is None  # nothing was drawn, so nothing was timed
    assert "0 paths sampled now" in again.stderr


@pytest.mark.slow
def test_runs_that_are_there_are_compared(file, tmp_path):
    with endpoint("--delay", 0) as (url, _):
        for name in ("clc", "sc"):
            done = call("solve", file, "--strategy", name, "--paths", 4, "--out", tmp_path / name,
                       "--languages", "en,sw", "--base-url", url, "--model", "m")  # fmt: skip
            assert done.returncode == 0, done.stderr
    done = call("compare", tmp_path / "clc", tmp_path / "sc")
    assert done.returncode == 0, done.stderr
    assert "6 problems of 6 items" in done.stdout
    assert "maj@k" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["FILE"], "name the folder of the pool with --out"),
        (["FILE", "--strategies", "nope", "--out", "OUT"], "unknown strategy 'nope'"),
        (
            ["FILE", "--reference", "clp", "--out", "OUT"],
            "--reference 'clp' is not among the strategies: native-cot, sc, sc-en, clc",
        ),
        (["-", "--out", "OUT"], "name a file, not -"),
        (["RUNS", "NONE"], "not a run folder"),
    ],
)
@pytest.mark.slow
def test_what_is_wrong_is_said_before_anything_is_drawn(arguments, why, file, tmp_path):
    places = {"FILE": file, "OUT": tmp_path / "out", "RUNS": tmp_path, "NONE": tmp_path / "none"}
    done = call("compare", *(places.get(word, word) for word in arguments))
    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_one_run_and_a_comparison_do_not_share_a_folder(file, tmp_path):
    with endpoint("--delay", 0) as (url, _):
        given = ("--paths", 2, "--languages", "en,sw", "--base-url", url, "--model", "m", "--out")
        assert call("solve", file, *given, tmp_path / "run").returncode == 0
        assert (
            call("compare", file, "--strategies", "clc", *given, tmp_path / "pool").returncode == 0
        )
        before = {path: path.read_bytes() for path in tmp_path.rglob("manifest*.json")}
        refused = call("compare", file, "--strategies", "clc", *given, tmp_path / "run")
        assert refused.returncode == 2
        assert f"{tmp_path / 'run'}: holds one run, not a comparison" in refused.stderr
        refused = call("solve", file, *given, tmp_path / "pool")
        assert refused.returncode == 2
        assert f"{tmp_path / 'pool'}: holds a comparison of clc, " in refused.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("manifest*.json")} == before


def test_an_interrupt_prints_how_to_go_on(file, tmp_path):
    def interrupt(work):
        work.close()
        raise KeyboardInterrupt

    given = ("--languages", "en,sw", "--base-url", "http://127.0.0.1:9", "--model", "m")
    with mock.patch("clc.cli.interrupts.run_interruptible", interrupt):
        done = call("compare", file, "--strategies", "clc", *given, "--out", tmp_path / "pool")
    assert done.returncode == 130
    assert f"What was sampled is in {tmp_path / 'pool'}; the same command goes on." in done.stderr
