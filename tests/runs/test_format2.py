"""Runs of format 2, written by an older clc: they can be read, and not resumed.

``tests/data/format2`` was made with the last clc of that format from the scripted engine: two arms
that render one prompt, paths that were sampled again, an arm without a translation, a lost path.
"""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from clc.analysis.export import export
from clc.errors import StoreError
from clc.records import AbstainReason, Abstention
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.shards import Shards
from clc.runs.store import Store
from tests.cli.running import call

DATA = Path(__file__).parents[1] / "data" / "format2"
PROBLEMS = ["boats", "kites"]
LOST = b'"details":{"lost":{"503 from the endpoint":1}},'


@pytest.fixture(params=["run", "shards"])
def folder(request, tmp_path):
    if request.param == "shards":
        pytest.importorskip("pyarrow")
    return shutil.copytree(DATA / request.param, tmp_path / request.param)


def test_it_is_of_format_2():
    with sqlite3.connect(f"file:{DATA}/run/run.sqlite?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (2,)
        columns = [row[1] for row in database.execute("PRAGMA table_info(paths)")]
    database.close()
    assert "thought" not in columns
    assert "format" not in json.loads((DATA / "run" / "manifest.json").read_text())


def test_every_path_is_found_and_nothing_was_thought(folder):
    with open_run(folder) as run:
        solved = list(revote(run))
    assert [one.problem.id for one in solved] == PROBLEMS
    for one in solved:
        keys = one.plan.keys()
        assert len(one.plan.order) == 9
        assert len(set(keys)) == len(keys) == len(one.paths) == 7
        assert all((path.thought, path.closed) == ("", None) for path in one.paths.values())
        assert one.verdict.usage.reasoning_tokens == 0


def test_a_thought_within_a_text_has_no_vote_and_is_reported(tmp_path, caplog):
    folder = shutil.copytree(DATA / "run", tmp_path / "run")
    with sqlite3.connect(folder / "run.sqlite") as database:
        rows = database.execute("SELECT key, text FROM paths ORDER BY key").fetchall()
        (open_, _), (closed, text) = rows[:2]
        database.executemany(
            "UPDATE paths SET text = ? WHERE key = ?",
            [("<think>\nAnswer: 99. Or", open_), (f"<think>Answer: 98</think>\n{text}", closed)],
        )
    database.close()
    call("score", folder, "--json")
    assert "2 paths of an older clc hold a thought in their text" in caplog.text
    with open_run(folder) as run, open_run(DATA / "run") as before:
        votes = {vote.path_key: vote for one in revote(run) for vote in one.votes}
        then = {vote.path_key: vote.answer for one in revote(before) for vote in one.votes}
    assert votes[open_].outcome == Abstention(AbstainReason.TRUNCATED)
    assert votes[closed].answer == then[closed]


def test_votes_and_scores_are_those_of_then(folder):
    done = call("score", folder, "--json")
    assert done.returncode == 0, done.stderr
    then, now = json.loads((DATA / "results.json").read_text()), json.loads(done.stdout)
    assert {name: now[name] for name in then} == then
    assert set(now) - set(then) == {"risk_coverage"}  # which later versions add
    with open_run(folder) as run:
        export(run)
    written = (folder / "verdicts.jsonl").read_bytes()
    assert written.count(LOST) == 2  # later versions add why paths were lost
    assert written.replace(LOST, b"") == (DATA / "verdicts.jsonl").read_bytes()
    done = call("vote", folder, "--out", folder / "votes.jsonl")
    assert done.returncode == 0, done.stderr
    then = [json.loads(line) for line in (DATA / "verdicts.jsonl").read_text().splitlines()]
    now = [json.loads(line) for line in (folder / "votes.jsonl").read_text().splitlines()]
    assert [(one["id"], one["answer"], one["tally"]) for one in now] == [
        (one["id"], one["answer"], one["tally"]) for one in then
    ]


def test_every_path_is_shown_as_then(folder):
    then = json.loads((DATA / "show.json").read_text())
    for problem, expected in zip(PROBLEMS, then, strict=True):
        done = call("show", folder, problem, "--json")
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert shown.pop("details") == {"lost": {"503 from the endpoint": 1}}
        assert shown == expected


def test_it_has_a_report(folder, tmp_path):
    done = call("report", folder, "--out", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert "Mira has 3 boats" in (tmp_path / "page.html").read_text()


def test_resuming_is_refused_and_changes_nothing(tmp_path):
    folder = shutil.copytree(DATA / "run", tmp_path / "run")
    before = (folder / "run.sqlite").read_bytes()
    message = (
        f"{folder}: written in format 2 by an older clc; clc score, vote, show and report read it; "
        "to sample more, choose another run folder (translations come from the cache)"
    )
    with pytest.raises(StoreError) as refused:
        Store(folder)
    assert str(refused.value) == message
    done = call("solve", "examples/mgsm_de.tsv", "--out", folder)
    assert done.returncode != 0
    assert "written in format 2" in done.stderr.replace("\n", " ")
    assert (folder / "run.sqlite").read_bytes() == before
    with Store(folder, read_only=True) as store:
        assert len(list(store.finished())) == 2


def test_resuming_shards_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    folder = shutil.copytree(DATA / "shards", tmp_path / "shards")
    with pytest.raises(StoreError, match="written in format 2 by an older clc"):
        Shards(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(StoreError, match="has format 99, and this clc reads formats 2 and 3"):
        open_run(folder).manifest()
