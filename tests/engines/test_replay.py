import asyncio
import time

from clc.engines import Completion, Engine, Request
from clc.engines.replay import ReplayEngine
from clc.records import Confidence, Sampling, Usage


def request(key: str = "k") -> Request:
    return Request(key, ({"role": "user", "content": "2+2?"},), Sampling(), seed=1)


def complete(engine: ReplayEngine, key: str = "k") -> Completion:
    return asyncio.run(engine.complete(request(key)))


def test_it_is_an_engine():
    engine = ReplayEngine({}, fingerprint="replay:gsm8k")
    assert isinstance(engine, Engine)
    assert engine.fingerprint == "replay:gsm8k"
    assert engine.window > 0


def test_a_text_is_a_path_that_stopped():
    assert complete(ReplayEngine({"k": "4"})) == Completion("4", "stop")
    assert complete(ReplayEngine({"k": ""})) == Completion("", "stop")


def test_a_completion_comes_back_as_it_was_recorded():
    recorded = Completion(
        "The answer", "abort", Usage(3, 5), confidence=Confidence(9.0, 8.0, 7.0, -0.1)
    )
    assert complete(ReplayEngine({"k": recorded})) is recorded


def test_what_was_not_recorded_is_a_lost_path():
    assert complete(ReplayEngine({"k": "4"}), "other") == Completion.lost("not recorded")
    assert complete(ReplayEngine(lambda _: None)) == Completion.lost("not recorded")


def test_a_function_sees_the_whole_request():
    engine = ReplayEngine(lambda request: f"{request.key} {request.seed}")
    assert complete(engine, "a").text == "a 1"


def test_starting_and_closing_cost_nothing():
    async def life() -> None:
        engine = ReplayEngine({})
        await engine.close()
        await engine.start()
        await engine.close()
        await engine.close()

    asyncio.run(life())


def test_a_request_costs_microseconds():
    async def many(engine: ReplayEngine, count: int) -> float:
        wanted = request()
        start = time.process_time()
        for _ in range(count):
            await engine.complete(wanted)
        return time.process_time() - start

    seconds = asyncio.run(many(ReplayEngine({"k": Completion("4", "stop")}), 20_000))
    assert seconds < 1  # 0.01 s here; a million requests must not wait for this engine
