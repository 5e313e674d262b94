"""Thinking models at endpoints: the shapes of their replies, whole and streamed; their switches."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from clc.engines import Request
from clc.engines.openai.engine import OpenAIEngine
from clc.records import Message, Sampling, Usage
from tests.engines.openai_engine import ask, engine_at, request
from tests.engines.openai_replies import THOUGHT, in_pieces, whole

from .faulty_replies import ok, status
from .faulty_server import FaultyServer

MISTRAL = [
    {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
    {"type": "text", "text": "Answer: 18"},
]
HARMONY = (
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant"
    "<|channel|>final<|message|>Answer: 18<|return|>"
)
SHAPES = {  # message, finish_reason; thought, text, closed, finish_reason
    "plain": ({"content": "Answer: 18"}, "stop", "", "Answer: 18", None, "stop"),
    "reasoning_content": (
        {"content": "\n\nAnswer: 18", "reasoning_content": THOUGHT}, "stop",
        THOUGHT, "Answer: 18", True, "stop",
    ),
    "reasoning": (
        {"content": "Answer: 18", "reasoning": THOUGHT}, "stop",
        THOUGHT, "Answer: 18", True, "stop",
    ),
    "both fields": (
        {"content": "18", "reasoning": THOUGHT, "reasoning_content": THOUGHT}, "stop",
        THOUGHT, "18", True, "stop",
    ),
    "parts": ({"content": MISTRAL}, "stop", THOUGHT, "Answer: 18", True, "stop"),
    "marks": (
        {"content": f"<think>{THOUGHT}</think>\n\nAnswer: 18"}, "stop",
        THOUGHT, "Answer: 18", True, "stop",
    ),
    "a close alone": (
        {"content": f"{THOUGHT}</think>\n\nAnswer: 18"}, "stop",
        THOUGHT, "Answer: 18", True, "stop",
    ),
    "unclosed, stop": ({"content": f"<think>{THOUGHT}"}, "stop", THOUGHT, "", False, "stop"),
    "unclosed, length": (
        {"content": f"<think>{THOUGHT}"}, "length", THOUGHT, "", False, "length",
    ),
    "harmony": ({"content": HARMONY}, "stop", THOUGHT, "Answer: 18", True, "stop"),
    "harmony without its special tokens": (
        {"content": f"analysis{THOUGHT}assistantfinalAnswer: 18"}, "stop",
        THOUGHT, "Answer: 18", True, "stop",
    ),
    "null, length": (
        {"content": None, "reasoning_content": THOUGHT}, "length", THOUGHT, "", False, "length",
    ),
    "null, stop": (
        {"content": None, "reasoning_content": THOUGHT}, "stop", THOUGHT, "", True, "stop",
    ),
    "no mark at all, length": ({"content": THOUGHT}, "length", THOUGHT, "", False, "length"),
    "a hidden thought": ({"content": "Answer: 18"}, "stop", "", "Answer: 18", None, "stop"),
    "refusal": (
        {"content": None, "refusal": "I will not."}, "stop", "", "I will not.", None,
        "content_filter",
    ),
    "filter": ({"content": None}, "content_filter", "", "", None, "content_filter"),
}  # fmt: skip


@pytest.mark.parametrize("send", [whole, in_pieces])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_thought_and_the_answer_of_a_reply(send, shape):
    message, sent_reason, thought, text, closed, reason = SHAPES[shape]
    got, server = ask(send(message, sent_reason))
    assert (got.thought, got.text, got.closed) == (thought, text, closed)
    assert (got.finish_reason, got.error) == (reason, None)
    assert got.usage == Usage(11, 40, 30)
    assert server.requests[0].body["stream"] is True
    assert len(server.requests) == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_listeners_get_the_text_and_the_thought_apart(shape):
    message, sent_reason, thought, text, _, reason = SHAPES[shape]
    if shape in {"a close alone", "no mark at all, length"}:
        pytest.skip("only the end of these shows that they began with a thought")
    texts, thoughts = [], []
    wanted = replace(request(), on_text=texts.append, on_thought=thoughts.append)
    got, _ = ask(in_pieces(message, sent_reason), wanted=wanted)
    assert (got.thought, got.text) == (thought, text)
    assert got.text.startswith("".join(texts))
    assert len("".join(texts)) > len(text) - 20 or reason == "content_filter"
    assert got.thought.startswith("".join(thoughts))
    assert len("".join(thoughts)) > len(thought) - 20


def test_a_reply_that_closes_a_thought_shows_that_prompts_open_it():
    """A template that ends with ``<think>``, at a server that does not split thoughts off."""
    usage = {"prompt_tokens": 11, "completion_tokens": 40}

    async def run():
        replies = (ok(f"{THOUGHT}</think>Answer: 18", usage=usage), ok("So 99. But", usage=usage))
        async with FaultyServer(*replies) as server, engine_at(server) as engine:
            return [await engine.complete(request(index)) for index in range(2)]

    first, second = asyncio.run(run())
    assert (first.text, first.closed) == ("Answer: 18", True)
    assert (second.text, second.thought, second.closed) == ("", "So 99. But", False)


# Streams


def test_a_server_that_answers_whole_is_asked_for_no_more_streams():
    async def run():
        async with FaultyServer(ok("18")) as server, engine_at(server) as engine:
            got = [await engine.complete(request(index)) for index in range(3)]
            return got, [seen.body.get("stream") for seen in server.requests]

    got, streamed = asyncio.run(run())
    assert {one.text for one in got} == {"18"}
    assert streamed == [True, None, None]


@pytest.mark.parametrize("code", [400, 422, 501])
def test_a_server_that_refuses_streams_is_asked_again_without_once(code):
    async def run():
        async def reply(exchange):
            refusal = status(code, "Streaming is not supported by this deployment")
            await (refusal if exchange.body.get("stream") else ok("18"))(exchange)

        async with FaultyServer(reply) as server, engine_at(server, max_attempts=1) as engine:
            got = [await engine.complete(request(index)) for index in range(3)]
            return got, [seen.body.get("stream") for seen in server.requests]

    got, streamed = asyncio.run(run())
    assert {one.text for one in got} == {"18"}
    assert streamed == [True, None, None, None]


@pytest.mark.slow
def test_the_time_limit_is_on_silence():
    """Twenty events, each well within the limit, together well beyond it."""
    got, server = ask(in_pieces({"content": "x" * 60}, "stop", every_s=0.1), timeout_s=1.0)
    assert (got.text, got.finish_reason) == ("x" * 60, "stop")
    assert len(server.requests) == 1


@pytest.mark.parametrize("listens", [False, True])
def test_silence_in_the_middle_of_a_completion_loses_the_path_and_asks_once(listens):
    texts = []
    wanted = replace(request(), on_text=texts.append) if listens else request()
    stuck = in_pieces({"content": "Zuerst"}, "stop", stuck_after=2)
    lost, server = ask(stuck, ok("18"), timeout_s=1.0, wanted=wanted)
    assert lost.finish_reason == "error"
    assert "sent nothing for 1 s in the middle of a completion" in lost.error
    assert len(server.requests) == 1
    assert "".join(texts) == ("Zuerst" if listens else "")


def test_a_stream_that_breaks_is_tried_again_unless_a_listener_has_some_of_it():
    broken = in_pieces({"content": "Zuerst 9"}, "stop", cut_after=2)
    got, server = ask(broken, ok("18"))
    assert (got.text, len(server.requests)) == ("18", 2)
    texts = []
    lost, server = ask(broken, ok("18"), wanted=replace(request(), on_text=texts.append))
    assert lost.finish_reason == "error"
    assert (len(server.requests), texts) == (1, ["Zue", "rst"])


def test_a_stream_without_a_finish_reason_is_asked_for_as_a_whole_reply():
    """llama-cpp-python ends a stream so when the next request arrives."""
    cut = in_pieces({"content": "Zuerst 9"}, None)
    got, server = ask(cut, ok("18"), wanted=replace(request(), on_text=None))
    assert (got.text, got.finish_reason) == ("18", "stop")
    assert [one.body.get("stream", False) for one in server.requests] == [True, False]
    texts = []
    lost, server = ask(cut, ok("18"), wanted=replace(request(), on_text=texts.append))
    assert lost.finish_reason == "error"
    assert "ends without a finish reason" in lost.error
    assert (len(server.requests), "".join(texts)) == (1, "Zuerst 9")


def test_a_server_that_streams_and_gives_no_finish_reason_either_way_loses_the_path():
    got, server = ask(in_pieces({"content": "18"}, None), max_attempts=2)
    assert got.finish_reason == "error"
    assert len(server.requests) == 3  # a stream, then two attempts without


def test_tokens_of_a_stream_without_their_count_are_estimated_and_noted():
    """llama-cpp-python counts no tokens in streams."""

    async def run():
        stream = in_pieces({"content": "18 Eier"}, "stop", usage=None)
        async with FaultyServer(stream) as server, engine_at(server) as engine:
            return await engine.complete(request()), engine.notes()["endpoints"]

    got, notes = asyncio.run(run())
    assert got.usage.completion_tokens == 3  # pieces
    assert got.usage.prompt_tokens > 0
    assert [one["tokens"] for one in notes.values()] == ["estimated"]


# The endpoint of the shared cases

SHARED = Path(__file__).parents[3] / "shared" / "cases" / "endpoint_shapes.py"
TEXT = "So there are 12 + 5 = 17 apples.\nAnswer: 17"
EXPECTED = {  # text, closed, finish_reason
    "plain": (TEXT, None, "stop"),
    "think_inline": (TEXT, True, "stop"),
    "think_mild": (TEXT, True, "stop"),
    "think_noopen": (TEXT, True, "stop"),
    "think_unclosed_stop": ("", False, "stop"),
    "think_unclosed_length": ("", False, "length"),
    "think_noopen_length": ("", False, "length"),
    "reasoning_content": (TEXT, True, "stop"),
    "reasoning": (TEXT, True, "stop"),
    "null_length": ("", False, "length"),
    "null_stop": ("", True, "stop"),
    "harmony": (TEXT, True, "stop"),
    "harmony_stripped": (TEXT, True, "stop"),
    "magistral": (TEXT, True, "stop"),
    "filter": ("I can't help", None, "content_filter"),
    "cost": (TEXT, None, "stop"),
}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Start the endpoint of the shared cases; return its URL."""
    if not SHARED.is_file():
        pytest.skip(f"{SHARED.name} is not here: these are the shared cases beside the project")
    port = asyncio.run(_free_port())
    log = tmp_path_factory.mktemp("shapes") / "log.jsonl"
    process = subprocess.Popen([sys.executable, str(SHARED), str(port), str(log)])
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                httpx.get(f"{url}/plain/v1/models")
                break
            except httpx.ConnectError:
                asyncio.run(asyncio.sleep(0.05))
        yield url
    finally:
        process.kill()
        process.wait()


async def _free_port() -> int:
    async with FaultyServer() as server:
        return server.port


@pytest.mark.parametrize("mode", EXPECTED)
def test_the_shapes_of_the_shared_cases(shapes, mode):
    async def run():
        engine = OpenAIEngine("my-model", f"{shapes}/{mode}/v1")
        await engine.start()
        try:
            question = Message(role="user", content="Tom has 12 apples and buys 5 more.")
            return await engine.complete(Request("k", (question,), Sampling(), seed=1))
        finally:
            await engine.close()

    got = asyncio.run(run())
    assert (got.text, got.closed, got.finish_reason) == EXPECTED[mode]
    assert bool(got.thought) == (got.closed is not None)
