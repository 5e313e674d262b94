"""``clc score``: from the stored paths, as often as one likes, without an engine."""

import json

import pytest

from clc.analysis.export import export
from clc.runs.store import Store
from tests.solving.test_runner import problems, run

from .running import call, clc


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folders = {}
    for name, paths in (("six", 6), ("one", 1)):
        folders[name] = tmp_path_factory.mktemp(name)
        with Store(folders[name]) as store:
            run(problems(12), store, paths=paths)
            export(store)
    return folders


def test_a_run(runs):
    done = clc("score", runs["six"])
    assert done.returncode == 0, done.stderr
    assert "accuracy of the vote" in done.stdout
    assert "German (de)" in done.stdout
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_json_is_what_results_json_holds(runs):
    done = call("score", runs["six"], "--json")
    assert json.loads(done.stdout) == json.loads((runs["six"] / "results.json").read_text())


def test_two_runs(runs):
    done = call("score", runs["six"], "--against", runs["one"])
    assert done.returncode == 0
    assert "difference" in done.stdout
    assert "12 problems" in done.stdout
    data = json.loads(call("score", runs["six"], "--against", runs["one"], "--json").stdout)
    assert (data["problems"], data["paths_a"], data["paths_b"]) == (12, 72, 12)


def test_a_run_against_itself(runs):
    data = json.loads(call("score", runs["six"], "--against", runs["six"], "--json").stdout)
    assert (data["difference"], data["wins"], data["losses"]) == (0, 0, 0)


def test_a_run_without_gold(tmp_path):
    with Store(tmp_path) as store:
        run([type(p)(p.id, p.question, p.language) for p in problems(3)], store)
    done = call("score", tmp_path)
    assert done.returncode == 0
    assert "accuracy" not in done.stdout
    done = call("score", tmp_path, "--against", tmp_path)
    assert done.returncode == 2
    assert "gold" in done.stderr


def test_what_is_no_run(tmp_path, runs):
    done = call("score", tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path}: not a run folder" in done.stderr
    assert call("score", runs["six"], "--against", tmp_path / "none").returncode == 2
    (tmp_path / "run.sqlite").write_bytes(b"not a database at all, but long enough" * 50)
    done = call("score", tmp_path)
    assert done.returncode == 2
    assert "not a database" in done.stderr
