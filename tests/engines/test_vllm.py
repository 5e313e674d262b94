"""The vLLM engine on a random model, on a CPU build of vLLM."""

import asyncio
import os
import shutil
import signal
from dataclasses import astuple, replace

import pytest

from clc.engines.chat_options import ChatOptions
from clc.engines.confidence import Measure
from clc.engines.vllm.device import find_device
from clc.engines.vllm.engine import VllmEngine
from clc.engines.vllm.launch import load_chat
from clc.errors import ConfigurationError, EngineError

from . import behaviour
from .behaviour import ask, complete_all
from .tiny_adapter import make_adapter

CACHE = {"kv_cache_memory_bytes": 1 << 28}

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tiny):
    pytest.importorskip("vllm")
    engine = VllmEngine(str(tiny), dtype="float32", engine_args=CACHE)
    asyncio.run(engine.start())
    yield engine
    asyncio.run(engine.close())


@pytest.mark.parametrize("check", behaviour.CHECKS)
def test_behaviour(engine, check):
    asyncio.run(check(engine))


def test_bad_sampling_is_the_callers_error(engine):
    request = ask(temperature=0.5)
    object.__setattr__(request.sampling, "temperature", 2.5)  # our own bounds refuse it earlier
    with pytest.raises(ConfigurationError, match=r"vLLM refuses.*temperature"):
        asyncio.run(engine.complete(request))


def test_more_likeliest_tokens_than_vllm_gives_are_the_callers_error(engine):
    with pytest.raises(ConfigurationError, match=r"the 50 likeliest.*at most 20.*max_logprobs=50"):
        asyncio.run(engine.complete(replace(ask(), measure=Measure(top_k=50))))


PENALTIES = (
    {},
    {"repetition_penalty": 1.3},
    {"presence_penalty": 1.5},
    {"frequency_penalty": 0.7},
    {"repetition_penalty": 1.1, "presence_penalty": -0.5, "frequency_penalty": 0.4},
)


def test_greedy_agrees_with_transformers(engine, tiny):
    """Texts, under every penalty, and what is measured of them."""
    from clc.engines.transformers.engine import TransformersEngine

    requests = [
        replace(ask(n, temperature=0.0, words=n, max_tokens=48, **penalty), measure=Measure())
        for n in range(6)
        for penalty in PENALTIES
    ]

    async def other():
        engine = TransformersEngine(str(tiny), dtype="float32")
        await engine.start()
        sampled = await complete_all(engine, *requests)
        await engine.close()
        return sampled

    ours, theirs = asyncio.run(complete_all(engine, *requests)), asyncio.run(other())
    assert behaviour.same_texts(ours, theirs)
    assert len({one.text for one in ours[: len(PENALTIES)]}) == len(PENALTIES)
    for mine, its in zip(ours, theirs, strict=True):
        assert astuple(mine.confidence) == pytest.approx(astuple(its.confidence), rel=1e-3)


def test_prompts_that_vllm_writes_in_python(tiny, tmp_path):
    """DeepSeek V3.2 has no Jinja template."""
    pytest.importorskip("vllm")
    folder = shutil.copytree(tiny, tmp_path / "model")
    (folder / "chat_template.jinja").unlink()
    args = {"tokenizer_mode": "deepseek_v32"}
    question = ({"role": "user", "content": "1 + 1?"},)

    def text(messages, **options):
        chat = load_chat(args, str(folder), None, ChatOptions(**options), None)
        prompt = chat.render(messages)
        return chat.codec.decode_all(prompt.ids), prompt.opened

    plain, opened = text(question)
    assert "<｜User｜>1 + 1?<｜Assistant｜>" in plain
    assert not opened
    assert text(question, thinking="on") == (plain.replace("</think>", "<think>"), True)
    started = (*question, {"role": "assistant", "content": "It is"})
    assert text(started) == (f"{plain}It is", False)
    with pytest.raises(EngineError, match=r"no chat template.*-E tokenizer_mode=deepseek_v32"):
        load_chat({}, str(folder), None, ChatOptions(), None)
    with pytest.raises(EngineError, match="cannot be loaded in vLLM's mode 'deepseek_v1'"):
        load_chat({"tokenizer_mode": "deepseek_v1"}, str(folder), None, ChatOptions(), None)


def test_a_lora_adapter_answers_as_on_transformers(engine, tiny, tmp_path):
    from clc.engines.transformers.engine import TransformersEngine

    adapter = str(make_adapter(tmp_path / "adapter", tiny))
    requests = [ask(number, temperature=0.0, max_tokens=12) for number in range(4)]

    async def texts(engine):
        return [one.text for one in await complete_all(engine, *requests)]

    async def adapted(kind, **options):
        engine = kind(str(tiny), dtype="float32", lora=adapter, **options)
        await engine.start()
        try:
            return await texts(engine)
        finally:
            await engine.close()

    plain = asyncio.run(
        texts(engine)
    )  # first: the end of an engine in this process is its end, too
    ours = asyncio.run(adapted(VllmEngine, engine_args=CACHE))
    assert ours == asyncio.run(adapted(TransformersEngine))
    assert ours != plain


def test_a_dead_step_is_an_engine_error_for_all(tiny, monkeypatch):
    pytest.importorskip("vllm")

    def broken(*args):
        raise RuntimeError("the worker is gone")

    async def use():
        engine = VllmEngine(str(tiny), engine_args=CACHE)
        await engine.start()
        monkeypatch.setattr("vllm.v1.engine.llm_engine.LLMEngine.step", broken)
        results = await asyncio.gather(
            *(engine.complete(ask(n)) for n in range(5)), return_exceptions=True
        )
        with pytest.raises(EngineError, match="the worker is gone"):
            await engine.complete(ask())
        monkeypatch.undo()
        await engine.close()
        return results

    assert all(isinstance(result, EngineError) for result in asyncio.run(use()))


def test_own_processes(tiny):
    """The driver that GPUs use: the same checks hold; a killed process is an EngineError."""
    psutil = pytest.importorskip("psutil")
    pytest.importorskip("vllm")
    before = {child.pid for child in psutil.Process().children(recursive=True)}

    def children():
        now = psutil.Process().children(recursive=True)
        return [
            child for child in now if child.pid not in before and "core" in child.name().lower()
        ]

    async def use():
        engine = VllmEngine(str(tiny), dtype="float32", engine_args=CACHE, driver="process")
        try:
            await engine.start()
            return await behave_and_die(engine)
        finally:
            await engine.close()
            await engine.close()

    async def behave_and_die(engine):
        for check in behaviour.CHECKS:
            await check(engine)
        cores = children()
        assert cores
        for core in cores:  # none may answer before it is killed, however busy the machine is
            os.kill(core.pid, signal.SIGSTOP)
        pending = [asyncio.create_task(engine.complete(ask(n, max_tokens=450))) for n in range(9)]
        await asyncio.sleep(0.1)
        for core in cores:
            os.kill(core.pid, signal.SIGKILL)
        results = await asyncio.wait_for(asyncio.gather(*pending, return_exceptions=True), 120)
        with pytest.raises(EngineError):
            await engine.complete(ask())
        return results

    assert all(isinstance(result, EngineError) for result in asyncio.run(use()))
    assert not children()


def test_window_and_fingerprint_before_start(tiny):
    engine = VllmEngine(str(tiny))
    assert engine.window == 288
    assert VllmEngine(str(tiny), window=12).window == 12
    assert engine.fingerprint.startswith("vllm:folder@")
    faster = VllmEngine(str(tiny), window=9, engine_args=CACHE | {"enforce_eager": False})
    assert faster.fingerprint == engine.fingerprint
    for other in (
        {"dtype": "float32"},
        {"max_model_len": 64},
        {"engine_args": {"quantization": "awq"}},
    ):
        assert VllmEngine(str(tiny), **other).fingerprint != engine.fingerprint
    with pytest.raises(EngineError, match="is not started"):
        asyncio.run(engine.complete(ask()))
    asyncio.run(engine.close())


def test_the_gpu_build_without_a_gpu_says_what_to_install(tiny, monkeypatch):
    platforms = pytest.importorskip("vllm.platforms")

    class Unspecified:
        device_type = ""

    monkeypatch.setattr(platforms, "current_platform", Unspecified())
    with pytest.raises(EngineError, match="make install"):
        asyncio.run(VllmEngine(str(tiny)).start())


def test_a_missing_vllm_says_what_to_install(tiny, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "vllm.platforms", None)
    with pytest.raises(EngineError, match="vLLM is not installed"):
        asyncio.run(VllmEngine(str(tiny)).start())


def test_the_environment_of_the_user_wins(monkeypatch):
    pytest.importorskip("vllm")
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "DEBUG")
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    find_device()
    assert (os.environ["VLLM_LOGGING_LEVEL"], os.environ["GOMP_SPINCOUNT"]) == ("DEBUG", "7")


def run_thinking(thinking, check, *args, **options):
    pytest.importorskip("vllm")

    async def use():
        engine = VllmEngine(str(thinking), dtype="float32", engine_args=CACHE, **options)
        await engine.start()
        try:
            await check(engine, *args)
        finally:
            await engine.close()

    asyncio.run(use())


@pytest.mark.engine
def test_thoughts_and_a_close_in_their_midst(thinking):
    async def check(engine):
        await behaviour.check_thoughts(engine)
        await behaviour.check_close(engine)

    run_thinking(thinking, check)


@pytest.mark.engine
@pytest.mark.parametrize("own", [True, False])
def test_a_thinking_budget(thinking, monkeypatch, own):
    """By vLLM's own parameter, and as with a vLLM that has none."""
    if not own:
        monkeypatch.setattr("clc.engines.vllm.launch.budget_args", lambda *marks: {})

    async def check(engine):
        assert ("reasoning_config" in engine.engine_args) is own
        await behaviour.check_budget(engine, 20)

    run_thinking(thinking, check, chat_options=ChatOptions(thinking_budget=20))


@pytest.mark.engine
def test_a_switch_that_the_template_lacks_ends_the_start(tiny):
    pytest.importorskip("vllm")
    engine = VllmEngine(str(tiny), engine_args=CACHE, chat_options=ChatOptions(thinking="off"))
    with pytest.raises(ConfigurationError, match="has no switch"):
        asyncio.run(engine.start())


def test_chat_options_are_part_of_the_fingerprint_where_they_are_given(thinking):
    plain = VllmEngine(str(thinking)).fingerprint
    assert VllmEngine(str(thinking), chat_options=ChatOptions()).fingerprint == plain
    off = VllmEngine(str(thinking), chat_options=ChatOptions(thinking="off"))
    assert off.fingerprint.startswith(f"{plain}+chat-")
