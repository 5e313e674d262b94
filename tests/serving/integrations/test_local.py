"""An engine in a thread: from ordinary code, from any loop, from many threads, and to its end."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from clc.errors import EngineError, InputError, RunError, StrategyError
from clc.serving.integrations.local import LocalClient
from tests.engines.scripted import ScriptedEngine
from tests.serving.test_completions import body


def local(engine=None, **settings):
    chosen: dict = {"languages": "en+de, zh", "paths": 3} | settings
    return LocalClient("m", engine=engine or ScriptedEngine(), **chosen)


def test_one_request():
    with local() as it:
        reply = it.complete(body())
    assert reply["clc"]["languages"] == ["en", "de", "zh"]
    assert reply["clc"]["paths"] == 3
    assert it.name == "m"
    assert it.at_once >= 4


def test_from_an_event_loop():
    async def main():
        with local() as it:
            return await asyncio.gather(*(it.acomplete(body(f"What is {n}?")) for n in range(9)))

    assert len({reply["id"] for reply in asyncio.run(main())}) == 9


def test_from_several_loops_and_threads():
    engine = ScriptedEngine()
    with local(engine) as it, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(it.complete, [body(f"What is {n}?") for n in range(40)]))
        replies += [asyncio.run(it.acomplete(body())) for _ in "ab"]
    assert len(replies) == 42
    assert engine.started == engine.closed == 1


def test_many_come_as_they_are_done_and_keep_their_places():
    places = []

    class Waits(ScriptedEngine):
        """Answers the slow one when the quick ones have come."""

        async def complete(self, request):
            while "slow" in str(request.messages) and len(places) < 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            return await super().complete(request)

    wanted = [body("slow 3 4"), *(body(f"quick {n} 4") for n in range(20))]
    with local(Waits()) as it:
        for place, _ in it.complete_all(wanted):
            places.append(place)
    assert sorted(places) == list(range(21))
    assert places[-1] == 0


def test_leaving_many_early_ends_their_work():
    engine = ScriptedEngine(delay=lambda request: 60 if "slow" in str(request.messages) else 0)
    with local(engine) as it:
        replies = it.complete_all([body("slow 3 4"), body("quick 3 4")])
        assert next(replies)[0] == 1
        replies.close()
        assert it.complete(body())["clc"]["paths"] == 3
    assert engine.in_flight == 0


def test_cancelling_a_call_ends_its_work():
    engine = ScriptedEngine(delay=lambda request: 60)

    async def main():
        with local(engine) as it:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(it.acomplete(body()), 0.2)
            for _ in range(600):
                if not engine.in_flight:
                    break
                await asyncio.sleep(0.1)
            return engine.in_flight

    assert asyncio.run(main()) == 0


def test_errors():
    with local() as it:
        with pytest.raises(InputError, match="unknown parameter 'temprature'"):
            it.complete(body(temprature=1))
        with pytest.raises(InputError, match="there is no model 'gpt'"):
            asyncio.run(it.acomplete(body(model="gpt")))
        with pytest.raises(InputError, match="a vote has one answer"):
            list(it.complete_all([body(), body(n=2)]))
    with local(ScriptedEngine(lose=lambda request: "gone")) as it, pytest.raises(RunError):
        it.complete(body())
    with pytest.raises(StrategyError, match="unknown strategy 'nosuch'"):
        local(strategy="nosuch")


def test_a_lost_engine():
    class Lost(ScriptedEngine):
        async def complete(self, request):
            raise EngineError("the engine is lost")

    with local(Lost()) as it:
        with pytest.raises(EngineError):
            it.complete(body())
        with pytest.raises(EngineError):
            list(it.complete_all([body()]))


def test_closing_twice_ends_the_thread_once():
    before = threading.active_count()
    engine = ScriptedEngine()
    it = local(engine)
    it.complete(body())
    assert threading.active_count() == before + 1
    it.close()
    it.close()
    assert threading.active_count() == before
    assert engine.closed == 1


def test_a_process_that_never_closes_ends_by_itself():
    code = (
        "from clc.serving.integrations.local import LocalClient\n"
        "from tests.engines.scripted import ScriptedEngine\n"
        "class Engine(ScriptedEngine):\n"
        "    async def close(self): print('closed')\n"
        "it = LocalClient('m', engine=Engine(), paths=3)\n"
        "message = {'role': 'user', 'content': 'What is 3 and 4?'}\n"
        "print(it.complete({'model': 'clc', 'messages': [message]})['clc']['answer'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[1:] == ["closed"], done.stderr
    assert done.stderr == ""
