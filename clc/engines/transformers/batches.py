"""The thread's loop of the transformers engine: batches of waiting requests, one after another."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion
from clc.engines.token_completion import SampledTokens, decode_sampled
from clc.engines.transformers.sampler import BatchRow, BatchSampler, TokenizedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.chat_template import Chat
    from clc.engines.transformers.sampler import TransformersBridge

__all__ = ["Batches", "free_memory", "load_model", "window_tokens"]

_GATHER_S = 0.005  # wait for another request before a batch runs that is not full


@dataclass(slots=True)
class Batches:
    """The thread's loop: choose a batch of waiting requests, run it, hand back the results."""

    model: Any
    chat: Chat
    bridge: TransformersBridge
    batch_size: int
    waiting: dict[str, TokenizedRequest] = field(default_factory=dict)

    def serve(self) -> None:
        """Run batches until the engine is closed."""
        while not self.bridge.closed:
            self._gather()
            if self.waiting and not self.bridge.closed:
                batch = _choose(list(self.waiting.values()), self.batch_size)
                for job in batch:
                    del self.waiting[job.name]
                self._complete(batch)

    def _gather(self) -> None:
        """Take the jobs that have arrived; wait a little for more while a batch is not full."""
        timeout = 0.0 if self.waiting else None
        while arrived := self.bridge.take(timeout):
            for name, job in arrived:
                if job is not None:
                    self.waiting[name] = job
                else:
                    self.waiting.pop(name, None)
            timeout = 0.0 if len(self.waiting) >= self.batch_size else _GATHER_S

    def _complete(self, jobs: list[TokenizedRequest]) -> None:
        """Run a batch; when GPU memory runs out, its halves, and smaller batches from then on."""
        import torch

        try:
            results = _generate(self.model, self.chat, jobs, self.bridge)
        except torch.cuda.OutOfMemoryError:
            results = None  # leave the handler first: its traceback holds the batch's memory
        if results is not None:
            self.bridge.resolve(results)
            return
        free_memory()
        if len(jobs) == 1:
            reason = (
                f"GPU memory does not hold a prompt of {len(jobs[0].prompt)} tokens and its "
                "completion; lower max_tokens, use dtype bfloat16 or a smaller model"
            )
            self.bridge.resolve([(jobs[0].name, Completion.lost(reason))])
            return
        half = len(jobs) // 2
        self.batch_size = min(self.batch_size, max(half, 1))
        self._complete(jobs[:half])
        self._complete(jobs[half:])


def _choose(jobs: Sequence[TokenizedRequest], size: int) -> list[TokenizedRequest]:
    """Choose the oldest job, and those with its sampling that are nearest to it in length."""
    alike = [job for job in jobs if job.sampling == jobs[0].sampling]
    alike.sort(key=lambda job: len(job.prompt))
    start = max(0, min(alike.index(jobs[0]) - size // 2, len(alike) - size))
    return alike[start : start + size]


def load_model(
    location: str,
    commit: str | None,
    device: str | None,
    dtype: str | None,
    model_args: Mapping[str, Any],
) -> Any:
    """Load a model, with the token ids that end a completion as ``clc_ends``.

    With a ``device_map`` among ``model_args`` it stays where transformers puts it.
    """
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            location, revision=commit, dtype=dtype or "auto", **model_args
        )
    finally:
        if bars:
            logging.enable_progress_bar()
    if "device_map" not in model_args:
        model = model.to(device or _best_device(torch))
    model = model.eval()
    # Models bring their own temperature, top_k or repetition penalty: here the run's apply alone.
    ends = model.generation_config.eos_token_id
    model.generation_config = GenerationConfig()
    model.clc_ends = frozenset(ends if isinstance(ends, list) else [ends]) - {None}
    return model


def _best_device(torch: Any) -> str:
    """Return a GPU's device where there is one, Apple's included, else the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def window_tokens(config: Any) -> int:
    """Return how many tokens of prompt and completion together a model takes."""
    text = config.get_text_config()
    return int(getattr(text, "max_position_embeddings", None) or 1 << 20)


def _generate(
    model: Any, chat: Chat, jobs: Sequence[TokenizedRequest], bridge: TransformersBridge
) -> list[tuple[str, SampledTokens | Completion]]:
    """Sample for jobs of equal sampling together."""
    import torch

    width = max(len(job.prompt) for job in jobs)
    ids = torch.zeros((len(jobs), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, job in enumerate(jobs):  # prompts end at the right, where completions begin
        ids[row, width - len(job.prompt) :] = torch.tensor(job.prompt)
        mask[row, width - len(job.prompt) :] = 1
    sampler = BatchSampler(model, chat, jobs, bridge)
    with torch.inference_mode():
        output = model.generate(
            ids.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=max(job.room for job in jobs),
            do_sample=False,
            logits_processor=[sampler.choose],
            stopping_criteria=[sampler.ended],
            pad_token_id=0,
        )
    sampled = output[:, width:].tolist()
    return [
        (row.job.name, _tokens(chat, row, tokens[: row.length], sampler.ends))
        for row, tokens in zip(sampler.rows, sampled, strict=True)
    ]


def _tokens(chat: Chat, row: BatchRow, ids: list[int], ends: frozenset[int]) -> SampledTokens:
    count = len(ids)
    if row.reason == "stop" and ids[-1] in ends:
        ids = ids[:-1]
    text = decode_sampled(chat, ids, row.job.sampling.stop, opened=row.job.opened)
    return SampledTokens(ids, text, row.reason, count)


def free_memory() -> None:
    """Free what nothing refers to any more, on the GPU too."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
