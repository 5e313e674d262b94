"""Rows that are decoded together: they join and leave between two steps.

A batch that ran to the end of its longest row would leave most of its places empty, and a request
that came a moment late would wait for all of it. So the cache of keys and values is cut and joined
by rows; it is aligned at the right, where the next tokens come.
"""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.engines.transformers.sampler import BatchRow, BatchSampler

__all__ = ["RunningBatch", "can_join", "generate_rows"]


def can_join(model: Any) -> bool:
    """Whether a model keeps keys and values of all tokens, so that rows can join and leave.

    The state of others (Mamba and hybrids of it) cannot be padded: their batches run as a whole.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    taken = signature(model.forward).parameters.keys()
    if not {"position_ids", "past_key_values", "logits_to_keep"} <= taken:
        return False
    if not model._supports_default_dynamic_cache():  # noqa: SLF001 - generate asks it, too
        return False
    layers = DynamicCache(config=model.config).layers
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)


class RunningBatch:
    """The rows of a model that are decoded together.

    Each row has a newest token that the model has not seen yet.

    Args:
        model: a causal language model that ``can_join``.
        sampler: samples their tokens.

    Attributes:
        rows: in the order of the cache's rows.
    """

    def __init__(self, model: Any, sampler: BatchSampler) -> None:
        self.rows: list[BatchRow] = []
        self._model = model
        self._sampler = sampler
        self._cache: Any = None
        self._mask: Any = None  # (rows, width): 0 before a row's first token

    def add(self, rows: Sequence[BatchRow]) -> list[BatchRow]:
        """Read the prompts of rows and let them join; return those that ended at once.

        Rows with one prompt share its reading. A row may have tokens from an earlier batch.
        """
        import torch
        from transformers import DynamicCache

        sequences: dict[tuple[int, ...], int] = {}
        for row in rows:
            sequences.setdefault((*row.job.prompt, *row.tokens[:-1]), len(sequences))
        ids, mask = _aligned(list(sequences), self._model.device)
        cache = DynamicCache()
        scores = self._forward(ids, mask, cache)
        order = [sequences[(*row.job.prompt, *row.tokens[:-1])] for row in rows]
        places = torch.tensor(order, device=mask.device)
        fresh = [place for place, row in enumerate(rows) if not row.tokens]
        if fresh:
            self._sampler.sample([rows[place] for place in fresh], scores[places[fresh]])
        _select(cache, places)
        self._join(rows, cache, mask[places])
        return self._leave()

    def step(self) -> list[BatchRow]:
        """Sample a token for every row; return the rows that ended."""
        import torch

        newest = torch.tensor([[row.tokens[-1]] for row in self.rows], device=self._mask.device)
        self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
        self._sampler.sample(self.rows, self._forward(newest, self._mask, self._cache))
        return self._leave()

    def clear(self) -> list[BatchRow]:
        """Drop the cache and return the rows, which can be added again."""
        rows, self.rows = self.rows, []
        self._cache = self._mask = None
        return rows

    def _forward(self, ids: Any, mask: Any, cache: Any) -> Any:
        """Return the logits after the last of ``ids``, shape (rows, vocabulary)."""
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1]

    def _join(self, rows: Sequence[BatchRow], cache: Any, mask: Any) -> None:
        import torch

        self.rows += rows
        if self._cache is None:
            self._cache, self._mask = cache, mask
            return
        width = max(self._mask.shape[1], mask.shape[1])
        for mine, theirs in zip(self._cache.layers, cache.layers, strict=True):
            mine.keys = torch.cat([_padded(mine.keys, width), _padded(theirs.keys, width)])
            mine.values = torch.cat([_padded(mine.values, width), _padded(theirs.values, width)])
        masks = [torch.nn.functional.pad(one, (width - one.shape[1], 0))
                 for one in (self._mask, mask)]  # fmt: skip
        self._mask = torch.cat(masks)

    def _leave(self) -> list[BatchRow]:
        """Take out the rows that ended, and the columns that only they had."""
        import torch

        ended = [row for row in self.rows if row.reason]
        if not ended:
            return []
        places = [place for place, row in enumerate(self.rows) if not row.reason]
        self.rows = [self.rows[place] for place in places]
        if not self.rows:
            self.clear()
            return ended
        kept = torch.tensor(places, device=self._mask.device)
        self._mask = self._mask[kept]
        first = int(self._mask.any(0).int().argmax())
        self._mask = self._mask[:, first:]
        _select(self._cache, kept, first)
        return ended


def generate_rows(model: Any, rows: Sequence[BatchRow], sampler: BatchSampler) -> None:
    """Run a batch as a whole with transformers' ``generate``, for models that cannot join."""
    import torch

    ids, mask = _aligned([row.job.prompt for row in rows], model.device)

    def choose(_: Any, scores: Any) -> Any:
        sampler.sample(rows, scores)
        newest = torch.tensor([[row.tokens[-1]] for row in rows], device=scores.device)
        return torch.full_like(scores, -torch.inf).scatter(-1, newest, 0.0)

    def ended(seen: Any, _: Any, **__: Any) -> Any:
        return torch.tensor([bool(row.reason) for row in rows], device=seen.device)

    model.generate(
        ids,
        attention_mask=mask,
        max_new_tokens=max(row.job.room for row in rows),
        do_sample=False,
        logits_processor=[choose],
        stopping_criteria=[ended],
        pad_token_id=0,
    )


def _aligned(sequences: Sequence[Sequence[int]], device: Any) -> tuple[Any, Any]:
    """Return ids and their mask, aligned at the right."""
    import torch

    width = max(map(len, sequences))
    ids = torch.zeros((len(sequences), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for place, sequence in enumerate(sequences):
        ids[place, width - len(sequence) :] = torch.tensor(sequence)
        mask[place, width - len(sequence) :] = 1
    return ids.to(device), mask.to(device)


def _select(cache: Any, places: Any, first: int = 0) -> None:
    """Keep rows of a cache, in this order, and the columns from ``first`` on."""
    for layer in cache.layers:
        own = places.to(layer.keys.device)  # layers may be on several devices
        layer.keys = layer.keys[own, :, first:]
        layer.values = layer.values[own, :, first:]


def _padded(states: Any, width: int) -> Any:
    """Return keys or values, shape (rows, heads, tokens, size), with zeros before the tokens."""
    import torch

    return torch.nn.functional.pad(states, (0, 0, width - states.shape[2], 0))
