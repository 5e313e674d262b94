"""``--engine-file``, ``-E`` and ``clc engines``: from the command line to the endpoint."""

import asyncio
import json
import subprocess

import pytest

from clc.engines.engine_file import load_engine_file
from clc.errors import ConfigurationError
from tests.cli.running import CLC, ROOT, call, environment
from tests.engines.faulty_replies import completion
from tests.engines.faulty_server import FaultyServer, run_in_thread
from tests.engines.scripted import ScriptedEngine, say

FILE = """
model = "m"
[args]
wait_initial_s = 0.01
[chat]
enable_thinking = false
system = "Be brief."
[sampling]
temperature = 0.6
top_p = 0.9
[body]
user = "me"
[[endpoint]]
url = "{first}"
key = "FIRST_KEY"
key_header = "api-key"
query = {{ api-version = "2" }}
[[translator.endpoint]]
url = "{second}"
"""


async def reply(exchange):
    body = exchange.body
    await exchange.send_json(200, completion(say(body["messages"][-1:], body["seed"])))


@pytest.fixture
def problems(tmp_path):
    path = tmp_path / "problems.jsonl"
    row = {"question": "Ann has 3 pens and buys 4 more. How many pens does she have?"}
    path.write_text(json.dumps(row | {"language": "en", "answer": "7"}) + "\n")
    return path


@pytest.fixture
def variables(monkeypatch):
    monkeypatch.setenv("FIRST_KEY", "sk-first-key")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other-key")


def test_a_file_reaches_its_endpoints_and_flags_win(tmp_path, problems, variables):
    with run_in_thread(FaultyServer(reply)) as first, run_in_thread(FaultyServer(reply)) as second:
        path = tmp_path / "hosted.toml"
        path.write_text(FILE.format(first=first.url, second=second.url))
        done = call("solve", problems, "--engine-file", path, "--out", tmp_path / "run", "--paths",
                    2, "--languages", "en,de", "--top-p", 0.8, "--no-cache", "-E", "max_attempts=2",
                    "--translations", "model")  # fmt: skip
        assert done.returncode == 0, done.stderr
        paths = [one for one in first.requests if one.method == "POST"]
        translations = [one for one in second.requests if one.method == "POST"]
    assert len(paths) == 2
    assert len(translations) == 1
    for one in paths:
        assert one.path.endswith("/chat/completions?api-version=2")
        assert one.headers["api-key"] == "sk-first-key"
        assert one.headers["user-agent"].startswith("clc/")
        assert "authorization" not in one.headers
        body = one.body
        assert (body["temperature"], body["top_p"], body["user"]) == (0.6, 0.8, "me")
        assert body["messages"][0] == {"role": "system", "content": "Be brief."}
        assert body["chat_template_kwargs"] == {"enable_thinking": False}
    for one in translations:
        assert not {"api-key", "authorization"} & one.headers.keys()
        assert "?" not in one.path
        assert "user" not in one.body
    stored = "".join(
        one.read_bytes().decode(errors="replace") for one in (tmp_path / "run").iterdir()
    )
    assert "sk-first-key" not in stored


def test_a_run_with_a_file_goes_on_from_the_same_flags(tmp_path, problems, variables):
    with run_in_thread(FaultyServer(reply)) as server:
        path = tmp_path / "hosted.toml"
        path.write_text(
            f'model = "m"\n[sampling]\ntop_p = 0.9\n[[endpoint]]\nurl = "{server.url}"\n'
        )
        common = ("solve", problems, "--out", tmp_path / "run", "--paths", 1, "--languages", "en")
        started = call(*common, "--base-url", server.url, "--model", "m", "--top-p", 0.9)
        assert started.returncode == 0, started.stderr
        asked = len(server.requests)
        again = call(*common, "--engine-file", path)
        assert again.returncode == 0, again.stderr
        assert "nothing to sample" in again.stderr
        assert len(server.requests) == asked


@pytest.mark.parametrize("command", ["solve", "ask", "batch", "serve", "compare"])
def test_a_wrong_file_ends_every_command_before_anything_is_sent(tmp_path, problems, command):
    path = tmp_path / "wrong.toml"
    path.write_text('model = "m"\n[[endpoint]]\nurl = "http://127.0.0.1:1/v1"\nkeys = "K"\n')
    arguments = {
        "solve": (problems, "--out", tmp_path / "run"),
        "ask": ("1 + 1",),
        "batch": (problems, "--out", tmp_path / "replies"),
        "serve": ("--port", 0),
        "compare": (problems, "--strategies", "sc,clc", "--out", tmp_path / "pool"),
    }[command]
    done = call(command, *arguments, "--engine-file", path)
    assert done.returncode == 2
    assert (
        f"{path}:4: endpoint 1: keys: unknown key 'keys': the nearest one is 'key'" in done.stderr
    )
    assert not (tmp_path / "run").exists()


def test_arguments_are_checked_without_a_file_too(tmp_path, problems):
    done = call("solve", problems, "--out", tmp_path / "run", "--base-url", "http://127.0.0.1:1/v1",
                "--model", "m", "-E", "time_out_s=3")  # fmt: skip
    assert done.returncode == 2
    assert "-E time_out_s: engine openai has no argument 'time_out_s': the nearest" in done.stderr


def test_check_says_what_would_start(tmp_path, variables):
    path = tmp_path / "hosted.toml"
    path.write_text(FILE.format(first="http://127.0.0.1:1/v1", second="http://127.0.0.1:2/v1"))
    done = call("engines", "check", path)
    assert done.returncode == 0, done.stderr
    assert "engine: openai, model m" in done.stdout
    assert "endpoint: http://127.0.0.1:1/v1, key from FIRST_KEY, query api-version" in done.stdout
    assert "sampling (the file's): temperature = 0.6, top_p = 0.9" in done.stdout
    assert "sk-first-key" not in done.stdout
    assert call("engines", "list").stdout.count("\n") >= 4
    assert "timeout_s: float" in call("engines", "arguments", "openai").stdout


def test_a_missing_variable_is_an_error_with_its_line(tmp_path):
    path = tmp_path / "hosted.toml"
    path.write_text(FILE.format(first="http://127.0.0.1:1/v1", second="http://127.0.0.1:2/v1"))
    done = subprocess.run(
        [*CLC, "engines", "check", str(path)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert (
        f"{path}:15: endpoint 1: key: the environment variable FIRST_KEY is not set" in done.stderr
    )


def test_a_translators_key_is_its_own(tmp_path, problems, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-main-key")
    with run_in_thread(FaultyServer(reply)) as first, run_in_thread(FaultyServer(reply)) as second:
        command = ("solve", problems, "--paths", 1, "--languages", "de", "--no-cache", "--model", "m",
                   "--base-url", first.url, "--translator-base-url", second.url, "--translations",
                   "model")  # fmt: skip
        assert call(*command, "--out", tmp_path / "a").returncode == 0
        monkeypatch.setenv("CLC_TRANSLATOR_API_KEY", "sk-second")
        assert call(*command, "--out", tmp_path / "b").returncode == 0
        keys = {one.headers.get("authorization") for one in first.requests}
        theirs = [one.headers.get("authorization") for one in second.requests]
    assert keys == {"Bearer sk-main-key"}
    assert set(theirs) == {None, "Bearer sk-second"}


def test_frameworks_and_the_server_take_a_file(tmp_path, variables):
    from clc.serving.http.proxy import Upstream
    from clc.serving.integrations.local import LocalClient

    with run_in_thread(FaultyServer(reply)) as first, run_in_thread(FaultyServer(reply)) as second:
        path = tmp_path / "hosted.toml"
        path.write_text(FILE.format(first=first.url, second=second.url))
        with LocalClient(engine_file=path, languages="en", paths=2, top_p=0.7) as client:
            body = {
                "model": "clc",
                "messages": [{"role": "user", "content": "How many are 3 and 4?"}],
            }
            answer = client.complete(body)
        bodies = [one.body for one in first.requests]
        upstream = Upstream(load_engine_file(path).endpoints)
        assert asyncio.run(_alive(upstream))
    assert answer["clc"]["paths"] == 2
    assert {(body["temperature"], body["top_p"]) for body in bodies} == {(0.6, 0.7)}
    assert all(body["messages"][0]["content"] == "Be brief." for body in bodies)
    with pytest.raises(ConfigurationError, match="both name an engine"):
        LocalClient(engine_file=path, engine=ScriptedEngine())


async def _alive(upstream):
    try:
        return await upstream.alive()
    finally:
        await upstream.close()
