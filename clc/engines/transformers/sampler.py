"""How the transformers engine draws: a batch's next tokens, each row by its own seed.

``Draw`` has the two callbacks of transformers' ``generate``. Logits go through the same steps, in
the same order, as on vLLM: penalties, temperature, min_p, top_k, top_p. Confidence is measured on
the model's own distribution, before all of them, as vLLM's log-probabilities are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clc.engines.confidence import Measure, Meter
from clc.engines.deltas import settled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.engines.chat_template import Chat
    from clc.engines.thread_bridge import ThreadBridge
    from clc.records import Sampling

__all__ = ["Draw", "Job", "Row"]


@dataclass(frozen=True, slots=True)
class Job:
    """A request, tokenized. ``room`` is how many tokens its completion may have."""

    name: str
    prompt: list[int]
    sampling: Sampling
    seed: int
    room: int
    measure: Measure | None = None


@dataclass(slots=True)
class Row:
    """One job's place in a batch; ``reason`` is set when it ends, ``length`` counts its tokens."""

    job: Job
    generator: Any
    meter: Meter | None
    length: int = 0
    reason: str = ""


class Draw:
    """What ``generate`` asks at each step: which tokens, and which rows have ended.

    Args:
        model: with ``clc_ends``, the token ids that end a completion.
        chat: the tokenizer, to find stop strings and to tell texts.
        jobs: of equal sampling.
        mail: where the jobs came from; says who still waits, and who listens.
    """

    def __init__(
        self, model: Any, chat: Chat, jobs: Sequence[Job], mail: ThreadBridge[Job, Any]
    ) -> None:
        import torch

        self.sampling = jobs[0].sampling
        self.chat = chat
        self.mail = mail
        self.ends = model.clc_ends | ({chat.tokenizer.eos_token_id} - {None})
        # A stop string of n bytes lies within the last n tokens, and some that it shares.
        self.tail = 4 + max((len(stop.encode()) for stop in self.sampling.stop), default=0)
        self.rows = [
            Row(
                job,
                torch.Generator(model.device).manual_seed(job.seed),
                None if job.measure is None else Meter(job.measure),
            )
            for job in jobs
        ]
        self.likeliest = max((job.measure.top_k for job in jobs if job.measure), default=0)
        self.penalties = _Penalties(self.sampling, [job.prompt for job in jobs])
        self.logprobs: Any = None  # of the newest place, where some row is measured

    def choose(self, ids: Any, scores: Any) -> Any:
        """Return scores whose largest is the token to take (the Gumbel-max trick)."""
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
        self._tell(ids)
        return torch.tensor([bool(row.reason) for row in self.rows], device=ids.device)

    def _measure(self, newest: Any) -> None:
        """Show the meters of all rows that go on the newest place."""
        count = min(self.likeliest, self.logprobs.shape[-1])
        likeliest = self.logprobs.topk(count).values.tolist()
        drawn = self.logprobs.gather(-1, newest).squeeze(-1).tolist()
        for row, best, own in zip(self.rows, likeliest, drawn, strict=True):
            if row.meter is not None and not row.reason:
                row.meter.add(best, own)

    def _reason(self, row: Row, token: int, ids: Any) -> str:
        if token in self.ends:
            return "stop"
        if self.sampling.stop:
            tail = self.chat.decode(ids[-min(row.length, self.tail) :].tolist())
            if any(stop in tail for stop in self.sampling.stop):
                return "stop"
        if row.length >= row.job.room:
            return "length"
        if row.meter is not None and row.meter.fell:
            return "abort"
        wanted = self.mail.wanted(row.job.name) and not self.mail.closing
        return "" if wanted else "abort"

    def _tell(self, ids: Any) -> None:
        """Tell the texts so far of rows that go on, to those who listen.

        Each is decoded from its first token: 0.3 ms for a thousand of them, much less than the
        step that drew the last, and no character is ever split.
        """
        going = [
            (row.job.name, self.chat.decode(own[-row.length :].tolist()))
            for row, own in zip(self.rows, ids, strict=True)
            if not row.reason and self.mail.listened(row.job.name)
        ]
        self.mail.tell([(name, settled(text, self.sampling.stop)) for name, text in going])


class _Penalties:
    """Penalties for tokens that a row's prompt or completion holds.

    transformers' own count the padding of shorter prompts too, so that a path's text would hang
    on its neighbours in the batch.
    """

    def __init__(self, sampling: Sampling, prompts: Sequence[Sequence[int]]) -> None:
        self._sampling = sampling
        self._prompts = prompts
        self._prompted: Any = None  # whether a row's prompt holds a token
        self._counts: Any = None  # how often its completion holds it

    def apply(self, ids: Any, scores: Any) -> Any:
        """Return the scores with the penalties taken off; called once for each new token."""
        import torch

        of = self._sampling
        if (of.presence_penalty, of.frequency_penalty, of.repetition_penalty) == (0, 0, 1):
            return scores
        if self._counts is None:
            self._counts = torch.zeros_like(scores)
            self._prompted = torch.zeros_like(scores, dtype=torch.bool)
            for row, prompt in zip(self._prompted, self._prompts, strict=True):
                row[torch.tensor(prompt, device=scores.device)] = True
        else:
            newest = ids[:, -1:]
            self._counts.scatter_add_(-1, newest, torch.ones_like(newest, dtype=scores.dtype))
        held = self._counts > 0
        penalty = of.repetition_penalty
        repeated = torch.where(scores > 0, scores / penalty, scores * penalty)
        scores = torch.where(self._prompted | held, repeated, scores)
        return scores - of.frequency_penalty * self._counts - of.presence_penalty * held


def _truncated(scores: Any, sampling: Sampling) -> Any:
    """Take the tokens outside min_p, then top_k, then top_p, out of the scores."""
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
