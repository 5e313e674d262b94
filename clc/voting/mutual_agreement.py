"""Mutual agreement of answers that have no value to compare: the answer most like all others.

Minimum Bayes risk over samples: of several candidates the one with the highest mean utility against
all of them is the answer (Eikema and Aziz, arXiv 2108.04718; for reasoning Suzgun et al., arXiv
2211.07634). The utility of two candidates that both state a value is 1 if the values are equal,
else 0; otherwise it is the similarity of their texts, chrF (Popović 2015, W15-3049) with beta 1:
the F-score of their character n-grams, n from 1 to 6, white space left out. So with values alone it
is the majority vote.

Texts in different languages share few n-grams: candidates should be in one language. It costs no
model, and the square of the number of paths.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["mutual_agreement", "text_similarity"]

_ORDERS = range(1, 7)
_LONGEST = 4000  # characters from the end, where the answer is: n-grams of 11 paths take 0.1 s


def text_similarity(first: str, second: str) -> float:
    """Return chrF with beta 1, from 0 to 1; symmetric, and 1 for equal texts.

    >>> text_similarity("the red box", "the red box")
    1.0
    >>> round(text_similarity("the red box", "the red boxes"), 2)
    0.86
    >>> text_similarity("abc", "xyz")
    0.0
    """
    return _similarity(_ngrams(first), _ngrams(second))


def mutual_agreement(candidates: Sequence[tuple[str | None, str]]) -> list[float]:
    """Return for each candidate the sum of its utilities against all of them, itself included.

    Args:
        candidates: pairs of a canonical value, None without one, and a text.

    >>> mutual_agreement([("7", "It is 7."), ("7", "Seven."), ("8", "It is 8.")])
    [2.0, 2.0, 1.0]
    """
    no_values = any(value is None for value, _ in candidates)
    tables = [_ngrams(text) for _, text in candidates] if no_values else []
    sums = [1.0] * len(candidates)
    for one, (value, _) in enumerate(candidates):
        for other in range(one + 1, len(candidates)):
            second = candidates[other][0]
            if value is not None and second is not None:
                utility = float(value == second)
            else:
                utility = _similarity(tables[one], tables[other])
            sums[one] += utility
            sums[other] += utility
    return sums


def _ngrams(text: str) -> list[Counter[str]]:
    plain = "".join(text.split())[-_LONGEST:]
    return [
        Counter(plain[start : start + order] for start in range(len(plain) - order + 1))
        for order in _ORDERS
    ]


def _similarity(first: Sequence[Counter[str]], second: Sequence[Counter[str]]) -> float:
    """Return the mean F-score of the orders that one of the texts has."""
    scores = []
    for one, other in zip(first, second, strict=True):
        total = one.total() + other.total()
        if total:
            scores.append(2 * (one & other).total() / total)
    return sum(scores) / len(scores) if scores else 1.0
