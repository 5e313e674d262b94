"""Thinking models at endpoints: the shapes of their replies, whole and streamed; their switches."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from clc.engines import Request
from clc.engines.chat_options import ChatOptions
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import ConfigurationError
from clc.records import Message, Sampling, Usage

from .faulty_server import FaultyServer, completion, events, ok, status, value
from .test_openai import _no_key_and_no_proxy, ask, engine_at, request  # noqa: F401

THOUGHT = "Nine twos are 16? No. The answer is 99.\nWait: 9 × 2 = 18.\n"
USAGE = {"prompt_tokens": 11, "completion_tokens": 40,
         "completion_tokens_details": {"reasoning_tokens": 30}}  # fmt: skip
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


def whole(message, finish_reason):
    reply = completion(usage=USAGE)
    reply["choices"] = [{"index": 0, "message": message, "finish_reason": finish_reason}]
    return value(reply)


def in_pieces(message, finish_reason, *, usage=USAGE, **options):
    """Stream a message in small deltas, its thought first."""
    deltas = []
    for name in ("reasoning", "reasoning_content", "content", "refusal"):
        text = message.get(name)
        if isinstance(text, list):
            deltas += [{name: [part]} for part in text]
        elif text:
            deltas += [{name: text[at : at + 3]} for at in range(0, len(text), 3)]
    if message.keys() >= {"reasoning", "reasoning_content"}:  # both in each delta
        deltas = [{**one, "reasoning_content": one["reasoning"]} if "reasoning" in one else one
                  for one in deltas if "reasoning_content" not in one]  # fmt: skip
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish_reason})
    return events(*({"choices": [choice]} for choice in choices),
                  {"choices": [], "usage": usage}, **options)  # fmt: skip


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
    lost, server = ask(stuck, ok("18"), timeout_s=0.3, wanted=wanted)
    assert lost.finish_reason == "error"
    assert "sent nothing for 0.3 s in the middle of a completion" in lost.error
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


def test_a_stream_without_a_finish_reason_has_an_unknown_one():
    got, _ = ask(in_pieces({"content": "18"}, None))
    assert (got.text, got.finish_reason) == ("18", "unknown")


# Prefills

BEGUN = (Message(role="user", content="9 × 2?"), Message(role="assistant", content="<think>\nGut,"))


def begun(content: str = BEGUN[1]["content"]) -> Request:
    return Request("k", (BEGUN[0], Message(role="assistant", content=content)), Sampling(), seed=1)


def ask_begun(owner, *replies, wanted=None, **options):
    async def run():
        models = value({"data": [{"id": "m", "owned_by": owner}]})
        server = FaultyServer(*replies, models=models)
        async with server, engine_at(server, **options) as engine:
            return await engine.complete(wanted or begun()), server

    return asyncio.run(run())


@pytest.mark.parametrize("owner", ["vllm", "sglang"])
def test_servers_that_continue_a_turn_are_asked_to(owner):
    got, server = ask_begun(owner, ok(" neun.</think>18"))
    body = server.requests[0].body
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert body["messages"] == list(BEGUN)
    assert (got.thought, got.text, got.closed) == (" neun.", "18", True)
    got, _ = ask_begun(owner, ok(" neun. So 99"))
    assert (got.thought, got.text, got.closed) == (" neun. So 99", "", False)
    got, _ = ask_begun(owner, ok(" 18."), wanted=begun("The answer is"))
    assert (got.text, got.closed) == (" 18.", None)
    got, server = ask_begun(owner, wanted=request())
    assert not {"continue_final_message", "add_generation_prompt"} & server.requests[0].body.keys()


@pytest.mark.parametrize("send", [whole, in_pieces])
@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_a_begun_thought_that_the_server_splits_off_is_closed_by_it(field, send):
    def ask_for(message, reason):
        texts = []
        wanted = replace(begun(), on_text=texts.append)
        return *ask_begun("vllm", send(message, reason), wanted=wanted)[:1], "".join(texts)

    got, text = ask_for({"content": "\n\nAnswer: 18", field: " neun."}, "stop")
    assert (got.thought, got.text, got.closed) == (" neun.", "Answer: 18", True)
    assert got.text.startswith(text)
    got, text = ask_for({"content": None, field: " neun. So 99"}, "length")
    assert (got.thought, got.text, got.closed, text) == (" neun. So 99", "", False, "")


@pytest.mark.parametrize("owner", ["openai", "", None])
def test_servers_that_may_not_continue_a_turn_refuse_in_clear_words(owner):
    with pytest.raises(ConfigurationError, match=r"not known to continue.*--- begin"):
        ask_begun(owner)
    got, _ = ask_begun(owner, ok("</think>18"), extra_body={"continue_final_message": True})
    assert got.text == "18"


# Options


def test_options_are_fields_of_the_body():
    options = ChatOptions(thinking="off", reasoning_effort="low", template_kwargs={"a": 1})
    _, server = ask(chat_options=options)
    body = server.requests[0].body
    assert body["chat_template_kwargs"] == {"a": 1, "enable_thinking": False, "thinking": False}
    assert body["reasoning_effort"] == "low"
    _, server = ask()
    assert not {"chat_template_kwargs", "reasoning_effort"} & server.requests[0].body.keys()
    with pytest.raises(ConfigurationError, match="reasoning_effort is in extra_body"):
        ask(chat_options=options, extra_body={"reasoning_effort": "high"})


def test_an_option_that_a_server_refuses_stops_the_run():
    refusal = status(400, "Unknown parameter: 'chat_template_kwargs'.")
    with pytest.raises(ConfigurationError, match=r"does not take chat_template_kwargs \(400"):
        ask(refusal, chat_options=ChatOptions(thinking="off"))


def test_a_budget_goes_to_vllm_and_to_no_other():
    options = ChatOptions(thinking_budget=500)
    _, server = ask_begun("vllm", wanted=request(), chat_options=options)
    assert server.requests[0].body["thinking_token_budget"] == 500
    with pytest.raises(ConfigurationError, match="thinking_budget goes with vLLM"):
        ask_begun("openai", wanted=request(), chat_options=options)


def test_options_are_part_of_the_fingerprint_where_they_are_given():
    def named(**options):
        return OpenAIEngine("m", "http://h/v1", **options).fingerprint

    assert named(chat_options=ChatOptions()) == named() == "openai:m"
    assert named(chat_options=ChatOptions(thinking="off")).startswith("openai:m+chat-")


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


# Stop strings


def scripted(text, *, thought="", usage=USAGE, reason="stop"):
    """Stream a reply as a server does that ends at a stop string wherever one stands."""

    async def reply(exchange):
        end, ended = text, reason
        sent = thought
        for stop in exchange.body.get("stop", ()):
            if stop in sent:
                sent, end, ended = sent[: sent.index(stop)], "", "stop"
            if stop in end:
                end, ended = end[: end.index(stop)], "stop"
        await in_pieces({"content": end, "reasoning": sent}, ended, usage=usage)(exchange)

    return reply


STOP = ("\n\n", "Q:")
LONG = "First 9 × 2.\n\nQ: is it 16? No."


def stopping(index=0, **changes):
    wanted = request(index)
    return replace(wanted, sampling=replace(wanted.sampling, stop=STOP), **changes)


@pytest.mark.parametrize(
    ("thought", "text"),
    [
        ("", f"<think>{LONG}</think>\n\nIt is 18.\n\nBye."),
        ("", f"{LONG}</think>\n\nIt is 18. Q: what is 3 + 4?"),
        (LONG, "\n\nIt is 18.\n\nBye."),
        ("", f"[THINK]{LONG}[/THINK]It is 18. Q: 5"),
    ],
)
@pytest.mark.parametrize("options", [None, ChatOptions(thinking="on")])
def test_a_stop_string_in_a_thought_ends_nothing(thought, text, options):
    async def run():
        server = FaultyServer(scripted(text, thought=thought))
        async with server, engine_at(server, chat_options=options) as engine:
            return [await engine.complete(stopping(index)) for index in range(3)], server

    done, server = asyncio.run(run())
    for one in done:
        assert (one.thought, one.text.rstrip(), one.closed) == (LONG, "It is 18.", True)
        assert (one.finish_reason, one.error) == ("stop", None)
        assert one.usage.completion_tokens > 0
    assert len(server.requests) == 3
    assert not any("stop" in one.body for one in server.requests)


def test_a_model_that_does_not_think_gets_the_stop_strings():
    async def run():
        server = FaultyServer(scripted("It is 18.\n\nBye."))
        async with server, engine_at(server) as engine:
            done = await asyncio.gather(*(engine.complete(stopping(index)) for index in range(4)))
        return done, server

    done, server = asyncio.run(run())
    assert {one.text for one in done} == {"It is 18."}
    assert {one.finish_reason for one in done} == {"stop"}
    sent = [one.body.get("stop") for one in server.requests]
    assert sent == [None] + [list(STOP)] * 3  # the first reply shows whether the model thinks


def test_a_model_whose_thinking_is_off_gets_the_stop_strings():
    async def run():
        server = FaultyServer(scripted("It is 18.\n\nBye."))
        off = ChatOptions(thinking="off")
        async with server, engine_at(server, chat_options=off) as engine:
            return await engine.complete(stopping()), server

    done, server = asyncio.run(run())
    assert (done.text, server.requests[0].body["stop"]) == ("It is 18.", list(STOP))


def test_a_thought_that_a_stop_string_ended_is_asked_for_again_without_it():
    """A model that thinks at times: the first reply had no thought."""

    async def run():
        replies = (scripted("It is 18."), scripted("It is 18.\n\nBye.", thought=LONG))
        async with FaultyServer(*replies) as server, engine_at(server) as engine:
            return [await engine.complete(stopping(index)) for index in range(3)], server

    (first, second, third), server = asyncio.run(run())
    assert (first.text, first.closed) == ("It is 18.", None)
    assert (second.text, second.thought) == (third.text, third.thought) == ("It is 18.", LONG)
    assert ["stop" in one.body for one in server.requests] == [False, True, False, False]


def test_the_reading_ends_at_a_stop_string_and_its_tokens_are_counted():
    """What follows is not waited for: this server would send it for ever."""
    text = "It is 18. Q: " + "and so on " * 50

    async def run(wanted, **more):
        reply = in_pieces({"reasoning": LONG, "content": text}, "stop", stuck_after=60, **more)
        async with FaultyServer(reply) as server, engine_at(server, timeout_s=30) as engine:
            return await engine.complete(wanted)

    pieces: list[str] = []
    done = asyncio.run(run(stopping(on_text=pieces.append)))
    assert (done.text, done.thought, done.finish_reason) == ("It is 18. ", LONG, "stop")
    assert done.text.startswith("".join(pieces))
    thinking = -(-len(LONG) // 3)  # an event has three characters
    assert done.usage.reasoning_tokens == thinking
    assert thinking < done.usage.completion_tokens <= thinking + 5
    assert done.usage.prompt_tokens > 0


def test_a_whole_reply_is_cut_at_a_stop_string():
    reply = whole({"content": "It is 18. Q: 3 + 4?", "reasoning_content": LONG}, "length")
    done, _ = ask(reply, wanted=stopping())
    assert (done.text, done.thought, done.closed) == ("It is 18. ", LONG, True)
    assert done.finish_reason == "stop"
    assert done.usage == Usage(11, 40, 30)
