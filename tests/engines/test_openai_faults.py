"""The openai engine against a server that misbehaves, over real sockets.

Every fault ends in a completion, a lost path with its reason, or an EngineError that names the
URL: never in a hang, another exception or an invented answer.
"""

import asyncio
import re
import time
from email.utils import formatdate

import pytest

from clc.engines.openai.engine import OpenAIEngine
from clc.errors import EngineError
from tests.engines.openai_engine import ask, ask_many, engine_at, request

from . import faulty_replies as faults
from .faulty_replies import chaos, completion, ok, raw, status, value
from .faulty_server import FaultyServer

ONE = completion()["choices"]
SLOW = (faults.hang, faults.dribble)  # only a client's own timeout ends these


# Faults that pass


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(status(429), id="429"),
        pytest.param(status(500), id="500"),
        pytest.param(status(502), id="502"),
        pytest.param(status(503), id="503"),
        pytest.param(status(408), id="408"),
        pytest.param(status(425), id="425"),
        pytest.param(raw(b"<html>Bad gateway</html>", 200), id="html"),
        pytest.param(raw(b"", 200), id="empty body"),
        pytest.param(raw(b"null", 200), id="null"),
        pytest.param(raw(b'{"choices": [\xff]}', 200), id="not UTF-8"),
        pytest.param(raw(b"x", 200, {"Content-Encoding": "gzip"}), id="broken gzip"),
        pytest.param(faults.truncated, id="truncated JSON"),
        pytest.param(faults.short_body, id="short body"),
        pytest.param(faults.reset, id="reset mid-body"),
        pytest.param(faults.drop, id="dropped"),
        pytest.param(faults.not_http, id="not HTTP"),
        pytest.param(faults.hang, id="hung"),
        pytest.param(faults.dribble, id="dribbling"),
        pytest.param(value({"choices": []}), id="no choices"),
        pytest.param(value({}), id="choices missing"),
        pytest.param(value([]), id="a list"),
        pytest.param(value({"choices": ONE * 2}), id="two choices"),
        pytest.param(value({"choices": [{"finish_reason": "stop"}]}), id="no message"),
        pytest.param(value({"choices": [None]}), id="null choice"),
        pytest.param(
            value({"error": {"message": "upstream died", "code": 502}}), id="error in a 200"
        ),
        pytest.param(ok("The ans", finish_reason="abort"), id="aborted there"),
    ],
)
@pytest.mark.slow
def test_a_fault_is_tried_again(fault):
    got, server = ask(fault, ok("18"), timeout_s=1.5 if fault in SLOW else 60)
    assert got.text == "18"
    assert got.finish_reason == "stop"
    assert len(server.requests) == 2
    assert server.requests[0].body == server.requests[1].body  # seed and all


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (status(500, "worker lost"), "answered 500: worker lost"),
        (status(429, "slow down"), "answered 429: slow down"),
        (raw(b'{"detail": "starting up"}', 503), "answered 503: starting up"),
        (raw(b'{"error": "queue full"}', 503), "answered 503: queue full"),
        (faults.hang, "did not answer within 0.1 s"),
        (faults.dribble, "did not answer within 0.1 s"),
        (faults.truncated, "not JSON, or not all of it"),
        (faults.short_body, "connection to .* was lost"),
        (faults.reset, "connection to .* was lost"),
        (faults.drop, "connection to .* was lost"),
        (raw(b"<html>Bad\n  gateway</html>"), "<html>Bad gateway</html>"),
        (value({"choices": []}), "0 choices where 1 was asked for"),
        (value({"choices": ONE * 3}), "3 choices where 1 was asked for"),
        (value({"choices": [{}]}), "a choice without a message"),
    ],
)
@pytest.mark.slow
def test_attempts_that_are_used_up_are_a_lost_path_with_its_last_reason(fault, reason):
    lost, server = ask(fault, timeout_s=0.1 if fault in SLOW else 60, max_attempts=3)
    assert (lost.text, lost.finish_reason) == ("", "error")
    assert re.search(reason, lost.error)
    assert len(server.requests) == 3


def test_a_burst_of_500_costs_no_path():
    got, (server,) = ask_many(40, *[status(500)] * 40, ok(), window=16)
    assert {c.finish_reason for c in got} == {"stop"}
    assert len(server.requests) == 80


@pytest.mark.slow
def test_chaos_ends_and_every_lost_path_has_its_reason():
    got, (server,) = ask_many(
        120, chaos(0.5, seed=7), window=32, timeout_s=1.5, max_attempts=4, servers=1
    )
    lost = [c for c in got if c.finish_reason == "error"]
    assert len(got) == 120
    assert all(c.error for c in lost)
    assert all(c.text == "The answer is 18." for c in got if c not in lost)
    assert 0 < len(lost) < 30  # half of all attempts fail: about 1 in 16 fails four times
    assert len(server.requests) <= 4 * 120


# Retry-After


@pytest.mark.slow
def test_retry_after_in_seconds_is_honoured():
    got, server = ask(status(429, retry_after=1), ok("18"))
    assert got.text == "18"
    first, second = (seen.at for seen in server.requests)
    assert second - first >= 0.99


@pytest.mark.slow
def test_retry_after_as_a_date_is_honoured():
    async def later(exchange):
        date = formatdate(time.time() + 2, usegmt=True)
        await status(503, retry_after=date)(exchange)

    got, server = ask(later, ok("18"))
    assert got.text == "18"
    first, second = (seen.at for seen in server.requests)
    assert second - first >= 0.9  # dates are in whole seconds


def test_retry_after_holds_for_everyone():
    _, (server,) = ask_many(8, status(429, retry_after=0.5), ok(), window=1)
    first, second, *_ = (seen.at for seen in server.requests)
    assert second - first >= 0.49  # it is another request's turn, and it waits too


@pytest.mark.parametrize(
    "header",
    [
        99999,
        "soon",
        "-1",
        "nan",
        "0",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 2026 00:00:00 +99999999999999999",
    ],
)
def test_a_retry_after_beyond_reason_is_cut_or_ignored(header):
    started = time.monotonic()
    got, _ = ask(status(429, retry_after=header), ok("18"), retry_after_max_s=0.1)
    assert got.text == "18"
    assert time.monotonic() - started < 100  # it says more, or nothing


def test_a_tight_rate_limit_loses_no_path():
    """A server that bears 4 at once against a window of 64: the engine learns to ask less."""

    async def run():
        server = FaultyServer()

        async def at_most_four(exchange):
            busy = server.at_once > 4
            await (status(429, retry_after=0.02) if busy else ok(after_s=0.01))(exchange)

        server.replies = [at_most_four]
        async with server, engine_at(server, window=64) as engine:
            got = await asyncio.gather(*(engine.complete(request(i)) for i in range(128)))
            return got, server

    got, server = asyncio.run(run())
    assert {c.finish_reason for c in got} == {"stop"}
    assert len(server.requests) < 3 * 128


# Refusals


@pytest.mark.parametrize("code", [400, 413, 422, 418])
def test_a_bad_request_is_lost_at_once_with_the_servers_words(code):
    lost, server = ask(status(code, "temperature must be below 2"), ok())
    assert "temperature must be below 2" in lost.error
    assert str(code) in lost.error
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        status(400, "This model's maximum context length is 512 tokens, you asked for 9000."),
        status(400, "nope", code="context_length_exceeded"),
        raw(b'{"object":"error","message":"the request exceeds the available context size"}', 400),
    ],
)
def test_a_prompt_that_does_not_fit_is_lost_in_clear_words(refusal):
    lost, server = ask(refusal, ok())
    assert "do not fit the model's context" in lost.error
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (401, "OPENAI_API_KEY"),
        (402, "credit"),
        (403, "may not use"),
        (404, "model's name and the base URL"),
        (405, "base URL"),
    ],
)
def test_what_every_request_would_meet_stops_the_run(code, advice):
    with pytest.raises(EngineError) as caught:
        ask(status(code, "the server says so"), ok())
    message = str(caught.value)
    assert f"/v1/chat/completions answered {code}" in message
    assert "the server says so" in message
    assert advice in message
    assert "usually ends in /v1" not in message


def test_what_stops_the_run_is_asked_once():
    async def run():
        async with FaultyServer(status(401), ok()) as server, engine_at(server) as engine:
            with pytest.raises(EngineError):
                await engine.complete(request())
            return len(server.requests)

    assert asyncio.run(run()) == 1


def test_a_base_url_without_v1_is_told_what_it_lacks():
    async def run():
        lost = FaultyServer(status(404, "Not Found"), models=status(404))
        async with lost as server:
            engine = OpenAIEngine("m", [server.url.removesuffix("/v1")])
            await engine.start()
            try:
                with pytest.raises(EngineError, match=r"usually ends in /v1: http://.*/v1$"):
                    await engine.complete(request())
            finally:
                await engine.close()

    asyncio.run(run())


def test_a_redirect_is_named_and_not_followed():
    with pytest.raises(EngineError, match="moved to https://elsewhere/v1"):
        ask(raw(b"", 308, {"Location": "https://elsewhere/v1"}), ok())


def test_a_quota_that_is_used_up_stops_the_run():
    with pytest.raises(EngineError, match=r"answered 429.*exceeded your quota"):
        ask(status(429, "You exceeded your quota", code="insufficient_quota"), ok())
