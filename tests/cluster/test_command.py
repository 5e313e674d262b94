"""``clc solve --cluster ray`` as a process that is stopped, killed and started again."""

import json
import re
import signal
import subprocess
import time
from importlib.util import find_spec

import pytest

from clc.runs.open import open_run
from tests.cli.running import clc, endpoint, start

from .running import FILES, check_whole, tsv

pytest.importorskip("ray")

pytestmark = pytest.mark.ray


@pytest.fixture
def there(ray_address, monkeypatch):
    """Let the commands find the Ray of all tests; else each starts one of its own."""
    monkeypatch.setenv("RAY_ADDRESS", ray_address)


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


def wait_for_paths(out, process, seconds=240):
    until = time.monotonic() + seconds
    while not (found := seeds(out)):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.1)
    return found


def seeds_asked(log):
    return [int(line.split()[0]) for line in log.read_text().splitlines()]


def test_a_driver_that_is_killed_and_begun_again(tmp_path):
    file, out, log = tsv(tmp_path, 60), tmp_path / "run", tmp_path / "asked"
    with endpoint("--delay", 0.4, "--log", log) as (url, _):
        process = start(*command(file, out, url, *ray()), stdout=subprocess.DEVNULL)
        wait_for_paths(out, process)
        process.kill()
        process.communicate()
        quiet = time.monotonic()
        while time.monotonic() - quiet < 2:  # its replicas die with it
            before = len(seeds_asked(log))
            time.sleep(0.5)
            quiet = time.monotonic() if len(seeds_asked(log)) > before else quiet
    stored = seeds(out)
    assert 0 < len(stored) < 360
    with endpoint("--delay", 0, "--log", log) as (url, _):
        asked = len(seeds_asked(log))
        done = clc(*command(file, out, url, *ray()))
        assert done.returncode == 0, done.stderr
        assert not stored & set(seeds_asked(log)[asked:])
        assert clc(*command(file, tmp_path / "one", url, "--no-cache")).returncode == 0
    check_whole(out, 60)
    for name in FILES:
        assert (out / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert "paths drawn now" in done.stderr
    assert re.search(r"paths drawn +360\b", done.stdout)
    assert not re.search(r"ray|Warning|\x1b", done.stdout + done.stderr.replace(str(tmp_path), ""))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_says_how_to_go_on(number, there, tmp_path):
    file, out = tsv(tmp_path, 60), tmp_path / "run"
    with endpoint("--delay", 1) as (url, _):
        process = start(*command(file, out, url, *ray()), stdout=subprocess.DEVNULL)
        wait_for_paths(out, process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 130, errors
        assert f"What was drawn is in {out}; the same command goes on." in errors
        assert "Traceback" not in errors
        stored = len(seeds(out))
    with endpoint("--delay", 0) as (url, _):
        done = clc(*command(file, out, url, *ray("--json", replicas=1)))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == 60
    assert f"{360 - stored} paths drawn now, 0 reused." in done.stderr
    check_whole(out, 60)


@pytest.mark.engine
@pytest.mark.skipif(find_spec("vllm") is None, reason="needs vLLM")
def test_two_replicas_of_the_bundled_model(there, tmp_path):
    more = ["--languages", "en,de", "--paths", "4", "--max-tokens", "192"]
    file = "examples/mgsm_de.tsv"
    done = clc("solve", file, "--out", tmp_path / "many", *ray(), *more, timeout=280)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "many" / "manifest.json").read_text())["finished"]
    check_whole(tmp_path / "many", 12, 4)
    one = clc("solve", file, "--out", tmp_path / "one", "--no-cache", *more, timeout=200)
    assert one.returncode == 0, one.stderr
    for name in FILES:
        assert (tmp_path / "many" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
