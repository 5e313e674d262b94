"""The openai engine against bytes that are hardly HTTP, JSON or an event stream."""

import gzip
import json

import pytest

from tests.engines.openai_engine import ask

from .faulty_replies import completion, raw

TEXT = "The answer is 7."
BODY = json.dumps(completion(TEXT)).encode()
OK = b"HTTP/1.1 200 OK\r\n"
CLOSE = b"Connection: close\r\n\r\n"


def sent(data):
    """Send bytes as they are, and close."""

    async def reply(exchange):
        exchange.writer.write(data)
        await exchange.writer.drain()
        exchange.writer.close()

    return reply


def stream(data):
    return sent(OK + b"Content-Type: text/event-stream\r\n" + CLOSE + data)


def event(text, finish_reason=None):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


LOST = {
    "a page": (raw(b"<h1>hello</h1>", 200, {"Content-Type": "text/html"}), "not JSON"),
    "nothing": (raw(b""), "not JSON"),
    "204": (raw(b"", 204), "not JSON"),
    "no status": (sent(b"SSH-2.0-x\r\n"), "was lost"),
    "status 99": (sent(b"HTTP/1.1 99 X\r\n\r\n"), "was lost"),
    "status 999": (raw(BODY, 999), "answered 999"),
    "switching": (sent(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), "was lost"),
    "a negative length": (sent(OK + b"Content-Length: -5\r\n\r\n" + BODY), "was lost"),
    "two lengths": (sent(OK + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n" + BODY), "was lost"),
    "cut off": (sent(OK + b"Content-Length: 9999\r\n\r\n" + BODY), "was lost"),
    "no chunk": (sent(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"), "was lost"),
    "a huge chunk": (sent(OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc"), "was lost"),
    "a huge header": (raw(BODY, 200, {"X-A": "a" * 200_000}), "was lost"),
    "broken gzip": (raw(b"\x1f\x8bxx", 200, {"Content-Encoding": "gzip"}), "cannot be unpacked"),
    "half gzip": (raw(gzip.compress(BODY)[:40], 200, {"Content-Encoding": "gzip"}), "answered with"),
    "no encoding": (raw(BODY, 200, {"Content-Encoding": "nonsense"}), "not asked for"),
    "utf-16": (raw(json.dumps(completion(TEXT)).encode("utf-16")), "not JSON"),
    "latin-1": (raw(BODY.replace(b"answer", b"answ\xe9r")), "not JSON"),
    "more behind it": (raw(BODY + b"{}"), "not JSON"),
    "NaN": (raw(BODY.replace(b'"index": 0', b'"index": NaN')), "not JSON"),
    "brackets": (raw(b"[" * 100_000 + b"]" * 100_000), "not JSON"),
    "comments": (stream(b": x\n\n" * 100), "ends early"),
    "no end": (stream(event(TEXT)), "ends early"),
    "bytes in an event": (stream(b"data: \xff\xfe\n\n"), "not JSON"),
    "an event of an error": (stream(b'event: error\ndata: {"error": {"message": "boom"}}\n\n'), "boom"),
    "an error in the middle": (stream(event("The") + b'data: {"error": {"message": "boom"}}\n\n'), "boom"),
}  # fmt: skip
READ = {
    "many headers": raw(BODY, 200, {f"X-{number}": "a" for number in range(999)}),
    "a cookie": raw(BODY, 200, {"Set-Cookie": "a=b; Domain=elsewhere"}),
    "another charset": raw(BODY, 200, {"Content-Type": "application/json; charset=utf-16"}),
    "no type": sent(OK + CLOSE + BODY),
    "100 first": sent(b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + OK + CLOSE + BODY),
    "HTTP/1.0": sent(b"HTTP/1.0 200 OK\r\n\r\n" + BODY),
    "one key twice": raw(b'{"choices": 1, ' + BODY[1:]),
    "events": stream(event(TEXT) + event("", "stop") + b"data: [DONE]\n\n"),
    "CRLF": stream((event(TEXT) + event("", "stop")).replace(b"\n", b"\r\n")),
    "no blank": stream((event(TEXT) + event("", "stop")).replace(b"data: ", b"data:")),
    "after the end": stream(event(TEXT, "stop") + b"data: [DONE]\n\n" + event("No, 8.", "stop")),
    "no [DONE]": stream(event(TEXT) + event("", "stop")),
    "comments between": stream(b": x\n\n" + event(TEXT) + b": y\n\nid: 5\nretry: 9\n" + event("", "stop")),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_what_is_no_completion_is_a_lost_path_with_its_reason(name):
    reply, words = LOST[name]
    got, _ = ask(reply, max_attempts=1)
    assert got.error is not None
    assert words in got.error
    assert len(got.error) < 600


@pytest.mark.parametrize("name", READ)
def test_what_is_odd_is_read_all_the_same(name):
    got, _ = ask(READ[name], max_attempts=1)
    assert (got.error, got.text, got.finish_reason) == (None, TEXT, "stop")
