"""The real OpenAI client against the server: replies, streams, settings, conversations."""

import asyncio

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from clc.engines.seam import Completion
from clc.records import Usage
from clc.catalogue import STRATEGIES
from tests.engines.scripted import ScriptedEngine

from .serving import FRAGE, QUESTION, ask, client, http, idle, serving


@pytest.fixture(scope="module")
def it():
    with serving() as running:
        yield running


def test_a_reply_is_a_whole_completion(it):
    reply = client(it).chat.completions.create(model="clc", messages=ask())
    ChatCompletion.model_validate(reply.model_dump(), strict=True)
    assert reply.id.startswith("chatcmpl-")
    assert reply.model == "clc"
    assert reply.choices[0].finish_reason == "stop"
    votes = reply.model_extra["clc"]
    assert votes["answer"] == "7"
    assert "Answer: 7" in reply.choices[0].message.content
    assert votes["paths"] == 11
    assert sum(sum(by.values()) for by in votes["tally"].values()) == votes["total"]
    assert votes["languages"] == ["en", "de", "zh"]
    spent = votes["tokens"]
    assert spent["translation"] > 0
    assert reply.usage.total_tokens == sum(spent.values())
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
