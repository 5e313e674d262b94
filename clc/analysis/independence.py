"""The number of independent voters that the languages of a strategy are worth.

Two languages that err on the same questions are less than two voters. Each language's errors are
centred over the questions, and correlated with those of each other language; of n languages with
the correlation matrix R there are

* by Kish (1965), ``n / (1 + (n - 1) * r)`` with the mean correlation r: as many independent voters
  would have a mean of the same variance;
* by eigenvalues, ``n ** 2 / sum of squared entries of R``, which is the participation ratio
  ``(sum of e) ** 2 / sum of e ** 2`` of the eigenvalues e of R: as many directions do they vary in.

Languages without an error, or without a right answer, vary in none and are left out. Correlated
errors include that of a question being hard: a majority of independent guessers of a hard question
also errs together. So the numbers compare sets of languages on the same questions, and are no law.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

from clc.analysis.comparison_records import EffectiveVoters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["effective_voters"]


def effective_voters(errors: Sequence[Mapping[str, float]]) -> EffectiveVoters | None:
    """Return the effective number of independent languages; None where fewer than two vary.

    Args:
        errors: for each question, the share of wrong paths by language. A pair of languages is
            compared over the questions that both have.

    >>> same = effective_voters([{"en": 1, "de": 1}, {"en": 0, "de": 0}])
    >>> same.kish, same.eigenvalues, same.with_others
    (1.0, 1.0, {'en': 1.0, 'de': 1.0})
    """
    languages = list(dict.fromkeys(code for one in errors for code in one))
    varying = [code for code in languages if len({one[code] for one in errors if code in one}) > 1]
    found: dict[frozenset[str], float] = {}
    for one, other in combinations(varying, 2):
        pairs = [(row[one], row[other]) for row in errors if one in row and other in row]
        correlation = _correlation(pairs)
        if correlation is not None:
            found[frozenset((one, other))] = correlation
    compared = [code for code in varying if any(code in pair for pair in found)]
    count = len(compared)
    if not count:
        return None
    mean = math.fsum(found.values()) / len(found)
    squares = math.fsum(value * value for value in found.values())
    return EffectiveVoters(
        languages=count,
        correlation=mean,
        # Negative correlations would be worth more than the languages that there are.
        kish=min(float(count), count / (1 + (count - 1) * max(mean, 0.0))),
        eigenvalues=count * count / (count + 2 * squares),
        with_others={code: _mean_with(code, found) for code in compared},
    )


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    n = len(pairs)
    if n < 2:  # noqa: PLR2004
        return None
    means = [math.fsum(pair[side] for pair in pairs) / n for side in (0, 1)]
    product = math.fsum((a - means[0]) * (b - means[1]) for a, b in pairs)
    squares = [math.fsum((pair[side] - means[side]) ** 2 for pair in pairs) for side in (0, 1)]
    scale = math.sqrt(squares[0] * squares[1])
    return None if scale == 0 else max(-1.0, min(1.0, product / scale))


def _mean_with(code: str, found: Mapping[frozenset[str], float]) -> float:
    values = [value for pair, value in found.items() if code in pair]
    return math.fsum(values) / len(values)
