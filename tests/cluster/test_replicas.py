"""Replicas and engines that are lost: what they had in hand is solved, once."""

from collections import Counter
from functools import partial

import pytest

from clc.analysis.scoring import score_run
from clc.cluster import solve_on_ray
from clc.cluster.ledger import BATCH_TRIES, PROBLEM_TRIES, Ledger
from clc.cluster.messages import RunSpec
from clc.errors import BudgetError, EngineError
from clc.plan import Plan
from clc.records import Problem
from clc.runs.codec import TABLES
from clc.runs.open import open_run
from clc.runs.shards import ShardRow, Shards
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run

from .engines import Costly, Logged, asked, lose_some, starts

pytest.importorskip("ray")

from clc.cluster import replica
from clc.cluster.source import read, read_message, read_stored, write_message
from tests.cluster.running import FILES, SETTINGS, check_whole, on_one_machine, spread, tsv

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*")  # of its own fields


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
    engine = {"dies_at": "Wie viele sind 25 und"}
    outcome = spread(source, tmp_path / "run", tmp_path / "log", 1, engine)
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
        spread(source, tmp_path / "run", tmp_path / "log", 1, {"fails": "no such model: m"})
    assert raised.value.exit_code == 1
    assert not (tmp_path / "log").exists()
    spread(source, tmp_path / "run", tmp_path / "log", replicas=1)
    check_whole(tmp_path / "run", 20)


def _elsewhere(log):
    return partial(Logged, log)


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


def test_lost_paths_are_drawn_again_and_no_others(ray, tmp_path):
    source, out, log = tsv(tmp_path, 30), tmp_path / "run", tmp_path / "log"
    first = spread(source, out, log, 1, engine={"lose": lose_some})
    assert first.counters.lost > 10
    with open_run(out) as run:
        assert run.manifest()["finished"] is False
    (out / "verdicts.jsonl").unlink()
    again = spread(source, out, log, replicas=1)
    assert again.counters.lost == 0
    there = on_one_machine(source, tmp_path / "one", Logged(tmp_path / "log1"))
    assert (out / FILES[0]).read_bytes() == (there / FILES[0]).read_bytes()
    twice = [key for key, times in Counter(asked(log)).items() if times > 1]
    assert len(twice) == first.counters.lost
    with open_run(out) as run:
        assert run.manifest()["finished"] is True


def test_replicas_share_a_budget_and_a_run_goes_on_with_a_larger_one(ray, tmp_path):
    source, out, log = tsv(tmp_path, 24), tmp_path / "run", tmp_path / "log"
    engine = partial(Costly, log, delay=0.001)

    def solve(budget):
        return solve_on_ray(source, out=out, replicas=2, engine=engine, budget=budget, **SETTINGS)

    def stored():
        with Shards(out, read_only=True) as shards:
            rows = [row for name in shards.names() for row in shards.read_shard(name)]
            return shards.manifest(), rows

    with pytest.raises(BudgetError, match=r"the budget of 10\.00 USD is spent"):
        solve(10.0)
    manifest, rows = stored()
    requests = len(asked(log))
    assert manifest["spent"] == {"cost": requests * 0.25, "currency": "USD",
                                 "cached_tokens": requests * 3}  # fmt: skip
    assert 10 <= manifest["spent"]["cost"] < 24 * 6 * 0.25
    assert manifest["notes"]["engine"]["endpoints"]["http://h/v1"] == {"left_out": ["seed"]}
    drawn = [one for row in rows for table in ("paths", "steps") for one in row.drawn[table]]
    assert len(drawn) == requests  # what was paid for is stored
    assert {one[-1] for one in drawn} == {0.25}
    with pytest.raises(BudgetError):
        solve(10.0)
    assert len(asked(log)) == requests
    assert solve(1000.0).score.problems == 24
    assert max(Counter(asked(log)).values()) == 1
    check_whole(out, 24)
    assert stored()[0]["spent"]["cost"] == len(asked(log)) * 0.25
