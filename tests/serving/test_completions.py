"""Chat completions in this process: bodies, names, errors, and the window of open requests."""

import asyncio
from contextlib import aclosing

import pytest

from clc.errors import ConfigurationError, EngineError, InputError, RunError
from clc.serving.completions import Completions, as_error
from clc.serving.errors import ApiError
from clc.solving.configure import configure
from clc.strategies.catalogue import STRATEGIES
from clc.voting.stopping import Stopping
from tests.engines.scripted import ScriptedEngine

QUESTION = "Tom has 3 apples and buys 4 more. How many apples does Tom have?"


def body(question=QUESTION, **more):
    return {"model": "clc", "messages": [{"role": "user", "content": question}], **more}


def make(engine=None, *, strategy="clc", **settings):
    settings = {"languages": ["en", "de", "zh"], **settings}
    return Completions(
        engine or ScriptedEngine(), configure(strategy, **settings), model="scripted"
    )


def answer(completions, wanted):
    async def main():
        try:
            return await completions.answer(completions.read(wanted))
        finally:
            await completions.close()

    return asyncio.run(main())


def collect(completions, bodies):
    async def main():
        try:
            async with aclosing(completions.stream(bodies)) as replies:
                return [item async for item in replies]
        finally:
            await completions.close()

    return asyncio.run(main())


def test_a_vote():
    reply = answer(make(paths=6), body())
    assert reply["object"] == "chat.completion"
    assert reply["clc"]["answer"] == "7"
    assert reply["clc"]["paths"] == 6
    assert reply["clc"]["languages"] == ["en", "de", "zh"]
    assert reply["clc"]["seed"] == 0


def test_the_same_settings_answer_alike():
    replies = [answer(make(paths=6), body()) for _ in "ab"]
    assert len({reply["system_fingerprint"] for reply in replies}) == 1
    assert len({reply["id"] for reply in replies}) == 2
    assert len({reply["choices"][0]["message"]["content"] for reply in replies}) == 1


@pytest.mark.parametrize(
    "other", [{"paths": 7}, {"seed": 1}, {"temperature": 0.5}, {"strategy": "sc"}]
)
def test_other_settings_have_another_fingerprint(other):
    assert make(paths=6).fingerprint != make(**({"paths": 6} | other)).fingerprint


def test_the_plain_model():
    reply = answer(make(), body(model="scripted", n=3, seed=1))
    assert len(reply["choices"]) == 3
    assert "clc" not in reply


def test_every_setting_reaches_the_question():
    chosen = configure(
        "clc", languages=["en", "sw"], paths=5, temperature=0.9, top_p=0.8, top_k=40, max_tokens=77,
        stop=["END"], seed=9, min_p=0.1, presence_penalty=0.1, frequency_penalty=0.2,
        repetition_penalty=1.1, translation_tries=2, stopping=Stopping("beta", threshold=0.9),
        ahead=2, fidelity="count",
    )  # fmt: skip
    made = Completions(ScriptedEngine(), chosen, model="scripted").read(body())
    assert made.work.configuration == chosen


def test_a_request_goes_before_the_settings():
    completions = make(paths=6, temperature=0.9)
    chosen = completions.read(body(clc={"paths": 3, "languages": ["sw"]}, temperature=0.4)).work
    assert chosen.configuration.paths == 3
    assert chosen.configuration.languages == ("sw",)
    assert chosen.configuration.sampling.temperature == 0.4


def test_another_strategy_brings_its_own_budget():
    chosen = make(paths=6).read(body(model="clc:sc-en")).work.configuration
    assert chosen.strategy == STRATEGIES["sc-en"]
    assert chosen.paths == STRATEGIES["sc-en"].paths


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"model": "gpt"}, 404, "there is no model 'gpt'; there are: clc, "),
        ({"stream": True}, 400, "replies are whole here"),
        ({"n": 2}, 400, "a vote has one answer"),
        ({"temprature": 1}, 400, "unknown parameter 'temprature'"),
        ({"temperature": 0}, 400, "temperature 0 samples the same path"),
        ({"messages": []}, 400, "messages"),
        ({"clc": {"languages": ["qq-qq"]}}, 400, "qq-qq"),
    ],
)
def test_wrong_requests(wrong, status, words):
    with pytest.raises(ApiError, match=words) as caught:
        make().read(body(**wrong))
    assert caught.value.status == status


def test_errors_of_this_library():
    assert type(as_error(ApiError(400, "x", code="y"))) is InputError
    assert type(as_error(ApiError(408, "x", code="y"))) is RunError
    assert type(as_error(ApiError(502, "x", code="y"))) is RunError


def test_a_model_may_not_be_called_like_a_vote():
    with pytest.raises(ConfigurationError, match="which is the name of its votes"):
        Completions(ScriptedEngine(), configure(), model="clc")


def test_a_stream_keeps_keys_and_errors_apart():
    given = ApiError(400, "before", code="x")
    bodies = [("a", body()), ("b", body(model="gpt")), ("c", given), ("d", body("Und 3 + 4?"))]
    replies = dict(collect(make(paths=3), bodies))
    assert replies["a"]["clc"]["answer"]
    assert replies["b"].status == 404
    assert replies["c"] is given
    assert replies["d"]["clc"]["paths"] == 3


def test_replies_come_when_they_are_done():
    engine = ScriptedEngine(delay=lambda request: 0.3 if "slow" in str(request.messages) else 0)
    names = [name for name, _ in collect(
        make(engine, strategy="direct"), [("slow", body("slow 3 4")), ("quick", body("quick 3 4"))]
    )]  # fmt: skip
    assert names == ["quick", "slow"]


def test_the_window_bounds_what_is_read_ahead():
    read = 0

    def bodies():
        nonlocal read
        for number in range(200):
            read += 1
            yield number, body(f"What is {number} and 4?")

    async def main():
        completions = make(ScriptedEngine(window=4), paths=3)
        done, most = 0, 0
        async with aclosing(completions.stream(bodies())) as replies:
            async for _ in replies:
                done += 1
                most = max(most, read - done)
        await completions.close()
        return done, most

    done, most = asyncio.run(main())
    assert done == 200
    assert most <= 5  # 2 * window paths over 3 a request are less than the fewest, 4, and one more


def test_a_lost_engine_ends_the_stream():
    class Lost(ScriptedEngine):
        async def complete(self, request):
            if "bad" in str(request.messages):
                raise EngineError("the engine is lost")
            return await super().complete(request)

    with pytest.raises(EngineError, match="the engine is lost"):
        collect(make(Lost()), [("a", body()), ("b", body("bad 3 4"))])


def test_closing_a_stream_ends_its_work():
    engine = ScriptedEngine(delay=lambda request: 0 if "quick" in str(request.messages) else 60)

    async def main():
        completions = make(engine, strategy="direct")
        async with aclosing(
            completions.stream([(1, body("slow 3 4")), (2, body("quick 3 4"))])
        ) as replies:
            first = await anext(replies)
        await completions.close()
        return first[0]

    assert asyncio.run(main()) == 2
    assert engine.in_flight == 0
    assert engine.cancelled == 1


def test_lost_paths_are_an_error_of_their_request():
    engine = ScriptedEngine(lose=lambda r: "no answer" if "lost" in str(r.messages) else None)
    replies = dict(collect(make(engine), [("a", body("lost 3 4")), ("b", body())]))
    assert replies["a"].status == 502
    assert replies["b"]["clc"]["answer"] == "7"


def test_a_winner_that_is_translated_waits_for_its_place_in_the_window():
    engine = ScriptedEngine(delay=lambda request: 0.01, window=1)
    asked = [
        (n, body(f"Wie viele sind {n} und 4 zusammen?", clc={"language": "de"})) for n in "abc"
    ]
    replies = dict(collect(make(engine, languages=["zh"], paths=2), asked))
    assert all(isinstance(reply, dict) for reply in replies.values())
    assert engine.most_in_flight == 1
