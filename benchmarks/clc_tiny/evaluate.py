"""Greedy native chain-of-thought accuracy on new problems, for a model that is being trained."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import torch

from benchmarks.clc_tiny.examples import LANGUAGE_SHARES
from benchmarks.clc_tiny.kinds import problems
from benchmarks.clc_tiny.language import load
from benchmarks.clc_tiny.render import question
from clc.answers import extract_answer
from clc.prompts.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from benchmarks.clc_tiny.instance import Split

__all__ = ["greedy_accuracy"]


@torch.no_grad()  # type: ignore[untyped-decorator]
def greedy_accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    *,
    per_language: int,
    split: Split = "dev",
) -> Mapping[str, float]:
    """Share of problems solved greedily in the question's own language, by language."""
    templates = Templates()
    sample = list(islice(problems(split, 1), per_language))
    accuracy = {}
    was_training = model.training
    model.eval()
    tokenizer.padding_side = "left"
    for code in LANGUAGE_SHARES:
        prompts = []
        for problem in sample:
            text = question(problem, load(code))
            (message,) = templates.render(
                "cot", question=text, question_language=code, language=code
            )
            prompts.append(f"<|user|>{message['content']}<|assistant|>")
        batch = tokenizer(prompts, return_tensors="pt", padding=True).to(model.device)
        made = model.generate(
            **batch, max_new_tokens=120, do_sample=False, use_cache=True,
            pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
        replies = tokenizer.batch_decode(
            made[:, batch["input_ids"].shape[1] :], skip_special_tokens=True
        )
        right = 0
        for problem, reply in zip(sample, replies, strict=True):
            read = extract_answer(reply, language=code)
            right += getattr(read, "value", None) == str(problem.answer)
        accuracy[code] = round(right / per_language, 3)
    tokenizer.padding_side = "right"
    model.train(was_training)
    return accuracy
