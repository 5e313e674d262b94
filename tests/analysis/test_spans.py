"""A run that several processes read gives what one process reads of it."""

import sqlite3
from contextlib import closing

import pytest

from clc.analysis.export import export
from clc.analysis.fidelity import run_fidelity
from clc.analysis.scoring import score_run
from clc.errors import StoreError
from clc.runs import problem_store, spans
from clc.runs.store import Store
from clc.worker_processes import Workers
from tests.cli.running import call
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import problems, run

NAMES = ("verdicts.jsonl", "results.json", "samples_clc.jsonl")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(problem_store, "_SPAN", 3)
    monkeypatch.setattr(spans, "_PROBLEMS", 3)
    with Store(tmp_path) as opened:
        opened.write_manifest({"identity": {"strategy": {"name": "clc", "voting": "majority"}}})
        run(problems(8), opened, ScriptedEngine(lose=lambda r: "503" if r.seed % 9 == 0 else None))
        export(opened)
    return tmp_path


def test_scores_and_files_are_the_same(folder):
    before = [(folder / name).read_bytes() for name in NAMES]
    with Store(folder) as opened, Workers(2) as workers:
        assert export(opened, workers=workers) == score_run(opened, workers) == score_run(opened)
        assert run_fidelity(opened, workers) == run_fidelity(opened)
    assert [(folder / name).read_bytes() for name in NAMES] == before


def test_the_commands_print_the_same(folder):
    one, two = (
        [
            call("vote", str(folder), "--languages", "de,en", "--workers", count),
            call("score", str(folder), "--json", "--workers", count),
        ]
        for count in ("1", "2")
    )
    assert [(each.stdout, each.stderr) for each in one] == [
        (each.stdout, each.stderr) for each in two
    ]
    assert one[0].stdout.count('"id"') == 8


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE paths SET text = 'Answer: 3' WHERE rowid = 40", "its checksum differs"),
        ("DELETE FROM problems WHERE position = 7", "1 of the 8 problems"),
    ],
)
def test_damage_is_the_same_error(folder, change, named):
    with Store(folder) as opened:
        opened.write_manifest({**opened.manifest(), "finished": True, "problems": 8})
    with closing(sqlite3.connect(folder / "run.sqlite")) as database, database:
        database.execute(change)
    errors = []
    for count in (1, 2):
        with Store(folder, read_only=True) as opened, Workers(count) as workers:
            with pytest.raises(StoreError) as raised:
                score_run(opened, workers)
            errors.append(str(raised.value))
    assert errors[0] == errors[1]
    assert named in errors[0]
