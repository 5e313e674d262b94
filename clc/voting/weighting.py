"""What a model's confidence in its paths makes of their votes.

``weigh`` turns the confidences of a question's paths into weights; ``floors`` turns those of its
warm-up paths into floors, under which an engine stops a path.

Tokenizers cut languages into pieces of different predictability, so raw values never meet across
languages: everywhere here a value counts as its ratio to the mean of its language. A z-score would
also level the spread, but of the few paths that a question has in a language the spread is noise:
two paths are always at -1 and +1, however near they are. A language with one path a question has
no mean but itself there, and every path counts alike: give the means of a whole run.

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

Field = Literal["mean", "tail", "lowest_group", "logprob"]
Rule = Literal["ratio", "softmax"]


def _check_keep(keep: float) -> None:
    if not 0 < keep <= 1:
        raise StrategyError(f"keep must be above 0 and at most 1 (eta 10 is 0.1), not {keep}")


@dataclass(frozen=True, slots=True)
class Weighting:
    """How confidences become weights.

    ``ratio`` weighs a vote by its confidence over the mean of its language. ``softmax`` weighs by
    ``exp(ratio / temperature)``, scaled so that the mean weight is 1 (CISC; the scale changes no
    winner): at 0.1 a path that is a tenth surer than its language's mean counts e times.
    ``field`` is which confidence; ``logprob`` counts as the probability ``exp(logprob)``.
    ``keep`` is the share of the votes, best ratio first, that are kept at all (DeepConf's eta
    over 100); the others abstain.

    Raises:
        StrategyError: a value that is out of its range.
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


# DeepConf's two etas, with the tail, which is the field that its offline results recommend.
WEIGHTINGS: dict[str, Weighting] = {
    "ratio": Weighting(),
    "deepconf-10": Weighting(field="tail", keep=0.1),
    "deepconf-90": Weighting(field="tail", keep=0.9),
    "cisc": Weighting("softmax", field="logprob"),
}


def weigh(
    votes: Sequence[Vote],
    confidences: Sequence[Confidence | float | None],
    weighting: Weighting,
    means: Mapping[str, float] | None = None,
) -> list[Vote]:
    """Give a question's votes weights by confidence, for the voting rule ``weighted``.

    Args:
        votes: in any order; abstentions stay as they are.
        confidences: one for each vote. A number stands for itself, whatever the field; a missing
            one counts as its language's mean does.
        weighting: how.
        means: mean by language of that field, from ``language_means`` over a run; by default of
            these votes. A language that is not there counts by the means of these votes.

    Returns:
        The votes in the same order. Those that are not kept are ``LOW_CONFIDENCE`` abstentions.
        Of equal ratios all are kept, so that the order of the votes decides nothing.

    >>> from clc.records import Answer
    >>> said = [("en", "18", 9.0), ("en", "26", 3.0), ("th", "18", 4.0), ("th", "7", 2.0)]
    >>> votes = [Vote(str(i), l, Answer(a)) for i, (l, a, _) in enumerate(said)]
    >>> kept = weigh(votes, [c for *_, c in said], Weighting(keep=0.5))
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
    """Mean of a field by language, over whatever paths are given; unknown values are left out.

    >>> language_means(["en", "en", "th", "sw"], [10.0, 30.0, 5.0, None])
    {'en': 20.0, 'th': 5.0}
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for language, confidence in zip(languages, confidences, strict=True):
        if (value := _value(confidence, field)) is not None:
            groups[language].append(value)
    return {language: math.fsum(values) / len(values) for language, values in groups.items()}


def normalized_weights(
    languages: Sequence[str], confidences: Sequence[Confidence | float | None]
) -> list[float]:
    """Weights from confidences (their ``mean``), each divided by its language's mean.

    A missing or negative confidence weighs as the mean does.

    >>> normalized_weights(["en", "en", "th"], [10.0, 30.0, 5.0])
    [0.5, 1.5, 1.0]
    """
    return _ratios(languages, confidences, "mean", language_means(languages, confidences))


def floors(
    languages: Sequence[str], confidences: Sequence[Confidence | None], keep: float
) -> dict[str, float]:
    """Floors by language that the best ``keep`` of its warm-up paths would not have met.

    DeepConf online: draw some paths whole (the paper takes 16), take the (100 - eta)th percentile
    of their ``lowest_group`` (eta is ``keep`` in per cent), and abort every later path that falls
    under it. A language without a warm-up path has no floor.

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
    """Return the least of the best ``keep`` of some values, of which it keeps at least one."""
    if not values:
        return -math.inf
    count = math.ceil(round(keep * len(values), 9))  # 0.1 * 30 is a little more than 3
    return sorted(values, reverse=True)[max(count, 1) - 1]


def _weights(
    ratios: Sequence[float], kept: Sequence[float], weighting: Weighting
) -> Sequence[float]:
    if weighting.rule == "ratio" or not kept:
        return ratios
    most = max(kept)  # so that no exponential overflows
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
    """Read the field as a number from 0 up; None for what is missing or no such number."""
    if isinstance(confidence, Confidence):
        value = math.exp(confidence.logprob) if field == "logprob" else getattr(confidence, field)
    else:
        value = confidence
    return value if value is not None and math.isfinite(value) and value >= 0 else None
