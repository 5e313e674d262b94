"""The openai engine against a server that means harm: sizes, odd values, keys sent back, bad names.

Every reply ends in a completion, a lost path with its reason, or a ClcError that says what to do.
"""

import asyncio
import gzip
import json
import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import pytest

from clc.engines.base import Measure, Request
from clc.engines.openai import limits, sse
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import ClcError, EngineError
from clc.records import Sampling, Usage
from tests.engines.endless_replies import MIB, endless, packed
from tests.engines.openai_engine import ask, request

from .faulty_replies import completion, events, ok, raw, status, value
from .faulty_server import FaultyServer

FEW: dict = {"max_attempts": 2}


SSE = "Content-Type: text/event-stream"
EMPTY = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\n' * 500


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        pytest.param(endless(b" " * 65536), "more than", id="blanks"),
        pytest.param(endless(b"[" * 65536), "more than", id="brackets"),
        pytest.param(endless(b"x" * 65536, "Content-Type: text/html"), "more than", id="a page"),
        pytest.param(endless(b'"a",' * 9999, before=b'{"choices": ['), "more than", id="a list"),
        pytest.param(packed(bytes(64 * MIB)), "more than", id="a gzip bomb"),
        pytest.param(packed(bytes(64 * MIB), "Content-Encoding: x-gzip"), "more than", id="x-gzip"),
        pytest.param(
            endless(zlib.compress(bytes(64 * MIB)), "Content-Encoding: deflate"), "more than",
            id="a deflate bomb",
        ),
        pytest.param(
            endless(gzip.compress(bytes(64 * MIB)), f"{SSE}\r\nContent-Encoding: gzip"), "more than",
            id="a bomb of events",
        ),
        pytest.param(endless(b"x" * 999, "Content-Encoding: br"), "encoding 'br'", id="brotli"),
        pytest.param(endless(b"x" * 999, "Content-Encoding: zstd"), "'zstd'", id="zstd"),
        pytest.param(
            endless(b"x" * 999, "Content-Encoding: gzip, gzip"), "not asked for", id="gzip twice"
        ),
        pytest.param(endless(b"x" * 65536, SSE, b"data: "), "more than", id="a line"),
        pytest.param(endless(b": still here\n" * 999, SSE), "more than", id="comments"),
        pytest.param(endless(EMPTY, SSE), "more than", id="a stream"),
        pytest.param(endless(b"data:\n" * 9999, SSE), "JSON", id="empty events"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_an_endless_reply_is_a_lost_path(reply, words):
    got, server = ask(reply, **FEW)
    assert got.error is not None
    assert words in got.error
    assert "Traceback" not in got.error
    assert server.sent < 64 * MIB  # of the 256 MiB that it has


def test_an_endless_line_is_not_kept():
    assert limits.most_bytes(request()) >= sse._LINE_BYTES
    long = {"choices": [{"index": 0, "delta": {"content": "x" * 100_000}, "finish_reason": "stop"}]}
    got, _ = ask(events(long, {"choices": [], "usage": {"completion_tokens": 9}}))
    assert len(got.text) == 100_000  # what fits stays whole


@pytest.mark.parametrize(
    "models",
    [
        pytest.param(endless(b" " * 65536), id="blanks"),
        pytest.param(endless(b'{"id": "m"},' * 999, before=b'{"data": ['), id="models"),
        pytest.param(packed(bytes(64 * MIB)), id="a bomb"),
        pytest.param(endless(b"x", "Content-Encoding: br"), id="brotli"),
    ],
)
@pytest.mark.slow
def test_an_endless_list_of_models_is_an_engine_error(models):
    async def run():
        async with FaultyServer(models=models) as server:
            engine = OpenAIEngine("m", [server.url])
            with pytest.raises(EngineError, match=rf"{server.url}/models answered with .*check"):
                await engine.start()
            await engine.close()
            assert server.sent < 64 * MIB

    asyncio.run(run())


def test_a_long_completion_fits():
    long = request(max_tokens=32768)
    text = "Schritt für Schritt. " * 100_000
    got, _ = ask(ok(text), wanted=long)
    assert got.text == text
    assert limits.most_bytes(long) > limits.most_bytes(request())
    assert limits.most_bytes(request(), {"max_tokens"}) > limits.most_bytes(long)
    packed_once = raw(
        gzip.compress(json.dumps(completion(text)).encode()), 200, {"Content-Encoding": "gzip"}
    )
    assert ask(packed_once, wanted=long)[0].text == text


NESTED: list = [[]]
for _ in range(900):
    NESTED = [NESTED]
ODD: list[Any] = [
    None, True, False, 0, -1, 7, 1.5, -0.0, 1e308, 2**63 - 1, 2**63, 2**64 - 1, 2**64, "", "stop",
    "\x00", "x" * 100_000, [], {}, [None], ["stop"], {"a": 1}, [[]], NESTED, "\u202e", "\U0010ffff",
]  # fmt: skip
PLACES: dict[str, Callable[[Any], Any]] = {
    "choices": lambda it: {"choices": it},
    "choice": lambda it: {"choices": [it]},
    "message": lambda it: {"choices": [{"message": it, "finish_reason": "stop"}]},
    "finish_reason": lambda it: completion(finish_reason=it),
    "content": completion,
    "part": lambda it: completion([{"type": "text", "text": it}, it]),
    "type": lambda it: completion([{"type": it, "text": "7"}]),
    "reasoning": lambda it: _with_message(reasoning=it),
    "reasoning_content": lambda it: _with_message(reasoning_content=it),
    "refusal": lambda it: _with_message(refusal=it),
    "usage": lambda it: completion(usage=it),
    "prompt_tokens": lambda it: completion(usage={"prompt_tokens": it, "completion_tokens": it}),
    "details": lambda it: completion(usage={"completion_tokens_details": it}),
    "reasoning_tokens": lambda it: completion(
        usage={"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": it}}
    ),
    "error": lambda it: {"error": it},
    "error message": lambda it: {"error": {"message": it, "code": it}},
    "logprobs": lambda it: _with_choice(logprobs=it),
    "logprob": lambda it: _with_choice(logprobs={"content": [it, {"logprob": it}]}),
    "top_logprobs": lambda it: _with_choice(
        logprobs={"content": [{"logprob": -0.1, "top_logprobs": [it, {"logprob": it}]}]}
    ),
    "reply": lambda it: it,
}


def _with_message(**more):
    reply = completion()
    reply["choices"][0]["message"] |= more
    return reply


def _with_choice(**more):
    reply = completion()
    reply["choices"][0] |= more
    return reply


def _as_event(reply):
    """Turn a whole reply into an event of a stream, as far as it has the form."""
    text = json.dumps(reply).replace('"message": {"role"', '"delta": {"role"')
    return json.loads(text)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.slow
def test_any_value_in_any_place_of_a_reply_is_read_or_lost(place):
    measured = Request(
        "k", ({"role": "user", "content": "9"},), Sampling(), 1, measure=Measure(top_k=2)
    )

    async def run():
        async with FaultyServer() as server:
            engine = OpenAIEngine("m", [server.url], max_attempts=1)
            await engine.start()
            for odd in ODD:
                reply = PLACES[place](odd)
                for answer in (value(reply), events(_as_event(reply)), status(400, odd)):
                    server.replies[:] = [answer]
                    for wanted in (request(), measured):
                        try:
                            yielded = await engine.complete(wanted)
                        except ClcError:
                            continue
                        _check(yielded)
            await engine.close()

    asyncio.run(run())


def _check(got):
    """Check that every field can be stored and added up."""
    assert isinstance(got.text, str)
    assert isinstance(got.thought, str)
    assert isinstance(got.finish_reason, str)
    assert len(got.finish_reason) <= 64
    assert got.error is None or got.error
    with sqlite3.connect(":memory:") as store:
        for count in astuple(got.usage):
            assert type(count) is int
            assert store.execute("select ?", (count * 10**9,)).fetchone() == (count * 10**9,)
    if got.confidence is not None:
        assert all(-1e9 < number < 1e9 for number in astuple(got.confidence))


def test_counts_that_cannot_be_are_none():
    for odd in (-5, 1.5, -1e308, "7", True, None, [7], {}):
        got, _ = ask(value(completion(usage={"prompt_tokens": 11, "completion_tokens": odd})))
        assert got.usage == Usage(11, 0)


def test_counts_that_are_too_large_are_the_largest():
    for odd in (2**63, 2**64 - 1, 2**70, 1e308, 10**12, 10**9):
        got, _ = ask(value(completion(usage={"prompt_tokens": 11.0, "completion_tokens": odd})))
        assert got.usage == Usage(11, 10**9)


@pytest.mark.parametrize(
    "content",
    [17, 0, -1, 1.5, True, False, {}, {"type": "text", "text": "The answer is 17"}, [17], [None],
     [["7"]], [{"type": "text", "text": 17}], [{"text": ["7"]}], ["The answer is ", 7],
     [{"type": "output_text", "text": {"value": "7"}}]],
)  # fmt: skip
@pytest.mark.parametrize("shape", [value, lambda reply: events(_as_event(reply))])
def test_a_content_that_is_no_text_is_a_lost_path(content, shape):
    got, _ = ask(shape(completion(content)))
    assert got.error is not None
    assert "is no text (" in got.error


@pytest.mark.parametrize(
    "content",
    [["The answer ", "is 7"], [{"type": "text", "text": "The answer "}, "is 7"],
     [{"text": "The answer is 7"}, {"type": "image_url", "image_url": {}}, {"type": "text"}],
     [{"type": "output_text", "text": "The answer is 7"}, {"type": "image", "text": 5}]],
)  # fmt: skip
def test_parts_of_a_content_are_its_text(content):
    got, _ = ask(value(completion(content)))
    assert (got.error, got.text) == (None, "The answer is 7")


@pytest.mark.parametrize(
    "fields",
    [{"reasoning": {"content": "3 + 4"}}, {"reasoning": {"text": "3 + 4"}},
     {"reasoning": {"summary": [{"type": "summary_text", "text": "3 + 4"}]}},
     {"reasoning": ["3 ", {"text": "+ 4"}]}, {"reasoning_content": [{"thinking": "3 + 4"}]},
     {"reasoning": None, "reasoning_details": [{"type": "reasoning.text", "text": "3 + 4"}]},
     {"reasoning": "", "reasoning_details": [
         {"type": "reasoning.summary", "summary": "3 + 4"},
         {"type": "reasoning.encrypted", "data": "x"}]},
     {"reasoning": "3 + 4", "reasoning_details": [{"type": "reasoning.text", "text": "3 + 4"}]}],
)  # fmt: skip
@pytest.mark.parametrize("shape", [value, lambda reply: events(_as_event(reply))])
def test_a_thought_in_an_object_is_kept(fields, shape):
    reply = completion("The answer is 7")
    reply["choices"][0]["message"] |= fields
    got, _ = ask(shape(reply))
    assert (got.error, got.text, got.thought) == (None, "The answer is 7", "3 + 4")
