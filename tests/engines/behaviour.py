"""Checks that hold for every engine that runs a model; each engine's tests run CHECKS."""

from __future__ import annotations

import asyncio
from dataclasses import astuple, replace

import pytest

from clc.engines import Completion, Engine, Request
from clc.engines.confidence import Measure
from clc.errors import EngineError
from clc.records import Sampling

from .tiny_random import PLAIN_MARKS, SPECIAL_MARKS, WINDOW

MARKS = {*PLAIN_MARKS, *SPECIAL_MARKS}
_TRIES = 9  # at a stream: an event loop that gets no processor sees several pieces as one


def ask(number: int = 0, *, seed: int | None = None, words: int = 0, **sampling) -> Request:
    content = f"Tom has {number} apples." + " apples" * words
    given = {"temperature": 0.8, "max_tokens": 16} | sampling
    seed = (1 << 52) + number if seed is None else seed
    return Request(str(number), ({"role": "user", "content": content},), Sampling(**given), seed)


async def complete_all(engine: Engine, *requests: Request) -> list[Completion]:
    return list(await asyncio.gather(*map(engine.complete, requests)))


async def check_parameters(engine: Engine) -> None:
    """max_tokens, seed, temperature, top_k, top_p and the finish reasons."""
    short, long = await complete_all(engine, ask(max_tokens=3), ask(max_tokens=40))
    assert (short.finish_reason, short.usage.completion_tokens) == ("length", 3)
    assert long.text.startswith(short.text)
    assert short.usage.prompt_tokens == long.usage.prompt_tokens > 5
    same, again, other = await complete_all(engine, ask(seed=1), ask(seed=1), ask(seed=2))
    assert same == again
    assert same.text != other.text
    greedy = await complete_all(engine, *(ask(seed=seed, temperature=0.0) for seed in range(3)))
    assert len(set(greedy)) == 1
    for limit in ({"top_k": 1}, {"top_p": 1e-6}, {"min_p": 0.999}):
        assert (await engine.complete(ask(temperature=1.5, **limit))).text == greedy[0].text


async def check_stop(engine: Engine) -> None:
    """A stop string ends the text before it."""
    whole = await engine.complete(ask(max_tokens=60))
    stop = next(
        whole.text[at : at + 3] for at in range(20, 60) if whole.text[at : at + 3].isascii()
    )
    cut = await engine.complete(ask(max_tokens=60, stop=("never", stop)))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish_reason == "stop"
    assert 0 < cut.usage.completion_tokens <= whole.usage.completion_tokens


async def check_streaming(engine: Engine) -> None:
    """Streamed pieces are a prefix of the text that is sampled without streaming, up to any stop."""
    plain = [ask(n, words=n, max_tokens=60, temperature=1.2) for n in range(6)]
    whole = await complete_all(engine, *plain)
    stops = [one.text[at : at + 5] for at, one in zip(range(10, 70, 10), whole, strict=True)]
    stopping = [
        replace(one, sampling=replace(one.sampling, stop=("never", stop)))
        for one, stop in zip(plain, stops, strict=True)
    ]
    measured = [replace(one, measure=Measure(group=6, floor=floor)) for one in plain[:2]
                for floor in (None, 0.5, 1000.0)]  # fmt: skip
    requests = [*plain, *stopping, *measured]
    unstreamed = await complete_all(engine, *requests)
    for _ in range(_TRIES):
        pieces: list[list[str]] = [[] for _ in requests]
        streamed = await complete_all(
            engine,
            *(replace(one, on_text=own.append) for one, own in zip(requests, pieces, strict=True)),
        )
        assert same_texts(streamed, unstreamed)
        texts = ["".join(own) for own in pieces]
        for one, own, text in zip(streamed, pieces, texts, strict=True):
            assert one.text.startswith(text)
            assert all(own)
        assert {one.finish_reason for one in streamed[len(plain) : 2 * len(plain)]} == {"stop"}
        left = [len(one.text) - len(text) for one, text in zip(streamed, texts, strict=True)]
        if min(map(len, pieces[: len(plain)])) >= 2 and max(left[: len(plain)]) < 24:
            return
    pytest.fail(f"{[len(own) for own in pieces]} pieces, and characters in none of them: {left}")


async def check_measure(engine: Engine) -> None:
    """Measuring changes no token, whatever else runs in the batch; the figures are the model's."""
    plain = [ask(n, words=n, max_tokens=40, temperature=n % 3 * 0.7) for n in range(9)]
    stopping = ask(20, max_tokens=60, stop=("e",))
    wanted = [
        replace(one, measure=Measure(top_k=top_k, tail=8, group=4))
        for one in [*plain, stopping]
        for top_k in (1, 3, 20)
    ]
    without = await complete_all(engine, *plain, stopping)
    sampled = await complete_all(engine, *wanted, *plain)
    assert [replace(one, confidence=None) for one in sampled[: len(wanted) : 3]] == without
    assert [replace(one, confidence=None) for one in sampled[1 : len(wanted) : 3]] == without
    assert [replace(one, confidence=None) for one in sampled[2 : len(wanted) : 3]] == without
    assert sampled[len(wanted) :] == without[:-1]
    for request, one in zip(wanted, sampled, strict=False):
        confidence = one.confidence
        if one.usage.completion_tokens >= 8:  # the tail is two groups
            assert confidence.lowest_group <= confidence.tail + 1e-9
        assert confidence.logprob < 0
        if request.measure.top_k == 1 and request.sampling.temperature == 0:
            assert confidence.mean == pytest.approx(-confidence.logprob)  # greedy
    narrow, _, wide = (one.confidence.mean for one in sampled[:3])
    assert narrow < wide
    alone = (await engine.complete(wanted[5])).confidence
    assert astuple(alone) == pytest.approx(astuple(sampled[5].confidence), rel=1e-3)


async def check_floor(engine: Engine) -> None:
    """A path below its floor ends there, with what it sampled; others are not affected."""
    group = 6
    whole = [ask(n, words=n, max_tokens=48) for n in range(8)]
    measured = [replace(one, measure=Measure(group=group)) for one in whole]
    sampled = await complete_all(engine, *measured)
    lows = [one.confidence.lowest_group for one in sampled]

    def floored(by: float) -> list[Request]:
        return [
            replace(one, measure=Measure(group=group, floor=low + by))
            for one, low in zip(whole, lows, strict=True)
        ]

    assert same_texts(await complete_all(engine, *floored(-1e-3)), sampled)
    aborted = await complete_all(engine, *floored(1e-3), *whole)
    assert same_texts(aborted[len(whole) :], sampled)
    for one, low, all_of_it in zip(aborted, lows, sampled, strict=False):
        if one.finish_reason == "abort":
            assert all_of_it.text.startswith(one.text)
            assert group <= one.usage.completion_tokens < all_of_it.usage.completion_tokens
            assert one.confidence.lowest_group == pytest.approx(low, abs=1e-3)
        else:  # the very last token took it under the floor
            assert one.text == all_of_it.text
    assert "abort" in {one.finish_reason for one in aborted[: len(whole)]}
    at_once = await complete_all(engine, *floored(1000.0))
    assert {(one.finish_reason, one.usage.completion_tokens) for one in at_once} == {
        ("abort", group)
    }
    again = await complete_all(engine, *floored(1e-3))
    assert [(one.text, one.usage) for one in again] == [
        (one.text, one.usage) for one in aborted[: len(whole)]
    ]


def same_texts(some: list[Completion], others: list[Completion]) -> bool:
    return [(one.text, one.finish_reason, one.usage) for one in some] == [
        (one.text, one.finish_reason, one.usage) for one in others
    ]


async def check_end_of_sequence(engine: Engine) -> None:
    """Some of many long completions meet the end token, and stop there without its text."""
    sampled = await complete_all(
        engine, *(ask(n, max_tokens=300, temperature=1.5) for n in range(24))
    )
    ended = [one for one in sampled if one.finish_reason == "stop"]
    assert ended
    assert all(one.usage.completion_tokens < 300 for one in ended)
    assert not any("<|im_end|>" in one.text for one in sampled)


async def check_window(engine: Engine) -> None:
    """A prompt that leaves no room is lost; one that leaves some is cut at the window."""
    lost = await engine.complete(ask(words=WINDOW))
    assert lost.finish_reason == "error"
    assert f"does not fit the model's window of {WINDOW} tokens" in lost.error
    tokens = (await engine.complete(ask())).usage.prompt_tokens
    sampled = await complete_all(
        engine, *(ask(n, words=WINDOW - tokens - 60, max_tokens=1000) for n in range(8))
    )
    for one in sampled:
        assert one.finish_reason in {"stop", "length"}
        if one.finish_reason == "length":
            assert one.usage.total == WINDOW
    assert "length" in {one.finish_reason for one in sampled}


async def check_many(engine: Engine) -> None:
    """200 at once are all answered, and each as if it were alone."""
    requests = [ask(number, words=number % 23, max_tokens=8 + number % 9) for number in range(200)]
    sampled = await complete_all(engine, *requests)
    assert all(one.finish_reason in {"stop", "length"} for one in sampled)
    assert [await engine.complete(requests[place]) for place in (0, 77, 199)] == [
        sampled[place] for place in (0, 77, 199)
    ]


async def check_cancellation(engine: Engine) -> None:
    """Cancelled calls end at once, others go on, and the engine still works."""
    started = asyncio.Event()
    asked = [replace(ask(n, max_tokens=450), on_text=lambda _: started.set()) for n in range(40)]
    endless = [asyncio.create_task(engine.complete(one)) for one in asked]
    kept = asyncio.create_task(engine.complete(ask(7, max_tokens=20)))
    await asyncio.wait_for(started.wait(), 120)
    for task in endless:
        task.cancel()
    results = await asyncio.wait_for(asyncio.gather(*endless, return_exceptions=True), 120)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) > 30
    assert (await kept).finish_reason in {"stop", "length"}
    assert await engine.complete(ask(7, max_tokens=20)) == await kept


async def check_close(engine: Engine) -> None:
    """Calls in flight end with an error, later ones too, and closing twice is fine."""
    started = asyncio.Event()
    asked = [replace(ask(n, max_tokens=450), on_text=lambda _: started.set()) for n in range(16)]
    pending = [asyncio.create_task(engine.complete(one)) for one in asked]
    await asyncio.wait_for(started.wait(), 120)
    await engine.close()
    await engine.close()
    results = await asyncio.gather(*pending, return_exceptions=True)
    # One that ended while the close was on its way is no longer in flight.
    lost = [one for one in results if not (isinstance(one, Completion) and one.error is None)]
    assert lost
    assert all(isinstance(one, EngineError) for one in lost)
    with pytest.raises(EngineError, match="was closed"):
        await engine.complete(ask())


CHECKS = (
    check_parameters,
    check_stop,
    check_streaming,
    check_measure,
    check_floor,
    check_end_of_sequence,
    check_window,
    check_many,
    check_cancellation,
)


async def check_thoughts(engine: Engine) -> None:
    """A random model whose template opens a thought: it is apart from the text, also streamed."""
    requests = [ask(n, words=n, max_tokens=300, temperature=1.5) for n in range(24)]
    whole = await complete_all(engine, *requests)
    for _ in range(_TRIES):
        texts: list[list[str]] = [[] for _ in requests]
        thoughts: list[list[str]] = [[] for _ in requests]
        streamed = await complete_all(
            engine,
            *(
                replace(one, on_text=text.append, on_thought=thought.append)
                for one, text, thought in zip(requests, texts, thoughts, strict=True)
            ),
        )
        assert streamed == whole
        left = [
            len(one.thought) - len("".join(thought))
            for one, thought in zip(whole, thoughts, strict=True)
            if not any(mark in one.thought for mark in MARKS)
        ]
        if max(left) < 24:
            break
    assert max(left) < 24
    measured = [replace(one, measure=Measure(group=6)) for one in requests]
    assert [replace(one, confidence=None) for one in await complete_all(engine, *measured)] == whole
    assert {one.closed for one in whole} == {True, False}
    assert any(one.text for one in whole)
    for one, text, thought in zip(whole, texts, thoughts, strict=True):
        assert one.thought
        if not any(mark in one.thought for mark in MARKS):  # it thought once
            assert one.closed or not one.text
            assert one.text.startswith("".join(text))
            assert one.thought.startswith("".join(thought))
        if one.closed:
            assert 0 < one.usage.reasoning_tokens <= one.usage.completion_tokens
        else:
            assert one.usage.reasoning_tokens == one.usage.completion_tokens
    answered = [
        index
        for index, one in enumerate(whole)
        if one.closed and len(one.thought) > 30 and len(one.text) > 9
        and "\ufffd" not in one.thought[20:23] + one.text[5:8]
        and not any(mark in one.thought for mark in MARKS)
    ]  # fmt: skip
    stopping = [
        replace(
            requests[index],
            sampling=replace(
                requests[index].sampling,
                stop=(whole[index].thought[20:23], whole[index].text[5:8]),
            ),
            on_text=texts[index].append,
        )
        for index in answered
    ]
    for text in texts:
        text.clear()
    for index, one in zip(answered, await complete_all(engine, *stopping), strict=True):
        stops = stopping[answered.index(index)].sampling.stop
        assert one.thought.startswith(whole[index].thought[:23])  # a stop string ends no thought
        assert len(one.thought) > 23
        assert not any(stop in one.text for stop in stops)
        if not any(mark in one.thought for mark in MARKS):
            assert one.text.startswith("".join(texts[index]))
        assert one.usage.completion_tokens <= 300
    assert answered


async def check_budget(engine: Engine, budget: int) -> None:
    """A thought is closed after ``budget`` tokens, and the answer sampled after it."""
    requests = [ask(n, words=n, max_tokens=budget + 30, temperature=0.7) for n in range(12)]
    texts: list[list[str]] = [[] for _ in requests]
    sampled = await complete_all(
        engine,
        *(replace(one, on_text=text.append) for one, text in zip(requests, texts, strict=True)),
    )
    assert sampled == await complete_all(engine, *requests)
    closed_late = [one for one in sampled if one.usage.reasoning_tokens >= budget]
    assert len(closed_late) > 6
    for one, text in zip(sampled, texts, strict=True):
        assert one.closed or one.finish_reason == "stop"
        assert one.usage.completion_tokens <= budget + 30
        if not any(mark in one.thought for mark in MARKS):
            assert one.text.startswith("".join(text))
    assert any(one.text for one in closed_late)
    measured = [replace(one, measure=Measure(group=6)) for one in requests]
    for one, with_confidence in zip(sampled, await complete_all(engine, *measured), strict=True):
        assert replace(with_confidence, confidence=None) == one
        assert with_confidence.confidence is not None
    aborted = [replace(one, measure=Measure(group=6, floor=1000.0)) for one in requests]
    reasons = [one.finish_reason for one in await complete_all(engine, *aborted)]
    assert reasons.count("abort") > 6  # others end within the first group
