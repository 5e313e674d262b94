"""``clc solve`` killed, interrupted, and against an endpoint that is sick or dead."""

import random
import re
import resource
import signal
import time
from itertools import chain

import pytest

from clc.runs.open import open_run
from clc.runs.revote import revote
from tests.cli.solving import DEAD, check_whole, lines, mgsm, options, stored, wait_for_paths
from tests.solving.running import rows

from .running import call, clc, endpoint, fork, start


@pytest.mark.slow
def test_a_run_survives_twenty_kills(tmp_path):
    """Killed at 20 random moments and started again: whole, unchanged and the same as undisturbed."""
    problems, paths = 60, 9
    file, out, log = mgsm(tmp_path, problems), tmp_path / "run", tmp_path / "asked"
    rng = random.Random(20)
    window = 8
    hit = 0
    with endpoint("--delay", 0.05, "--log", log) as (url, _):
        command = ["solve", file, "--out", out, *options(url, "--window", window, paths=paths)]
        before = {}
        for round_ in range(20):
            process = fork(*command)
            if round_ % 5 == 4:  # while it starts; else in the middle of its work
                time.sleep(rng.uniform(0, 0.3))
            else:
                until = len(log.read_bytes().splitlines()) + rng.randint(1, 80)
                while process.is_alive() and len(log.read_bytes().splitlines()) < until:
                    time.sleep(0.005)
                time.sleep(rng.uniform(0, 0.05))
            process.kill()
            process.join()
            process.close()
            now = stored(out)
            assert before.items() <= now.items()  # nothing went, and nothing changed
            hit += 0 < len(now) < problems * paths
            before = now
        assert hit > 10
    with endpoint("--delay", 0, "--log", log) as (url, _):
        command = ["solve", file, *options(url, "--window", window, paths=paths)]
        last = call(*command, "--out", out)
        assert last.returncode == 0, last.stderr
        assert before.items() <= stored(out).items()
        asked = log.read_text().split("\n")[:-1]
        # What was asked for twice was in flight, or not yet committed, when its process was killed.
        assert len(asked) - len(set(asked)) <= 20 * window * 4
        undisturbed = call(*command, "--no-cache", "--out", tmp_path / "undisturbed")
        assert undisturbed.returncode == 0
    check_whole(out, problems, paths)
    assert stored(tmp_path / "undisturbed") == stored(out)
    for name in ("verdicts.jsonl", "results.json", "samples_clc.jsonl"):
        assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


@pytest.mark.slow
def test_an_endpoint_that_dies_and_comes_back(tmp_path):
    file, out = mgsm(tmp_path, 20), tmp_path / "run"
    with endpoint("--delay", 0.1) as (url, _):
        command = ["solve", file, "--out", out]
        process = start(*command, *options(url, "--attempts", 2, "--window", 8))
        wait_for_paths(out, 10)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 1, errors
    assert url in errors
    assert "Traceback" not in errors
    before = stored(out)
    assert 10 <= len(before) < 120
    with endpoint("--port", url.split(":")[2].split("/")[0], "--delay", 0) as (same, _):
        assert same == url
        done = call(*command, *options(url))
    assert done.returncode == 0, done.stderr
    assert before.items() <= stored(out).items()
    check_whole(out, 20, 6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_an_interrupt_says_how_to_go_on(number, tmp_path):
    file, out = mgsm(tmp_path, 30), tmp_path / "run"
    with endpoint("--delay", 0.1) as (url, _):
        process = start("solve", file, "--out", out, *options(url, "--window", 8))
        wait_for_paths(out, 5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 128 + number
        assert f"What was sampled is in {out}; the same command goes on." in errors
        assert "Traceback" not in errors
        before = stored(out)
        scored = call("score", out)
        assert "problems are not done: clc solve goes on" in scored.stderr
        assert scored.returncode == 0
    with endpoint("--delay", 0) as (url, _):
        done = call("solve", file, "--out", out, *options(url))
    assert before.items() <= stored(out).items()
    assert f"{len(before)} reused" in done.stderr
    check_whole(out, 30, 6)


# Faults


@pytest.mark.slow
def test_a_sick_endpoint_ends_in_abstentions_with_reasons_and_they_are_drawn_again(tmp_path):
    file, out = mgsm(tmp_path, 10), tmp_path / "run"
    settings = ["--strategy", "sc", "--paths", 4, "--model", "m", "--out", out]
    chaos = ("--chaos", 0.6, "--seed", 3)
    with endpoint(*chaos, module="tests.engines.faulty_server") as (url, _):
        sick = call("solve", file, *settings, "--base-url", url, "--timeout", 1, "--attempts", 2)
    assert sick.returncode == 0, sick.stderr
    with open_run(out) as store:
        keys = list(chain.from_iterable(one.plan.keys() for one in revote(store)))
        lost = store.failures(keys)  # type: ignore[attr-defined]
        before = rows(store)
    assert lost
    assert all(reason.strip() for reason in lost.values())
    abstained = sum(row["abstentions"].get("engine_failure", {}).get("de", 0) for row in lines(out))
    assert abstained == len(lost)
    assert f"{len(lost)} paths or translations were lost" in sick.stderr
    with endpoint("--delay", 0) as (url, _):
        well = call("solve", file, *settings, "--base-url", url)
    assert well.returncode == 0
    assert f"{len(lost)} paths sampled now, {len(before)} reused" in well.stderr
    assert before.items() <= stored(out).items()
    check_whole(out, 10, 4)


def test_an_endpoint_that_answers_nothing_right_is_a_failed_run(tmp_path):
    file = mgsm(tmp_path, 2)
    with endpoint("--chaos", 1, module="tests.engines.faulty_server") as (url, _):
        done = call("solve", file, "--strategy", "sc", "--paths", 2, "--model", "m", "--base-url", url,
                   "--timeout", 0.3, "--attempts", 1, "--out", tmp_path / "run")  # fmt: skip
    assert done.returncode == 1
    assert "attempt 1, the last" in done.stderr.partition("every path was lost: ")[2]
    assert [row["answer"] for row in lines(tmp_path / "run")] == [None, None]


def test_no_endpoint(file, tmp_path):
    done = call("solve", file, "--out", tmp_path / "run", *options(DEAD, "--attempts", 1))
    assert done.returncode == 1
    assert DEAD in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_store_stays_readable(tmp_path):
    file, out = mgsm(tmp_path, 60), tmp_path / "run"
    with endpoint("--delay", 0) as (url, _):
        command = ["solve", file, "--out", out, "--no-cache", *options(url)]
        full = clc(
            *command,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)),
        )
        assert full.returncode == 2, full.stderr
        assert str(out) in full.stderr
        assert "the same command goes on" in full.stderr
        assert "Traceback" not in full.stderr
        assert re.search(r"full|disk I/O error", full.stderr)
        before = stored(out)
        assert call(*command).returncode == 0
    assert before.items() <= stored(out).items()
    check_whole(out, 60, 6)
