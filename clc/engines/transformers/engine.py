"""The transformers engine: any causal language model, on a machine without vLLM.

One thread owns the model and runs waiting requests in batches. A path's text does not depend on
its neighbours in a batch: each row samples its own noise from its own seed (but for the last bits
of floating point, which follow the batch's shape).
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion, Request
from clc.engines.chat_template import Chat, ChatTemplateError
from clc.engines.deltas import DeltaStream, cut_at_stop
from clc.engines.environment import prepare
from clc.engines.models import hub_revision, model_fingerprint, resolve_model
from clc.engines.thread_bridge import ThreadBridge, settle
from clc.engines.transformers.sampler import (
    BatchRow,
    BatchSampler,
    TokenizedRequest,
    TransformersBridge,
)
from clc.errors import EngineError
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TransformersEngine"]

_GATHER_S = 0.005  # wait for another request before a batch runs that is not full
_JOIN_S = 60.0


class TransformersEngine:
    """A model on transformers' ``generate``.

    Args:
        model: ``clc-tiny``, a local folder or a Hugging Face id.
        batch_size: sequences that run together; halved when GPU memory runs out.
        device: ``cuda``, ``cuda:1``, ``cpu``, …; by default a GPU if there is one.
        dtype: ``bfloat16``, ``float16`` or ``float32``; by default the model's own.
        revision: branch, tag or commit of a Hugging Face id.

    Raises:
        ConfigurationError: the model name or folder is wrong.
    """

    def __init__(
        self,
        model: str,
        *,
        batch_size: int = 32,
        device: str | None = None,
        dtype: str | None = None,
        revision: str | None = None,
    ) -> None:
        self._location = resolve_model(model)
        self._batch_size = batch_size
        self._device = device
        self._dtype = dtype
        self._revision = revision
        self._bridge: TransformersBridge = ThreadBridge()
        self._names = itertools.count()
        self._state = "is not started"

    @cached_property
    def fingerprint(self) -> str:
        """Model and dtype; loads nothing."""
        suffix = f"+{self._dtype}" if self._dtype else ""
        return f"transformers:{model_fingerprint(self._location, self._revision)}{suffix}"

    @property
    def window(self) -> int:
        """Two batches: one that runs, and one to choose from when it is done."""
        return 2 * self._batch_size

    async def start(self) -> None:
        """Load the model in the engine's thread.

        Raises:
            EngineError: transformers or torch is missing, or the model cannot be loaded.
        """
        prepare()
        if os.path.isdir(self._location):  # noqa: PTH112, ASYNC240 - one stat
            commit = None
        else:
            commit = await asyncio.to_thread(hub_revision, self._location, self._revision)
        self._chat = await asyncio.to_thread(Chat.load, self._location, commit)

        loaded: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._bridge.start(self._run, commit, loaded, name="clc-transformers", join_s=_JOIN_S)
        try:
            self._window_tokens = await loaded
        except Exception as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise EngineError(f"transformers could not load {self._location}: {reason}") from error
        self._state = ""

    async def complete(self, request: Request) -> Completion:
        """Complete one request; a cancelled call leaves its batch.

        A completion that reaches ``max_tokens`` or the model's window ends with ``length``.

        Raises:
            EngineError: the engine is not running, or died.
        """
        if self._state:
            raise EngineError(f"the transformers engine {self._state}")
        try:
            prompt = self._chat.encode(request.messages)
        except ChatTemplateError as error:
            return Completion.lost(str(error))
        room = self._window_tokens - len(prompt)
        if room <= 0:
            return Completion.lost(
                f"prompt of {len(prompt)} tokens does not fit the model's window of "
                f"{self._window_tokens} tokens"
            )
        name, sampling = str(next(self._names)), request.sampling
        length = min(room, sampling.max_tokens)
        job = TokenizedRequest(name, prompt, sampling, request.seed, length, request.measure)
        listener = DeltaStream(request.on_text) if request.on_text else None
        return await self._bridge.submit(name, job, listener)

    async def close(self) -> None:
        """End the thread and free the model; calls in flight raise EngineError."""
        self._state = "was closed"
        await asyncio.to_thread(self._bridge.stop)

    def _run(self, commit: str | None, loaded: asyncio.Future[int]) -> None:
        try:
            model = _load(self._location, commit, self._device, self._dtype)
        except Exception as error:  # noqa: BLE001 - whatever it is, start() raises it
            settle(loaded, error=error)
            return
        batches = _Batches(model, self._chat, self._bridge, self._batch_size)
        settle(loaded, _window_tokens(model.config))
        try:
            batches.serve()
        except Exception as error:  # noqa: BLE001 - an unknown failure loses the whole engine
            reason = next(iter(str(error).splitlines()), "")
            self._bridge.fail(
                EngineError(f"transformers' generate failed: {type(error).__name__}: {reason}")
            )
        finally:
            _free()


@dataclass(slots=True)
class _Batches:
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
        _free()
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


def _load(location: str, commit: str | None, device: str | None, dtype: str | None) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            location, revision=commit, dtype=dtype or "auto"
        )
    finally:
        if bars:
            logging.enable_progress_bar()
    model = model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
    # Models bring their own temperature, top_k or repetition penalty: here the run's apply alone.
    ends = model.generation_config.eos_token_id
    model.generation_config = GenerationConfig()
    model.clc_ends = frozenset(ends if isinstance(ends, list) else [ends]) - {None}
    return model


def _window_tokens(config: Any) -> int:
    text = config.get_text_config()
    return int(getattr(text, "max_position_embeddings", None) or 1 << 20)


def _generate(
    model: Any, chat: Chat, jobs: Sequence[TokenizedRequest], bridge: TransformersBridge
) -> list[tuple[str, Completion]]:
    """Complete jobs of equal sampling together."""
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
        (row.job.name, _completion(chat, row, tokens[: row.length]))
        for row, tokens in zip(sampler.rows, sampled, strict=True)
    ]


def _completion(chat: Chat, row: BatchRow, tokens: list[int]) -> Completion:
    text = chat.decode(tokens).rstrip("\ufffd")  # half a character, which the end cut off
    text = cut_at_stop(text, row.job.sampling.stop)
    usage = Usage(len(row.job.prompt), len(tokens))
    confidence = None if row.meter is None else row.meter.confidence
    return Completion(text, row.reason, usage, confidence=confidence)


def _free() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
