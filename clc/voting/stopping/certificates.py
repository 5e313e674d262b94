"""Certificates that hold whenever sampling stops: ``cite`` and ``mmc``.

Both test by betting. Let a be an answer, c a rival, w (at most 1) what a vote weighs, and X the
step w for a vote for a, -w for one for c, 0 for any other. If c is at least as probable as a, then
E[X] <= 0 at every step, so each product of ``1 + b X`` over the steps, for a bet b from 0 to 1, is
a nonnegative supermartingale that starts at 1, and so is their mean E(a, c) over fixed bets. By
Ville's inequality it ever reaches 1 / error with probability at most ``error``, however and
whenever one looks. The bets: half of the stake on b = 1, which doubles with each vote for a and is
lost with the first for c; the other half spread over eight bets from 1/16 to 15/16.

The answer a must not be chosen by the votes that test it. The k-th distinct answer of a question
is tested by the votes after its first one alone, at the level ``(1 - threshold) / 2 ** k``: it is
then fixed before the test begins, and the levels of all answers sum to 1 - threshold.

``cite``
    CITE, arXiv 2605.05873, for a target that is not given beforehand. Stops when the sole leader a
    has E(a, c) >= 1 / level for every rival c. Guarantee: if the votes are independent and equally
    distributed, the chance that a question is ever certified with an answer that is not the one
    most probable answer is at most 1 - threshold. Proof (intersection-union): if a is not that
    answer, some c is as probable; certifying a needs E(a, c) >= 1 / level, which has probability
    at most the level; the levels sum to 1 - threshold. The set of answers need not be known: a
    rival not seen yet has lost every step, so its E is larger than that of any seen one. Weighted
    voting (a strategy's weights of languages, at most 1) bets with the weights: the answer of the
    largest expected weight is certified.
``mmc``
    Martingale Majority Certificate, arXiv 2510.17472: the leader against the runner-up, and
    against all other answers pooled. Each E of a pool is at most that of any of its members, so
    ``mmc`` never stops before ``cite`` and has its guarantee; besides, it certifies that the
    leader is more probable than all answers but the runner-up together.

The probability that they report is 1 less the error at which the least E would just do: a bound
and not a posterior.

Neither says that the most probable answer is right. Paths in several languages are not equally
distributed: the guarantee is then that the certified answer beats each rival in some language.
Paths of one language that are correlated (by the language's own wording, say) break it as they
break ``beta``'s; ``correlation`` counts the k-th vote of a language as what it adds to Kish's
effective votes. At correlation 1 a language votes once, which needs independent languages only.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from clc.voting.stopping.rule import Judgement, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clc.voting.stopping.counts import VoteCounts
    from clc.voting.stopping.settings import Stopping

__all__ = ["CITE", "MMC"]

_BETS = tuple((2 * step + 1) / 16 for step in range(8))
_STAKES = ((1.0, 1 / 2), *((bet, 1 / 16) for bet in _BETS))


def _cite(stopping: Stopping, counts: VoteCounts) -> Judgement:
    return _certify(stopping, counts, pooled=False)


def _mmc(stopping: Stopping, counts: VoteCounts) -> Judgement:
    return _certify(stopping, counts, pooled=True)


def _certify(stopping: Stopping, counts: VoteCounts, *, pooled: bool) -> Judgement:
    leader = counts.sole_leader()
    if leader is None:
        return Judgement(stops=False, probability=0.0)
    level = (1 - stopping.threshold) / 2 ** (list(counts.first).index(leader) + 1)
    if 2.0 ** (counts.by_answer[leader] - 1) * level < 1:
        return Judgement(stops=False, probability=None)  # E is at most 2 ** votes
    if counts.weighted or stopping.correlation:
        evidence = _least_evidence(*_bets(counts, leader, stopping.correlation or 0.0), pooled)
    else:
        evidence = _counted_evidence(*_steps(counts, leader, pooled=pooled))
    return Judgement(evidence * level >= 1, 1 - (1 - stopping.threshold) / (evidence * level))


def _steps(counts: VoteCounts, leader: str, *, pooled: bool) -> tuple[int, int]:
    """Return the votes after the leader's first one: for it, and for its strongest test."""
    earlier = Counter(answer for _, answer, _ in counts.history[: counts.first[leader]])
    rivals = [
        votes - earlier[answer] for answer, votes in counts.by_answer.items() if answer != leader
    ]
    strongest = max(rivals, default=0)
    if pooled:
        strongest = max(strongest, sum(rivals) - strongest)
    return counts.by_answer[leader] - 1, strongest


def _bets(
    counts: VoteCounts, leader: str, correlation: float
) -> tuple[list[float], list[list[float]]]:
    """Return the weights of these votes: those for the leader, and those for each rival."""
    own: list[float] = []
    rivals: dict[str, list[float]] = {}
    for number, (answer, weight) in enumerate(_weighed(counts, correlation)):
        if number > counts.first[leader]:
            (own if answer == leader else rivals.setdefault(answer, [])).append(weight)
    return own, list(rivals.values())


def _least_evidence(
    own: Sequence[float],
    rivals: Sequence[Sequence[float]],
    pooled: bool,  # noqa: FBT001
) -> float:
    """Return the least E of the tests."""
    if pooled and rivals:
        runner_up = max(rivals, key=sum)
        rest = [weight for one in rivals if one is not runner_up for weight in one]
        rivals = [runner_up, rest]
    return min((_evidence(own, lost) for lost in rivals), default=_evidence(own, ()))


def _weighed(counts: VoteCounts, correlation: float) -> Iterator[tuple[str, float]]:
    """Yield answer and weight of each vote: what it adds to the effective votes of its language."""
    before: dict[str, int] = {}
    for language, answer, weight in counts.history:
        votes = before.get(language, 0)
        before[language] = votes + 1
        yield answer, weight * (_effective(votes + 1, correlation) - _effective(votes, correlation))


def _effective(votes: int, correlation: float) -> float:
    return votes / (1 + (votes - 1) * correlation) if votes else 0.0


def _evidence(won: Sequence[float], lost: Sequence[float]) -> float:
    """Return E from the weights of the votes for the answer and for its rival."""
    total = 0.0
    for bet, stake in _STAKES:
        gain = math.prod(1 + bet * weight for weight in won)
        total += stake * gain * math.prod(1 - bet * weight for weight in lost)
    return total


@lru_cache(maxsize=1 << 14)
def _counted_evidence(won: int, lost: int) -> float:
    """Return E for votes that weigh 1.

    >>> [round(_counted_evidence(won, 0), 2) for won in (0, 1, 2, 6)]
    [1.0, 1.75, 3.17, 41.01]
    """
    return sum(stake * (1 + bet) ** won * (1 - bet) ** lost for bet, stake in _STAKES)


_SETTINGS = ("threshold", "correlation")
CITE = Rule(_cite, _SETTINGS, correlation=0.0, takes_weights=True)
MMC = Rule(_mmc, _SETTINGS, correlation=0.0, takes_weights=True)
