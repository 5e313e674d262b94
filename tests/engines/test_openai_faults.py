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

from . import faulty_server as faults
from .faulty_server import FaultyServer, chaos, completion, ok, raw, status, value
from .test_openai import _no_key_and_no_proxy, ask, ask_many, engine_at, request  # noqa: F401

ONE = completion()["choices"]
SLOW = (faults.hang, faults.dribble)  # only a client's own timeout ends these


async def free_port() -> int:
    async with FaultyServer() as server:
        return server.port


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


# Endpoints that die


def test_nobody_there_is_an_error_at_the_start_that_names_every_url():
    async def run():
        ports = [await free_port(), await free_port()]
        urls = [f"http://127.0.0.1:{port}/v1" for port in ports]
        engine = OpenAIEngine("m", urls)
        with pytest.raises(EngineError) as caught:
            await engine.start()
        assert all(url in str(caught.value) for url in urls)
        await engine.close()

    asyncio.run(run())


def test_a_host_that_does_not_exist_is_unreachable():
    engine = OpenAIEngine("m", ["http://no-such-host.invalid/v1"])
    with pytest.raises(
        EngineError, match=r"no endpoint can be reached: http://no-such-host\.invalid"
    ):
        asyncio.run(engine.start())


def test_a_dead_url_does_not_stop_the_run(caplog):
    async def run():
        port = await free_port()
        async with FaultyServer(ok(after_s=0.005)) as server:
            urls = [f"http://127.0.0.1:{port}/v1", server.url]
            engine = OpenAIEngine("m", urls, wait_initial_s=0.01, wait_max_s=0.05, max_attempts=1)
            await engine.start()
            got = await asyncio.gather(*(engine.complete(request(i)) for i in range(60)))
            await engine.close()
            return got

    assert {c.finish_reason for c in asyncio.run(run())} == {"stop"}
    (message,) = caplog.messages  # once, not at every probe
    assert "cannot be reached" in message


def test_a_url_that_dies_in_the_middle_is_set_aside_and_comes_back():
    async def run():
        async with FaultyServer(ok(after_s=0.005)) as steady:
            shaky = await FaultyServer(ok(after_s=0.005)).__aenter__()
            async with engine_at(steady, shaky, window=8) as engine:

                async def work(count):
                    return await asyncio.gather(
                        *(engine.complete(request(i)) for i in range(count))
                    )

                first = asyncio.ensure_future(work(60))
                await shaky.seen(5)
                await shaky.die()
                got = await first
                got += await work(40)
                async with FaultyServer(ok(after_s=0.005), port=shaky.port) as again:
                    await asyncio.sleep(0.1)
                    got += await work(60)
                    return got, len(again.requests), again.most_at_once

    got, after, at_once = asyncio.run(run())
    assert len(got) == 160
    assert {c.finish_reason for c in got} == {"stop"}
    assert after >= 10
    assert at_once > 1  # back to its full share after the probe


def test_a_url_that_answers_only_500_does_not_draw_the_work_to_itself():
    async def run():
        async with FaultyServer(status(500)) as bad, FaultyServer(ok(after_s=0.02)) as good:
            async with engine_at(bad, good, window=16) as engine:
                got = await asyncio.gather(*(engine.complete(request(i)) for i in range(80)))
            return got, len(bad.requests)

    got, failed = asyncio.run(run())
    assert {c.finish_reason for c in got} == {"stop"}
    assert failed < 40


def test_the_only_url_dying_stops_the_run_and_names_it():
    async def run():
        server = await FaultyServer(ok(after_s=0.01)).__aenter__()
        async with engine_at(server, window=8, max_attempts=3) as engine:
            work = [asyncio.ensure_future(engine.complete(request(i))) for i in range(100)]
            await server.seen(30)
            await server.die()
            got = await asyncio.gather(*work, return_exceptions=True)
        return got, server.url

    got, url = asyncio.run(run())
    kept = [c for c in got if not isinstance(c, BaseException)]
    stopped = [c for c in got if isinstance(c, BaseException)]
    assert kept
    assert {c.finish_reason for c in kept} == {"stop"}  # dying is no reason to lose a path
    assert stopped
    assert {type(error) for error in stopped} == {EngineError}
    assert url in str(stopped[0])
    assert "what was stored stays" in str(stopped[0])


def test_a_url_that_comes_back_within_the_attempts_loses_nothing():
    async def run():
        server = await FaultyServer(ok(after_s=0.01)).__aenter__()
        async with engine_at(server, window=8, wait_initial_s=0.1, wait_max_s=1) as engine:
            work = [asyncio.ensure_future(engine.complete(request(i))) for i in range(60)]
            await server.seen(20)
            await server.die()
            await asyncio.sleep(0.4)
            async with FaultyServer(ok(), port=server.port):
                return await asyncio.gather(*work)

    assert {c.finish_reason for c in asyncio.run(run())} == {"stop"}


# Cancelling


def test_cancelling_closes_the_connection_and_frees_the_slot():
    async def run():
        async with (
            FaultyServer(faults.hang, ok("18")) as server,
            engine_at(server, window=1) as engine,
        ):
            hung = asyncio.ensure_future(engine.complete(request(0)))
            waiting = asyncio.ensure_future(engine.complete(request(1)))
            queued = asyncio.ensure_future(engine.complete(request(2)))
            await server.seen(1)
            queued.cancel()
            hung.cancel()
            assert (await waiting).text == "18"
            async with asyncio.timeout(60):
                await server.requests[0].hung_up.wait()
            for task in (hung, queued):
                with pytest.raises(asyncio.CancelledError):
                    await task
            return len(server.requests)

    assert asyncio.run(run()) == 2


def test_cancelling_many_leaves_the_engine_whole():
    async def run():
        server = FaultyServer(*[ok(after_s=0.05)] * 30, ok("18"))
        async with server, engine_at(server, window=10) as engine:
            work = [asyncio.ensure_future(engine.complete(request(i))) for i in range(30)]
            for task in work:
                await asyncio.sleep(0.003)
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            got = await asyncio.gather(*(engine.complete(request(i)) for i in range(30)))
            _, pool = engine._running
            return got, (pool.in_flight, pool.tokens_in_flight, pool.all[0].in_flight)

    got, held = asyncio.run(run())
    assert {c.finish_reason for c in got} == {"stop"}
    assert held == (0, 0, 0)
