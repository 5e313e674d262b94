"""The bundled model: whole, small, the same on both engines, and able to do its narrow job."""

import asyncio
import json
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.clc_tiny.examples import examples
from benchmarks.clc_tiny.kinds import problems
from benchmarks.clc_tiny.language import load
from benchmarks.clc_tiny.render import question
from clc.answers import extract_answer
from clc.engines.models import resolve_model
from clc.engines.opening import open_engine
from clc.engines.seam import Request
from clc.records import Message, Sampling
from clc.templates import Templates

GREEDY = Sampling(temperature=0.0, max_tokens=160)


def _complete(engine, prompts):
    async def run():
        await engine.start()
        try:
            requests = [
                Request(str(n), (Message(role="user", content=prompt),), GREEDY, 0)
                for n, prompt in enumerate(prompts)
            ]
            return await asyncio.gather(*map(engine.complete, requests))
        finally:
            await engine.close()

    return [completion.text for completion in asyncio.run(run())]


def test_the_folder_is_whole_and_small():
    folder = Path(resolve_model("clc-tiny"))
    assert (folder / "README.md").is_file()
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) <= 20_000_000
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["Qwen2ForCausalLM"]
    assert config["dtype"] == "bfloat16"


def test_cue_sentences_are_single_tokens():
    """Whoever edits prompts/ sees here that the bundled model was trained on the old words."""
    tokenizers = pytest.importorskip("tokenizers")
    from benchmarks.clc_tiny.tokenizer import cue_sentences

    tokenizer = tokenizers.Tokenizer.from_file(
        str(Path(resolve_model("clc-tiny")) / "tokenizer.json")
    )
    assert [cue for cue in cue_sentences() if len(tokenizer.encode(cue).ids) != 1] == []
    assert len(tokenizer.encode("2025").ids) == 4  # a digit is a token


@pytest.mark.engine
def test_both_engines_say_the_same():
    """Greedy texts of vLLM and transformers, except where two tokens are as good as equal."""
    pytest.importorskip("vllm")
    prompts = [example.prompt for example in islice(examples("test", 7), 100)]
    ours = _complete(open_engine("clc-tiny", engine="vllm"), prompts)
    theirs = _complete(open_engine("clc-tiny", engine="transformers"), prompts)
    differing = [n for n in range(100) if ours[n] != theirs[n]]
    assert len(differing) <= 20
    for n in differing:
        assert _gap_where_they_part(prompts[n], ours[n], theirs[n]) < 0.3, (ours[n], theirs[n])


def _gap_where_they_part(prompt, one, other):
    """Logit gap between the two best tokens at the first token that differs.

    bf16 logits between 16 and 32 are an eighth apart, and each engine rounds on its own way.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = resolve_model("clc-tiny")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    head = f"<|user|>{prompt}<|assistant|>"
    first, second = (tokenizer(f"{head}{text}<|end|>")["input_ids"] for text in (one, other))
    shared = next(n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    with torch.no_grad():
        logits = model(torch.tensor([first[:shared]])).logits[0, -1]
    return float(abs(logits[first[shared]] - logits[second[shared]]))


@pytest.mark.engine
def test_it_solves_new_problems():
    """Most English ones, greedily; its card has the figures."""
    pytest.importorskip("transformers")
    sample = list(islice(problems("test", 5), 96))
    render = Templates().render
    prompts = [
        render("cot", question=question(p, load("en")), question_language="en", language="en")
        for p in sample
    ]
    texts = _complete(
        open_engine("clc-tiny", engine="transformers"),
        [messages[0]["content"] for messages in prompts],
    )
    right = sum(
        getattr(extract_answer(text, "en"), "value", None) == str(problem.answer)
        for text, problem in zip(texts, sample, strict=True)
    )
    assert right / len(sample) > 0.5
