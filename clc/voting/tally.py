"""One vote over the answers of all paths of a problem.

Voting is pure, total and independent of the order of the votes. Equal canonical answers pool;
abstentions are counted but are no votes; without any vote the answer is None.

Ties. When several answers share the largest support, ``tied`` is True and the winner is the one
with

1. the most support from the first language of ``order`` in which they differ, then
2. votes from more languages, then
3. the smaller number (a number before any other answer), then the first in code point order.

This order is chosen on recorded runs: with English first, tied votes are right more often than
with any other language first, and agreement between two languages is more evidence than one more
path in one language.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Literal, get_args

from clc.bounds import WEIGHT
from clc.errors import StrategyError
from clc.records import Abstention, Usage, Verdict, Vote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["VotingRule", "value_order", "vote"]

VotingRule = Literal["majority", "weighted"]
_HEAVIEST = WEIGHT.bounds["le"]
_NEAR = 1e-9  # relative: closer supports are equal, up to rounding


def vote(
    votes: Iterable[Vote],
    *,
    id: str = "",  # noqa: A002  the verdict's field
    rule: str = "majority",
    order: Sequence[str] = (),
    weights: Mapping[str, float] | None = None,
    paths: int | None = None,
    usage: Usage = Usage(),  # noqa: B008  frozen
    translation_usage: Usage = Usage(),  # noqa: B008
) -> Verdict:
    """Take one vote.

    Args:
        votes: one vote for each path, in any order.
        id: the problem's id.
        rule: ``majority`` counts every vote once; ``weighted`` by its ``weight`` times that of its
            language.
        order: languages that break ties, first one first.
        weights: weight by language under ``weighted``; 1 for any other language.
        paths: number of sampled paths, if it is not the number of votes.
        usage: tokens of the paths.
        translation_usage: tokens of the translations.

    >>> from clc.records import Answer
    >>> answers = [("en", "18"), ("de", "18"), ("zh", "26")]
    >>> verdict = vote(Vote(str(i), l, Answer(a)) for i, (l, a) in enumerate(answers))
    >>> verdict.answer, verdict.support, verdict.total, verdict.tied
    ('18', 2, 3, False)

    Raises:
        StrategyError: the rule is unknown, or a weight is not from 0 to 10^12.
    """
    if rule not in get_args(VotingRule):
        raise StrategyError(
            f"unknown voting rule {rule!r}; there are: {', '.join(get_args(VotingRule))}"
        )
    weighted = rule == "weighted"
    add = _sum if weighted else sum
    cast: dict[str, dict[str, list[float]]] = {}
    abstentions: dict[str, dict[str, int]] = {}
    count = 0
    for one in votes:
        count += 1
        outcome, language = one.outcome, one.language
        if isinstance(outcome, Abstention):
            by_reason = abstentions.setdefault(str(outcome.reason), {})
            by_reason[language] = by_reason.get(language, 0) + 1
            continue
        weight = _weight(one, weights) if weighted else 1
        if weight:
            cast.setdefault(outcome.value, {}).setdefault(language, []).append(weight)
    tally = {
        answer: {language: add(by_language[language]) for language in sorted(by_language)}
        for answer, by_language in cast.items()
    }
    flat = {answer: [*chain(*by_language.values())] for answer, by_language in cast.items()}
    support = {answer: add(weights) for answer, weights in flat.items()}
    total = add([*chain(*flat.values())])
    ranked = _ranked(tally, support, order)
    best = support[ranked[0]] if ranked else 0
    return Verdict(
        id=id,
        answer=ranked[0] if ranked else None,
        support=best,
        total=total,
        agreement=best / total if total else 0.0,
        tied=len(ranked) > 1 and math.isclose(support[ranked[1]], best, rel_tol=_NEAR),
        tally={answer: tally[answer] for answer in ranked},
        abstentions={
            reason: dict(sorted(abstentions[reason].items())) for reason in sorted(abstentions)
        },
        paths=count if paths is None else paths,
        usage=usage,
        translation_usage=translation_usage,
    )


def _weight(one: Vote, weights: Mapping[str, float] | None) -> float:
    language = weights.get(one.language, 1.0) if weights else 1.0
    for value, name in ((one.weight, f"path {one.path_key!r}"), (language, repr(one.language))):
        if not 0 <= value <= _HEAVIEST:
            raise StrategyError(
                f"weight of {name} is {value!r:.60}; give a number from 0 to {_HEAVIEST}"
            )
    return one.weight * language


def _sum(weights: list[float]) -> float:
    """Return the sum, exact in any order; an int if all weights are ints."""
    if all(isinstance(weight, int) for weight in weights):
        return sum(weights)
    return math.fsum(weights)


def _ranked(
    tally: Mapping[str, Mapping[str, float]], support: Mapping[str, float], order: Sequence[str]
) -> list[str]:
    """Sort answers from strongest to weakest; the module's docstring has the tie order."""
    if len(tally) < 2:  # noqa: PLR2004
        return list(tally)

    ties = {
        answer: (
            [-by_language.get(language, 0.0) for language in order],
            -len(by_language),
            value_order(answer),
        )
        for answer, by_language in tally.items()
    }
    left = sorted(tally, key=ties.__getitem__)
    left.sort(key=support.__getitem__, reverse=True)  # equal ones stay in their order
    # Sums that differ only by rounding are equal: the tie order decides among the strongest.
    tied = [a for a in left if math.isclose(support[a], support[left[0]], rel_tol=_NEAR)]
    return sorted(tied, key=ties.__getitem__) + left[len(tied) :]


@lru_cache(maxsize=4096)
def value_order(answer: str) -> tuple[int, Fraction | int, str]:
    """Return the key of an answer in the last tie order: numbers by value, then the others.

    >>> sorted(["x", "10", "-1/2", "9"], key=value_order)
    ['-1/2', '9', '10', 'x']
    """
    above, slash, below = answer.removeprefix("-").partition("/")
    if above.isdecimal() and (not below or below.strip("0").isdecimal()):
        return 0, Fraction(answer) if slash else int(answer), answer
    return 1, 0, answer
