"""How each request asks the model to think: ``reasoning_effort`` and ``chat_template_kwargs``."""

import asyncio
import json

import pytest

from clc.engines.chat_options import ChatOptions
from clc.engines.openai.engine import OpenAIEngine
from clc.engines.shared import SharedEngine
from clc.errors import ConfigurationError
from clc.serving.completions import Completions
from clc.serving.errors import ApiError
from clc.solving.configure import configure
from tests.engines.faulty_replies import ok
from tests.engines.scripted import ScriptedEngine

from .serving import ask, http, idle, serving
from .test_proxy import upstream


class Choosing(ScriptedEngine):
    """Takes every option but the variable ``odd``, and notes how each request was to think."""

    def __init__(self, chat_options=None, **more):
        super().__init__(**more)
        self.chat_options = chat_options or ChatOptions()
        self.thinking = []

    def fingerprint_with(self, options):
        return f"scripted+{options.key}"

    def check_options(self, options):
        if "odd" in options.template_kwargs:
            raise ConfigurationError("the model's chat template has no variable 'odd'")

    async def start(self):
        if not self.started:
            await super().start()

    async def complete(self, request):
        self.thinking.append(request.chat_options)
        return await super().complete(request)


OWN = ChatOptions(thinking="on", reasoning_effort="low", template_kwargs={"a": 1})
CASES = [
    ({"reasoning_effort": "high"}, ChatOptions("on", "high", None, {"a": 1})),
    ({"chat_template_kwargs": {"b": [2]}}, ChatOptions("on", "low", None, {"a": 1, "b": [2]})),
    ({"chat_template_kwargs": {"a": 3}}, ChatOptions("on", "low", None, {"a": 3})),
    (
        {"chat_template_kwargs": {"enable_thinking": False}},
        ChatOptions("auto", "low", None, {"a": 1, "enable_thinking": False}),
    ),
    (
        {"chat_template_kwargs": {"reasoning_effort": "high"}},
        ChatOptions("on", None, None, {"a": 1, "reasoning_effort": "high"}),
    ),
    ({"reasoning_effort": None, "chat_template_kwargs": {}}, None),
    ({"chat_template_kwargs": None}, None),
]


@pytest.mark.parametrize(("given", "options"), CASES)
@pytest.mark.parametrize("model", ["clc", "scripted"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.slow
def test_a_requests_options_go_over_the_servers(given, options, model, stream):
    engine = Choosing(OWN)
    with serving(engine, defaults={"languages": ["en"], "paths": 2}) as it:
        body = {"model": model, "messages": ask(), "stream": stream} | given
        reply = http(it).post("/v1/chat/completions", json=body)
        assert reply.status_code == 200, reply.text
        assert idle(it)
        assert engine.thinking == [options] * (2 if model == "clc" else 1)
        http(it).post("/v1/chat/completions", json={"model": model, "messages": ask()})
        assert engine.thinking[-1] is None  # the next request has the server's again


def test_the_responses_api_has_its_own_name_for_it():
    engine = Choosing(OWN)
    with serving(engine, defaults={"languages": ["en"], "paths": 2}) as it:
        body = {"model": "clc", "input": ask()[0]["content"], "reasoning": {"effort": "high"}}
        assert http(it).post("/v1/responses", json=body).status_code == 200
        assert engine.thinking == [ChatOptions("on", "high", None, {"a": 1})] * 2
        for odd in ({"effort": 3}, {"effort": "x" * 33}, {"summary": "auto"}, {"else": 1}, []):
            assert http(it).post("/v1/responses", json=body | {"reasoning": odd}).status_code == 400


def test_translations_keep_the_servers_way_to_think():
    engine = Choosing(OWN)
    with serving(engine, defaults={"languages": ["de"], "paths": 1}) as it:
        body = {"model": "clc", "messages": ask(), "reasoning_effort": "high"}
        assert http(it).post("/v1/chat/completions", json=body).status_code == 200
    by_request = dict(zip(map(id, engine.requests), engine.thinking, strict=True))
    assert all(by_request[id(one)] is None for one in engine.translations)
    assert ChatOptions("on", "high", None, {"a": 1}) in engine.thinking


DEEP: list = []
for _ in range(300):
    DEEP = [DEEP]
WRONG = [
    ({"reasoning_effort": ""}, "reasoning_effort"),
    ({"reasoning_effort": "x" * 33}, "reasoning_effort"),
    ({"reasoning_effort": "a b"}, "reasoning_effort"),
    ({"reasoning_effort": "low\n"}, "reasoning_effort"),
    ({"reasoning_effort": 3}, "reasoning_effort"),
    ({"reasoning_effort": ["low"]}, "reasoning_effort"),
    ({"reasoning_effort": True}, "reasoning_effort"),
    ({"chat_template_kwargs": []}, "chat_template_kwargs"),
    ({"chat_template_kwargs": "enable_thinking"}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {f"a{n}": 1 for n in range(17)}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"a": "x" * 5000}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"a" * 5000: 1}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"a": DEEP}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"a": list(range(2000))}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"chat_template": "{{ 7 * 7 }}"}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"messages": []}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"tokenize": False}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"add_generation_prompt": False}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"tools": []}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"self": 1}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"a b": 1}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"": 1}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"odd": 1}}, "chat_template_kwargs"),
    (
        {"reasoning_effort": "low", "chat_template_kwargs": {"reasoning_effort": "high"}},
        "reasoning_effort",
    ),
]


@pytest.fixture(scope="module")
def it():
    with serving(Choosing(OWN), defaults={"languages": ["en"], "paths": 1}) as running:
        yield running


@pytest.mark.parametrize(("given", "param"), WRONG)
@pytest.mark.parametrize("model", ["clc", "scripted"])
@pytest.mark.slow
def test_wrong_options_are_refused_by_name(it, given, param, model):
    body = {"model": model, "messages": ask()} | given
    reply = http(it).post("/v1/chat/completions", json=body)
    assert reply.status_code == 400, reply.text
    error = reply.json()["error"]
    assert error["param"].partition(".")[0] == param
    assert len(error["message"]) < 500
    completions = Completions(Choosing(OWN), configure(languages=["en"]), model="scripted")

    async def answer():
        try:
            await completions.answer(completions.read(body))
        finally:
            await completions.close()

    with pytest.raises(ApiError) as caught:
        asyncio.run(answer())
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "given", [{"reasoning_effort": "low"}, {"chat_template_kwargs": {"enable_thinking": False}}]
)
@pytest.mark.parametrize("model", ["clc", "scripted"])
def test_an_engine_without_options_refuses_them(given, model):
    with serving() as it:
        reply = http(it).post(
            "/v1/chat/completions", json={"model": model, "messages": ask()} | given
        )
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "unsupported_value"
    assert "takes no options for thinking" in reply.json()["error"]["message"]


def test_a_batchs_requests_have_options_of_their_own():
    engine = Choosing()
    completions = Completions(engine, configure(languages=["en"], paths=1), model="scripted")
    bodies = [
        ("a", {"model": "clc", "messages": ask(), "reasoning_effort": "high"}),
        ("b", {"model": "clc", "messages": ask()}),
        ("c", {"model": "scripted", "messages": ask(), "chat_template_kwargs": {"odd": 1}}),
        ("d", {"model": "scripted", "messages": ask(), "chat_template_kwargs": {"even": 1}}),
    ]

    async def run():
        replies = {key: reply async for key, reply in completions.stream(bodies)}
        await completions.close()
        return replies

    replies = asyncio.run(run())
    assert isinstance(replies["c"], ApiError)
    assert "no variable 'odd'" in replies["c"].message
    assert all("choices" in replies[key] for key in "abd")
    options = {None if one is None else one.key for one in engine.thinking}
    assert options == {None, ChatOptions(reasoning_effort="high").key,
                       ChatOptions(template_kwargs={"even": 1}).key}  # fmt: skip


def test_endpoints_get_them_as_fields():
    with upstream(ok("The answer is 18.")) as server:
        engine = OpenAIEngine("m", [server.url], extra_body={"top_a": 1})
        with serving(engine, model="scripted", defaults={"languages": ["en"], "paths": 1}) as it:
            for model in ("clc", "scripted"):
                body = {"model": model, "messages": ask(), "reasoning_effort": "high",
                        "chat_template_kwargs": {"enable_thinking": False}}  # fmt: skip
                assert http(it).post("/v1/chat/completions", json=body).status_code == 200
    for exchange in server.requests:
        assert exchange.body["reasoning_effort"] == "high"
        assert exchange.body["chat_template_kwargs"] == {"enable_thinking": False}


def test_a_server_that_refuses_them_is_named_without_its_address():
    async def refuse(exchange):
        taken = "reasoning_effort" not in json.dumps(exchange.body)
        words = {"error": {"message": "no field reasoning_effort"}}
        await (ok("7")(exchange) if taken else exchange.send_json(400, words))

    with upstream(refuse) as server:
        engine = OpenAIEngine("m", [server.url])
        with serving(engine, model="scripted", defaults={"languages": ["en"], "paths": 1}) as it:
            for model in ("clc", "scripted"):
                body = {"model": model, "messages": ask(), "reasoning_effort": "high"}
                reply = http(it).post("/v1/chat/completions", json=body)
                assert reply.status_code == 400
                assert "does not take reasoning_effort" in reply.json()["error"]["message"]
                assert "127.0.0.1" not in reply.text
            assert http(it).get("/health").json()["status"] == "ok"


def test_other_options_share_the_queue_and_leave_the_engine_open():
    engine = Choosing(window=1)

    async def run():
        shared = SharedEngine(engine)
        others = [shared.with_options(ChatOptions(reasoning_effort=str(n))) for n in range(3)]
        assert shared.with_options(None) is shared
        assert len({one.fingerprint for one in (shared, *others)}) == 4
        await asyncio.gather(*(one.start() for one in others))
        for one in others:
            await one.close()
        assert (engine.started, engine.closed) == (1, 0)
        with pytest.raises(ConfigurationError, match="odd"):
            await shared.with_options(ChatOptions(template_kwargs={"odd": 1})).start()
        await shared.close()
        assert engine.closed == 1

    asyncio.run(run())
