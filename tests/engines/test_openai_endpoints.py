"""Endpoints of the openai engine that die and come back, and requests that are cancelled."""

import asyncio

import pytest

from clc.engines.openai.engine import OpenAIEngine
from clc.errors import EngineError
from tests.engines.openai_engine import engine_at, request

from . import faulty_replies as faults
from .faulty_replies import ok, status
from .faulty_server import FaultyServer


async def free_port() -> int:
    async with FaultyServer() as server:
        return server.port


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
            pool = engine._running.pool
            return got, (pool.in_flight, pool.tokens_in_flight, pool.all[0].in_flight)

    got, held = asyncio.run(run())
    assert {c.finish_reason for c in got} == {"stop"}
    assert held == (0, 0, 0)
