"""``bayes``: the posterior of the leading answer under a learned prior of shapes.

Source: optimal Bayesian stopping, arXiv 2602.05395 (L = 3: top, second, rest). Ours: the exact
posterior of ``clc.voting.shapes.mode_posterior`` over all votes, not over their three largest
counts; the prior that ``clc calibrate`` learned, or, without one, a flat one over all shapes.

The rule stops when the posterior that the sole leader is its question's likeliest answer reaches
the threshold. With a ``correlation`` above 0, votes are effective ones, as in ``crosslingual``.

Guarantee: if the shapes of the questions are distributed as the prior says, and the votes of a
question are independent, then of all stops at most 1 - threshold are at an answer that is not the
likeliest. Proof: the posterior P at the stop is the conditional probability, given the votes so
far, that the leader is the likeliest; the decision to stop depends on these votes alone, so the
expected share of wrong stops is the mean of 1 - P over stops, and each of these is at most
1 - threshold. It does not say that the likeliest answer is right, nor anything of one question, and
a prior that was learned from easier questions breaks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.voting.posterior import effective_votes
from clc.voting.shapes import FLAT, mode_posterior
from clc.voting.stopping.rule import Judgement, Rule

if TYPE_CHECKING:
    from clc.voting.stopping.counts import VoteCounts
    from clc.voting.stopping.settings import Stopping

__all__ = ["BAYES"]


def _judge(stopping: Stopping, counts: VoteCounts) -> Judgement:
    first, second = counts.top_two()
    if first == second:
        return Judgement(stops=False, probability=0.0)
    votes: dict[str, float] = dict(counts.by_answer)
    if stopping.correlation:
        votes = effective_votes(counts.by_language, stopping.correlation)
    leader = votes.pop(max(counts.by_answer, key=counts.by_answer.__getitem__))
    ranked = (leader, *sorted(votes.values(), reverse=True))
    probability = mode_posterior(ranked, stopping.prior or FLAT)
    return Judgement(probability >= stopping.threshold, probability)


def _state(stopping: Stopping, counts: VoteCounts) -> object:
    if not stopping.correlation:
        return tuple(sorted(counts.by_answer.values()))
    by_answer: dict[str, list[tuple[str, int]]] = {answer: [] for answer in counts.by_answer}
    for language in sorted(counts.by_language):
        for answer, votes in counts.by_language[language].items():
            by_answer[answer].append((language, votes))
    return tuple(sorted(map(tuple, by_answer.values())))


BAYES = Rule(_judge, ("threshold", "correlation", "prior"), correlation=0.0, state=_state)
