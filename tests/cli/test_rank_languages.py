"""``clc rank-languages``: over generations, run folders, and a model's hidden states."""

import json

import pytest

from clc.prompts.templates import Templates
from clc.runs.store import Store
from tests.solving.running import problems, run

from .running import call
from .test_calibrate import generations, write


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    rows = list(generations(80, {"sw": 0.3, "en": 0.95, "de": 0.6}))
    return write(tmp_path_factory.mktemp("votes") / "g.jsonl", rows)


def test_a_file_of_generations(file):
    done = call("rank-languages", file)
    assert done.returncode == 0, done.stderr
    assert "80 problems of 80 items" in done.stdout
    assert "Rank correlation of agreement and accuracy: 1.00" in done.stdout
    assert done.stdout.endswith("Languages: en,de,sw\n")


def test_codes_are_what_solve_takes(file):
    done = call("rank-languages", file, "--top", 2, "--codes")
    assert done.stdout == "en,de\n"


def test_json_has_every_figure(file):
    found = json.loads(call("rank-languages", file, "--json").stdout)
    assert found["languages"] == ["en", "de", "sw"]
    first = found["agreement"]["ranks"][0]
    assert first["language"] == "en"
    assert first["agreement"]["total"] == 160
    assert "states" not in found


def test_without_gold(file, tmp_path):
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    blind = write(tmp_path / "g.jsonl", [{**row, "gold": None} for row in rows])
    done = call("rank-languages", blind)
    assert "Rank correlation" not in done.stdout
    assert done.stdout.endswith("Languages: en,de,sw\n")


def test_a_run_folder(tmp_path):
    with Store(tmp_path / "run") as store:
        run(problems(5), store=store, languages=["en", "de", "sw"], paths=3)
    found = json.loads(call("rank-languages", tmp_path / "run", "--json").stdout)
    assert {rank["language"] for rank in found["agreement"]["ranks"]} == {"en", "de", "sw"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a run folder"),
        (["--parallel", "x.jsonl", "g.jsonl"], "--parallel needs --model"),
        (["no-such.jsonl"], "no-such.jsonl"),
        (["--model", "clc-tiny", "--pivot", "fi"], "no sentences in 'fi'"),
    ],
)
def test_bad_arguments(arguments, message):
    done = call("rank-languages", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"en": "One.", "de": ""}\n', ":1: 'de' is ''"),
        ('{"en": "One.", "de": "Eins."}\n{"en": "Two."}\n', ":2: 'de' is not in every row"),
        ('{"de": "Eins.", "fr": "Un."}\n', "give also 'en'"),
        ('{"en": "One.", "no such": "Eins."}\n', ":1: "),
        ("[1]\n", ":1: "),
    ],
)
def test_bad_parallel_files_are_named(tmp_path, text, message):
    (tmp_path / "p.jsonl").write_text(text)
    done = call("rank-languages", "--model", "clc-tiny", "--parallel", tmp_path / "p.jsonl")
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.engine
@pytest.mark.slow
def test_hidden_states_of_the_bundled_model(tmp_path):
    pytest.importorskip("transformers", reason="needs the extra transformers")
    file = write(tmp_path / "g.jsonl", generations(40, {"sw": 0.3, "fr": 0.9, "th": 0.1}))
    done = call("rank-languages", file, "--model", "clc-tiny", "--pooling", "last", "--json")
    assert done.returncode == 0, done.stderr
    states = json.loads(done.stdout)["states"]
    assert states["sentences"] == 49
    mexa = {one["language"]: one["mexa"] for one in states["languages"]}
    (first, *_) = Templates().demonstrations
    assert set(mexa) == set(first.questions) - {"en"}
    # The model was trained on ten times as much French as Thai.
    assert mexa["fr"] > mexa["sw"] > mexa["th"]
    assert states["correlation"]["mexa"]["value"] == 1.0
    assert len(states["languages"][0]["mexa_layers"]) == 6


@pytest.mark.engine
@pytest.mark.slow
def test_parallel_sentences_of_the_user(tmp_path):
    pytest.importorskip("transformers", reason="needs the extra transformers")
    rows = [
        {"en": "Tom has 3 apples.", "de": "Tom hat 3 Äpfel."},
        {"en": "The shop opens at nine.", "de": "Der Laden öffnet um neun."},
        {"en": "How many pens are left?", "de": "Wie viele Stifte bleiben übrig?"},
    ]
    path = write(tmp_path / "p.jsonl", rows)
    done = call("rank-languages", "--model", "clc-tiny", "--parallel", path)
    assert done.returncode == 0, done.stderr
    assert "Hidden states of 3 parallel sentences" in done.stdout
    assert done.stdout.endswith("Languages: en,de\n")
