"""The openai engine against a server that behaves: what is sent, what is read, what is limited."""

import asyncio

import pytest

from clc.engines import Completion, Engine, Request
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import ConfigurationError, EngineError
from clc.records import Sampling, Usage
from tests.engines.openai_engine import KEY, ask, engine_at, request

from .faulty_replies import completion, ok, raw, status, value
from .faulty_server import FaultyServer


def test_it_is_an_engine():
    engine = OpenAIEngine("m", ["http://127.0.0.1:1/v1"])
    assert isinstance(engine, Engine)
    assert engine.window == 64


def test_sampling_arrives_exactly_as_given():
    wanted = request(
        temperature=0.35, top_p=0.925, top_k=40, max_tokens=777, stop=("\n\n", "问题：")
    )

    async def run():
        async with FaultyServer() as server, engine_at(server) as engine:
            await engine.complete(request())  # which shows: no thoughts, no streams
            await engine.complete(wanted)
            return server.requests[1]

    seen = asyncio.run(run())
    assert seen.path == "/v1/chat/completions"
    assert seen.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Wie viel ist 9 × 2? 答え"}],
        "temperature": 0.35,
        "top_p": 0.925,
        "top_k": 40,
        "max_tokens": 777,
        "stop": ["\n\n", "问题："],
        "seed": 2**53 - 1,
    }


def test_what_has_no_limit_is_not_sent():
    _, server = ask(wanted=request(temperature=0.0))
    body = server.requests[0].body
    assert "top_k" not in body
    assert "stop" not in body
    assert body["temperature"] == 0.0
    assert body["top_p"] == 1.0


def test_extra_body_adds_fields_and_leaves_out_with_none():
    _, server = ask(extra_body={"min_p": 0.1, "seed": None}, headers={"X-Team": "maths"})
    seen = server.requests[0]
    assert seen.body["min_p"] == 0.1
    assert "seed" not in seen.body
    assert seen.headers["x-team"] == "maths"
    assert "authorization" not in seen.headers


@pytest.mark.parametrize("field", ["model", "messages", "n", "stream", "temperature", "max_tokens"])
def test_extra_body_cannot_contradict_the_run(field):
    with pytest.raises(ConfigurationError, match=field):
        OpenAIEngine("m", ["http://h/v1"], extra_body={field: 2})


def test_the_key_is_sent_and_shown_nowhere(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    parrot = status(400, f"Bearer {KEY} may not, nor may {KEY}")
    lost, server = ask(parrot)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert lost.finish_reason == "error"
    assert "***" in lost.error
    for code in (401, 403):
        with pytest.raises(EngineError) as caught:
            ask(status(code, f"bad key {KEY}"))
        assert KEY not in str(caught.value)
        assert KEY not in repr(caught.value.__cause__)
    lost, _ = ask(status(500, f"bad key {KEY}"), max_attempts=2)
    assert KEY not in lost.error
    lost, _ = ask(raw(f"<p>{KEY}</p>".encode()), max_attempts=1)
    assert KEY not in lost.error
    engine = OpenAIEngine("m", ["http://h/v1"], headers={"x-key": KEY})
    assert KEY not in repr(engine) + engine.fingerprint


def test_a_given_key_goes_before_the_environment_and_empty_means_none(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    _, server = ask(api_key=KEY)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    _, server = ask(api_key="")
    assert "authorization" not in server.requests[0].headers
    with pytest.raises(ConfigurationError) as caught:
        OpenAIEngine("m", ["http://h/v1"], api_key="sk-schlüssel")
    assert "schl" not in str(caught.value)


def test_a_prompt_that_is_no_unicode_is_a_lost_path():
    wanted = Request("k", ({"role": "user", "content": "\ud800"},), Sampling(), seed=1)
    lost, server = ask(wanted=wanted)
    assert "cannot be sent" in lost.error
    assert server.requests == []


# What is read


def test_a_completion_is_read_whole():
    got, _ = ask(ok("答えは18です。"))
    assert got == Completion("答えは18です。", "stop", Usage(11, 7))


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_the_finish_reason_is_the_servers(reason):
    assert ask(ok("x", finish_reason=reason))[0].finish_reason == reason


def test_any_success_is_success():
    assert ask(value(completion("18"), 201))[0].text == "18"


def test_an_unknown_finish_reason_is_not_called_stop():
    assert ask(ok("x", finish_reason=None))[0].finish_reason == "unknown"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("", ""),
        (
            [{"type": "text", "text": "The answer "}, {"type": "text", "text": "is 18."}],
            "The answer is 18.",
        ),
        ([{"type": "image_url", "image_url": {}}, {"type": "text", "text": "18"}], "18"),
    ],
)
def test_content_is_text_however_it_comes(content, text):
    assert ask(ok(content))[0].text == text


def test_reasoning_is_not_the_answer():
    reply = completion("18")
    reply["choices"][0]["message"]["reasoning_content"] = "It could be 17 …"
    assert ask(value(reply))[0].text == "18"


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (None, Usage()),
        ({}, Usage()),
        ({"prompt_tokens": None, "completion_tokens": 5}, Usage(0, 5)),
        ({"prompt_tokens": "11", "completion_tokens": -1}, Usage()),
    ],
)
def test_tokens_that_were_not_counted_are_zero(usage, counted):
    assert ask(ok("18", usage=usage))[0].usage == counted


# Starting


def start(server: FaultyServer, **options) -> None:
    async def run():
        async with server, engine_at(server, **options):
            pass

    asyncio.run(run())


def test_starting_asks_for_the_models():
    server = FaultyServer()
    start(server)
    assert server.lists == 1
    assert server.requests == []


def ask_at(served: FaultyServer, model: str) -> Completion:
    async def run():
        async with served as server, engine_at(server, model=model) as engine:
            return await engine.complete(request())

    return asyncio.run(run())


def test_a_model_that_is_not_listed_is_a_warning_and_the_first_request_decides(caplog):
    listed = value({"data": [{"id": "Qwen/Qwen2.5-7B"}, {"id": "llama3:latest"}]})
    start(FaultyServer(models=listed), model="Qwen/Qwen2.5-7B")
    start(FaultyServer(models=listed), model="llama3")
    assert caplog.messages == []
    assert ask_at(FaultyServer(ok("Answer: 7"), models=listed), "my-deployment").error is None
    assert (
        "does not list the model 'my-deployment'; it lists Qwen/Qwen2.5-7B, llama3" in caplog.text
    )
    missing = value({"error": {"message": "no such model"}}, 404)
    with pytest.raises(EngineError, match=r"'qwen-8b'.*It lists Qwen/Qwen2\.5-7B, llama3:latest"):
        ask_at(FaultyServer(missing, models=listed), "qwen-8b")


@pytest.mark.parametrize(
    "models",
    [
        status(404),
        status(405),
        status(403),
        status(500),
        value({"data": []}),
        value({"object": "list"}),
        value([1]),
        raw(b"<html>hello</html>"),
    ],
)
def test_a_server_without_a_list_of_models_is_taken_as_it_is(models):
    start(FaultyServer(models=models))


def test_a_wrong_key_stops_the_start():
    with pytest.raises(EngineError, match=r"/v1/models answered 401.*no such key.*OPENAI_API_KEY"):
        start(FaultyServer(models=status(401, "no such key")))


def test_the_engine_can_be_closed_at_any_time_and_started_again():
    async def life():
        async with FaultyServer() as server:
            engine = OpenAIEngine("m", [server.url])
            await engine.close()
            with pytest.raises(EngineError, match="not started"):
                await engine.complete(request())
            for _ in range(2):
                await engine.start()
                await engine.start()
                assert (await engine.complete(request())).finish_reason == "stop"
                await engine.close()
                await engine.close()
            return engine, server

    engine, server = asyncio.run(life())
    assert server.lists == 2

    async def another_loop():
        async with FaultyServer(port=server.port):
            await engine.start()
            await asyncio.gather(*(engine.complete(request(i)) for i in range(100)))
            await engine.close()

    asyncio.run(another_loop())


# Who it is


def test_the_fingerprint_is_the_model_and_not_where_it_runs():
    here = OpenAIEngine("qwen", ["http://a:1/v1"], api_key=KEY)
    there = OpenAIEngine("qwen", ["http://b:2/v1", "http://c:3/v1"], window=8)
    assert here.fingerprint == there.fingerprint == "openai:qwen"
    assert OpenAIEngine("qwen", ["http://a/v1"], revision="1a2b").fingerprint == "openai:qwen@1a2b"
    bodies = [{"a": 1, "b": 2}, {"b": 2, "a": 1}]
    one, other = (OpenAIEngine("q", ["http://a/v1"], extra_body=b).fingerprint for b in bodies)
    assert one == other != OpenAIEngine("q", ["http://a/v1"]).fingerprint


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("localhost:8000/v1", "must read like"),
        ("ftp://host/v1", "must read like"),
        ("http:///v1", "must read like"),
        ("http://host/v1?api-version=1", "must read like"),
        ("http://host:port/v1", "is no URL"),
        ("http://me:hunter2@host/v1", "user or password"),
        ("http://host/v1/chat/completions", "give http://host/v1"),
        ("", "must read like"),
    ],
)
def test_a_base_url_that_cannot_be_right_is_refused(url, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        OpenAIEngine("m", [url])
    assert "hunter2" not in str(caught.value)


def test_base_urls_lose_their_trailing_slash_and_nothing_else():
    engine = OpenAIEngine("m", ["http://h/v1/", "http://h/v1", "https://h/api"])
    assert engine.base_urls == ("http://h/v1", "https://h/api")
    assert OpenAIEngine("m", "http://h/v1").base_urls == ("http://h/v1",)
    with pytest.raises(ConfigurationError, match="no base URL"):
        OpenAIEngine("m", [])
