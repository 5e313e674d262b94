"""Confidence of a path, computed from the log-probabilities of its tokens.

A ``Meter`` takes in token by token, so that an engine can abort a path that falls below a floor.

Source: DeepConf, arXiv 2508.15260.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc.errors import ConfigurationError
from clc.records import Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Measure", "Meter", "measure_tokens"]

_IMPOSSIBLE = -9999.0  # endpoints write it for a probability of 0: JSON has no infinity


@dataclass(frozen=True, slots=True)
class Measure:
    """Parameters of a confidence measurement.

    ``floor`` aborts the path in the engine once the mean over a whole group of tokens falls below
    it (DeepConf online); the completion then ends with ``abort`` and keeps what was sampled. A
    path whose last token takes it below the floor has ended and is not aborted.

    Attributes:
        top_k: likeliest tokens at each position; hosted endpoints give at most 20.
        tail: tokens at the path's end that ``Confidence.tail`` is over.
        group: tokens in a sliding window. DeepConf's 2,048 suits paths of tens of thousands.
        floor: nats, or None to abort nothing.

    Raises:
        ConfigurationError: a count is not positive, or the floor is no number.
    """

    top_k: int = 20
    tail: int = 64
    group: int = 32
    floor: float | None = None

    def __post_init__(self) -> None:
        for name in ("top_k", "tail", "group"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.floor is not None and not math.isfinite(self.floor):
            raise ConfigurationError(f"floor must be a finite number, not {self.floor}")


class Meter:
    """Computes a path's confidence while its tokens arrive.

    >>> meter = Meter(Measure(tail=1, group=2, floor=2.0))
    >>> meter.add([-0.1, -5.9], -0.1), meter.add([-0.7, -0.7], -0.5)
    (False, True)
    >>> result = meter.confidence
    >>> round(result.mean, 2), round(result.tail, 2), round(result.lowest_group, 2), result.logprob
    (1.85, 0.7, 1.85, -0.3)

    Attributes:
        measure: the parameters.
        fell: the mean of a whole group has been below the measure's floor.
    """

    __slots__ = ("_logprobs", "_lowest", "_sums", "fell", "measure")

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self._sums = [0.0]  # of the confidences of the first 0, 1, 2, … tokens
        self._logprobs: list[float] = []
        self._lowest = math.inf
        self.fell = False

    @property
    def tokens(self) -> int:
        """Number of tokens taken in."""
        return len(self._sums) - 1

    def add(self, likeliest: Sequence[float], sampled: float) -> bool:
        """Take in one token, and return ``fell``.

        Args:
            likeliest: log-probabilities of the likeliest tokens at its position, in nats, of which
                the first ``top_k`` count. Impossible tokens (minus infinity, -9999) are left out;
                where none is left, the sampled token stands in for them.
            sampled: log-probability of the sampled token, in nats.
        """
        measure = self.measure
        logprobs = [logprob for logprob in likeliest[: measure.top_k] if logprob > _IMPOSSIBLE]
        if sampled > _IMPOSSIBLE:
            self._logprobs.append(sampled)
            logprobs = logprobs or [sampled]
        mean = sum(logprobs) / len(logprobs) if logprobs else 0.0
        self._sums.append(self._sums[-1] - mean)
        if self.tokens >= measure.group:
            self._lowest = min(self._lowest, self._mean_of_last(measure.group))
            self.fell = self.fell or (measure.floor is not None and self._lowest < measure.floor)
        return self.fell

    @property
    def confidence(self) -> Confidence | None:
        """The confidence so far, or None before the first token.

        A path shorter than a group is one group.
        """
        if not self.tokens:
            return None
        mean = self._mean_of_last(self.tokens)
        return Confidence(
            mean=mean,
            tail=self._mean_of_last(min(self.measure.tail, self.tokens)),
            lowest_group=mean if self._lowest == math.inf else self._lowest,
            logprob=math.fsum(self._logprobs) / len(self._logprobs) if self._logprobs else 0.0,
        )

    def _mean_of_last(self, count: int) -> float:
        return (self._sums[-1] - self._sums[-1 - count]) / count


def measure_tokens(
    tokens: Iterable[tuple[Sequence[float], float]], measure: Measure
) -> Confidence | None:
    """Measure a whole path: for each token the likeliest log-probabilities and the sampled one.

    >>> measure_tokens([([-0.5, -1.5], -0.5)], Measure())
    Confidence(mean=1.0, tail=1.0, lowest_group=1.0, logprob=-0.5)
    """
    meter = Meter(measure)
    for likeliest, sampled in tokens:
        meter.add(likeliest, sampled)
    return meter.confidence
