"""The transformers engine on a random model."""

import asyncio
import json
import shutil
import threading
from importlib.util import find_spec

import pytest

from clc.engines.chat_options import ChatOptions
from clc.engines.transformers import loading
from clc.engines.transformers import running as module
from clc.engines.transformers.engine import TransformersEngine
from clc.errors import ConfigurationError, EngineError

from . import behaviour
from .behaviour import ask, complete_all
from .tiny_adapter import make_adapter
from .tiny_random import make_tokenizer

pytestmark = [  # find_spec: torch is imported by the process that runs these, and not to skip them
    pytest.mark.engine,
    pytest.mark.skipif(not all(map(find_spec, ("torch", "transformers"))), reason="needs both"),
]


@pytest.fixture(scope="module")
def engine(tiny):
    engine = TransformersEngine(str(tiny), batch_size=32)
    asyncio.run(engine.start())
    yield engine
    asyncio.run(engine.close())


@pytest.mark.parametrize("check", behaviour.CHECKS)
def test_behaviour(engine, check):
    asyncio.run(check(engine))


def test_fingerprint_and_window_before_start(tiny):
    engine = TransformersEngine(str(tiny), batch_size=5)
    assert engine.fingerprint.startswith("transformers:folder@")
    assert engine.window == 10
    assert TransformersEngine(str(tiny), dtype="bfloat16").fingerprint != engine.fingerprint
    with pytest.raises(EngineError, match="is not started"):
        asyncio.run(engine.complete(ask()))
    asyncio.run(engine.close())


def test_close_frees_the_thread(tiny):
    def count():  # other tests' engines may have one
        return [thread.name for thread in threading.enumerate()].count("clc-transformers")

    async def use():
        engine = TransformersEngine(str(tiny))
        await engine.start()
        await behaviour.check_close(engine)

    before = count()
    asyncio.run(use())
    assert count() == before


def test_memory_that_runs_out_halves_the_batch(tiny, monkeypatch):
    import torch

    sizes = []
    forward = module.RunningBatch._forward

    def small(self, ids, mask, cache):
        sizes.append(len(mask))
        if len(mask) > 2 or mask.shape[1] > 400:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return forward(self, ids, mask, cache)

    async def use():
        engine = TransformersEngine(str(tiny), batch_size=8)
        await engine.start()
        requests = [ask(number) for number in range(7)]
        whole = await complete_all(engine, *requests)
        monkeypatch.setattr(module.RunningBatch, "_forward", small)
        sampled = await complete_all(engine, *requests, ask(9, words=400))
        await engine.close()
        return whole, sampled

    whole, sampled = asyncio.run(use())
    assert behaviour.same_texts(sampled[:7], whole)
    assert "GPU memory does not hold a prompt" in sampled[-1].error
    assert max(sizes) > 2


def test_a_request_joins_those_that_run(engine, monkeypatch):
    """It does not wait for their end, and its text is the same."""
    sizes, started, asked = [], threading.Event(), threading.Event()
    forward = module.RunningBatch._forward

    def held(self, ids, mask, cache):
        if len(sizes) == 5:
            started.set()
            asked.wait(60)
        sizes.append(len(ids))
        return forward(self, ids, mask, cache)

    async def use():
        running = asyncio.create_task(engine.complete(ask(1, max_tokens=40, temperature=0.3)))
        await asyncio.to_thread(started.wait, 60)
        joining = asyncio.create_task(engine.complete(ask(2, max_tokens=3)))
        await asyncio.sleep(0)
        asked.set()
        return await asyncio.gather(running, joining)

    alone = [asyncio.run(engine.complete(one))
             for one in (ask(1, max_tokens=40, temperature=0.3), ask(2, max_tokens=3))]  # fmt: skip
    monkeypatch.setattr(module.RunningBatch, "_forward", held)
    assert behaviour.same_texts(asyncio.run(use()), alone)
    assert 2 in sizes


def test_paths_of_one_prompt_read_it_once(engine, monkeypatch):
    sizes = []
    forward = module.RunningBatch._forward

    def counting(self, ids, mask, cache):
        sizes.append(tuple(ids.shape))
        return forward(self, ids, mask, cache)

    monkeypatch.setattr(module.RunningBatch, "_forward", counting)
    requests = [ask(5, seed=seed, max_tokens=4) for seed in range(6)]
    sampled = asyncio.run(complete_all(engine, *requests))
    assert len({one.text for one in sampled}) > 1
    (reading,) = [rows for rows, width in sizes if width > 1]
    assert reading == 1
    assert {rows for rows, width in sizes if width == 1} == {6}


SHAPE = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "eos_token_id": 1,
         "pad_token_id": 2, "bos_token_id": None, "initializer_range": 0.2}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "settings", "joins"),
    [
        (
            "Mistral",
            {"sliding_window": 8, "num_attention_heads": 4, "num_key_value_heads": 2},
            True,
        ),
        ("Mamba", {}, False),  # its state cannot be padded: its batches run as a whole
    ],
)
def test_paths_of_other_models_do_not_depend_on_their_neighbours(tmp_path, kind, settings, joins):
    import transformers

    tokens = make_tokenizer(tmp_path)
    config = getattr(transformers, f"{kind}Config")(vocab_size=tokens, **SHAPE, **settings)
    getattr(transformers, f"{kind}ForCausalLM")(config).save_pretrained(tmp_path)
    requests = [ask(number, words=9 * number, max_tokens=20 + number) for number in range(5)]
    requests.append(ask(1, temperature=0.0))

    async def use():
        engine = TransformersEngine(str(tmp_path), batch_size=4, dtype="float32")
        await engine.start()
        together = await complete_all(engine, *requests)
        alone = [await engine.complete(one) for one in requests]
        await engine.close()
        return together, alone

    together, alone = asyncio.run(use())
    assert behaviour.same_texts(together, alone)
    assert len({one.text for one in alone}) == len(requests)
    assert module.can_join(transformers.AutoModelForCausalLM.from_pretrained(tmp_path)) is joins


def test_a_failing_model_is_an_engine_error_for_all(tiny, monkeypatch):
    def broken(*args):
        raise RuntimeError("device-side assert")

    async def use():
        engine = TransformersEngine(str(tiny))
        await engine.start()
        monkeypatch.setattr(module.RunningBatch, "_forward", broken)
        results = await asyncio.gather(
            *(engine.complete(ask(n)) for n in range(3)), return_exceptions=True
        )
        with pytest.raises(EngineError, match="device-side assert"):
            await engine.complete(ask())
        await engine.close()
        return results

    for result in asyncio.run(use()):
        assert isinstance(result, EngineError)


def test_a_model_that_cannot_be_loaded_says_why(tiny, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in tiny.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "config.json").write_text('{"model_type": "no-such-model"}')
    engine = TransformersEngine(str(broken))
    with pytest.raises(EngineError, match="no-such-model"):
        asyncio.run(engine.start())
    asyncio.run(engine.close())


def test_a_model_without_chat_template_says_what_to_do(tiny, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in tiny.iterdir():
        if file.name != "chat_template.jinja":
            (bare / file.name).write_bytes(file.read_bytes())
    with pytest.raises(EngineError, match="has no chat template"):
        asyncio.run(TransformersEngine(str(bare)).start())


def test_a_folder_without_tokenizer_is_refused(tiny, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "model.safetensors"):
        (bare / name).write_bytes((tiny / name).read_bytes())
    with pytest.raises(ConfigurationError, match="no tokenizer"):
        TransformersEngine(str(bare))


def test_a_template_that_refuses_loses_the_path(tiny, tmp_path):
    strict = tmp_path / "strict"
    strict.mkdir()
    for file in tiny.iterdir():
        (strict / file.name).write_bytes(file.read_bytes())
    (strict / "chat_template.jinja").write_text("{{ raise_exception('no system role') }}")

    async def use():
        engine = TransformersEngine(str(strict))
        await engine.start()
        lost = await engine.complete(ask())
        await engine.close()
        return lost

    assert "refuses the messages: no system role" in asyncio.run(use()).error


def run_thinking(thinking, check, *args, **options):
    async def use():
        engine = TransformersEngine(str(thinking), dtype="float32", **options)
        await engine.start()
        try:
            await check(engine, *args)
        finally:
            await engine.close()

    asyncio.run(use())


def test_thoughts(thinking):
    run_thinking(thinking, behaviour.check_thoughts)


def test_a_thinking_budget(thinking):
    options = ChatOptions(thinking_budget=20)
    run_thinking(thinking, behaviour.check_budget, 20, chat_options=options)


def test_chat_options_are_part_of_the_fingerprint_where_they_are_given(thinking):
    plain = TransformersEngine(str(thinking)).fingerprint
    assert TransformersEngine(str(thinking), chat_options=ChatOptions()).fingerprint == plain
    off = TransformersEngine(str(thinking), chat_options=ChatOptions(thinking="off"))
    assert off.fingerprint.startswith(f"{plain}+chat-")


def greedy(model, **options):
    """Return greedy texts of an engine."""

    async def use():
        engine = TransformersEngine(str(model), dtype="float32", **options)
        await engine.start()
        try:
            return [one.text for one in await complete_all(
                engine, *(ask(number, temperature=0.0, max_tokens=24) for number in range(3))
            )]  # fmt: skip
        finally:
            await engine.close()

    return asyncio.run(use())


@pytest.mark.parametrize(
    ("settings", "factor"),
    [({}, 2.0), ({"use_rslora": True}, 4.0), ({"alpha_pattern": {"down_proj": 12}}, None)],
)
def test_a_lora_adapter_is_added_to_the_weights(tiny, tmp_path, settings, factor):
    from safetensors.torch import load_file, save_file

    adapter = make_adapter(tmp_path / "adapter", tiny, **settings)
    merged = shutil.copytree(tiny, tmp_path / "merged")
    weights = load_file(tiny / "model.safetensors")
    pairs = load_file(adapter / "adapter_model.safetensors")
    for name in list(weights):
        module = f"base_model.model.{name.removesuffix('.weight')}.lora_"
        if f"{module}A.weight" in pairs:
            product = pairs[f"{module}B.weight"] @ pairs[f"{module}A.weight"]
            own = factor or (3.0 if "down_proj" in name else 2.0)
            weights[name] = weights[name] + own * product
    save_file(weights, merged / "model.safetensors", metadata={"format": "pt"})
    changed = greedy(tiny, lora=str(adapter))
    assert changed == greedy(merged)
    assert changed != greedy(tiny)


@pytest.mark.parametrize(
    ("settings", "other_model", "says"),
    [
        ({"use_dora": True}, False, "an adapter with use_dora cannot be added to the weights"),
        ({"peft_type": "IA3"}, False, "an adapter with peft_type 'IA3' cannot be added"),
        ({}, True, "does not fit the model .*is it that of tiny"),
    ],
)
def test_an_adapter_that_cannot_be_added_ends_the_start(
    tiny, tmp_path, settings, other_model, says
):
    adapter = make_adapter(tmp_path / "adapter", tiny, **settings)
    other = tiny
    if other_model:
        other = shutil.copytree(tiny, tmp_path / "other")
        config = json.loads((other / "config.json").read_text())
        shorter = {"num_hidden_layers": 2, "layer_types": config.get("layer_types", [])[:2]}
        (other / "config.json").write_text(json.dumps(config | shorter))
    with pytest.raises(EngineError, match=says):
        greedy(other, lora=str(adapter))


def test_a_lora_adapter_is_part_of_the_fingerprint(tiny, tmp_path):
    plain = TransformersEngine(str(tiny)).fingerprint
    one = make_adapter(tmp_path / "one", tiny)
    two = make_adapter(tmp_path / "two", tiny, scale=0.1)
    prints = [TransformersEngine(str(tiny), lora=str(folder)).fingerprint for folder in (one, two)]
    assert len({plain, *prints}) == 3
    assert prints[0] == TransformersEngine(str(tiny), lora=str(one)).fingerprint
    with pytest.raises(ConfigurationError, match="is not the configuration of a LoRA adapter"):
        TransformersEngine(str(tiny), lora=str(tiny))


def test_loading_shows_no_progress_bars_of_transformers(capfd):
    """They would stand in the middle of clc's own."""
    from transformers import modeling_gguf_pytorch_utils as gguf
    from transformers.utils import logging

    own = gguf.tqdm
    with loading._no_progress_bars():
        assert list(gguf.tqdm([1, 2], desc="Converting")) == [1, 2]
        assert not logging.is_progress_bar_enabled()
    assert gguf.tqdm is own
    assert logging.is_progress_bar_enabled()
    assert capfd.readouterr().err == ""
