"""``clc score``: from the stored paths, as often as one likes, without an engine."""

import json

import pytest

from clc.analysis.export import export
from clc.runs.revote import revote
from clc.runs.store import Store
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import problems, run

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


GERMAN = "Zuerst zähle ich alle Äpfel zusammen, und dann prüfe ich das Ergebnis noch einmal. "
ENGLISH = "First I count all of the apples, and then I check the result once more for errors. "


@pytest.fixture(scope="module")
def thinking(tmp_path_factory):
    """A run that thinks in English where it is asked in English, else in turn in three ways."""
    thoughts = [GERMAN * 3, ENGLISH * 3, f"{GERMAN * 3}\n{ENGLISH * 3}"]

    def think(request):
        if "[English]" in request.messages[-1]["content"]:
            return ENGLISH
        return thoughts[request.seed % 3]

    folder = tmp_path_factory.mktemp("thinking")
    with Store(folder) as store:
        run(problems(8), store, ScriptedEngine(think=think), paths=6)
        export(store)
    return folder


def test_tokens_of_thoughts_are_a_line_where_there_are_any(runs, thinking):
    data = json.loads((thinking / "results.json").read_text())
    spent = data["usage"]["reasoning_tokens"] + data["translation_usage"]["reasoning_tokens"]
    assert data["usage"]["reasoning_tokens"] > 0
    line = next(x for x in call("score", thinking).stdout.splitlines() if "thoughts" in x)
    assert line.split("tokens of thoughts")[1].strip() == f"{spent:,}"
    assert "thought" not in call("score", runs["six"]).stdout
    assert "reasoning_tokens" not in (runs["six"] / "results.json").read_text()
    pair = call("score", thinking, "--against", runs["one"])
    line = next(x for x in pair.stdout.splitlines() if "of thoughts" in x)
    assert line.split()[-2:] == [f"{spent:,}", "0"]
    pair = call("score", runs["six"], "--against", runs["one"])
    assert "of thoughts" not in pair.stdout


def test_fidelity_has_two_shares(runs, thinking):
    data = json.loads(call("score", thinking, "--fidelity", "--json").stdout)
    with Store(thinking) as store:
        paths = [path for one in revote(store) for _, path in one.drawn()]
    german = [path.thought for path in paths if path.language == "de"]
    counts = {text: german.count(text) for text in set(german)}
    mixed = f"{GERMAN * 3}\n{ENGLISH * 3}"
    assert len(counts) == 3
    thought = data["de"]["thought"]
    assert (thought["paths"], thought["unknown"]) == (len(german), 0)
    assert thought["faithful"] == counts[GERMAN * 3]
    assert thought["mixed"] == counts[mixed]
    assert thought["written"] == {"de": counts[GERMAN * 3], "en": counts[ENGLISH * 3]}
    assert "mixed" not in data["de"]
    assert data["de"]["written"] != thought["written"]  # what it says is English throughout
    text = call("score", thinking, "--fidelity").stdout
    told = counts[GERMAN * 3] + counts[ENGLISH * 3]
    assert "What the paths say" in text
    assert f"{counts[GERMAN * 3] / told:.1%}" in text
    plain = call("score", runs["six"], "--fidelity")
    assert "thoughts" not in plain.stdout
    assert set(json.loads(call("score", runs["six"], "--fidelity", "--json").stdout)["de"]) == {
        "paths", "faithful", "unknown", "written",
    }  # fmt: skip


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
