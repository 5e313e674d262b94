"""Stop strings of the openai engine: they end an answer, never a thought."""

import asyncio
from dataclasses import replace

import pytest

from clc.engines.chat_options import ChatOptions
from clc.records import Usage
from tests.engines.openai_engine import ask, engine_at, request
from tests.engines.openai_replies import USAGE, in_pieces, whole

from .faulty_server import FaultyServer


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
