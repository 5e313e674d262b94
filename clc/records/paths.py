"""Completions: reasoning paths, and the steps before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from clc.records.usage import Usage

__all__ = ["Confidence", "ReasoningPath", "Step"]


@dataclass(frozen=True, slots=True)
class Confidence:
    """The model's confidence in a path, from its token log-probabilities (in nats).

    The confidence of a token is the negative mean log-probability of the ``k`` likeliest tokens
    at its place (DeepConf, arXiv 2508.15260, section 3): high where one token stands out.
    ``mean`` is its mean over the path, ``tail`` over the path's end, ``lowest_group`` the lowest
    mean of a sliding window. ``logprob`` is the mean log-probability of the sampled tokens, at
    most 0. Tokenizers differ, so values compare paths of one model in one language only.
    """

    mean: float
    tail: float
    lowest_group: float
    logprob: float


@dataclass(frozen=True, slots=True)
class ReasoningPath:
    """One completion of a prompt.

    ``finish_reason`` is the engine's (``stop``, ``length``, ``abort``), or ``error`` for a path
    that was lost, for the reason ``error``. ``thought`` is what a thinking model wrote before
    ``text``, and ``closed`` whether it ended its thought (None without one). ``cost`` is in the
    currency of the run's prices or of the endpoint, None where it is not known.
    """

    key: str
    prompt_key: str
    language: str
    index: int
    seed: int
    text: str
    finish_reason: str
    usage: Usage = Usage()  # noqa: RUF009 - frozen
    confidence: Confidence | None = None
    error: str | None = None
    thought: str = ""
    closed: bool | None = None
    cost: float | None = None


class Step(NamedTuple):
    """A completion that is no path, good or not, in the language that was asked for.

    ``kind`` is ``translation`` (one try), ``turn`` (before a last one), ``plan`` or ``choice``;
    ``thought``, ``closed`` and ``cost`` are as for a path.
    """

    kind: str
    language: str
    text: str
    finish_reason: str
    usage: Usage
    thought: str = ""
    closed: bool | None = None
    cost: float | None = None
