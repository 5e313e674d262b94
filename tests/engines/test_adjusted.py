"""One loaded model with several chat options: the translator's beside the paths'."""

import asyncio

import pytest

from clc.engines.adjusted import AdjustedEngine, open_translator
from clc.engines.base import ChatEngine, Request
from clc.engines.chat_options import ChatOptions
from clc.engines.hub import read_chat_template
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import ConfigurationError
from clc.records import Sampling

from .faulty_replies import completion, value
from .faulty_server import FaultyServer
from .scripted import ScriptedEngine

OFF = ChatOptions(thinking="off")


def ask(**options) -> Request:
    message = {"role": "user", "content": "Juma ana vitabu 4 na anapata 3. Ana vingapi?"}
    return Request("key", (message,), Sampling(max_tokens=24), seed=7, **options)  # type: ignore[arg-type]


@pytest.fixture
def transformers():
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from clc.engines.transformers.engine import TransformersEngine

    return TransformersEngine


def test_avoid_is_off_where_there_is_a_switch_and_the_models_choice_elsewhere():
    avoid = ChatOptions(thinking="avoid", reasoning_effort="low", thinking_budget=8)
    assert avoid.settle(has_switch=True) == OFF
    assert avoid.settle(has_switch=False).thinking == "auto"
    assert avoid.settle(has_switch=False).reasoning_effort == "low"
    assert OFF.settle(has_switch=False) is OFF


def test_a_translation_has_no_thought_where_the_template_has_a_switch(transformers, thinking, tiny):
    engine = transformers(str(thinking))
    translator = open_translator(engine, None)
    assert isinstance(translator, AdjustedEngine)
    assert translator.fingerprint == transformers(str(thinking), chat_options=OFF).fingerprint
    assert translator.fingerprint != engine.fingerprint
    assert open_translator(engine, ChatOptions()) is None  # the engine as it is
    assert open_translator(transformers(str(thinking), chat_options=OFF), None) is None
    assert open_translator(transformers(str(tiny)), None) is None


def test_another_model_without_a_switch_translates_as_it_does(transformers, tiny):
    plain = transformers(str(tiny))
    translator = open_translator(
        ScriptedEngine(),
        lambda: transformers(str(tiny), chat_options=ChatOptions(thinking="avoid")),
    )
    assert translator is not None
    assert translator.fingerprint == plain.fingerprint

    async def run():
        await translator.start()
        try:
            return await translator.complete(ask())
        finally:
            await translator.close()

    assert asyncio.run(run()).error is None


@pytest.mark.slow
def test_the_model_is_loaded_once_for_both(transformers, thinking, monkeypatch):
    from clc.engines.transformers import engine as module

    loads = []
    load = module.load_model  # type: ignore[attr-defined]
    monkeypatch.setattr(module, "load_model", lambda *args: loads.append(args) or load(*args))  # type: ignore[func-returns-value]

    async def run():
        engine = transformers(str(thinking))
        translator = open_translator(engine, None)
        await asyncio.gather(translator.start(), engine.start())
        try:
            texts = await asyncio.gather(engine.complete(ask()), translator.complete(ask()))
            await translator.close()
            assert await engine.complete(ask()) == texts[0]  # still open
        finally:
            await engine.close()
        alone = transformers(str(thinking), chat_options=OFF)
        await alone.start()
        try:
            assert await alone.complete(ask()) == texts[1]
        finally:
            await alone.close()
        return texts

    path, translation = asyncio.run(run())
    assert path.closed is False
    assert translation.closed is None
    assert translation.usage.prompt_tokens > path.usage.prompt_tokens  # the empty thought
    assert len(loads) == 2  # and one of ``alone``


def test_options_that_the_template_lacks_end_the_start(transformers, tiny):
    async def run():
        engine = transformers(str(tiny))
        try:
            await AdjustedEngine(engine, OFF).start()
        finally:
            await engine.close()

    with pytest.raises(ConfigurationError, match="has no switch for it"):
        asyncio.run(run())


def test_an_endpoint_gets_the_options_of_each_request():
    async def run():
        async with FaultyServer(value(completion("7"))) as server:
            engine = OpenAIEngine("m", server.url, chat_options=ChatOptions(thinking_budget=None))
            assert isinstance(engine, ChatEngine)
            assert open_translator(engine, None) is None  # nobody knows its template
            translator = open_translator(engine, OFF)
            assert translator is not None
            await asyncio.gather(engine.start(), translator.start())
            await engine.complete(ask())
            await translator.complete(ask())
            await engine.close()
            return engine.fingerprint, translator.fingerprint, server.requests

    plain, other, requests = asyncio.run(run())
    assert other == f"{plain}+chat-{OFF.key}"
    bodies = [one.body for one in requests if one.body]
    assert "chat_template_kwargs" not in bodies[0]
    assert bodies[1]["chat_template_kwargs"] == {"enable_thinking": False, "thinking": False}


def test_an_engine_without_chat_options_refuses_them():
    assert open_translator(ScriptedEngine(), None) is None
    with pytest.raises(ConfigurationError, match="takes no chat options"):
        open_translator(ScriptedEngine(), OFF)


def test_the_chat_template_of_a_folder(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text('{"added": "<thinking>"}')
    assert read_chat_template(str(tmp_path)) == ""
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{{ enable_thinking }}"}')
    assert read_chat_template(str(tmp_path)) == "{{ enable_thinking }}"
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    assert read_chat_template(str(tmp_path)).startswith("{{ messages }}")
