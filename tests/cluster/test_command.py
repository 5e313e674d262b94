"""``clc solve --cluster ray`` as a process that is stopped, killed and started again."""

import json
import re
import signal
import subprocess
import time

import pytest

from clc.runs.open import open_run
from tests.cli.running import call, clc, endpoint, start

from .running import FILES, check_whole, tsv

pytest.importorskip("ray")

pytestmark = pytest.mark.ray


def command(file, out, url, *more):
    return ["solve", file, "--out", out, "--base-url", url, "--model", "m", "--languages",
            "en,de,zh", "--paths", "6", "--window", "8", *more]  # fmt: skip


def ray(*more, replicas=2):
    return "--cluster", "ray", "--replicas", replicas, *more


def seeds(out):
    """Seeds of the paths that are stored."""
    if not (out / "shards").is_dir():
        return set()
    with open_run(out) as run:
        return {path.seed for one in run.finished() for path in one.paths.values()}


def wait_for_paths(out, process, *, more_than=0, seconds=240):
    until = time.monotonic() + seconds
    while len(found := seeds(out)) <= more_than:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.1)
    return found


def seeds_asked(log):
    return [int(line.split()[0]) for line in log.read_text().splitlines()]


def test_a_driver_that_is_killed_and_started_again(ray_address, tmp_path, monkeypatch):
    """It starts a Ray of its own, whose replicas end with it."""
    psutil = pytest.importorskip("psutil")
    file, out, log = tsv(tmp_path, 60), tmp_path / "run", tmp_path / "asked"
    with endpoint("--delay", 0, "--answers", 300, "--log", log) as (url, _):
        process = start(*command(file, out, url, *ray()), stdout=subprocess.DEVNULL)
        wait_for_paths(out, process)
        its = psutil.Process(process.pid).children(recursive=True)
        replicas = [child for child in its if "MapWorker" in child.name()]
        assert len(replicas) == 2
        process.kill()
        process.communicate()
        assert not psutil.wait_procs(replicas, timeout=120)[1]
    stored = seeds(out)
    assert 0 < len(stored) < 360
    monkeypatch.setenv("RAY_ADDRESS", ray_address)
    with endpoint("--delay", 0, "--log", log) as (url, _):
        asked = len(seeds_asked(log))
        done = clc(*command(file, out, url, *ray()))
        assert done.returncode == 0, done.stderr
        assert not stored & set(seeds_asked(log)[asked:])
        assert call(*command(file, tmp_path / "one", url, "--no-cache")).returncode == 0
    check_whole(out, 60)
    for name in FILES:
        assert (out / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert "paths sampled now" in done.stderr
    assert re.search(r"paths sampled +360\b", done.stdout)
    assert not re.search(r"ray|Warning|\x1b", done.stdout + done.stderr.replace(str(tmp_path), ""))


def test_an_interrupt_says_how_to_go_on(ray_address, tmp_path, monkeypatch):
    """Each of the two signals, one after the other in one run."""
    monkeypatch.setenv("RAY_ADDRESS", ray_address)
    file, out = tsv(tmp_path, 60), tmp_path / "run"
    stored: set[int] = set()
    for number in (signal.SIGINT, signal.SIGTERM):
        with endpoint("--delay", 0, "--answers", 170) as (url, _):
            process = start(*command(file, out, url, *ray()), stdout=subprocess.DEVNULL)
            stored = wait_for_paths(out, process, more_than=len(stored))
            process.send_signal(number)
            _, errors = process.communicate(timeout=240)
            assert process.returncode == 128 + number, errors
            assert f"What was sampled is in {out}; the same command goes on." in errors
            assert "Traceback" not in errors
            assert stored <= seeds(out)
            stored = seeds(out)
    with endpoint("--delay", 0) as (url, _):
        done = clc(*command(file, out, url, *ray("--json", replicas=1)))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == 60
    assert f"{360 - len(stored)} paths sampled now, 0 reused." in done.stderr
    check_whole(out, 60)
