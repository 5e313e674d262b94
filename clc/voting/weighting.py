"""Weights of votes from the model's confidence in its paths.

``weigh`` turns the confidences of a question's paths into weights; ``floors`` turns those of its
warm-up paths into floors, below which an engine stops a path.

Tokenizers split languages into tokens of different predictability, so raw values are not comparable
across languages: every value is divided by the mean of its language. A z-score would also normalize
the spread, but with the few paths of a question in a language the spread is noise: two paths are
always at -1 and +1. With one path a language and question, the mean is the value itself, and all
paths weigh the same: pass the means of a whole run.

Sources: DeepConf, arXiv 2508.15260; CISC, arXiv 2502.06233.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from clc.errors import StrategyError
from clc.records import AbstainReason, Abstention, Confidence, Vote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "WEIGHTINGS",
    "Field",
    "Weighting",
    "floors",
    "language_means",
    "normalized_weights",
    "weigh",
]

Field = Literal["mean", "tail", "lowest_group", "logprob", "reward"]
Rule = Literal["ratio", "softmax"]


def _check_keep(keep: float) -> None:
    if not 0 < keep <= 1:
        raise StrategyError(f"keep must be above 0 and at most 1 (eta 10 is 0.1), not {keep}")


@dataclass(frozen=True, slots=True)
class Weighting:
    """Settings that turn confidences into weights.

    ``ratio`` weighs a vote by its confidence over the mean of its language. ``softmax`` weighs by
    ``exp(ratio / temperature)``, scaled so that the mean weight is 1 (CISC; the scale changes no
    winner): at 0.1 a path a tenth above its language's mean counts e times. ``field`` is the
    measure of confidence; ``logprob`` counts as the probability ``exp(logprob)``, and ``reward``
    is a verifier's (``clc.voting.rewards``), with the rule ``ratio``. ``keep`` is the share of
    votes to keep, by ratio (DeepConf's eta over 100); the others abstain.

    Raises:
        StrategyError: a value is out of range.
    """

    rule: Rule = "ratio"
    field: Field = "mean"
    keep: float = 1.0
    temperature: float = 0.1

    def __post_init__(self) -> None:
        for name, known in (("rule", Rule), ("field", Field)):
            if getattr(self, name) not in get_args(known):
                raise StrategyError(
                    f"unknown {name} of a weighting {getattr(self, name)!r}; there are: "
                    f"{', '.join(get_args(known))}"
                )
        _check_keep(self.keep)
        if not 0 < self.temperature < math.inf:
            raise StrategyError(f"temperature must be above 0, not {self.temperature}")


# DeepConf's two etas, with the tail, the field recommended by its offline results.
WEIGHTINGS: dict[str, Weighting] = {
    "ratio": Weighting(),
    "deepconf-10": Weighting(field="tail", keep=0.1),
    "deepconf-90": Weighting(field="tail", keep=0.9),
    "cisc": Weighting("softmax", field="logprob"),
    "reward": Weighting(field="reward"),
}


def weigh(
    votes: Sequence[Vote],
    confidences: Sequence[Confidence | float | None],
    weighting: Weighting,
    means: Mapping[str, float] | None = None,
) -> list[Vote]:
    """Weigh a question's votes by confidence, for the voting rule ``weighted``.

    Args:
        votes: votes in any order; abstentions stay unchanged.
        confidences: one for each vote. A number is used for any field; a missing one counts as
            its language's mean.
        weighting: the settings.
        means: means of the field by language, from ``language_means`` over a run; by default, and
            for a missing language, those of these votes.

    Returns:
        The votes in the same order. Those that are not kept are ``LOW_CONFIDENCE`` abstentions.
        Equal ratios are kept together, so that the order of the votes has no effect.

    >>> from clc.records import Answer
    >>> paths = [("en", "18", 9.0), ("en", "26", 3.0), ("th", "18", 4.0), ("th", "7", 2.0)]
    >>> votes = [Vote(str(i), l, Answer(a)) for i, (l, a, _) in enumerate(paths)]
    >>> kept = weigh(votes, [c for *_, c in paths], Weighting(keep=0.5))
    >>> [(one.answer, round(one.weight, 2)) for one in kept]
    [('18', 1.5), (None, 1.0), ('18', 1.33), (None, 1.0)]
    """
    languages = [one.language for one in votes]
    here = language_means(languages, confidences, weighting.field)
    ratios = _ratios(languages, confidences, weighting.field, {**here, **(means or {})})
    cast = [r for one, r in zip(votes, ratios, strict=True) if one.answer is not None]
    least = _best(cast, weighting.keep)
    weights = _weights(ratios, [ratio for ratio in cast if ratio >= least], weighting)
    weighed = []
    for one, ratio, weight in zip(votes, ratios, weights, strict=True):
        if one.answer is None:
            weighed.append(one)
        elif ratio < least:
            detail = (
                f"{weighting.field} is {ratio:.3g} of its language's mean; "
                f"{least:.3g} was the least kept"
            )
            weighed.append(replace(one, outcome=Abstention(AbstainReason.LOW_CONFIDENCE, detail)))
        else:
            weighed.append(replace(one, weight=weight))
    return weighed


def language_means(
    languages: Sequence[str],
    confidences: Sequence[Confidence | float | None],
    field: Field = "mean",
) -> dict[str, float]:
    """Return the mean of a field by language, without missing values.

    >>> language_means(["en", "en", "th", "sw"], [10.0, 30.0, 5.0, None])
    {'en': 20.0, 'th': 5.0}
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for language, confidence in zip(languages, confidences, strict=True):
        if (value := _value(confidence, field)) is not None:
            groups[language].append(value)
    return {language: _mean(values) for language, values in groups.items()}


def _mean(values: Sequence[float]) -> float:
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum, not the mean, is above the largest float
        return math.fsum(value / len(values) for value in values)


def normalized_weights(
    languages: Sequence[str], confidences: Sequence[Confidence | float | None]
) -> list[float]:
    """Return weights: confidences (their ``mean``) divided by their language's mean.

    A missing or negative confidence has weight 1.

    >>> normalized_weights(["en", "en", "th"], [10.0, 30.0, 5.0])
    [0.5, 1.5, 1.0]
    """
    return _ratios(languages, confidences, "mean", language_means(languages, confidences))


def floors(
    languages: Sequence[str], confidences: Sequence[Confidence | None], keep: float
) -> dict[str, float]:
    """Return confidence floors by language, which the best ``keep`` of its warm-up paths reach.

    DeepConf online: sample some paths completely (the paper: 16), take the (100 - eta)th percentile
    of their ``lowest_group`` (eta is ``keep`` in per cent), and abort every later path that falls
    below it. A language without a warm-up path has no floor.

    >>> lows = [5.0, 9.0, 7.0, 6.0]
    >>> floors(["en"] * 4, [Confidence(10, 10, low, -1) for low in lows], 0.5)
    {'en': 7.0}

    Raises:
        StrategyError: ``keep`` is not above 0 and at most 1.
    """
    _check_keep(keep)
    groups: dict[str, list[float]] = defaultdict(list)
    for language, confidence in zip(languages, confidences, strict=True):
        if confidence is not None and math.isfinite(confidence.lowest_group):
            groups[language].append(confidence.lowest_group)
    return {language: _best(lows, keep) for language, lows in groups.items()}


def _best(values: Sequence[float], keep: float) -> float:
    """Return the least of the best ``keep`` of the values, at least one of them."""
    if not values:
        return -math.inf
    count = math.ceil(round(keep * len(values), 9))  # 0.1 * 30 exceeds 3 by a rounding error
    return sorted(values, reverse=True)[max(count, 1) - 1]


def _weights(
    ratios: Sequence[float], kept: Sequence[float], weighting: Weighting
) -> Sequence[float]:
    if weighting.rule == "ratio" or not kept:
        return ratios
    most = max(kept)  # subtracted, so that no exponential overflows
    scale = math.fsum(math.exp((one - most) / weighting.temperature) for one in kept) / len(kept)
    return [math.exp(min((one - most) / weighting.temperature, 0.0)) / scale for one in ratios]


def _ratios(
    languages: Sequence[str],
    confidences: Sequence[Confidence | float | None],
    field: Field,
    means: Mapping[str, float],
) -> list[float]:
    values = [_value(confidence, field) for confidence in confidences]
    return [
        value / means[language] if value is not None and means.get(language) else 1.0
        for language, value in zip(languages, values, strict=True)
    ]


def _value(confidence: Confidence | float | None, field: Field) -> float | None:
    """Return the field if it is a finite number from 0 up, else None."""
    if isinstance(confidence, Confidence):
        value = getattr(confidence, field)
        if field == "logprob":
            value = math.exp(min(value, 0.0))
    else:
        value = confidence
    return value if value is not None and math.isfinite(value) and value >= 0 else None
