"""A run on Ray: the same as on one machine, whatever is lost on the way."""

import asyncio
import json
import os
import pickle
import subprocess
import sys
from collections import Counter
from functools import partial

import orjson
import pytest

from clc import errors
from clc.analysis.export import export
from clc.analysis.scoring import score_run
from clc.cluster import ray_session, solve_on_ray, votes
from clc.cluster.ledger import BATCH_TRIES, PROBLEM_TRIES, Ledger
from clc.cluster.messages import RunSpec
from clc.datasets import load_problems
from clc.errors import ConfigurationError, DatasetError, EngineError, StoreError
from clc.plan import Plan
from clc.records import Problem
from clc.runs.codec import TABLES
from clc.runs.open import open_run, open_runs
from clc.runs.revote import revote
from clc.runs.shards import ShardRow, Shards
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run

from .engines import Logged, Short, asked, lose_some, starts

pytest.importorskip("ray")

from clc.cluster import driver, replica
from clc.cluster.source import read, read_message, read_stored, write_message

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*")  # of its own fields

SETTINGS: dict = {"languages": ["en", "de", "zh"], "paths": 6}
FILES = ("verdicts.jsonl", "samples_clc.jsonl", "results.json")


def rows(count):
    return [(f"Wie viele sind {n + 20} und {n + 50}?", str(7 + n % 2)) for n in range(count)]


def tsv(folder, count):
    path = folder / "mgsm_de.tsv"
    path.write_text("".join(f"{question}\t{gold}\n" for question, gold in rows(count)))
    return path


def jsonl(folder, count):
    path = folder / "problems.jsonl"
    made = [{"id": f"q{n}", "question": q, "answer": g} for n, (q, g) in enumerate(rows(count))]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in made))
    return path


def parquet(folder, count):
    import pyarrow as pa
    from pyarrow import parquet

    path = folder / "problems.parquet"
    made = [{"id": f"q{n}", "question": q, "answer": g} for n, (q, g) in enumerate(rows(count))]
    parquet.write_table(pa.Table.from_pylist(made), path)
    return path


def on_one_machine(source, out, engine, *, resume=False, **settings):
    with Store(out) as store:
        work = Run(configure("clc", **(SETTINGS | settings)), engine, store)

        async def drain():
            return [verdict async for verdict in work.verdicts(load_problems(source))]

        if not work.begin({"source": source.name}) or not resume:
            asyncio.run(drain())
        export(store)
    return out


def spread(source, out, log, replicas=2, engine=None, **more):
    made = partial(Logged, log, **(engine or {}))
    return solve_on_ray(source, out=out, replicas=replicas, engine=made, **(SETTINGS | more))


def check_whole(folder, problems, paths=6):
    """Every problem once, every path of its plan there and no other twice."""
    with open_run(folder) as run:
        solved = list(revote(run))
    keys = [key for one in solved for key in one.plan.keys()]  # noqa: SIM118
    assert len(solved) == len({one.problem.id for one in solved}) == problems
    assert len(keys) == len(set(keys)) == problems * paths
    written = (folder / "verdicts.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in written] == [one.problem.id for one in solved]


@pytest.mark.parametrize("file", [tsv, jsonl, parquet])
def test_the_run_of_one_machine_byte_for_byte(ray, file, tmp_path):
    source = file(tmp_path, 60)
    there = on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log1"))
    outcome = spread(source, tmp_path / "many", tmp_path / "log2")
    for name in FILES:
        assert (tmp_path / "many" / name).read_bytes() == (there / name).read_bytes()
    check_whole(tmp_path / "many", 60)
    assert sorted(asked(tmp_path / "log1")) == sorted(asked(tmp_path / "log2"))
    assert outcome.counters.drawn == 360
    assert outcome.score.problems == 60
    with Shards(tmp_path / "many", read_only=True) as shards:
        manifest = shards.manifest()
    assert (manifest["finished"], manifest["store"]) == (True, "shards")
    assert "store" not in manifest["identity"]
    assert manifest["seconds"] > 0


def test_votes_that_ray_takes_are_those_of_one_process(ray, tmp_path, monkeypatch):
    monkeypatch.setattr(votes, "_FEW", 2)
    source, out = jsonl(tmp_path, 60), tmp_path / "many"
    there = on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log1"))
    spread(source, out, tmp_path / "log2")
    with Shards(out, read_only=True) as shards:
        assert len(list(votes.parts(shards))) == len(list(shards.spans())) > 2
    for name in FILES:
        assert (out / name).read_bytes() == (there / name).read_bytes()
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


def test_a_finished_run_needs_no_engine_and_no_ray(tmp_path, ray, monkeypatch):
    source = tsv(tmp_path, 9)
    spread(source, tmp_path / "run", tmp_path / "log")
    monkeypatch.setattr("clc.cluster.driver.connected", None)
    again = spread(source, tmp_path / "run", tmp_path / "log", engine={"fails": "gone"})
    assert again.finished
    assert again.counters.drawn == 0
    assert again.score.problems == 9


def test_larger_limits_of_tokens_go_on_as_on_one_machine(ray, tmp_path):
    """What was truncated is sampled again, what ended is not, in rows of the same problems."""
    source, out, log = tsv(tmp_path, 30), tmp_path / "run", tmp_path / "log"

    def go_on(most, **more):
        settings: dict = SETTINGS | {"max_tokens": most, "translation_max_tokens": 40} | more
        before = len(asked(log)) if log.exists() else 0
        result = solve_on_ray(source, out=out, replicas=2, engine=partial(Short, log), **settings)
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
def test_a_finished_run_without_a_shard_is_completed(ray, tmp_path, numbered):
    source, out, log = tsv(tmp_path, 20), tmp_path / "run", tmp_path / "log"
    first = spread(source, out, log)
    assert first.problems == 20
    whole = {name: (out / name).read_bytes() for name in FILES}
    with Shards(out) as shards:
        assert shards.done(6) == 20
        assert shards.done(7) == 0
        manifest = shards.manifest()
        assert manifest["problems"] == 20
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
        assert shards.done(6) == 20 - lost
    again = spread(source, out, log)
    assert not again.finished
    assert again.counters.drawn == (6 * lost if numbered else 0)
    assert {name: (out / name).read_bytes() for name in FILES} == whole
    check_whole(out, 20)
    assert spread(source, out, log).finished


def test_a_lost_replica_is_replaced_and_nothing_counts_twice(ray, tmp_path):
    source = tsv(tmp_path, 60)
    engine = {"dies_at": "Wie viele sind 41 und", "once": str(tmp_path / "died"), "delay": 0.002}
    outcome = spread(source, tmp_path / "run", tmp_path / "log", engine=engine)
    assert (tmp_path / "died").exists()
    assert len(starts(tmp_path / "log")) == 3
    assert outcome.set_aside == []
    there = on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log1"))
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() == (there / name).read_bytes()
    check_whole(tmp_path / "run", 60)


def test_a_problem_that_kills_its_replica_is_set_aside_and_tried_again(ray, tmp_path):
    source = tsv(tmp_path, 24)
    outcome = spread(
        source, tmp_path / "run", tmp_path / "log", engine={"dies_at": "Wie viele sind 25 und"}
    )
    assert [one.id for one in outcome.set_aside] == ["mgsm-de-005"]
    assert "lost 2 times with it alone" in outcome.set_aside[0].reason
    assert outcome.score.problems == 23
    check_whole(tmp_path / "run", 23)
    with open_run(tmp_path / "run") as run:
        assert run.manifest()["finished"] is False
        assert run.find("mgsm-de-005") is None
        assert run.find("mgsm-de-006").problem.id == "mgsm-de-006"
        assert (run.started(), score_run(run).problems) == (24, 23)
    before = len(asked(tmp_path / "log"))
    again = spread(source, tmp_path / "run", tmp_path / "log", replicas=1)
    assert again.set_aside == []
    assert len(asked(tmp_path / "log")) - before <= 6 + 2  # its paths and translations
    check_whole(tmp_path / "run", 24)
    there = on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log1"))
    assert (tmp_path / "run" / FILES[0]).read_bytes() == (there / FILES[0]).read_bytes()


def test_a_lost_engine_starts_anew_and_the_problem_that_it_is_lost_with_is_set_aside(ray, tmp_path):
    engine = {"breaks_at": "Wie viele sind 22 und"}
    outcome = spread(tsv(tmp_path, 6), tmp_path / "run", tmp_path / "log", 1, engine)
    assert [one.id for one in outcome.set_aside] == ["mgsm-de-002"]
    assert outcome.set_aside[0].reason.endswith("with it alone: the engine process ended")
    assert len(starts(tmp_path / "log")) == 1 + BATCH_TRIES + PROBLEM_TRIES
    check_whole(tmp_path / "run", 5)
    # Those that went before it one by one were stored, and not solved again when it came again.
    assert max(Counter(asked(tmp_path / "log")).values()) <= BATCH_TRIES + 1


def test_a_batch_that_takes_long_is_stored_bit_by_bit(ray, tmp_path, monkeypatch):
    monkeypatch.setattr(replica, "KEEP_SECONDS", 0.05)
    source, out = tsv(tmp_path, 24), tmp_path / "run"
    engine = partial(Logged, tmp_path / "log", delay=0.02)
    configuration = configure("clc", **SETTINGS)
    with Shards(out) as shards:
        here = Run(configuration, engine(), Store(None)).identity({})
        job = RunSpec(configuration, engine, None, None, str(out), here)
        batch = next(
            read(str(source), {}, read_stored(str(out), 6), folder=".", most=24, replicas=1)
        )
        assert isinstance(batch.problems, tuple)
        assert len(batch.problems) == 8
        block = replica.Replica(job, ray.remote(Ledger).remote(1))(write_message(batch))
        assert sorted(one.id for one in read_message(block).verdicts) == [
            f"mgsm-de-{n:03d}" for n in range(8)
        ]
        assert len(shards.names()) > 1
        assert len(list(shards.finished())) == 8


def test_keys_that_end_in_zeros_are_known(tmp_path):
    def row(number, key):
        problem, drawn = Problem(f"p{number}", "?", "de"), {name: [] for name in TABLES}
        return ShardRow(number, key, 6, problem, Plan((), ()), drawn)

    keys = ["ab" * 15 + "00", "ab" * 14 + "0000", "cd" * 16, "00" * 16]
    with Shards(tmp_path) as shards:
        shards.write_shard([row(number, key) for number, key in enumerate(keys)])
        (name,) = shards.names()
    found = read_stored(str(tmp_path), 6)
    assert [found.find(bytes.fromhex(key)) for key in keys] == [(name, True)] * 4
    assert found.find(bytes.fromhex("ab" * 16)) == (None, False)
    assert read_stored(str(tmp_path), 7).find(bytes.fromhex(keys[0])) == (name, False)


def test_replicas_that_only_die_end_the_run():
    ledger = Ledger(replicas=2)
    assert [ledger.start() for _ in range(16)] == [None] * 16
    ledger.lost("no memory")
    assert ledger.start() == "replicas were lost 16 times in a row: no memory"
    ledger.done("a batch")
    assert ledger.start() is None


def test_the_ledger_keeps_only_what_is_in_hand():
    ledger = Ledger(replicas=1)
    assert [ledger.take("a"), ledger.take("a"), ledger.take("b")] == [1, 2, 1]
    ledger.done("a")
    assert ledger.take("a") == 1
    ledger.done("a")
    ledger.done("b")
    assert not ledger._started


def test_an_engine_that_cannot_start_ends_the_run_at_once(ray, tmp_path):
    source = tsv(tmp_path, 20)
    with pytest.raises(EngineError, match="no such model: m") as raised:
        spread(source, tmp_path / "run", tmp_path / "log", engine={"fails": "no such model: m"})
    assert raised.value.exit_code == 1
    assert not (tmp_path / "log").exists()
    spread(source, tmp_path / "run", tmp_path / "log")
    check_whole(tmp_path / "run", 20)


def test_a_replica_with_another_engine_refuses(ray, tmp_path):
    class Changing:
        """Makes one engine here and another one elsewhere."""

        def __init__(self, log):
            self.log, self.made = log, "here"

        def __call__(self):
            engine = Logged(self.log)
            engine.fingerprint = self.made
            return engine

        def __reduce__(self):
            return _elsewhere, (self.log,)

    with pytest.raises(EngineError, match=r"other paths than the driver .engine: 'here' there"):
        solve_on_ray(tsv(tmp_path, 3), out=tmp_path / "run", engine=Changing(tmp_path / "log"))
    assert not (tmp_path / "log").exists()


def _elsewhere(log):
    return partial(Logged, log)


def test_what_stands_before_a_bad_row_is_solved(ray, tmp_path):
    source = jsonl(tmp_path, 30)
    lines = source.read_text().splitlines()
    source.write_text("\n".join([*lines[:20], '{"id": "x", "question": 5}', *lines[20:]]))
    with pytest.raises(DatasetError) as here:
        list(load_problems(source))
    with pytest.raises(DatasetError) as there:
        spread(source, tmp_path / "run", tmp_path / "log")
    assert str(there.value) == str(here.value)
    assert type(there.value) is DatasetError
    with open_run(tmp_path / "run") as run:
        assert [one.problem.id for one in run.finished()] == [f"q{n}" for n in range(20)]
    source.write_text("\n".join(lines))
    with pytest.raises(ConfigurationError, match=r"dataset.fingerprint"):
        spread(source, tmp_path / "run", tmp_path / "log")


def test_a_run_grows_in_paths_and_problems_and_redraws_nothing(ray, tmp_path):
    source, out, log = tsv(tmp_path, 40), tmp_path / "run", tmp_path / "log"
    spread(source, out, log, reading={"limit": 13})
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


def test_lost_paths_are_drawn_again_and_no_others(ray, tmp_path):
    source, out, log = tsv(tmp_path, 30), tmp_path / "run", tmp_path / "log"
    first = spread(source, out, log, engine={"lose": lose_some})
    assert first.counters.lost > 10
    with open_run(out) as run:
        assert run.manifest()["finished"] is False
    (out / "verdicts.jsonl").unlink()
    again = spread(source, out, log)
    assert again.counters.lost == 0
    there = on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log1"))
    assert (out / FILES[0]).read_bytes() == (there / FILES[0]).read_bytes()
    twice = [key for key, times in Counter(asked(log)).items() if times > 1]
    assert len(twice) == first.counters.lost
    with open_run(out) as run:
        assert run.manifest()["finished"] is True


def test_a_folder_is_of_one_kind(ray, tmp_path):
    source = tsv(tmp_path, 3)
    on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log"))
    with pytest.raises(StoreError, match="a run of one machine"):
        spread(source, tmp_path / "one", tmp_path / "log")
    spread(source, tmp_path / "many", tmp_path / "log")
    with pytest.raises(StoreError, match="a run of --cluster ray"):
        Store(tmp_path / "many")
    with open_runs(tmp_path / "many") as runs:
        assert list(runs) == ["many"]


def test_a_uri_is_a_run_folder_too(ray, tmp_path):
    out = tmp_path / "run"
    spread(tsv(tmp_path, 12), out.as_uri(), tmp_path / "log")
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
    monkeypatch.setattr(driver, "_KEEP_SECONDS", 0.0)
    result = driver.ClusterResult()
    with Shards(tmp_path) as shards:
        shards.write_manifest({"seconds": 5.0})
        with driver._timed(shards, result) as keep:
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
