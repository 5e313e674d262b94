"""What clc-tiny learns from: the plan of a run, and its examples as batches of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from benchmarks.training.examples import language_shares
from benchmarks.training.thinking import mixed
from benchmarks.training.tokenizer import THINK_MARK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import PreTrainedTokenizerFast

    from benchmarks.training.examples import Example

__all__ = ["IGNORED", "Plan", "batches", "prompt_text"]

IGNORED = -100
POOL = 4096  # examples sorted by length at a time, so that a batch needs hardly any padding


@dataclass(frozen=True)
class Plan:
    """All that makes a training run what it is."""

    tokens: int
    batch_tokens: int
    seed: int
    matrix_rate: float
    other_rate: float
    layers: int
    width: int
    hidden: int
    drills: float
    fall: float = 0.3
    thinking: float = 0.0
    rare: float = 1.0
    workers: int = 0

    def rate(self, seen: int) -> float:
        """Share of the peak learning rate after ``seen`` tokens."""
        done = seen / self.tokens
        return max(0.0, min(1.0, done / 0.02, (1 - done) / self.fall))


def batches(
    tokenizer: PreTrainedTokenizerFast, plan: Plan, skip: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield (inputs, targets), both [rows, length]; ``skip`` batches are made and dropped.

    With workers, each makes batches from a seed of its own, and they take turns.
    """
    if not plan.workers:
        return _batches(tokenizer, plan, str(plan.seed), skip)
    # batch_size=None: the workers' items are batches already.
    return iter(
        DataLoader(_Turns(tokenizer, plan, skip), batch_size=None, num_workers=plan.workers)
    )


class _Turns(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):  # type: ignore[misc]
    """The batches that one worker makes of a run's."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, plan: Plan, skip: int) -> None:
        self.tokenizer, self.plan, self.skip = tokenizer, plan, skip

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        info = get_worker_info()
        number, count = (info.id, info.num_workers) if info else (0, 1)
        # The earlier workers have made one batch more, where the turns do not come out even.
        skip = (self.skip + count - 1 - number) // count
        return _batches(self.tokenizer, self.plan, f"{self.plan.seed}/{number}", skip)


def _batches(
    tokenizer: PreTrainedTokenizerFast, plan: Plan, seed: str, skip: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Make batches from a seed.

    Right padding needs no mask in a causal model: nothing real looks at it.
    """
    rng = Random(f"batches/{seed}")
    source = mixed("train", seed, plan.drills, plan.thinking, language_shares(plan.rare))
    made = 0
    while True:
        pool: list[tuple[list[int], list[int]]] = []
        texts = list(islice(source, POOL))
        prompts = tokenizer([prompt_text(item) for item in texts])["input_ids"]
        replies = tokenizer([f"{item.reply}<|end|>" for item in texts])["input_ids"]
        for prompt, reply in zip(prompts, replies, strict=True):
            pool.append((prompt + reply, [IGNORED] * (len(prompt) - 1) + reply + [IGNORED]))
        pool.sort(key=lambda row: len(row[0]))
        groups = [pool[:0]]
        for row in pool:
            if len(row[0]) * (len(groups[-1]) + 1) > plan.batch_tokens:
                groups.append([])
            groups[-1].append(row)
        rng.shuffle(groups)
        for group in groups:
            made += 1
            if made <= skip:
                continue
            length = max(len(ids) for ids, _ in group)
            inputs = torch.zeros(len(group), length, dtype=torch.long)
            targets = torch.full((len(group), length), IGNORED)
            for line, (ids, labels) in enumerate(group):
                inputs[line, : len(ids)] = torch.tensor(ids)
                targets[line, : len(ids)] = torch.tensor(labels)
            yield inputs, targets


def prompt_text(example: Example) -> str:
    """Render a prompt as the chat template does."""
    mark = THINK_MARK if example.thinking else ""
    return f"<|user|>{example.prompt}{mark}<|assistant|>{example.opening}"
