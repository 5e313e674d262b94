"""The options for thinking models, from the command line to the bodies of requests."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from tests.engines.faulty_server import FaultyServer, completion
from tests.engines.scripted import say

from .running import call, clc


@contextmanager
def server(finish_reason="stop", before="", say=say):
    """Serve scripted replies in a thread, each after ``before``; yields the server."""

    async def reply(exchange):
        body = exchange.body
        usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
        text = before + say(body["messages"], body["seed"])
        await exchange.send_json(200, completion(text, finish_reason, usage=usage))

    served = FaultyServer(reply)
    ready, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve():
        async with served:
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mgsm_de.tsv"
    path.write_text("".join(f"Wie viele sind {n + 20} und {n + 50}?\t7\n" for n in range(6)))
    return path


def test_paths_and_translations_are_asked_for_with_options_of_their_own(file, tmp_path):
    out = tmp_path / "run"
    with server() as served:
        command = ("solve", file, "--base-url", served.url, "--model", "m", "--out", out,
                   "--languages", "de,sw", "--paths", 4, "--max-tokens", 99, "--no-cache",
                   "--reasoning-effort", "low", "--chat-template-kwarg", 'style="kurz"',
                   "--translator-thinking", "off", "--translation-max-tokens", 77)  # fmt: skip
        done = call(*command, "--thinking", "on")
        assert done.returncode == 0, done.stderr
        bodies = [one.body for one in served.requests]
        other = call(*command, "--thinking", "off")
        longer = call(*command, "--thinking", "on", "--translation-max-tokens", 78)
    asked = {
        kind: [
            (one["chat_template_kwargs"], one.get("reasoning_effort"), one["max_tokens"])
            for one in bodies
            if one["messages"][-1]["content"].startswith("Translate th") is kind
        ]
        for kind in (True, False)
    }
    off = {"style": "kurz", "enable_thinking": False, "thinking": False}
    on = {"style": "kurz", "enable_thinking": True, "thinking": True}
    assert asked[True] == [(off, None, 77)] * 6
    assert asked[False] == [(on, "low", 99)] * 24
    assert other.returncode == 2
    assert "engine: " in other.stderr
    assert "translator: " not in other.stderr
    assert longer.returncode == 0  # a limit may grow, and nothing was truncated
    assert "0 paths drawn now, 24 reused" in longer.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--chat-template-kwarg", "style"), "NAME=VALUE"),
        (("--chat-template-kwarg", "style=kurz"), "a value in JSON"),
        (("--reasoning-effort", "low", "--chat-template-kwarg", 'reasoning_effort="low"'), "twice"),
        (("--thinking-budget", "0"), "--thinking-budget"),
        (("--translation-max-tokens", "0"), "--translation-max-tokens"),
    ],
)
def test_wrong_options_end_it_before_anything_is_asked(file, tmp_path, options, words):
    with server() as served:
        done = call("solve", file, "--base-url", served.url, "--model", "m",
                    "--out", tmp_path / "run", *options)  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr
    assert served.requests == []


def test_a_budget_is_refused_by_a_server_that_is_not_known_to_take_it(file, tmp_path):
    with server() as served:
        done = call("solve", file, "--base-url", served.url, "--model", "m",
                    "--out", tmp_path / "run", "--thinking-budget", 64)  # fmt: skip
    assert done.returncode == 2
    assert "thinking_budget goes with vLLM's servers" in done.stderr
    assert served.requests == []


@pytest.mark.parametrize("command", ["solve", "ask", "compare", "serve", "batch"])
def test_every_command_that_runs_a_model_has_the_options(command):
    text = call(command, "--help").stdout
    for name in ("thinking", "reasoning-effort", "thinking-budget", "chat-template-kwarg",
                 "translator-thinking", "translation-max-tokens"):  # fmt: skip
        assert f"--{name} " in text


@pytest.mark.parametrize(("finish_reason", "times"), [("length", 1), ("stop", 0)])
def test_many_truncated_paths_are_reported_once_with_the_options(
    file, tmp_path, finish_reason, times
):
    with server(finish_reason) as served:
        done = clc("solve", file, "--base-url", served.url, "--model", "m", "--strategy", "sc",
                   "--paths", 5, "--out", tmp_path / "run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("--max-tokens") == done.stderr.count("--thinking-budget") == times
