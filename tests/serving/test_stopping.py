"""``clc serve`` is stopped: at every stage, by either signal, once and twice."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from tests.cli.running import call, start
from tests.engines import faulty_replies as faults
from tests.engines.faulty_replies import ok

from .serving import ask, process
from .test_connections import until
from .test_proxy import stream_of, upstream

SIGNALS = (signal.SIGTERM, signal.SIGINT)
IN_ORDER = {signal.SIGTERM: 0, signal.SIGINT: 130}
EVENT = json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": []}).encode()


class Asking:
    """A request in a thread; ``reply`` is its status and text, or the error of the connection."""

    def __init__(self, base, path="/chat/completions", **body):
        self.text = ""
        self.status = 0
        self._arguments = (f"{base}{path}", body)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        url, body = self._arguments
        with (
            contextlib.suppress(httpx.HTTPError),
            httpx.stream("POST", url, json=body, timeout=60) as reply,
        ):
            self.status = reply.status_code
            for part in reply.iter_text():
                self.text += part

    def end(self):
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.status, self.text


def ended(running, seconds=30):
    """Return the exit status and what was written to standard error."""
    _, errors = running.communicate(timeout=seconds)
    assert "Traceback" not in errors, errors
    return running.returncode


VOTE = {"model": "clc", "messages": ask()}
PLAIN = {"model": "m", "messages": ask()}
INPUT = {"model": "clc", "input": ask()[0]["content"], "path": "/responses"}


async def stuck(exchange):
    """Begin a stream, or nothing, and hang."""
    if exchange.body.get("stream"):
        await stream_of(EVENT, then=faults.hang)(exchange)
    await faults.hang(exchange)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.slow
def test_what_does_not_end_in_time_is_told_so(number, tmp_path):
    kept = tmp_path / "kept"
    options = ("--model", "m", "--drain", "0.3", "--running", "7", "--history", kept)
    with (
        upstream(stuck) as server,
        process("--base-url", server.url, *options) as (base, running),
    ):
        whole = [Asking(base, **body) for body in (VOTE, PLAIN, INPUT)]
        streams = [Asking(base, **body, stream=True) for body in (VOTE, PLAIN, INPUT)]
        until(lambda: all(each.text for each in streams))
        health = base.removesuffix("/v1") + "/health"
        until(lambda: httpx.get(health).json()["running"] == 6)
        waiting = [Asking(base, **body) for body in (VOTE, PLAIN)]
        until(lambda: httpx.get(health).json()["waiting"] == 1)
        running.send_signal(number)
        for each in whole + waiting:
            status, text = each.end()
            assert status == 503
            assert json.loads(text)["error"]["code"] == "shutting_down"
        for each in streams:
            status, text = each.end()
            assert status == 200
            assert "the server is being stopped" in text.strip().rpartition("data: ")[2]
        assert ended(running) == IN_ORDER[number]
    assert not list(kept.glob("run.sqlite?*"))  # the files of an open database are gone


@pytest.mark.parametrize("body", [VOTE, PLAIN], ids=["vote", "plain"])
@pytest.mark.slow
def test_what_ends_in_time_is_answered(body):
    with (
        upstream(ok("The answer is 18.", after_s=0.5)) as server,
        process("--base-url", server.url, "--model", "m", "--languages", "en", "--paths", "1") as (
            base,
            running,
        ),
    ):
        asked = Asking(base, **body)
        until(lambda: server.requests)
        running.send_signal(signal.SIGTERM)
        assert asked.end()[0] == 200
        assert ended(running) == 0


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.slow
def test_an_engine_that_is_starting_is_given_up(number, tmp_path):
    kept = tmp_path / "kept"
    running = start("serve", "--port", "0", "--base-url", "http://127.0.0.1:9/v1", "--model", "m",
                    "--history", kept)  # fmt: skip
    line = running.stderr.readline()
    assert json.loads(line)["message"] == "starting the engine"
    running.send_signal(number)
    assert ended(running) == IN_ORDER[number]
    assert not list(kept.glob("run.sqlite?*"))  # the files of an open database are gone


SLOW = """
import asyncio, sys, time
from clc.prompts.templates import Templates
from clc.serving.http.server import serve
from clc.serving.settings import Settings
from tests.engines.scripted import ScriptedEngine

class Slow(ScriptedEngine):
    async def start(self):
        print("starting", flush=True)
        if sys.argv[1] == "blocking":
            for _ in range(600):
                time.sleep(0.1)
        await asyncio.sleep(600 if sys.argv[1] == "start" else 0)
        await super().start()

    async def close(self):
        print("closing", flush=True)
        if sys.argv[1] == "close":
            await asyncio.sleep(600)
        print("closed", flush=True)

asyncio.run(serve(Slow(), Settings(model="m", port=0), Templates(), ready=lambda it: print("ready", flush=True)))
print("ended", flush=True)
"""


@pytest.mark.parametrize("stage", ["serve", "start", "blocking", "close"])
@pytest.mark.parametrize(
    ("first", "second"),
    [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT)],
    ids=["SIGTERM", "SIGINT"],
)
@pytest.mark.slow
def test_the_second_signal_ends_it_at_once(stage, first, second):
    running = subprocess.Popen(
        [sys.executable, "-c", SLOW, stage],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    expected = ["starting", "ready"] if stage in {"serve", "close"} else ["starting"]
    for line in expected:
        assert running.stdout.readline().strip() == line
    running.send_signal(first)
    if stage in {"serve", "start"}:  # in order: the engine is closed, and the program goes on
        out, errors = running.communicate(timeout=30)
        assert out.split() == ["closing", "closed", "ended"]
        assert running.returncode == 0
    else:
        if stage == "close":
            assert running.stdout.readline().strip() == "closing"
        until(lambda: _pending_is_default(running.pid))
        running.send_signal(second)
        _, errors = running.communicate(timeout=30)
        assert running.returncode == -second
    assert "Traceback" not in errors


def _pending_is_default(pid):
    """Whether SIGTERM has its default effect again: the first signal was handled."""
    with Path(f"/proc/{pid}/status").open() as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return not int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1)


@pytest.mark.slow
def test_a_second_signal_cuts_the_drain_short(tmp_path):
    with (
        upstream(faults.hang) as server,
        process("--base-url", server.url, "--model", "m", "--drain", "600",
                "--history", tmp_path / "kept") as (base, running),
    ):  # fmt: skip
        asked = Asking(base, **VOTE)
        until(lambda: server.requests)
        running.send_signal(signal.SIGTERM)
        until(lambda: _pending_is_default(running.pid))
        running.send_signal(signal.SIGTERM)
        assert ended(running) == -signal.SIGTERM
        asked.end()
    assert call("vote", tmp_path / "kept").returncode == 0
