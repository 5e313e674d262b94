"""The bundled model: whole, small, the same on both engines, and able to do its narrow job."""

import asyncio
import json
import re
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.training.examples import examples
from benchmarks.training.kinds import problems
from benchmarks.training.language import load
from benchmarks.training.render import question
from clc.answers import extract_answer
from clc.engines.base import Request
from clc.engines.chat_options import ChatOptions
from clc.engines.confidence import Measure
from clc.engines.models import resolve_model
from clc.prompts.templates import Templates
from clc.records import Message, Sampling

GREEDY = Sampling(temperature=0.0, max_tokens=160)


@pytest.fixture
def engine(request):
    return request.getfixturevalue(request.param)


def _complete(engine, prompts):
    return [completion.text for completion in _completions(engine, prompts)]


def _completions(engine, prompts):
    async def run():
        requests = [
            Request(str(n), (Message(role="user", content=prompt),), GREEDY, 0)
            for n, prompt in enumerate(prompts)
        ]
        return await asyncio.gather(*map(engine.complete, requests))

    return asyncio.run(run())


def test_the_folder_is_whole_and_small():
    folder = Path(resolve_model("clc-tiny"))
    assert (folder / "README.md").is_file()
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) <= 20_000_000
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["dtype"] == "bfloat16"


def test_cue_sentences_are_single_tokens():
    """Whoever edits prompts/ sees here that the bundled model was trained on the old words."""
    tokenizers = pytest.importorskip("tokenizers")
    from benchmarks.training.tokenizer import cue_sentences

    tokenizer = tokenizers.Tokenizer.from_file(
        str(Path(resolve_model("clc-tiny")) / "tokenizer.json")
    )
    assert [cue for cue in cue_sentences() if len(tokenizer.encode(cue).ids) != 1] == []
    assert len(tokenizer.encode("2025").ids) == 4  # a digit is a token


@pytest.mark.engine
def test_the_tokenizer_is_ours():
    """AutoTokenizer 5.x gives some architectures' folders another tokenizer than their own."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    folder = Path(resolve_model("clc-tiny"))
    ours = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    for example in islice(examples("dev", 0), 60):
        assert theirs(example.prompt)["input_ids"] == ours.encode(example.prompt).ids


@pytest.mark.engine
def test_both_engines_say_the_same(bundled_vllm, bundled_transformers):
    """Greedy texts of vLLM and transformers, except where two tokens are as good as equal."""
    prompts = [example.prompt for example in islice(examples("test", 7), 100)]
    ours, theirs = _complete(bundled_vllm, prompts), _complete(bundled_transformers, prompts)
    differing = [n for n in range(100) if ours[n] != theirs[n]]
    assert len(differing) <= 10
    for n in differing:
        assert _gap_where_they_part(prompts[n], ours[n], theirs[n]) < 0.3, (ours[n], theirs[n])


@cache
def _plain_model():
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = resolve_model("clc-tiny")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    return AutoTokenizer.from_pretrained(folder), model


def _gap_where_they_part(prompt, *texts):
    """Least logit gap between the two best tokens, up to where a greedy path leaves a text.

    bf16 logits between 16 and 32 are an eighth apart, and each engine rounds in its own way.
    """
    tokenizer, model = _plain_model()
    ids = tokenizer(f"<|user|>{prompt}<|assistant|>", return_tensors="pt")["input_ids"]
    made = model.generate(
        ids, max_new_tokens=160, do_sample=False,
        output_logits=True, return_dict_in_generate=True,
    )  # fmt: skip
    new = made.sequences[0, ids.shape[1] :]
    gaps = []
    for length, logits in enumerate(made.logits, start=1):
        best, second = logits[0].float().topk(2).values
        gaps.append(float(best - second))
        expected = tokenizer.decode(new[:length], skip_special_tokens=True).rstrip("\ufffd")
        ended = new[length - 1] == tokenizer.eos_token_id
        if any(not text.startswith(expected) or (ended and text != expected) for text in texts):
            return min(gaps)
    return float("inf")


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["bundled_vllm", "bundled_transformers"], indirect=True)
def test_measuring_changes_no_text(engine):
    prompts = [example.prompt for example in islice(examples("test", 3), 24)]
    sampling = Sampling(temperature=0.8, max_tokens=100)
    plain = [
        Request(str(n), (Message(role="user", content=prompt),), sampling, n)
        for n, prompt in enumerate(prompts)
    ]

    async def run():
        without = await asyncio.gather(*map(engine.complete, plain))
        measured = [replace(one, measure=Measure()) for one in plain]
        return without, await asyncio.gather(*map(engine.complete, measured))

    without, drawn = asyncio.run(run())
    assert [replace(one, confidence=None) for one in drawn] == without
    assert len({one.confidence for one in drawn}) == len(drawn)


@pytest.mark.engine
@pytest.mark.parametrize("thinking", [False, True])
def test_it_solves_new_problems(bundled_transformers, thinking):
    """Most English ones, greedily, with a thought where it is asked for; its card has figures."""
    from benchmarks.training.tokenizer import THINK_MARK

    sample = list(islice(problems("test", 5), 96))
    render = Templates().render
    prompts = [
        render("cot", question=question(p, load("en")), question_language="en", language="en")
        for p in sample
    ]
    marked = [messages[0]["content"] + THINK_MARK * thinking for messages in prompts]
    completions = _completions(bundled_transformers, marked)
    assert all(bool(one.thought) == thinking for one in completions)
    assert all(one.closed is (True if thinking else None) for one in completions)
    texts = [one.text for one in completions]
    if thinking:
        assert all(re.fullmatch(r"Answer: \d+", text.strip()) for text in texts)
    right = sum(
        getattr(extract_answer(text, "en"), "value", None) == str(problem.answer)
        for text, problem in zip(texts, sample, strict=True)
    )
    assert right / len(sample) >= 0.8


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["bundled_vllm", "bundled_transformers"], indirect=True)
def test_a_stop_string_in_a_thought_does_not_end_the_path(engine):
    """Greedily, so that what follows is the same with stop strings and without."""
    options = ChatOptions(thinking="on")
    plain = [
        Request(
            str(n), (Message(role="user", content=one.prompt),), GREEDY, n, chat_options=options
        )
        for n, one in enumerate(islice(examples("test", 4), 24))
    ]

    async def run(stops):
        requests = [
            replace(one, sampling=replace(GREEDY, stop=stop))
            for one, stop in zip(plain, stops, strict=True)
        ]
        return await asyncio.gather(*map(engine.complete, requests))

    whole = asyncio.run(run([()] * len(plain)))
    assert sum(one.closed is True and bool(one.text) for one in whole) > 20
    stops = [(one.thought[8:12], one.thought[-9:-5], "\n", one.text[3:6] or "?") for one in whole]
    stopped = asyncio.run(run(stops))
    same = 0
    for before, after, stop in zip(whole, stopped, stops, strict=True):
        assert len(after.thought) >= min(len(before.thought), 12)
        assert not any(one in after.text for one in stop)
        assert after.closed == before.closed
        end = min((at for one in stop if (at := before.text.find(one)) >= 0), default=None)
        same += (after.thought, after.text) == (before.thought, before.text[:end])
    assert same >= 20  # rounding follows the batch's shape
