"""Sample a batch's next tokens, each row by its own seed.

``BatchSampler`` has the two callbacks of transformers' ``generate``. Logits go through the same
steps, in the same order, as on vLLM: penalties, temperature, min_p, top_k, top_p. Confidence is
measured on the model's own distribution, before all of them, as vLLM's log-probabilities are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    """A request's row in a batch; ``reason`` is set when it ends, ``length`` counts its tokens."""

    job: TokenizedRequest
    generator: Any
    length: int = 0
    reason: str = ""


class BatchSampler:
    """Callbacks of ``generate`` at each step: choose the tokens, find the rows that have ended.

    Args:
        model: with ``clc_ends``, the token ids that end a completion.
        chat: the tokenizer, to find stop strings and to publish texts.
        jobs: requests of equal sampling.
        bridge: where the jobs came from, and where texts are published.
    """

    def __init__(
        self, model: Any, chat: Chat, jobs: Sequence[TokenizedRequest], bridge: TransformersBridge
    ) -> None:
        import torch

        self.sampling = jobs[0].sampling
        self.chat = chat
        self.bridge = bridge
        self.ends = model.clc_ends | ({chat.tokenizer.eos_token_id} - {None})
        # A stop string of n bytes lies within the last n tokens, and a few that it shares.
        self.tail = 4 + max((len(stop.encode()) for stop in self.sampling.stop), default=0)
        self.rows = [
            BatchRow(
                job,
                torch.Generator(model.device).manual_seed(job.seed),
            )
            for job in jobs
        ]
        self.likeliest = max((job.meter.measure.top_k for job in jobs if job.meter), default=0)
        self.penalties = _Penalties(self.sampling, [job.prompt for job in jobs])
        self.logprobs: Any = None  # at the newest position, where some row is measured

    def choose(self, ids: Any, scores: Any) -> Any:
        """Return scores of which the largest is the token to take (the Gumbel-max trick)."""
        scores = scores.float()
        if self.likeliest:
            self.logprobs = scores.log_softmax(-1)
        scores = self.penalties.apply(ids, scores)
        if self.sampling.temperature == 0:
            return scores
        import torch

        scores = _truncated(scores / self.sampling.temperature, self.sampling)
        noise = torch.ones_like(scores)
        for row, own in zip(self.rows, noise, strict=True):
            if not row.reason:
                own.exponential_(generator=row.generator)
        return scores - noise.log()

    def ended(self, ids: Any, _scores: Any, **_: Any) -> Any:
        """Return for each row whether it ended with its newest token."""
        import torch

        if self.likeliest:
            self._measure(ids[:, -1:])
        newest = ids[:, -1].tolist()
        for index, (row, token) in enumerate(zip(self.rows, newest, strict=True)):
            if not row.reason:
                row.length += 1
                row.reason = self._reason(row, token, ids[index])
        self._publish(ids)
        return torch.tensor([bool(row.reason) for row in self.rows], device=ids.device)

    def _measure(self, newest: Any) -> None:
        """Add the newest position to the meters of all rows that go on."""
        count = min(self.likeliest, self.logprobs.shape[-1])
        likeliest = self.logprobs.topk(count).values.tolist()
        sampled = self.logprobs.gather(-1, newest).squeeze(-1).tolist()
        for row, best, own in zip(self.rows, likeliest, sampled, strict=True):
            if row.job.meter is not None and not row.reason:
                row.job.meter.add(best, own)

    def _reason(self, row: BatchRow, token: int, ids: Any) -> str:
        if token in self.ends:
            return "stop"
        if self.sampling.stop:
            tail = self.chat.decode(ids[-min(row.length, self.tail) :].tolist())
            if any(stop in tail for stop in self.sampling.stop) and self._stops(row, ids, tail):
                return "stop"
        if row.length >= row.job.room:
            return "length"
        if row.job.meter is not None and row.job.meter.fell:
            return "abort"
        wanted = self.bridge.is_wanted(row.job.name) and not self.bridge.closing
        return "" if wanted else "abort"

    def _stops(self, row: BatchRow, ids: Any, tail: str) -> bool:
        """Whether a stop string in the row's newest text stands in its answer."""
        job = row.job
        text = job.before + self.chat.decode(ids[-row.length :].tolist())
        low = max(len(text) - len(tail) - self.tail, 0)  # the tail may begin with half a character
        stops = self.sampling.stop
        return find_stop(text, stops, self.chat.marks, opened=job.opened, low=low) is not None

    def _publish(self, ids: Any) -> None:
        """Publish the texts so far of rows that go on and have a listener.

        Each is decoded from its first token: 0.3 ms for a thousand tokens, much less than the
        step that sampled the last, and no character is ever split.
        """
        going = [
            (row.job.name, self.chat.decode(own[-row.length :].tolist()))
            for row, own in zip(self.rows, ids, strict=True)
            if not row.reason and self.bridge.has_listener(row.job.name)
        ]
        self.bridge.publish([(name, text.rstrip("\ufffd")) for name, text in going])


class _Penalties:
    """Penalties on tokens that a row's prompt or completion contains.

    transformers' own penalties count the padding of shorter prompts, too, so that a path's text
    would depend on its neighbours in the batch.
    """

    def __init__(self, sampling: Sampling, prompts: Sequence[Sequence[int]]) -> None:
        self._sampling = sampling
        self._prompts = prompts
        self._prompted: Any = None  # whether a row's prompt contains a token
        self._counts: Any = None  # how often its completion contains it

    def apply(self, ids: Any, scores: Any) -> Any:
        """Return the penalized scores; called once for each new token."""
        import torch

        presence, frequency = self._sampling.presence_penalty, self._sampling.frequency_penalty
        repetition = self._sampling.repetition_penalty
        if (presence, frequency, repetition) == (0, 0, 1):
            return scores
        if self._counts is None:
            self._counts = torch.zeros_like(scores)
            self._prompted = torch.zeros_like(scores, dtype=torch.bool)
            for row, prompt in zip(self._prompted, self._prompts, strict=True):
                row[torch.tensor(prompt, device=scores.device)] = True
        else:
            newest = ids[:, -1:]
            self._counts.scatter_add_(-1, newest, torch.ones_like(newest, dtype=scores.dtype))
        contained = self._counts > 0
        repeated = torch.where(scores > 0, scores / repetition, scores * repetition)
        scores = torch.where(self._prompted | contained, repeated, scores)
        return scores - frequency * self._counts - presence * contained


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
