"""Limits of the openai engine: requests and tokens in flight and a minute; several URLs."""

import asyncio
import time

import pytest

from clc.engines.openai.endpoints import Endpoints, Pace
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import ConfigurationError
from tests.engines.openai_engine import ask_many, engine_at, request

from .faulty_replies import ok, together
from .faulty_server import FaultyServer


@pytest.mark.parametrize("name", ["window", "max_attempts", "timeout_s", "requests_per_minute"])
def test_limits_must_be_above_zero(name):
    with pytest.raises(ConfigurationError, match=f"{name} is 0"):
        OpenAIEngine("m", ["http://h/v1"], **{name: 0})  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="no name"):
        OpenAIEngine("", ["http://h/v1"])


def test_no_more_than_the_window_is_in_flight():
    got, (server,) = ask_many(40, together(7), window=7)
    assert {c.finish_reason for c in got} == {"stop"}
    assert server.most_at_once == 7
    assert len({seen.body["seed"] for seen in server.requests}) == 40


def test_tokens_in_flight_are_limited():
    # Each is 1,000 new tokens and about 70 of the prompt.
    got, (server,) = ask_many(
        12, together(3), max_tokens=1000, max_tokens_in_flight=3300, window=12
    )
    assert {c.finish_reason for c in got} == {"stop"}
    assert server.most_at_once == 3


def test_a_request_above_the_limit_on_tokens_goes_alone():
    got, (server,) = ask_many(4, ok(after_s=0.01), max_tokens=1000, max_tokens_in_flight=500)
    assert {c.finish_reason for c in got} == {"stop"}
    assert server.most_at_once == 1


@pytest.mark.slow
def test_requests_per_minute_are_spaced():
    began = time.monotonic()
    _, (server,) = ask_many(6, ok(), requests_per_minute=60 * 5)
    assert server.requests[-1].at - began >= 5 / 5  # the first one may arrive late, none early


@pytest.mark.slow
def test_tokens_per_minute_are_spaced_and_corrected_by_what_was_used():
    # 1,070 estimated at 60,000 a second; a reply says it used 18.
    began = time.monotonic()
    _, (server,) = ask_many(6, ok(usage=None), max_tokens=1000, tokens_per_minute=60 * 5_000)
    assert server.requests[-1].at - began >= 5 * 1000 / 5_000
    pace = Pace(600)
    pace.spend(0.0, 100)
    assert pace.next_at == 10
    pace.refund(90)
    assert pace.next_at == 1


def test_several_urls_share_the_work():
    got, servers = ask_many(60, together(3), servers=3, window=9)
    assert {c.finish_reason for c in got} == {"stop"}
    assert [server.most_at_once for server in servers] == [3, 3, 3]
    assert all(len(server.requests) >= 10 for server in servers)


def test_the_pool_sets_aside_doubles_the_pause_and_probes_with_one():
    now = 100.0
    pool = Endpoints(["a", "b"], 8, pause_s=1, pause_max_s=3, clock=lambda: now)
    a, b = pool.all
    pauses = []
    for _ in range(4):
        pool.failed(a, unreachable="refused")
        pool.failed(a, unreachable="refused")  # in flight at the same time: counted once
        pauses.append(a.aside_until - now)
        assert pool._take(1).endpoint is b
        now = a.aside_until
    assert pauses == [1, 2, 3, 3]
    probe = pool._take(1)
    assert probe.endpoint is a
    assert pool._take(1).endpoint is b  # one probe at a time
    pool.succeeded(a)
    assert pool._take(1).endpoint is a
    assert pool.unreachable() == {}
    pool.failed(a, unreachable="refused")
    pool.failed(b, unreachable="no route")
    assert pool.unreachable() == {"a": "refused", "b": "no route"}
    assert pool._take(1) is not None  # with nobody ready, the longest at rest is asked


def test_the_pool_asks_an_overloaded_endpoint_later_and_less():
    now = 0.0
    pool = Endpoints(["a"], 8, clock=lambda: now)
    leases = [pool._take(1) for _ in range(8)]
    now = 1.0
    for lease in leases:
        pool.overloaded(lease, 5)
        pool._release(lease)
    assert pool.all[0].limit == 4  # halved once, not eight times
    assert pool._take(1) is None
    assert pool._wait_s() == 5
    now = 6.0
    assert sum(pool._take(1) is not None for _ in range(8)) == 4
    for _ in range(10):
        pool.succeeded(pool.all[0])
    assert pool.all[0].limit == pytest.approx(5)


def test_the_event_loop_is_never_held():
    async def run():
        async with FaultyServer(ok(after_s=0.05)) as server, engine_at(server) as engine:
            work = asyncio.gather(*(engine.complete(request(i)) for i in range(30)))
            longest = 0.0
            while not work.done():
                before = time.thread_time()  # of this thread alone, however busy the machine is
                await asyncio.sleep(0.001)
                longest = max(longest, time.thread_time() - before)
            await work
            return longest

    assert asyncio.run(run()) < 0.5
