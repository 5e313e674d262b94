"""A run on Ray: the same as on one machine, whatever is lost on the way."""

import os
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from clc import errors
from clc.analysis.export import export
from clc.cluster import ClusterResult, ray_session, solve_on_ray, votes
from clc.datasets import load_problems
from clc.errors import ConfigurationError, DatasetError, StoreError
from clc.plan import Plan
from clc.records import Problem
from clc.runs.codec import TABLES
from clc.runs.open import open_run, open_runs
from clc.runs.shards import ShardRow, Shards
from clc.runs.store import Store
from clc.solving.bill import Bill
from clc.solving.configure import configure
from clc.solving.run import Run

from .engines import Logged, Mistranslating, Short, asked

pytest.importorskip("ray")

from clc.cluster import driver, manifest
from tests.cluster.running import (
    FILES,
    SETTINGS,
    check_whole,
    jsonl,
    on_one_machine,
    parquet,
    spread,
    tsv,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*")  # of its own fields


class Done(NamedTuple):
    source: Path
    out: Path
    log: Path  # of the engines in the replicas
    result: ClusterResult


@pytest.fixture(scope="module")
def done(ray, tmp_path_factory):
    """A finished run of 60 problems, whose votes were counted on Ray; no test changes it."""
    folder = tmp_path_factory.mktemp("done")
    source = parquet(folder, 60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(votes, "_FEW", 2)
        result = spread(source, folder / "run", folder / "log")
    return Done(source, folder / "run", folder / "log", result)


@pytest.fixture
def copied(done, tmp_path):
    """Return a copy of the finished run."""
    for one in (done.source, done.log):
        shutil.copy2(one, tmp_path)
    shutil.copytree(done.out, tmp_path / "run")
    return Done(tmp_path / done.source.name, tmp_path / "run", tmp_path / "log", done.result)


def test_the_run_of_one_machine_byte_for_byte(done, tmp_path):
    """The votes that Ray counted are those of one process, too."""
    there = on_one_machine(done.source, tmp_path / "one", Logged(tmp_path / "log1"))
    with Shards(done.out, read_only=True) as shards:
        assert len(list(shards.spans())) > 2
        manifest = shards.manifest()
    for name in FILES:
        assert (done.out / name).read_bytes() == (there / name).read_bytes()
    check_whole(done.out, 60)
    assert sorted(asked(tmp_path / "log1")) == sorted(asked(done.log))
    assert done.result.counters.drawn == 360
    assert done.result.score.problems == 60
    assert (manifest["finished"], manifest["store"]) == (True, "shards")
    assert "store" not in manifest["identity"]
    assert manifest["seconds"] > 0


@pytest.mark.slow
def test_a_total_budget_goes_where_it_goes_on_one_machine(ray, tmp_path):
    source, out, log = tsv(tmp_path, 60), tmp_path / "many", tmp_path / "log2"
    spread(source, out, log, replicas=1, total_paths=130)
    grown = spread(source, out, log, total_paths=200)
    assert grown.counters.reused >= 100
    assert max(Counter(asked(log)).values()) == 1
    there = on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log1"), total_paths=200)
    for name in FILES:
        assert (out / name).read_bytes() == (there / name).read_bytes()
    again = spread(source, out, log, total_paths=200)
    assert (again.finished, again.counters.drawn) == (True, 0)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["give", "original"])
def test_paths_without_a_translation_go_where_they_go_on_one_machine(ray, rule, tmp_path):
    source, out = tsv(tmp_path, 12), tmp_path / "many"
    settings = {"kind": Mistranslating, "untranslated": rule, "replicas": 1}
    outcome = spread(source, out, tmp_path / "log2", **settings)
    own = Mistranslating(tmp_path / "log1")
    there = on_one_machine(source, tmp_path / "one", own, untranslated=rule)
    for name in FILES:
        assert (out / name).read_bytes() == (there / name).read_bytes()
    assert outcome.counters.drawn == 72
    stated = (out / "verdicts.jsonl").read_text().count('"untranslated":{"rule":')
    assert stated >= 6  # every other question, in the row and perhaps in its details
    again = spread(source, out, tmp_path / "log2", **settings)
    assert (again.finished, again.counters.drawn) == (True, 0)


@pytest.mark.slow
def test_blocks_share_a_total_budget(ray, tmp_path):
    source, out = tsv(tmp_path, 70), tmp_path / "many"
    outcome = spread(source, out, tmp_path / "log", total_paths=100, reading={"limit": 66})
    assert outcome.counters.drawn == outcome.score.paths == 100
    with pytest.raises(ConfigurationError, match=r"total\.problems: 66 -> 70"):
        spread(source, out, tmp_path / "log", total_paths=100)
    with pytest.raises(
        ConfigurationError, match=r"--total-paths\) is 69, less than one path for each"
    ):
        spread(source, tmp_path / "other", tmp_path / "log", total_paths=69)


def test_a_broken_shard_ends_the_votes_on_ray_and_leaves_the_export(copied, monkeypatch):
    monkeypatch.setattr(votes, "_FEW", 2)
    out = copied.out
    with Shards(out, read_only=True) as shards:
        assert len(list(votes.parts(shards))) == len(list(shards.spans())) > 2
    broken = sorted((out / "shards").iterdir())[1]
    broken.write_bytes(b"PAR1 and no more")
    before = (out / "verdicts.jsonl").read_bytes()
    with Shards(out) as shards, pytest.raises(StoreError, match=f"{broken.name}: cannot be read"):
        export(shards, votes.parts(shards))
    assert (out / "verdicts.jsonl").read_bytes() == before


def test_few_votes_and_those_without_cpus_are_taken_here(ray, tmp_path, monkeypatch):
    with Shards(tmp_path) as shards:
        assert votes.parts(shards) is None
        monkeypatch.setattr(votes, "_FEW", 0)
        monkeypatch.setattr(ray, "cluster_resources", dict)
        assert votes.parts(shards) is None


def test_a_finished_run_needs_no_engine_and_no_ray(copied, monkeypatch):
    monkeypatch.setattr("clc.cluster.driver.connected", None)
    again = spread(copied.source, copied.out, copied.log, engine={"fails": "gone"})
    assert again.finished
    assert again.counters.drawn == 0
    assert again.score.problems == 60


def test_larger_limits_of_tokens_go_on_as_on_one_machine(ray, tmp_path):
    """What was truncated is sampled again, what ended is not, in rows of the same problems."""
    source, out, log = tsv(tmp_path, 30), tmp_path / "run", tmp_path / "log"

    def go_on(most, **more):
        settings: dict = SETTINGS | {"max_tokens": most, "translation_max_tokens": 40} | more
        before = len(asked(log)) if log.exists() else 0
        result = solve_on_ray(source, out=out, replicas=1, engine=partial(Short, log), **settings)
        there = on_one_machine(
            source, tmp_path / "one", Short(tmp_path / "log1"), resume=True, **settings
        )
        for name in FILES:
            assert (out / name).read_bytes() == (there / name).read_bytes()
        check_whole(out, 30, settings["paths"])
        with open_run(out) as run:
            ends = Counter(
                path.finish_reason for one in run.finished() for path in one.paths.values()
            )
            assert run.manifest()["finished"] is True
        return result, ends, len(asked(log)) - before

    _, ends, _ = go_on(13)
    cut = ends["length"]
    assert 0 < cut < 180
    second, ends, sampled = go_on(40)
    assert (ends["length"], sampled) == (0, cut)
    assert (second.counters.drawn, second.counters.reused) == (cut, 180 - cut)
    assert second.counters.translations == 0
    third, _, sampled = go_on(60)
    assert (sampled, third.counters.reused) == (0, 180)
    assert go_on(60)[0].finished
    more, _, sampled = go_on(70, paths=9)
    assert (sampled, more.counters.reused) == (90, 180)
    with pytest.raises(ConfigurationError, match=r"sampling.max_tokens: 70 -> 60"):
        go_on(60, paths=9)


@pytest.mark.parametrize("numbered", [True, False])
def test_a_finished_run_without_a_shard_is_completed(ray, copied, numbered):
    source, out, log, _ = copied
    whole = {name: (out / name).read_bytes() for name in FILES}
    with Shards(out) as shards:
        assert shards.done(6) == 60
        assert shards.done(7) == 0
        manifest = shards.manifest()
        assert manifest["problems"] == 60
        name = shards.names()[-1]
        rows = shards.read_shard(name)
        if numbered:
            (out / "shards" / name).unlink()
        else:  # an older manifest does not say how many problems there were
            del manifest["problems"]
            shards.write_manifest(manifest)
            (out / "shards" / name).unlink()
            shards.write_shard([rows[0]._replace(budget=5), *rows[1:]])
        lost = len(rows) if numbered else 1
        assert shards.done(6) == 60 - lost
    again = spread(source, out, log, replicas=1)
    assert not again.finished
    assert again.counters.drawn == (6 * lost if numbered else 0)
    assert {name: (out / name).read_bytes() for name in FILES} == whole
    check_whole(out, 60)
    assert spread(source, out, log).finished


def test_what_stands_before_a_bad_row_is_solved(ray, tmp_path):
    source = jsonl(tmp_path, 30)
    lines = source.read_text().splitlines()
    source.write_text("\n".join([*lines[:20], '{"id": "x", "question": 5}', *lines[20:]]))
    with pytest.raises(DatasetError) as here:
        list(load_problems(source))
    with pytest.raises(DatasetError) as there:
        spread(source, tmp_path / "run", tmp_path / "log", replicas=1)
    assert str(there.value) == str(here.value)
    assert type(there.value) is DatasetError
    with open_run(tmp_path / "run") as run:
        assert [one.problem.id for one in run.finished()] == [f"q{n}" for n in range(20)]
    source.write_text("\n".join(lines))
    with pytest.raises(ConfigurationError, match=r"dataset.fingerprint"):
        spread(source, tmp_path / "run", tmp_path / "log")


def test_a_run_grows_in_paths_and_problems_and_redraws_nothing(ray, tmp_path):
    source, out, log = tsv(tmp_path, 40), tmp_path / "run", tmp_path / "log"
    spread(source, out, log, replicas=1, reading={"limit": 13})
    check_whole(out, 13)
    grown = spread(source, out, log, paths=12)
    check_whole(out, 40, 12)
    assert max(Counter(asked(log)).values()) == 1
    assert grown.counters.reused == 13 * 6
    there = on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log1"), paths=12)
    for name in FILES:
        assert (out / name).read_bytes() == (there / name).read_bytes()
    with pytest.raises(ConfigurationError, match="paths: 12 -> 6"):
        spread(source, out, log)


def test_a_folder_is_of_one_kind(done, tmp_path):
    source = tsv(tmp_path, 3)
    on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log"))
    with pytest.raises(StoreError, match="a run of one machine"):
        spread(source, tmp_path / "one", tmp_path / "log")
    with pytest.raises(StoreError, match="a run of --cluster ray"):
        Store(done.out)
    with open_runs(done.out) as runs:
        assert list(runs) == ["run"]


def test_a_uri_is_a_run_folder_too(ray, tmp_path):
    out = tmp_path / "run"
    spread(tsv(tmp_path, 12), out.as_uri(), tmp_path / "log", replicas=1)
    check_whole(out, 12)
    with open_run(out.as_uri()) as run:
        assert len(list(run.finished())) == 12
        with pytest.raises(ConfigurationError, match="no local folder"):
            run.file("report.html")


def test_what_ray_is_needed_for(tmp_path, monkeypatch):
    source = tsv(tmp_path, 3)
    with pytest.raises(ConfigurationError, match="name a file, not -"):
        solve_on_ray("-", out=tmp_path / "run")
    with pytest.raises(ConfigurationError, match="replicas must be at least 1, not 0"):
        solve_on_ray(source, out=tmp_path / "run", replicas=0)
    with pytest.raises(ConfigurationError, match="gpus must not be negative, not -1"):
        solve_on_ray(source, out=tmp_path / "run", gpus_per_replica=-1)
    monkeypatch.setattr(ray_session, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'crosslingual-consistency\[ray\]'"):
        solve_on_ray(source, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_nothing_of_ray_is_loaded_before_it_is_used():
    code = "import sys, clc.cluster, clc.runs.shards, clc.cli.solve; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", errors.__all__)
def test_errors_travel(name):
    error = getattr(errors, name)("what; what to do")
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), back.exit_code) == (type(error), str(error), error.exit_code)


def test_the_seconds_of_a_killed_driver_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "_KEEP_SECONDS", 0.0)
    result = driver.ClusterResult()
    with Shards(tmp_path) as shards:
        shards.write_manifest({"seconds": 5.0})
        with manifest.keep_time(shards, result, Bill()) as keep:
            keep()
            assert shards.manifest() == {"seconds": 5.0}  # nothing was sampled
            result.counters.drawn = 1
            keep()
            assert shards.manifest()["seconds"] >= 5.0


@pytest.mark.parametrize("change", ["appended", "replaced", "deleted", "emptied"])
def test_a_file_that_changes_while_it_is_solved_is_named(change, tmp_path):
    file = tsv(tmp_path, 3)
    identity = {"dataset": driver._dataset(str(file), {})}
    driver._check_unchanged(str(file), {}, identity)
    if change == "appended":
        file.write_text(file.read_text() + "Wie viele?\t5\n")
    elif change == "deleted":
        file.unlink()
    else:
        file.write_text("" if change == "emptied" else "x\t1\n")
    with pytest.raises(DatasetError, match=r"mgsm_de\.tsv: (was changed while|no such|cannot be)"):
        driver._check_unchanged(str(file), {}, identity)


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(ConfigurationError, match=r"pipe\.jsonl: .*name a regular one"):
        solve_on_ray(tmp_path / "pipe.jsonl", out=tmp_path / "run")


def test_a_run_of_which_every_path_was_refused_takes_another_configuration(tmp_path):
    refused = ShardRow(
        0, "0" * 32, 2, Problem("a", "1 + 1?", "en"), Plan.of([]),
        {name: [("k", "400: unknown field")] if name == "failures" else [] for name in TABLES},
    )  # fmt: skip
    work = Run(configure("clc", paths=2), Logged(tmp_path / "log"), Store(None))
    with Shards(tmp_path) as shards:
        assert not manifest.begin_shards(shards, {"seed": 0, "paths": 2}, work, Bill())
        shards.write_shard([refused])
        assert not manifest.begin_shards(shards, {"seed": 1, "paths": 2}, work, Bill())
        assert shards.names() == []
        assert shards.manifest()["identity"]["seed"] == 1
        shards.write_manifest({**shards.manifest(), "seconds": 2.5})  # its shards are gone
        with pytest.raises(ConfigurationError, match="seed: 1 -> 2"):
            manifest.begin_shards(shards, {"seed": 2, "paths": 2}, work, Bill())
