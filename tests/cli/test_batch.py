"""``clc batch`` as people run it: as a process, killed, stopped, asked wrongly."""

import json
import random
import signal
import time

import pytest
from openai.types.chat import ChatCompletion

from tests.serving.batches import row, write
from tests.serving.test_completions import body

from .running import ROOT, call, clc, endpoint, fork, start

DEAD = "http://127.0.0.1:9/v1"


def options(url, *more, paths=3):
    return ["--base-url", url, "--model", "m", "--languages", "en,de,zh", "--paths", paths, *more]


def questions(count):
    return [row(f"q{n}", body(f"What is {n} and 4?")) for n in range(count)]


def rows(out):
    """Whole lines only: the last one may be torn."""
    lines = out.read_bytes().split(b"\n")[:-1] if out.exists() else []
    return [json.loads(line) for line in lines]


@pytest.mark.slow
def test_the_command(tmp_path, quick):
    source = write(tmp_path, *questions(5), "not json", row("plain", body(model="m", n=2)))
    out = tmp_path / "out.jsonl"
    done = clc("batch", source, "--out", out, *options(quick))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "7/7 requests, 17 paths, 1 failed, " in done.stderr
    assert done.stderr.endswith(f", in {out}\n")
    for one in rows(out):
        if one["error"] is None:
            ChatCompletion.model_validate(one["response"]["body"])
    again = call("batch", source, "--out", out, *options(quick), "--json")
    assert json.loads(again.stdout) == {
        "requests": 7, "answered": 0, "failed": 0, "reused": 7, "paths": 0, "tokens": 0,
        "seconds": 0.0,
    }  # fmt: skip
    assert again.stderr == ""


@pytest.mark.slow
def test_every_reply_is_on_disk_at_once_and_a_kill_loses_only_what_was_open(tmp_path):
    """Killed three times at moments of chance: in the end one whole line for each, none changed."""
    source = write(tmp_path, *questions(60))
    out = tmp_path / "out.jsonl"
    moment = random.Random(7)
    kept = b""
    with endpoint("--delay", 0.05) as (url, _):
        for _ in range(3):
            seen = len(rows(out))
            running = fork("batch", source, "--out", out, *options(url, "--window", 8))
            until = time.monotonic() + 240
            while len(rows(out)) <= seen + 3 and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(moment.random() / 10)
            running.kill()
            running.join()
            running.close()
            assert seen < len(rows(out)) < 60
            assert out.read_bytes().startswith(kept)
            kept = out.read_bytes()[: out.read_bytes().rfind(b"\n") + 1]
        done = call("batch", source, "--out", out, *options(url, "--window", 8), "--json")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["reused"] == kept.count(b"\n")
    assert counts["answered"] == 60 - counts["reused"]
    assert out.read_bytes().startswith(kept)
    assert sorted(one["custom_id"] for one in rows(out)) == sorted(f"q{n}" for n in range(60))
    assert out.read_bytes().count(b"\n") == 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_a_polite_stop(tmp_path, number):
    source, out = write(tmp_path, *questions(60)), tmp_path / "out.jsonl"
    with endpoint("--delay", 0.1) as (url, _):
        running = start("batch", source, "--out", out, *options(url, "--window", 4))
        until = time.monotonic() + 240
        while not rows(out) and time.monotonic() < until:
            time.sleep(0.01)
        running.send_signal(number)
        _, errors = running.communicate(timeout=240)
    assert running.returncode == 128 + number
    assert "Interrupted. " in errors
    assert errors.endswith("; the same command goes on.\n")
    assert "Traceback" not in errors
    assert out.read_bytes().endswith(b"\n")


@pytest.mark.slow
def test_a_dead_endpoint_ends_it_and_the_same_command_goes_on(tmp_path, quick):
    source, out = write(tmp_path, *questions(3)), tmp_path / "out.jsonl"
    done = clc("batch", source, "--out", out, *options(DEAD, "--attempts", 1))
    assert done.returncode == 1
    assert "\nclc: no endpoint can be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert rows(out) == []
    assert call("batch", source, "--out", out, *options(quick)).returncode == 0
    assert len(rows(out)) == 3


def test_when_every_request_fails_the_command_fails(tmp_path):
    source, out = write(tmp_path, "not json", row("a", body(model="gpt"))), tmp_path / "out.jsonl"
    done = call("batch", source, "--out", out, *options(DEAD))
    assert done.returncode == 1
    assert done.stderr.endswith(f"clc: every request failed; the errors in {out} say why\n")
    assert len(rows(out)) == 2


@pytest.mark.slow
def test_failures_are_done_again_when_that_is_asked(tmp_path, quick):
    out = tmp_path / "out.jsonl"
    given = (write(tmp_path, *questions(2), "not json"), "--out", out)
    assert call("batch", *given, *options(quick)).returncode == 0
    given = (write(tmp_path, *questions(3)), "--out", out)
    done = call("batch", *given, *options(quick), "--retry-failed", "--json")
    counts = json.loads(done.stdout)
    assert (counts["requests"], counts["reused"], counts["answered"], counts["failed"]) == (
        3,
        2,
        1,
        0,
    )
    assert sorted(one["custom_id"] for one in rows(out)) == ["q0", "q1", "q2"]


def refused(source, out, *more):
    done = call("batch", source, "--out", out, *options(DEAD, *more))
    assert done.returncode == 2
    assert done.stderr.startswith("clc: ")
    return done.stderr


def test_wrong_calls(tmp_path):
    source, out = write(tmp_path, row("a"), row("a")), tmp_path / "out.jsonl"
    assert "custom_id 'a' stands on line 1 already" in refused(source, out)
    assert "unknown strategy 'nosuch'" in refused(source, out, "--strategy", "nosuch")
    assert "is no file" in refused(tmp_path / "none.jsonl", out)
    assert "is no line of a batch's output" in refused(source, source)


@pytest.mark.slow
def test_the_output_of_a_batch_is_read_by_vote(tmp_path, quick):
    source, out = write(tmp_path, *questions(3)), tmp_path / "out.jsonl"
    call("batch", source, "--out", out, *options(quick))
    done = call("vote", out)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["paths"] for line in done.stdout.splitlines()] == [1, 1, 1]


@pytest.mark.engine
@pytest.mark.usefixtures("only_bundled_vllm")
def test_the_example_with_the_bundled_model(tmp_path):
    out = tmp_path / "out.jsonl"
    done = call("batch", ROOT / "examples/batch.jsonl", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answered"] == 3
    votes = {one["custom_id"]: one["response"]["body"].get("clc") for one in rows(out)}
    assert votes["apples"]["paths"] == 11
    assert votes["murmeln"]["paths"] == 6
    assert set(votes["murmeln"]["languages"]) == {"de", "en"}
    assert votes["plain"] is None
