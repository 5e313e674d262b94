"""``clc serve`` as people start it: in front of an endpoint, or not at all."""

import json
import re
import signal
import socket
import subprocess
import sys

import httpx
import openai
import pytest

from tests.cli.running import call, clc, endpoint, start

from .serving import ask, process


@pytest.mark.slow
def test_it_says_where_it_answers_and_ends_in_order(tmp_path):
    errors = (tmp_path / "log").open("w+")
    with endpoint("--delay", "0.01") as (url, _), errors:
        options = ("--base-url", url, "--model", "m", "--languages", "en,de", "--seed", "1")
        with process(*options, "--history", tmp_path / "kept", stderr=errors) as (base, running):
            with openai.OpenAI(base_url=base, api_key="unused") as client:
                reply = client.chat.completions.create(model="clc", messages=ask())
                assert reply.model_extra["clc"]["seed"] == 1
                assert client.chat.completions.create(model="m", messages=ask(), seed=1).id
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) in {0, -signal.SIGTERM}
        errors.seek(0)
        log = [json.loads(line) for line in errors]
    assert log[0]["message"] == "starting the engine"
    assert [line["path"] for line in log if line["message"] == "request"] == [
        "/v1/chat/completions"
    ] * 2
    voted = call("vote", tmp_path / "kept")
    assert json.loads(voted.stdout.splitlines()[0])["answer"] == reply.model_extra["clc"]["answer"]


@pytest.mark.slow
def test_a_key_in_the_environment_is_asked_for():
    with endpoint() as (url, _):
        running = subprocess.Popen(
            [sys.executable, "-m", "clc", "serve", "--port", "0", "--base-url", url, "--model", "m",
             "--quiet"],
            stdout=subprocess.PIPE, text=True, env={"CLC_API_KEY": "a-key-of-ours", "PATH": ""},
        )  # fmt: skip
        try:
            base = re.search(r" at (\S+)", running.stdout.readline())[1]
            assert httpx.get(f"{base}/models").status_code == 401
            headers = {"Authorization": "Bearer a-key-of-ours"}
            assert httpx.get(f"{base}/models", headers=headers).status_code == 200
        finally:
            running.terminate()
            running.wait(20)
            running.stdout.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--strategy", "none"), "unknown strategy"),
        (("--languages", "xx-none"), "unknown language"),
        (("--strategy", "sc", "--temperature", "0"), "temperature 0"),
        (("--prompts", "/no/such/folder"), "no such folder"),
        (("--model", "clc"), "name of its votes"),
        (("--host", "no.such.host.invalid"), "can be reached from other machines"),
    ],
)
def test_wrong_options_end_it_before_any_model_is_loaded(options, words):
    done = call("serve", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", *options)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.slow
def test_an_upstream_that_never_comes_is_an_error_that_names_it():
    done = clc(
        "serve", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--start-timeout", "0.1"
    )
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr


@pytest.mark.slow
def test_a_port_that_is_taken_is_an_error_that_names_it():
    with socket.socket() as taken, endpoint() as (url, _):
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = clc("serve", "--port", port, "--base-url", url, "--model", "m")
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


@pytest.mark.slow
def test_interrupting_it_is_no_error_of_ours():
    with endpoint() as (url, _):
        running = start("serve", "--port", "0", "--base-url", url, "--model", "m", "--quiet")
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=240)
    assert "Traceback" not in errors
    assert running.returncode in {0, 130}
