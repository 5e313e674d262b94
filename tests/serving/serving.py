"""A real server on a loopback port, in a thread of this process or as a process of its own."""

import asyncio
import json
import re
import signal
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import openai

from clc.prompts.templates import Templates
from clc.serving.http.server import serve
from clc.serving.settings import Limits, Settings
from tests.cli.running import start
from tests.engines.scripted import ScriptedEngine

QUESTION = "Tom has 3 apples and buys 4 more. How many apples does Tom have?"
FRAGE = "Tom hat 3 Äpfel und kauft noch 4 dazu. Wie viele Äpfel hat Tom jetzt zusammen?"


_open = []  # clients, until their server ends


def ask(question=QUESTION):
    return [{"role": "user", "content": question}]


@contextmanager
def serving(engine=None, *, model="scripted", keys=(), defaults=None, limits=None, **more):
    """Serve in a thread; yields what ``serve`` tells when it is ready, and ends it in order."""
    settings = Settings(
        model=model,
        port=0,
        keys=keys,
        defaults={"languages": ["en", "de", "zh"], "seed": 7} | (defaults or {}),
        limits=Limits(**(limits or {})),
        drain_s=more.pop("drain_s", 5),
    )
    told, ended = threading.Event(), []
    held = []

    def ready(it):
        held.append(it)
        told.set()

    async def main():
        await serve(engine or ScriptedEngine(), settings, Templates(), ready=ready, **more)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if left:  # what was cancelled may take a moment to end
            await asyncio.wait(left, timeout=10)
        ended.extend(task for task in left if not task.done())

    def run():
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001
            ended.append(error)
            told.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert told.wait(60)
        assert held, ended
        yield held[0]
    finally:
        while _open:
            _open.pop().close()
        if held:
            held[0].server.should_exit = True
        thread.join(240)
    assert not thread.is_alive()
    assert ended == [], "tasks were left, or the server failed"


def client(it, **more):
    options: dict = {"api_key": "unused", "max_retries": 0} | more
    _open.append(openai.OpenAI(base_url=it.url, **options))
    return _open[-1]


def http(it, **more):
    _open.append(httpx.Client(base_url=it.url.removesuffix("/v1"), timeout=30, **more))
    return _open[-1]


def idle(it, seconds=60.0):
    """Wait until nothing is being worked on; False if that does not come."""
    until = time.monotonic() + seconds
    service = it.service
    while time.monotonic() < until:
        busy = (
            service.admission.running
            + service.admission.waiting
            + service.lane.in_flight
            + service.lane.waiting
        )
        if not busy:
            return True
        time.sleep(0.01)
    return False


def leave(it, body, started, seconds=60):
    """Ask, and hang up as soon as ``started()``."""
    told = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(told)}\r\n\r\n"
    ).encode()
    port = int(it.url.split(":")[2].split("/")[0])
    until = time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port)) as asking:
        asking.sendall(head + told)
        while not started():
            assert time.monotonic() < until, "it never began"
            time.sleep(0.01)


@contextmanager
def process(*arguments, **more):
    """``clc serve`` as a process; yields (base URL, process)."""
    running = start("serve", "--port", "0", *arguments, **more)
    try:
        line = running.stdout.readline()
        found = re.search(r" at (http\S+)", line)
        assert found, line + running.stderr.read()
        yield found[1], running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
        running.wait(240)
        running.stdout.close()
        if running.stderr is not None:
            running.stderr.close()
