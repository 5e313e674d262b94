"""Thoughts of a thinking model: streamed and whole, dropped from earlier turns, counted."""

import json

import httpx
import pytest

from clc.cli.serve import command
from clc.serving.settings import Limits
from tests.engines.scripted import ScriptedEngine

from .serving import FRAGE, QUESTION, ask, client, http, serving


def think(request):
    return f"Let me think of {request.seed}. 3 and 4 may be 9."


def stream(it, **body):
    """Return the deltas of the first choice, and all chunks."""
    asked = {"messages": ask(), "stream": True, "stream_options": {"include_usage": True}} | body
    text = httpx.post(f"{it.url}/chat/completions", json=asked, timeout=60).text
    chunks = [json.loads(line.removeprefix("data: ")) for line in text.splitlines()
              if line.startswith("data: {")]  # fmt: skip
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]
              if choice["index"] == 0]  # fmt: skip
    return deltas, chunks


def joined(deltas, name):
    return "".join(delta.get(name) or "" for delta in deltas)


def test_the_plain_model_streams_its_thought_before_its_text():
    engine = ScriptedEngine(think=think)
    with serving(engine) as it:
        body = {"model": "scripted", "n": 2, "seed": 5}
        whole = http(it).post("/v1/chat/completions", json=body | {"messages": ask()}).json()
        deltas, chunks = stream(it, **body)
    message = whole["choices"][0]["message"]
    assert message["reasoning_content"] == message["reasoning"] == think(engine.requests[0])
    assert "Let me think" not in message["content"]
    assert joined(deltas, "reasoning_content") == message["reasoning_content"]
    assert joined(deltas, "reasoning") == message["reasoning"]
    assert joined(deltas, "content") == message["content"]
    last_thought = max(n for n, delta in enumerate(deltas) if "reasoning" in delta)
    assert last_thought < min(n for n, delta in enumerate(deltas) if delta.get("content"))
    spent = sum(len(think(request).split()) for request in engine.requests[:2])
    assert whole["usage"]["completion_tokens_details"] == {"reasoning_tokens": spent}
    assert chunks[-1]["usage"] == whole["usage"]


def test_a_vote_has_the_thought_of_the_path_that_it_shows():
    engine = ScriptedEngine(think=think)
    with serving(engine) as it:
        body = {"model": "clc:sc", "messages": ask(), "seed": 3}
        whole = http(it).post("/v1/chat/completions", json=body).json()
        deltas, chunks = stream(it, model="clc:sc", seed=3)
        official = client(it).chat.completions.create(**body)
    message = whole["choices"][0]["message"]
    assert message["reasoning_content"] in {think(request) for request in engine.requests}
    assert "Let me think" not in message["content"]
    assert joined(deltas, "reasoning_content") == message["reasoning_content"]
    assert joined(deltas, "content") == message["content"]
    spent = sum(len(think(request).split()) for request in engine.requests) // 3
    assert whole["usage"]["completion_tokens_details"] == {"reasoning_tokens": spent}
    assert chunks[-1]["usage"] == whole["usage"]
    assert official.usage.completion_tokens_details.reasoning_tokens == spent


def test_a_translated_reply_has_no_thought():
    with serving(ScriptedEngine(think=think), defaults={"languages": ["en"]}) as it:
        body = {"model": "clc", "messages": ask(FRAGE)}
        whole = http(it).post("/v1/chat/completions", json=body).json()
    assert whole["clc"]["translated"]
    assert "reasoning" not in whole["choices"][0]["message"]
    assert whole["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


def test_a_model_that_does_not_think_has_no_thought():
    with serving() as it:
        body = {"model": "scripted", "messages": ask()}
        whole = http(it).post("/v1/chat/completions", json=body).json()
        deltas, _ = stream(it, model="scripted")
    assert not {"reasoning", "reasoning_content"} & set(whole["choices"][0]["message"])
    assert not any("reasoning" in delta for delta in deltas)
    assert whole["usage"]["completion_tokens_details"] == {"reasoning_tokens": 0}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("model", ["clc", "scripted"])
@pytest.mark.slow
def test_thoughts_of_earlier_turns_are_dropped(field, model):
    engine = ScriptedEngine()
    earlier = [
        {"role": "user", "content": "What is 5 and 5?"},
        {"role": "assistant", "content": "10", field: "SECRET: it may be 12."},
    ]
    with serving(engine) as it:
        body = {"model": model, "messages": earlier + ask()}
        reply = http(it).post("/v1/chat/completions", json=body)
    assert reply.status_code == 200, reply.text
    assert engine.requests
    for request in engine.requests:
        assert "SECRET" not in json.dumps(request.messages)
    assert any("10" in message["content"] for message in engine.requests[0].messages)


def test_the_responses_api_counts_thoughts_and_has_the_text_alone():
    with serving(ScriptedEngine(think=think)) as it:
        body = {"model": "scripted", "input": QUESTION}
        seed = {"seed": 5}
        whole = http(it).post("/v1/responses", json=body | seed).json()
        events = list(client(it).responses.create(**body, stream=True, extra_body=seed))
        refused = http(it).post("/v1/responses", json=body | {"reasoning": {"effort": "low"}})
    assert whole["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
    assert "Let me think" not in json.dumps(whole)
    assert events[-1].response.output_text == whole["output"][0]["content"][0]["text"]
    assert refused.json()["error"]["param"] == "reasoning"
    assert "takes no options for thinking" in refused.json()["error"]["message"]


def test_the_default_limit_on_tokens_fits_a_vote_of_long_thoughts():
    (default,) = [param.default for param in command.params if param.name == "most_tokens"]
    assert default == Limits().tokens >= 11 * 32_768
    with serving() as it:
        body = {"model": "clc", "messages": ask(), "max_tokens": 32_768}
        assert http(it).post("/v1/chat/completions", json=body).status_code == 200
