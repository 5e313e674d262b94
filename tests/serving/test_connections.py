"""Connections of clients that mean harm: idle, half open, with endless heads, reading slowly."""

import contextlib
import json
import logging
import resource
import socket
import threading
import time

import httpx
import pytest

from clc.engines.base import Completion
from clc.serving.http import connections, streaming
from clc.serving.http.connections import HEAD_BYTES, most_connections
from clc.serving.http.logs import Sparse
from tests.engines.scripted import ScriptedEngine

from .serving import ask, http, process, serving
from .test_proxy import in_front_of, stream_of, upstream

KEY = "a-key-of-ours"
POST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)
BODY = json.dumps({"model": "clc", "messages": ask()}).encode()


def until(condition, seconds=60.0):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.01)


def port_of(it):
    return int(it.url.split(":")[2].split("/")[0])


def connect(it, data=b""):
    opened = socket.create_connection(("127.0.0.1", port_of(it)), timeout=60)
    opened.sendall(data)
    return opened


def all_of(opened):
    """Read to the end of the connection; a reset is an end."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := opened.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "started",
    [
        b"",
        b"G",
        b"GET ",
        b"GET /health HTTP/1.1",
        b"GET /health HTTP/1.1\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 999,
        b"\r\n\r\n",
        POST,
        b"PRI * HTTP/2.0\r\n",
    ],
)
@pytest.mark.slow
def test_a_head_that_never_ends_is_closed(started):
    with serving(keys=(KEY,), limits={"head_s": 0.3}) as it, connect(it, started) as opened:
        all_of(opened)  # comes to an end
        assert http(it).get("/health").status_code == 200


def test_a_head_that_dribbles_is_closed():
    def dribble(opened):
        for _ in range(2000):
            opened.sendall(b"X")
            time.sleep(0.01)

    with serving(keys=(KEY,), limits={"head_s": 0.3}) as it, connect(it) as opened:
        with pytest.raises(ConnectionError):
            dribble(opened)
        assert http(it).get("/health").status_code == 200


@pytest.mark.parametrize("bytes_between", [b"", b"\r\n", b"GET /health HTTP/1.1\r\nHost: "])
@pytest.mark.slow
def test_a_connection_that_is_kept_ends_too(monkeypatch, bytes_between):
    monkeypatch.setattr(connections, "KEEPALIVE_S", 0.2)
    whole = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with serving(limits={"head_s": 0.3}) as it, connect(it, whole) as opened:
        assert opened.recv(99).startswith(b"HTTP/1.1 200")
        opened.sendall(bytes_between)
        all_of(opened)


@pytest.mark.slow
def test_requests_take_longer_than_their_heads_may():
    with serving(ScriptedEngine(delay=lambda _: 0.2), limits={"head_s": 0.3}) as it:
        client = http(it)
        for _ in range(2):
            assert client.post("/v1/chat/completions", content=BODY,
                               headers={"Content-Type": "application/json"}).status_code == 200  # fmt: skip


LONG = b"a" * (HEAD_BYTES + 1)
HUGE = b"a" * (1 << 20)
GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(GET + b"X-Long: " + LONG + b"\r\n\r\n", id="a long value"),
        pytest.param(GET + b"X-Long: " + HUGE + b"\r\n\r\n", id="a huge value"),
        pytest.param(GET + b"X-Long: " + HUGE * 4, id="a value without an end"),
        pytest.param(GET + LONG + b": x\r\n\r\n", id="a long name"),
        pytest.param(GET + HUGE, id="a name without an end"),
        pytest.param(GET + b"X-A: b\r\n" * 20_000 + b"\r\n", id="many headers"),
        pytest.param(GET + b"X-A: b\r\n" * 200_000, id="headers without an end"),
        pytest.param(b"GET /" + LONG + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", id="a long path"),
        pytest.param(b"GET /" + HUGE, id="a path without an end"),
        pytest.param(b"GET /?" + LONG + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", id="a query"),
        pytest.param(GET + b"Cookie: " + b"a=b; " * 40_000 + b"\r\n\r\n", id="cookies"),
        pytest.param(b"A" * HEAD_BYTES * 4, id="a method"),
        pytest.param(CHUNKED + b"1;x=" + HUGE + b"\r\n", id="an extension of a chunk"),
        pytest.param(CHUNKED + b"1\r\n{\r\n0\r\nX-Trailer: " + HUGE, id="a trailer without an end"),
        pytest.param(CHUNKED + b"0\r\n" + b"X-A: b\r\n" * 200_000, id="many trailers"),
    ],
)
@pytest.mark.slow
def test_a_head_without_bounds_is_refused_before_the_key(monkeypatch, head):
    monkeypatch.setattr(connections, "_LINGER_S", 0.2)
    with serving(keys=(KEY,)) as it:
        with connect(it) as opened:
            reply = b""
            with contextlib.suppress(ConnectionError):
                opened.sendall(head)
                reply = opened.recv(65536)
        if head.startswith(CHUNKED):  # the key is looked at when the head is complete
            assert not reply or reply.split()[1] == b"401"
        else:
            assert reply.split()[1] in {b"400", b"431"}
        assert http(it).get("/health").status_code == 200


def test_a_head_of_a_usual_size_is_read():
    with serving() as it:
        headers = {f"X-{number}": "x" * 1000 for number in range(30)}
        assert http(it).get("/v1/models", headers=headers).status_code == 200
        headers = {"X-Long": "x" * (HEAD_BYTES + 1)}
        reply = http(it).get("/v1/models", headers=headers)
        assert reply.status_code in {400, 431}


def test_a_head_in_pieces_after_a_large_body_is_read():
    large = json.dumps({"model": "m", "x": "x" * 500_000}).encode()
    with serving() as it, connect(it) as opened:
        for _ in range(3):
            opened.sendall(POST + b"Content-Length: %d\r\n" % len(large))
            time.sleep(0.05)  # so that the head comes in two parts
            opened.sendall(b"\r\n" + large)
            reply = b""
            while not reply.endswith(b"}}"):
                part = opened.recv(65536)
                assert part
                reply += part
            assert reply.startswith(b"HTTP/1.1 404")


def test_a_body_in_chunks_of_one_byte_is_read():
    with serving() as it:
        reply = http(it).post(
            "/v1/chat/completions",
            content=(BODY[index : index + 1] for index in range(len(BODY))),
            headers={"Content-Type": "application/json"},
        )
        assert reply.status_code == 200


@pytest.mark.parametrize("started", [b"", b"GET /health HTTP/1.1\r\n", POST])
@pytest.mark.slow
def test_idle_connections_beyond_the_limit_give_way(started, tmp_path):
    files = 256

    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    log = tmp_path / "log"
    with (
        upstream() as server,
        log.open("w") as errors,
        process("--base-url", server.url, "--model", "m", stderr=errors, preexec_fn=few_files) as (
            base,
            _,
        ),
        contextlib.ExitStack() as held,
    ):
        port = int(base.split(":")[2].split("/")[0])
        for _ in range(600):
            opened = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            with contextlib.suppress(ConnectionError):
                opened.sendall(started)
        for _ in range(3):
            assert httpx.get(base.removesuffix("/v1") + "/health", timeout=60).status_code == 200
        body = {"model": "m", "messages": ask()}
        assert httpx.post(f"{base}/chat/completions", json=body, timeout=60).status_code == 200
    lines = log.read_text().splitlines()
    assert len(lines) < 20
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_the_limit_on_connections_leaves_files_for_the_engine():
    files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for soft in (256, 1024, 4096):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert 0 < most_connections() <= soft - 128
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def test_lines_that_clients_cause_are_sparse():
    passing = Sparse()

    def passes(message, error=None):
        info = (type(error), error, None) if error else None
        record = logging.LogRecord("asyncio", logging.ERROR, "f", 1, message, (), info)
        return passing.filter(record)

    accept = "socket.accept() out of system resource\nsocket: <socket fd={}>"
    assert [passes(accept.format(number)) for number in range(99)] == [True] + [False] * 98
    assert passes("Exception in ASGI application\n", ValueError("a"))
    assert passes("Exception in ASGI application\n", TypeError("a"))
    assert not passes("Exception in ASGI application\n", TypeError("b"))


class Talking(ScriptedEngine):
    """Streams without an end."""

    async def complete(self, request):
        while request.on_text is not None:
            request.on_text("x" * 65536)
            await super().complete(request)
        return Completion("7", "stop")


@pytest.mark.parametrize("read", [0, 1000], ids=["nothing", "slowly"])
@pytest.mark.parametrize("where", ["forwarded", "own", "vote"])
@pytest.mark.slow
def test_a_slow_reader_gives_its_place_back_at_the_deadline(monkeypatch, read, where):
    monkeypatch.setattr(streaming, "_GRACE_S", 0.1)
    large = b'"' + b"x" * 65536 + b'"'
    body = json.dumps(
        {"model": "clc" if where == "vote" else "m", "messages": ask(), "stream": True}
    )
    head = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    asked = head + body.encode()
    limits = {"deadline_s": 1.0, "running": 2}
    with contextlib.ExitStack() as stack:
        if where == "forwarded":
            server = stack.enter_context(upstream(stream_of(*[large] * 4000)))
            it = stack.enter_context(in_front_of(server.url, limits=limits))
        else:
            engine = Talking(delay=lambda _: 0.001 if where == "own" else 0.1)
            it = stack.enter_context(serving(engine, model="m", limits=limits))
        readers = [stack.enter_context(connect(it, asked)) for _ in range(3)]
        stopped = threading.Event()

        def reading(reader):
            with contextlib.suppress(ConnectionError):
                while read and not stopped.wait(0.1) and reader.recv(read):
                    pass

        threads = [threading.Thread(target=reading, args=(reader,)) for reader in readers]
        assert all(reader.recv(10) for reader in readers)
        for thread in threads:
            thread.start()
        try:
            until(lambda: http(it).get("/health").json()["running"] == 0)
            plain = {"model": "clc", "messages": ask(), "clc": {"paths": 1, "languages": ["en"]}}
            assert http(it).post("/v1/chat/completions", json=plain).status_code in {200, 502}
        finally:
            stopped.set()
            for thread in threads:
                thread.join()


@pytest.mark.parametrize(
    "host", ["LOCALHOST", "LocalHost:{port}", "localhost.", "LOCALHOST.:{port}", "127.0.0.1", "[::1]:1"]
)  # fmt: skip
@pytest.mark.slow
def test_this_machines_names_in_any_case(host):
    with serving() as it:
        headers = {"Host": host.format(port=port_of(it))}
        assert http(it).get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost.evil.example", "evil.example", "localhost@evil.example", "127.0.0.1.evil.example",
             "0.0.0.0", "", "localhost..", "loca lhost", "2130706433", "[::1].evil.example"]
)  # fmt: skip
@pytest.mark.slow
def test_other_names_are_not_this_machines(host):
    with serving() as it:
        assert http(it).get("/v1/models", headers={"Host": host}).status_code in {400, 403}


SMALL = b"Connection: close\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
HARDLY_HTTP = {
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200, 400),
    "all bytes": (bytes(range(256)) * 10, 400),
    "HTTP/9.9": (b"GET /health HTTP/9.9\r\nHost: localhost\r\n" + SMALL, 400),
    "NUL in a header": (GET + b"X: a\x00b\r\n" + SMALL, 400),
    "a folded header": (GET + b"X: a\r\n b\r\n" + SMALL, 400),
    "a negative length": (POST + b"Content-Length: -1\r\n" + SMALL, 400),
    "a huge length": (POST + b"Content-Length: 99999999999999999999\r\n" + SMALL, 400),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n" + SMALL + b"{}", 400),
    "a length and chunks": (POST + LENGTH + b"Transfer-Encoding: chunked\r\n" + SMALL, 400),
    "a socket": (GET + b"Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n" + SMALL, 200),
    "a trace": (b"TRACE /health HTTP/1.1\r\nHost: localhost\r\n" + SMALL, 405),
    "a proxy's request": (b"CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n" + SMALL, 400),
    "another host": (b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n" + SMALL, 403),
    "dots": (b"GET /v1/models/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n" + SMALL, 404),
    "escaped dots": (b"GET /v1/models/%2e%2e%2f HTTP/1.1\r\nHost: localhost\r\n" + SMALL, 404),
    "escaped bytes": (b"GET /v1/models/%ff%00 HTTP/1.1\r\nHost: localhost\r\n" + SMALL, 404),
    "a star": (b"GET * HTTP/1.1\r\nHost: localhost\r\n" + SMALL, 404),
    "a chunk's extension": (
        POST + b"Transfer-Encoding: chunked\r\n" + SMALL + b"%x;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n"
        % (len(BODY), BODY), 200,
    ),
}  # fmt: skip


@pytest.mark.slow
def test_bytes_that_are_hardly_http_are_refused(caplog, monkeypatch):
    monkeypatch.setattr(connections, "_LINGER_S", 0.2)
    with serving() as it:
        for name, (sent, status) in HARDLY_HTTP.items():
            with connect(it, sent) as opened:
                reply = all_of(opened)
            assert (name, reply.split()[1:2]) == (name, [b"%d" % status])
            assert http(it).get("/health").status_code == 200, name
    assert "Traceback" not in caplog.text
