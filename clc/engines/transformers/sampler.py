"""Sample the next tokens of a batch's rows, each by its own seed.

Logits go through the same steps, in the same order, as on vLLM: penalties, temperature, min_p,
top_k, top_p. Confidence is measured on the model's own distribution, before all of them, as vLLM's
log-probabilities are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from clc.engines.deltas import find_stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.engines.base import Completion
    from clc.engines.chat_template import Chat
    from clc.engines.confidence import Meter
    from clc.engines.thread_bridge import ThreadBridge
    from clc.engines.token_completion import SampledTokens
    from clc.records import Sampling

__all__ = ["BatchRow", "BatchSampler", "TokenizedRequest", "TransformersBridge"]


TransformersBridge: TypeAlias = "ThreadBridge[TokenizedRequest, SampledTokens | Completion, str]"


@dataclass(frozen=True, slots=True)
class TokenizedRequest:
    """A request as token ids; its completion has at most ``room`` tokens.

    ``before`` is the completion's text in the prompt; ``opened``: the chat's prompt, which stands
    before that, ends inside a thought.
    """

    name: str
    prompt: list[int]
    sampling: Sampling
    seed: int
    room: int
    meter: Meter | None = None
    before: str = ""
    opened: bool = False


@dataclass(slots=True)
class BatchRow:
    """A request that is sampled: its tokens so far, and why it ended, '' while it goes on.

    ``counts`` and ``prompted`` are those of its penalties: how often its completion has each token
    of the vocabulary, and whether its prompt has it.
    """

    job: TokenizedRequest
    tokens: list[int] = field(default_factory=list)
    reason: str = ""
    generator: Any = None
    counts: Any = None
    prompted: Any = None


class BatchSampler:
    """Chooses the tokens of a step, and finds the rows that have ended.

    Args:
        ends: token ids that end a completion.
        chat: the tokenizer, to find stop strings and to publish texts.
        bridge: where the jobs came from, and where texts are published.
    """

    def __init__(self, ends: frozenset[int], chat: Chat, bridge: TransformersBridge) -> None:
        self.ends = ends | ({chat.tokenizer.eos_token_id} - {None})
        self.chat = chat
        self.bridge = bridge

    def sample(self, rows: Sequence[BatchRow], scores: Any) -> None:
        """Sample one more token for each row that goes on.

        Args:
            rows: of a batch.
            scores: logits of their next tokens, shape (rows, vocabulary).
        """
        import torch

        scores = scores.float()
        tokens = torch.empty(len(rows), dtype=torch.long, device=scores.device)
        for sampling in {row.job.sampling for row in rows}:
            places = [place for place, row in enumerate(rows) if row.job.sampling == sampling]
            own = scores if len(places) == len(rows) else scores[places]
            tokens[places] = self._choose([rows[place] for place in places], own, sampling)
        self._measure(rows, scores, tokens)
        for row, token in zip(rows, tokens.tolist(), strict=True):
            if not row.reason:
                row.tokens.append(token)
                row.reason = self._reason(row, token)
        self._publish(rows)

    @staticmethod
    def _choose(rows: Sequence[BatchRow], scores: Any, sampling: Sampling) -> Any:
        """Return a token for each row (the Gumbel-max trick); shape (rows,)."""
        import torch

        scores = _penalized(rows, scores, sampling)
        if sampling.temperature == 0:
            return scores.argmax(-1)
        scores = _truncated(scores / sampling.temperature, sampling)
        noise = torch.ones_like(scores)
        for row, own in zip(rows, noise, strict=True):
            if row.generator is None:
                row.generator = torch.Generator(scores.device).manual_seed(row.job.seed)
            if not row.reason:
                own.exponential_(generator=row.generator)
        return (scores - noise.log()).argmax(-1)

    @staticmethod
    def _measure(rows: Sequence[BatchRow], scores: Any, tokens: Any) -> None:
        """Add the new tokens to the meters of the rows that go on."""
        measured = {
            place: row.job.meter
            for place, row in enumerate(rows)
            if row.job.meter is not None and not row.reason
        }
        if not measured:
            return
        places = list(measured)
        logprobs = scores[places].log_softmax(-1)
        count = max(meter.measure.top_k for meter in measured.values())
        likeliest = logprobs.topk(min(count, logprobs.shape[-1])).values.tolist()
        sampled = logprobs.gather(-1, tokens[places].unsqueeze(-1)).squeeze(-1).tolist()
        for meter, best, own in zip(measured.values(), likeliest, sampled, strict=True):
            meter.add(best, own)

    def _reason(self, row: BatchRow, token: int) -> str:
        job, stops = row.job, row.job.sampling.stop
        if token in self.ends:
            return "stop"
        if stops and self._stops(row, stops):
            return "stop"
        if len(row.tokens) >= job.room:
            return "length"
        if job.meter is not None and job.meter.fell:
            return "abort"
        return "" if self.bridge.is_wanted(job.name) else "abort"

    def _stops(self, row: BatchRow, stops: Sequence[str]) -> bool:
        """Whether a stop string in the row's newest text stands in its answer."""
        # A stop string of n bytes lies within the last n tokens, and a few that it shares.
        most = 4 + max(len(stop.encode()) for stop in stops)
        tail = self.chat.codec.decode(row.tokens[-most:])
        if not any(stop in tail for stop in stops):
            return False
        job = row.job
        text = job.before + self.chat.codec.decode(row.tokens)
        low = max(len(text) - len(tail) - most, 0)  # the tail may begin with half a character
        return find_stop(text, stops, self.chat.marks, opened=job.opened, low=low) is not None

    def _publish(self, rows: Sequence[BatchRow]) -> None:
        """Publish the texts so far of rows that go on and have a listener.

        Each is decoded from its first token: 0.3 ms for a thousand tokens, much less than the
        step that sampled the last, and no character is ever split.
        """
        going = [
            (row.job.name, self.chat.codec.decode(row.tokens))
            for row in rows
            if not row.reason and self.bridge.has_listener(row.job.name)
        ]
        self.bridge.publish([(name, text.rstrip("\ufffd")) for name, text in going])


def _penalized(rows: Sequence[BatchRow], scores: Any, sampling: Sampling) -> Any:
    """Return scores with the penalties on tokens that a row's prompt or completion contains.

    transformers' own penalties count the padding of shorter prompts, too, so that a path's text
    would depend on its neighbours in the batch.
    """
    import torch

    presence, frequency = sampling.presence_penalty, sampling.frequency_penalty
    repetition = sampling.repetition_penalty
    if (presence, frequency, repetition) == (0, 0, 1):
        return scores
    for row, own in zip(rows, scores, strict=True):
        if row.counts is None:
            row.counts = torch.zeros_like(own)
            row.prompted = torch.zeros_like(own, dtype=torch.bool)
            row.prompted[torch.tensor(row.job.prompt, device=own.device)] = True
        if row.tokens:
            row.counts[row.tokens[-1]] += 1
    counts = torch.stack([row.counts for row in rows])
    contained = counts > 0
    repeated = torch.where(scores > 0, scores / repetition, scores * repetition)
    prompted = torch.stack([row.prompted for row in rows])
    scores = torch.where(prompted | contained, repeated, scores)
    return scores - frequency * counts - presence * contained


def _truncated(scores: Any, sampling: Sampling) -> Any:
    """Mask the tokens outside min_p, then top_k, then top_p."""
    if sampling.min_p > 0:
        least = scores.amax(-1, keepdim=True) + math.log(sampling.min_p)
        scores = scores.masked_fill(scores < least, -math.inf)
    if 0 < sampling.top_k < scores.shape[-1]:
        least = scores.topk(sampling.top_k).values[:, -1:]
        scores = scores.masked_fill(scores < least, -math.inf)
    if sampling.top_p < 1:
        ordered, order = scores.sort(descending=True)
        shares = ordered.softmax(-1)
        outside = shares.cumsum(-1) - shares >= sampling.top_p  # never the first
        scores = scores.masked_fill(outside.scatter(-1, order, outside), -math.inf)
    return scores
