"""Assistant turns that a server goes on with, and options of a thinking model."""

import asyncio
from dataclasses import replace

import pytest

from clc.engines import Request
from clc.engines.chat_options import ChatOptions
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import ConfigurationError
from clc.records import Message, Sampling
from tests.engines.openai_engine import ask, engine_at, request
from tests.engines.openai_replies import in_pieces, whole

from .faulty_replies import ok, status, value
from .faulty_server import FaultyServer

STARTED = (
    Message(role="user", content="9 × 2?"),
    Message(role="assistant", content="<think>\nGut,"),
)


def started(content: str = STARTED[1]["content"]) -> Request:
    return Request(
        "k", (STARTED[0], Message(role="assistant", content=content)), Sampling(), seed=1
    )


def ask_started(owner, *replies, wanted=None, **options):
    async def run():
        models = value({"data": [{"id": "m", "owned_by": owner}]})
        server = FaultyServer(*replies, models=models)
        async with server, engine_at(server, **options) as engine:
            return await engine.complete(wanted or started()), server

    return asyncio.run(run())


@pytest.mark.parametrize("owner", ["vllm", "sglang"])
def test_servers_that_continue_a_turn_are_asked_to(owner):
    got, server = ask_started(owner, ok(" neun.</think>18"))
    body = server.requests[0].body
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert body["messages"] == list(STARTED)
    assert (got.thought, got.text, got.closed) == (" neun.", "18", True)
    got, _ = ask_started(owner, ok(" neun. So 99"))
    assert (got.thought, got.text, got.closed) == (" neun. So 99", "", False)
    got, _ = ask_started(owner, ok(" 18."), wanted=started("The answer is"))
    assert (got.text, got.closed) == (" 18.", None)
    got, server = ask_started(owner, wanted=request())
    assert not {"continue_final_message", "add_generation_prompt"} & server.requests[0].body.keys()


@pytest.mark.parametrize("send", [whole, in_pieces])
@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_a_started_thought_that_the_server_splits_off_is_closed_by_it(field, send):
    def ask_for(message, reason):
        texts = []
        wanted = replace(started(), on_text=texts.append)
        return *ask_started("vllm", send(message, reason), wanted=wanted)[:1], "".join(texts)

    got, text = ask_for({"content": "\n\nAnswer: 18", field: " neun."}, "stop")
    assert (got.thought, got.text, got.closed) == (" neun.", "Answer: 18", True)
    assert got.text.startswith(text)
    got, text = ask_for({"content": None, field: " neun. So 99"}, "length")
    assert (got.thought, got.text, got.closed, text) == (" neun. So 99", "", False, "")


@pytest.mark.parametrize("owner", ["openai", "", None])
def test_servers_that_may_not_continue_a_turn_refuse_in_clear_words(owner):
    with pytest.raises(ConfigurationError, match=r"not known to continue.*--- begin"):
        ask_started(owner)
    got, _ = ask_started(owner, ok("</think>18"), extra_body={"continue_final_message": True})
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
    _, server = ask_started("vllm", wanted=request(), chat_options=options)
    assert server.requests[0].body["thinking_token_budget"] == 500
    with pytest.raises(ConfigurationError, match="thinking_budget goes with vLLM"):
        ask_started("openai", wanted=request(), chat_options=options)


def test_options_are_part_of_the_fingerprint_where_they_are_given():
    def named(**options):
        return OpenAIEngine("m", "http://h/v1", **options).fingerprint

    assert named(chat_options=ChatOptions()) == named() == "openai:m"
    assert named(chat_options=ChatOptions(thinking="off")).startswith("openai:m+chat-")
