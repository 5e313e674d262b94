"""Many at once, too many, too late, gone: what the server does, and that nothing is left of it."""

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import pytest

from clc.errors import EngineError
from clc.serving.errors import ApiError
from clc.serving.http.admission import Admission
from tests.engines.scripted import ScriptedEngine

from .serving import ask, client, http, idle, leave, serving


def slow(seconds, **more):
    return ScriptedEngine(delay=lambda _: seconds, **more)


class Gated(ScriptedEngine):
    """Answers nothing until it is opened."""

    def __init__(self, **more):
        super().__init__(**more)
        self.opened = threading.Event()

    async def complete(self, request):
        while not self.opened.is_set():  # noqa: ASYNC110 - another thread opens it
            await asyncio.sleep(0.01)
        return await super().complete(request)


def until(holds, seconds=60):
    """Wait until ``holds()``; False if that does not come."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def post(it, **body):
    body = {"model": "clc:sc", "messages": ask()} | body
    return http(it).post("/v1/chat/completions", json=body)


def test_a_full_queue_is_429_with_a_time_to_come_back():
    engine = Gated()
    with serving(engine, limits={"running": 1, "waiting": 2}) as it:
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(post, it) for _ in range(8)]
            assert until(lambda: sum(one.done() for one in asked) == 5)
            engine.opened.set()
            replies = [one.result() for one in asked]
        statuses = sorted(reply.status_code for reply in replies)
        assert statuses == [200] * 3 + [429] * 5
        refused = next(reply for reply in replies if reply.status_code == 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["error"]["code"] == "queue_full"
        assert post(it).status_code == 200


def test_a_stream_that_finds_the_queue_full_is_429_too():
    limits = {"running": 1, "waiting": 0}
    engine = Gated()
    with serving(engine, limits=limits) as it, ThreadPoolExecutor(1) as pool:
        ours = client(it)
        first = pool.submit(post, it)
        assert until(lambda: it.service.admission.running)
        with pytest.raises(openai.RateLimitError):
            ours.chat.completions.create(model="clc", messages=ask(), stream=True)
        engine.opened.set()
        assert first.result().status_code == 200


def test_waiting_requests_are_answered_in_order():
    async def main():
        admission, order, go_on = Admission(1, 10), [], asyncio.Event()

        async def one(number):
            async with admission.place(asyncio.get_running_loop().time() + 300):
                order.append(number)
                await go_on.wait()

        tasks = [asyncio.create_task(one(number)) for number in range(5)]
        while admission.waiting < 4:  # noqa: ASYNC110 - it says nothing
            await asyncio.sleep(0)
        tasks[2].cancel()
        go_on.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [0, 1, 3, 4]
        assert (admission.running, admission.waiting) == (0, 0)
        with pytest.raises(ApiError) as late:
            async with admission.place(0), admission.place(asyncio.get_running_loop().time()):
                pytest.fail("there was no place")
        assert late.value.status == 408

    asyncio.run(main())


def test_a_small_request_does_not_wait_for_a_large_one():
    answered = []
    engine = ScriptedEngine(delay=lambda _: 0 if answered else 0.2, window=4)
    with serving(engine, limits={"running": 8}) as it, ThreadPoolExecutor(1) as pool:
        large = pool.submit(post, it, clc={"paths": 200})  # 50 times what the small one waits
        assert until(lambda: it.service.lane.waiting >= 100)
        answered.append(post(it, model="clc:native-cot"))
        assert not large.done()
        assert answered[0].status_code == 200
        assert large.result().json()["clc"]["paths"] == 200
    assert engine.most_in_flight == 4


@pytest.mark.slow
def test_a_deadline_returns_the_vote_so_far_with_a_mark():
    engine = ScriptedEngine(delay=lambda request: 60 if request.seed % 3 == 0 else 0.01)
    with serving(engine) as it:
        reply = post(it, clc={"deadline": 2, "paths": 20})
        assert reply.status_code == 200
        votes = reply.json()["clc"]
        assert votes["deadline"] is True
        assert votes["answer"] == "7"
        assert 0 < votes["paths"] < 20
        missing = votes["abstentions"]["deadline"]["en"]
        assert votes["paths"] + missing == 20
        assert idle(it)
        assert engine.cancelled == missing


@pytest.mark.parametrize("model", ["clc:sc", "clc", "scripted"])
@pytest.mark.slow
def test_a_deadline_before_the_first_path_is_408_and_not_tried_again(model):
    with serving(slow(60), limits={"deadline_s": 0.2}) as it:
        reply = post(it, model=model)
        assert reply.status_code == 408
        assert reply.headers["x-should-retry"] == "false"
        assert reply.json()["error"]["code"] == "deadline_exceeded"
        with pytest.raises(openai.APIError, match="deadline passed"):
            list(client(it).chat.completions.create(model=model, messages=ask(), stream=True))
        assert idle(it)


def test_no_deadline_is_longer_than_the_servers():
    with serving(slow(60), limits={"deadline_s": 0.2}) as it:
        began = time.monotonic()
        assert post(it, clc={"deadline": 1000}).status_code == 408
        assert time.monotonic() - began < 60  # what one path takes


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["clc", "clc:sc", "scripted"])
@pytest.mark.slow
def test_a_client_that_leaves_stops_the_work(model, stream):
    engine = slow(60)
    with serving(engine) as it:
        body = {"model": model, "messages": ask(), "stream": stream}
        leave(it, body, lambda: engine.in_flight)
        assert idle(it)
        assert engine.in_flight == 0
        assert engine.cancelled > 0
        assert until(lambda: 'status="499"' in http(it).get("/metrics").text or stream)


def test_a_client_that_leaves_the_queue_is_forgotten():
    limits = {"running": 1, "waiting": 5}
    engine = Gated()
    with serving(engine, limits=limits) as it, ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, it)
        assert until(lambda: it.service.admission.running)
        leave(it, {"model": "clc:sc", "messages": ask()}, lambda: it.service.admission.waiting)
        assert until(lambda: it.service.admission.waiting == 0)
        assert not first.done()
        engine.opened.set()
        assert first.result().status_code == 200


def test_a_slow_reader_gets_everything_and_holds_up_nobody():
    with serving(slow(0.02, window=2)) as it:
        body = json.dumps({"model": "clc", "messages": ask(), "stream": True}).encode()
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        port = int(it.url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as reader:
            reader.settimeout(120)
            reader.sendall(head + body)
            text = reader.recv(20)
            assert post(it).status_code == 200
            while part := reader.recv(50):
                text += part
                time.sleep(0.001)
        assert text.count(b"data: [DONE]") == 1
        assert idle(it)


def test_a_lost_engine_is_503_and_health_says_so():
    class Dies(ScriptedEngine):
        dead = True

        async def complete(self, request):
            if self.dead:
                raise EngineError("CUDA error at /secret/path")
            return await super().complete(request)

    engine = Dies()
    with serving(engine) as it:
        assert http(it).get("/health").status_code == 200
        for model in ("clc", "scripted"):
            reply = post(it, model=model)
            assert reply.status_code == 503
            assert int(reply.headers["retry-after"]) > 0
            assert "secret" not in reply.text
        health = http(it).get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "unavailable")
        engine.dead = False
        assert post(it).status_code == 200
        assert http(it).get("/health").status_code == 200


def test_a_fault_of_the_server_is_500_and_it_goes_on(monkeypatch):
    with serving() as it:
        monkeypatch.setattr(it.service.answering, "_templates", None)
        reply = post(it)
        assert reply.status_code == 500
        assert reply.json()["error"]["code"] == "internal_error"
        assert "NoneType" not in reply.text
        monkeypatch.undo()
        assert post(it).status_code == 200


def test_running_requests_end_before_the_server_does():
    engine = Gated()
    with serving(engine, drain_s=120) as it, ThreadPoolExecutor(2) as pool:
        whole = pool.submit(post, it)
        streamed = pool.submit(
            lambda: list(
                client(it).chat.completions.create(model="clc:sc", messages=ask(), stream=True)
            )
        )
        assert until(lambda: it.service.admission.running == 2)
        it.server.should_exit = True
        engine.opened.set()
        assert whole.result().status_code == 200
        assert streamed.result()[-1].choices[0].finish_reason == "stop"
        assert until(lambda: refuses(it))


def refuses(it):
    try:
        post(it)
    except httpx.ConnectError:
        return True
    return False


@pytest.mark.slow
def test_what_does_not_end_in_time_is_stopped():
    engine = slow(60)
    with serving(engine, drain_s=1) as it, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, it)
        assert until(lambda: it.service.admission.running)
        began = time.monotonic()
        it.server.should_exit = True
        reply = waiting.result()
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "shutting_down")
        assert time.monotonic() - began < 50  # a path takes longer
    assert engine.in_flight == 0
    assert engine.closed == 1


@pytest.mark.slow
def test_two_hundred_clients_get_their_own_answers_and_leave_nothing():
    """Every question has a number of its own, and the engine says it back."""

    class Echo(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            told = request.messages[-1]["content"]
            number = "".join(c for c in told.split("apples")[0] if c.isdigit())
            if done.text.startswith("["):
                return done
            return type(done)(f"Answer: {number}", "stop", done.usage)

    def files():
        return len(list(Path("/proc/self/fd").iterdir()))

    async def main(url):
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=120) as many:

            async def one(number):
                body = {"model": "clc:sc", "messages": ask(f"Tom has {number} apples. How many?")}
                if number % 5 == 0:  # some leave
                    try:
                        await many.post(f"{url}/chat/completions", json=body, timeout=0.05)
                    except httpx.TimeoutException:
                        return None
                if number % 7 == 0:  # some are wrong
                    reply = await many.post(f"{url}/chat/completions", content=b"{")
                    assert reply.status_code == 415
                reply = await many.post(f"{url}/chat/completions", json=body)
                return reply.json()["clc"]["answer"], reply.json()["id"]

            return await asyncio.gather(*(one(number) for number in range(1000, 1200)))

    with serving(Echo(delay=lambda _: 0.01, window=32)) as it:
        assert post(it).status_code == 200
        before = files(), threading.active_count()
        told = asyncio.run(main(it.url))
        for number, one in enumerate(told, start=1000):
            assert one is None or one[0] == str(number)
        ids = [one[1] for one in told if one is not None]
        assert len(set(ids)) == len(ids) >= 160
        assert idle(it)
        assert until(lambda: files() <= before[0] + 2)
        assert until(lambda: threading.active_count() <= before[1])
        assert post(it).status_code == 200
