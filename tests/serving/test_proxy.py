"""In front of another endpoint: what passes through untouched, and what stays here."""

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager

import openai
import pytest

from clc.engines.openai.engine import OpenAIEngine
from clc.serving.http import proxy
from clc.serving.http import server as module
from clc.serving.http.proxy import Upstream
from tests.cli.running import endpoint
from tests.engines import faulty_replies as faults
from tests.engines.endless_replies import endless, packed
from tests.engines.faulty_replies import completion, ok
from tests.engines.faulty_server import FaultyServer

from .serving import ask, client, http, idle, leave, serving

SECRET = "sk-upstream-secret"


@contextmanager
def upstream(*replies, port=0):
    """Misbehave in a thread; yields the FaultyServer."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = FaultyServer(*replies, port=port)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.die(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def in_front_of(*urls, model="m", **more):
    options: dict = {"wait_initial_s": 0.05, "max_attempts": 2, "api_key": SECRET}
    engine = OpenAIEngine(model, urls, **options)
    with serving(engine, model=model, upstream=Upstream(urls, api_key=SECRET), **more) as it:
        yield it


def stream_of(*events, ready=None, then=None):
    """Each event when ``ready`` says of its number that it may come."""

    async def reply(exchange):
        exchange.writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number, event in enumerate(events):
            while ready is not None and not ready(number):  # noqa: ASYNC110 - another thread knows
                await asyncio.sleep(0.01)
            line = b"data: " + event + b"\n\n"
            exchange.writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            await exchange.writer.drain()
        if then is not None:
            await then(exchange)
        exchange.writer.write(b"0\r\n\r\n")
        await exchange.writer.drain()

    return reply


def test_the_plain_model_passes_through_untouched():
    body = {
        "model": "m",
        "messages": ask([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]),
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "logprobs": True,
        "anything": {"else": [1, 2.5, None]},
    }
    with (
        upstream(ok("hello", x=1)) as server,
        in_front_of(server.url, keys=("the-client-key",)) as it,
    ):
        reply = http(it).post(
            "/v1/chat/completions", json=body, headers={"Authorization": "Bearer the-client-key"}
        )
    assert reply.json() == completion("hello", x=1)
    (exchange,) = server.requests
    assert exchange.body == body
    assert exchange.path == "/v1/chat/completions"
    assert exchange.headers["authorization"] == f"Bearer {SECRET}"
    assert "the-client-key" not in str(exchange.headers)


def test_responses_pass_through_too():
    with upstream(ok("hello")) as server, in_front_of(server.url) as it:
        http(it).post("/v1/responses", json={"model": "m", "input": "x", "reasoning": {}})
    assert server.requests[0].path == "/v1/responses"
    assert server.requests[0].body["reasoning"] == {}


def test_its_errors_pass_through_with_their_headers():
    replies = (faults.status(400, "no such parameter"), faults.status(429, "later", retry_after=7))
    with upstream(*replies) as server, in_front_of(server.url) as it:
        for status, words in ((400, "no such parameter"), (429, "later")):
            reply = http(it).post("/v1/chat/completions", json={"model": "m", "messages": ask()})
            assert reply.status_code == status
            assert reply.json()["error"]["message"] == words
        assert reply.headers["retry-after"] == "7"
        assert len(server.requests) == 2  # what fails there is the client's to try again


@pytest.mark.parametrize("status", [401, 402, 403, 302])
@pytest.mark.slow
def test_what_it_has_against_this_server_stays_here(status):
    with (
        upstream(faults.status(status, f"bad key {SECRET}")) as server,
        in_front_of(server.url) as it,
    ):
        reply = http(it).post("/v1/chat/completions", json={"model": "m", "messages": ask()})
        assert reply.status_code == 503
        assert SECRET not in reply.text
        voted = http(it).post("/v1/chat/completions", json={"model": "clc:sc", "messages": ask()})
        assert voted.status_code == 503
        assert SECRET not in voted.text


def test_a_stream_comes_as_it_is_made():
    events = [json.dumps({"id": "x", "choices": [], "n": n}).encode() for n in range(4)] + [
        b"[DONE]"
    ]
    text = b""  # an event is sent when all before it have come
    reply = stream_of(*events, ready=lambda number: text.count(b"\n\n") == number)
    with upstream(reply) as server, in_front_of(server.url) as it:
        body = {"model": "m", "messages": ask(), "stream": True}
        with http(it).stream("POST", "/v1/chat/completions", json=body) as reply:
            assert reply.headers["content-type"].startswith("text/event-stream")
            for part in reply.iter_raw():
                text += part
        assert text == b"".join(b"data: " + event + b"\n\n" for event in events)
        assert idle(it)


def test_a_stream_that_breaks_off_ends_with_an_error():
    chunk = json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": []}).encode()
    with upstream(stream_of(chunk, then=faults.drop)) as server, in_front_of(server.url) as it:
        stream = client(it).chat.completions.create(model="m", messages=ask(), stream=True)
        with pytest.raises(openai.APIError, match="broke off"):
            list(stream)
        assert idle(it)


def test_a_client_that_leaves_is_left_there_too():
    with upstream(faults.hang) as server, in_front_of(server.url) as it:
        for model in ("m", "clc"):
            before = len(server.requests)
            body = {"model": model, "messages": ask()}
            leave(it, body, lambda before=before: len(server.requests) > before)
        assert idle(it)
        until = time.monotonic() + 60
        while not all(e.hung_up.is_set() for e in server.requests) and time.monotonic() < until:
            time.sleep(0.01)
        assert all(exchange.hung_up.is_set() for exchange in server.requests)


@pytest.mark.slow
def test_a_reader_that_stalls_is_cut_off(monkeypatch):
    monkeypatch.setattr(module, "_STALLED_MS", 2000)
    large = b'"' + b"x" * 65536 + b'"'
    with upstream(stream_of(*[large] * 2000)) as server, in_front_of(server.url) as it:
        body = json.dumps({"model": "m", "messages": ask(), "stream": True}).encode()
        port = int(it.url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as reader:
            reader.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            reader.recv(10)
            assert it.service.admission.running == 1
            assert idle(it, 120)
            until = time.monotonic() + 60
            while server.at_once and time.monotonic() < until:
                time.sleep(0.01)
            assert server.at_once == 0


@pytest.mark.slow
def test_a_vote_in_front_of_an_endpoint_survives_its_death_and_return():
    with endpoint("--delay", "0.01") as (url, process):
        port = url.split(":")[2].split("/")[0]
        with in_front_of(url) as it:
            first = client(it).chat.completions.create(model="clc", messages=ask(), seed=1)
            assert first.model_extra["clc"]["paths"] == 11
            process.kill()
            process.wait()
            for model in ("clc", "m"):
                for stream in (False, True):
                    body = {"model": model, "messages": ask(), "stream": stream}
                    reply = http(it).post("/v1/chat/completions", json=body)
                    assert reply.status_code == 503 or '"engine_unavailable"' in reply.text
                    assert "127.0.0.1" not in reply.text
            assert http(it).get("/health").status_code == 503
            with endpoint("--delay", "0.01", "--port", port):
                until = time.monotonic() + 120
                while http(it).get("/health").status_code != 200 and time.monotonic() < until:
                    time.sleep(0.1)
                again = client(it).chat.completions.create(model="clc", messages=ask(), seed=1)
                assert again.choices[0].message == first.choices[0].message
                assert idle(it)


@pytest.mark.slow
def test_one_failed_call_in_a_chaos_of_them_is_one_abstention():
    with upstream(faults.chaos(0.3, 1)) as server, in_front_of(server.url) as it:
        reply = client(it).chat.completions.create(
            model="clc:sc", messages=ask(), extra_body={"clc": {"paths": 40, "deadline": 5}}
        )
        votes = reply.model_extra["clc"]
        assert votes["answer"] == "18"
        assert votes["paths"] + sum(sum(by.values()) for by in votes["abstentions"].values()) == 40
        assert idle(it)


def test_a_dead_url_is_passed_over():
    with upstream() as server, in_front_of("http://127.0.0.1:1/v1", server.url) as it:
        for _ in range(3):
            assert client(it).chat.completions.create(model="m", messages=ask()).id


def test_it_waits_for_an_upstream_that_is_still_starting(monkeypatch):
    monkeypatch.setattr(module, "_RETRY_S", 0.1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    held = []

    def late():
        time.sleep(0.5)
        held.append(upstream(port=port))
        held[0].__enter__()

    thread = threading.Thread(target=late)
    thread.start()
    with in_front_of(f"http://127.0.0.1:{port}/v1", start_s=30) as it:
        assert client(it).chat.completions.create(model="m", messages=ask()).id
    thread.join()
    held[0].__exit__(None, None, None)


@pytest.mark.parametrize(
    ("more", "param", "words"),
    [
        ({"max_tokens": 1001}, "max_tokens", "at most 1000"),
        ({"max_tokens": 1001.0}, "max_tokens", "at most 1000"),
        ({"n": 3, "max_completion_tokens": 500}, "max_tokens", "at most 1000"),
        ({"n": 3.0, "max_completion_tokens": 500}, "max_tokens", "at most 1000"),
        ({"max_tokens": 10**300}, "max_tokens", "at most 1000"),
        ({"max_tokens": "1001"}, "max_tokens", "it must be a whole number"),
        ({"n": "3", "max_tokens": 500}, "n", "it must be a whole number"),
        ({"n": -5, "max_tokens": 10**9}, "n", "not negative"),
        ({"n": 2.5}, "n", "it must be a whole number"),
        ({"n": True}, "n", "it must be a whole number"),
        ({"n": 257}, "n", "at most 256"),
        ({"n": 600000000.0}, "n", "at most 256"),
        ({"n": [[[[[3]]]]]}, "n", "it must be a whole number"),
    ],
)
@pytest.mark.slow
def test_tokens_are_limited_however_their_number_is_written(more, param, words):
    with upstream() as server, in_front_of(server.url, limits={"tokens": 1000}) as it:
        content = json.dumps({"model": "m", "messages": []} | more)
        reply = http(it).post(
            "/v1/chat/completions", content=content, headers={"Content-Type": "application/json"}
        )
        assert reply.status_code == 400
        assert reply.json()["error"]["param"] == param
        assert words in reply.json()["error"]["message"]
        assert server.requests == []


def test_numbers_within_the_limit_are_forwarded_as_they_are_written():
    body = {"model": "m", "messages": ask(), "n": 2.0, "max_tokens": 500, "max_output_tokens": None}
    with upstream(ok("7")) as server, in_front_of(server.url, limits={"tokens": 1000}) as it:
        assert http(it).post("/v1/chat/completions", json=body).status_code == 200
        assert server.requests[0].body == body


@pytest.mark.parametrize("status", [200, 400, 404, 409, 422, 429, 500, 503])
def test_this_servers_key_is_in_no_reply(status):
    told = json.dumps({"error": {"message": f"bad key {SECRET}", "key": f"Bearer {SECRET}"}})
    with (
        upstream(faults.raw(told.encode(), status)) as server,
        in_front_of(server.url) as it,
    ):
        reply = http(it).post("/v1/chat/completions", json={"model": "m", "messages": ask()})
        assert reply.status_code == status
        assert SECRET not in reply.text
        assert reply.json()["error"]["message"] == "bad key ***"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(endless(b" " * 65536), id="blanks"),
        pytest.param(packed(bytes(64 << 20)), id="a bomb"),
        pytest.param(endless(b"x", "Content-Encoding: br"), id="brotli"),
        pytest.param(faults.raw(b"x", 200, {"Content-Encoding": "gzip"}), id="broken gzip"),
        pytest.param(faults.reset, id="reset"),
        pytest.param(faults.not_http, id="not HTTP"),
    ],
)
def test_a_reply_without_an_end_is_502(monkeypatch, reply):
    monkeypatch.setattr(proxy, "_WHOLE_BYTES", 1 << 22)
    with upstream(reply) as server, in_front_of(server.url) as it:
        got = http(it).post("/v1/chat/completions", json={"model": "m", "messages": ask()})
        assert got.status_code == 502
        assert got.json()["error"]["code"] == "upstream_failed"
        assert idle(it)
        assert server.sent < 64 << 20


def test_an_endless_list_of_models_does_not_hold_the_health_up():
    with upstream() as server, in_front_of(server.url) as it:
        server.models = endless(b" " * 65536)
        it.service.engine_lost = True
        assert http(it).get("/health").status_code == 200
        assert server.sent < 64 << 20


def test_health_does_not_wait_for_an_upstream_that_hangs():
    """Each answer is that of the last known state; one look at the upstream goes on beside."""
    let_go = threading.Event()
    with upstream(ok()) as it, in_front_of(it.url) as front:
        list_models = it.models

        async def models(exchange):
            while not let_go.is_set():  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(0.01)
            await list_models(exchange)

        it.models, lists = models, it.lists
        front.service.engine_lost = True
        with http(front) as user:
            for _ in range(3):
                reply = user.get("/health", timeout=5)
                assert (reply.status_code, reply.json()["status"]) == (503, "unavailable")
            assert it.lists == lists + 1
            let_go.set()
            while user.get("/health", timeout=5).status_code != 200:
                pass
        front.service.engine_lost = True
        let_go.clear()
        assert http(front).get("/health", timeout=5).status_code == 503
    # The server ends although a look at the upstream has no end.
