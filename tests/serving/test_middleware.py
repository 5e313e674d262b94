"""Keys, names, sizes, and what the log says."""

import io
import json
import logging
import re
import socket

import openai
import pytest

from clc.errors import ConfigurationError
from clc.serving.http.logs import log_to
from clc.serving.settings import Settings
from tests.cli.running import call, clc

from .serving import ask, client, http, idle, serving

KEY, OTHER = "sk-first-key-1", "sk-other-key-2"


@pytest.fixture
def log():
    stream = io.StringIO()
    loggers = [
        logging.getLogger(name) for name in ("clc", "clc.serving", "uvicorn.error", "asyncio")
    ]
    before = [(one.level, one.handlers, one.propagate, one.filters) for one in loggers]
    log_to(stream)
    yield stream
    for one, (level, handlers, propagate, filters) in zip(loggers, before, strict=True):
        one.setLevel(level)
        one.handlers, one.propagate, one.filters = handlers, propagate, filters


def lines(log):
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_public_address_needs_a_key():
    for host in ("0.0.0.0", "::", "192.168.1.5", "gpu.example"):
        with pytest.raises(ConfigurationError, match="no API key is set"):
            Settings(model="m", host=host)
        Settings(model="m", host=host, keys=(KEY,))
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        Settings(model="m", host=host)


@pytest.mark.parametrize("key", ["short", "with space inside", "schlüssel-lang", "a\nb-long-one"])
def test_a_weak_or_odd_key_is_refused(key):
    with pytest.raises(ConfigurationError, match="API key") as caught:
        Settings(model="m", keys=(key,))
    assert key not in str(caught.value)


def test_a_model_may_not_be_called_as_its_votes_are():
    for name in ("clc", "clc:sc"):
        with pytest.raises(ConfigurationError, match="name of its votes"):
            Settings(model=name)


def test_the_command_line_refuses_a_public_bind():
    done = call("serve", "--host", "0.0.0.0", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert done.returncode == 2
    assert "no API key is set" in done.stderr


def test_only_a_known_key_opens(log):
    with serving(keys=(KEY, OTHER)) as it:
        for key in (KEY, OTHER):
            assert client(it, api_key=key).models.list().data
        for key in ("sk-wrong-key-3", KEY[:-1], KEY + "x", KEY.upper()):
            with pytest.raises(openai.AuthenticationError) as caught:
                client(it, api_key=key).chat.completions.create(model="clc", messages=ask())
            assert caught.value.code == "invalid_api_key"
        for headers in ({}, {"Authorization": KEY}, {"Authorization": f"Basic {KEY}"}):
            for path in ("/v1/models", "/metrics", "/openapi.json", "/v1/none"):
                reply = http(it).get(path, headers=headers)
                assert reply.status_code == 401
                assert reply.headers["www-authenticate"] == "Bearer"
        assert http(it).get("/health").status_code == 200
        assert client(it, api_key=KEY).chat.completions.create(model="clc", messages=ask()).id
    for secret in (KEY, OTHER, "sk-wrong-key-3"):
        assert secret not in log.getvalue()


def test_keys_may_come_from_a_file_and_never_from_an_argument(tmp_path):
    assert "--api-key " not in clc("serve", "--help").stdout
    empty = tmp_path / "keys"
    empty.write_text("\n")
    done = call(
        "serve", "--api-key-file", empty, "--base-url", "http://127.0.0.1:9", "--model", "m"
    )
    assert done.returncode == 2
    assert "holds no key" in done.stderr


def test_without_a_key_only_this_machines_names_are_answered_to():
    with serving() as it:
        port = it.url.split(":")[2].split("/")[0]
        for host in (f"evil.example:{port}", "10.0.0.1"):
            assert http(it).get("/v1/models", headers={"Host": host}).status_code == 403
        for host in (f"localhost:{port}", f"[::1]:{port}", "127.0.0.1"):
            assert http(it).get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_415(kind):
    with serving() as it:
        body = json.dumps({"model": "clc", "messages": ask()})
        reply = http(it).post("/v1/chat/completions", content=body, headers={"Content-Type": kind})
        assert reply.status_code == 415


def test_an_oversized_body_is_413_however_it_comes():
    with serving(limits={"body_bytes": 10_000}) as it:
        large = json.dumps({"model": "clc", "messages": ask("x" * 20_000)}).encode()

        def slices():
            for start in range(0, len(large), 1000):
                yield large[start : start + 1000]

        headers = {"Content-Type": "application/json"}
        for content in (large, slices(), b" " * 1_000_000):
            reply = http(it).post("/v1/chat/completions", content=content, headers=headers)
            assert reply.status_code == 413
            assert reply.json()["error"]["code"] == "request_too_large"
        assert client(it).chat.completions.create(model="clc", messages=ask()).id


def test_a_body_that_never_ends_is_408_and_one_that_breaks_off_is_forgotten():
    with serving(limits={"body_s": 0.3}) as it:
        host, port = "127.0.0.1", int(it.url.split(":")[2].split("/")[0])
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
        )
        with socket.create_connection((host, port)) as slow:
            slow.sendall(head)
            assert slow.recv(100).startswith(b"HTTP/1.1 408")
        with socket.create_connection((host, port)) as broken:
            broken.sendall(head)
        assert idle(it)
        assert http(it).get("/health").json()["status"] == "ok"


def test_one_line_a_request_says_what_happened_and_not_what_was_said(log):
    with serving() as it:
        reply = client(it).chat.completions.create(
            model="clc:sc", messages=ask(), extra_headers={"X-Request-Id": "abc"}
        )
        http(it).post("/v1/chat/completions", json={"model": "clc", "messages": []})
        list(client(it).chat.completions.create(model="clc", messages=ask(), stream=True))
    told = [line for line in lines(log) if line["message"] == "request"]
    assert [line["status"] for line in told] == [200, 400, 200]
    first, second, third = told
    assert first["id"] == "abc"
    assert (first["model"], first["strategy"], first["paths"]) == ("clc:sc", "sc", 11)
    assert first["completion_tokens"] == reply.usage.completion_tokens
    assert second["error"] == "invalid_value"
    assert third["strategy"] == "clc"
    assert "apples" not in log.getvalue()


def test_metrics_count_what_happened():
    with serving() as it:
        reply = client(it).chat.completions.create(model="clc", messages=ask())
        http(it).post("/v1/chat/completions", json={"model": "clc", "messages": []})
        http(it).get("/v1/odd/route")
        text = http(it).get("/metrics").text
    found = dict(re.findall(r"^(clc_\w+(?:\{[^}]*\})?) ([0-9.e+]+)$", text, re.MULTILINE))
    chat = 'model="clc",route="/v1/chat/completions"'
    assert float(found[f'clc_requests_total{{{chat},status="200"}}']) == 1
    assert float(found[f'clc_requests_total{{{chat},status="400"}}']) == 1
    assert float(found['clc_requests_total{model="",route="other",status="404"}']) == 1
    assert float(found['clc_paths_total{strategy="clc"}']) == 11
    assert float(found['clc_tokens_total{kind="completion"}']) == reply.usage.completion_tokens
    assert float(found["clc_requests_running"]) == 0
