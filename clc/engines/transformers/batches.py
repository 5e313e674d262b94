"""The thread's loop of the transformers engine: rows join, take steps and leave."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion
from clc.engines.token_completion import SampledTokens, decode_sampled
from clc.engines.transformers.running import RunningBatch, can_join, generate_rows
from clc.engines.transformers.sampler import BatchRow, BatchSampler
from clc.engines.transformers.threads import choose_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.engines.chat_template import Chat
    from clc.engines.transformers.sampler import TransformersBridge

__all__ = ["Batches", "free_memory"]

_GATHER_S = 0.005  # wait for another request before the first prompts are read
_SHARE = 8  # of the batch that must be free before others join: reading prompts holds up all rows


class Batches:
    """The thread's loop: take requests, sample for many at once, hand back the results.

    Args:
        model: with ``clc_ends``, the token ids that end a completion.
        chat: the tokenizer.
        bridge: where requests come from, and results go.
        batch_size: rows that run together; halved when GPU memory runs out.
    """

    def __init__(self, model: Any, chat: Chat, bridge: TransformersBridge, batch_size: int) -> None:
        self.batch_size = batch_size
        self._model = model
        self._chat = chat
        self._bridge = bridge
        self._waiting: dict[str, BatchRow] = {}
        self._joins = can_join(model)
        self._sampler = BatchSampler(model.clc_ends, chat, bridge)
        self._running = RunningBatch(model, self._sampler)
        self._threads = choose_threads(model)

    def serve(self) -> None:
        """Run until the engine is closed."""
        import torch

        with torch.inference_mode():
            while True:
                self._take()
                if self._bridge.closed:
                    return
                chosen = self._choose()
                try:
                    ended = self._advance(chosen)
                except torch.cuda.OutOfMemoryError:
                    ended = None  # leave the handler first: its traceback holds the memory
                if ended is None:
                    self._shrink(chosen)
                else:
                    self._resolve(ended)

    def _take(self) -> None:
        """Take the requests that have arrived; wait for them where nothing is running."""
        idle = not self._running.rows
        timeout = None if idle and not self._waiting else 0.0
        while arrived := self._bridge.take(timeout):
            for name, job in arrived:
                if job is not None:
                    self._waiting[name] = BatchRow(job)
                else:
                    self._waiting.pop(name, None)
            full = len(self._waiting) >= self.batch_size
            timeout = _GATHER_S if idle and not full else 0.0

    def _choose(self) -> list[BatchRow]:
        """Choose the rows that join now: the oldest, and those nearest to it in length."""
        running = len(self._running.rows)
        free = self.batch_size - running
        if not self._waiting or (running and free < max(1, self.batch_size // _SHARE)):
            return []
        oldest = next(iter(self._waiting.values()))
        rows = sorted(self._waiting.values(), key=lambda row: len(row.job.prompt))
        start = max(0, min(rows.index(oldest) - free // 2, len(rows) - free))
        chosen = rows[start : start + free]
        for row in chosen:
            del self._waiting[row.job.name]
        return chosen

    def _advance(self, chosen: Sequence[BatchRow]) -> list[BatchRow]:
        """Let rows join, sample a token for each; return the rows that ended."""
        if not self._joins:
            if chosen:
                generate_rows(self._model, chosen, self._sampler)
            return list(chosen)
        ended = self._running.add(chosen) if chosen else []
        if self._running.rows:
            with self._threads.step() if self._threads else nullcontext():
                ended += self._running.step()
        return ended

    def _shrink(self, chosen: Sequence[BatchRow]) -> None:
        """Put all rows back when GPU memory ran out, for smaller batches from then on."""
        running = self._running.clear()
        rows = list({id(row): row for row in (*running, *chosen)}.values())
        free_memory()
        if len(rows) == 1:
            job = rows[0].job
            reason = (
                f"GPU memory does not hold a prompt of {len(job.prompt)} tokens and its "
                "completion; lower max_tokens, use dtype bfloat16 or a smaller model"
            )
            self._bridge.resolve([(job.name, Completion.lost(reason))])
            return
        self.batch_size = min(self.batch_size, max(len(rows) // 2, 1))
        ended = [row for row in rows if row.reason]
        self._waiting = {row.job.name: row for row in rows if not row.reason} | self._waiting
        self._resolve(ended)

    def _resolve(self, rows: Sequence[BatchRow]) -> None:
        self._bridge.resolve([(row.job.name, self._read(row)) for row in rows])

    def _read(self, row: BatchRow) -> SampledTokens:
        count, ids = len(row.tokens), row.tokens
        if row.reason == "stop" and ids[-1] in self._sampler.ends:
            ids = ids[:-1]
        text = decode_sampled(self._chat, ids, row.job.sampling.stop, opened=row.job.opened)
        return SampledTokens(ids, text, row.reason, count)


def free_memory() -> None:
    """Free what nothing refers to any more, on the GPU too."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
