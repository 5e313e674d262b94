"""Rules by the posterior of the leading answer under a uniform prior.

``beta``
    Adaptive-Consistency, arXiv 2305.11860: with the two largest counts v1 and v2 and a uniform
    prior, the posterior that the first answer is the more probable one of the two,
    ``1 - BetaCDF(1/2; v1 + 1, v2 + 1)``, reaches the threshold.
``dirichlet``
    The same paper's variant over all answers seen (two at least): the posterior that the first
    is the most probable one under Dirichlet(counts + 1). The paper estimates it by sampling; here
    it is an integral, so it is deterministic.
``crosslingual``
    Paths in one language share its wording and the model's errors in it, so a fifth path is less
    evidence than a first one in another language. Languages are strata: k votes in one language,
    correlated by ``correlation``, are worth ``k / (1 + (k - 1) * correlation)`` independent ones
    (Kish's design effect, Survey Sampling, 1965), split over its answers as the votes are. The
    rule stops when a single answer has the most votes, has votes in at least ``languages``
    languages, and ``beta``'s posterior over effective votes, against the strongest other answer,
    reaches the threshold. With one path a language, effective votes are votes.

The guarantee of a threshold: if two answers compete, and the share of one is uniformly distributed
over questions, at most 1 - threshold of ``beta``'s stops are at the wrong one, regardless of the
number of checks: a posterior is unaffected by optional stopping. Correlated paths invalidate this
for ``beta`` and ``dirichlet``. ``crosslingual`` keeps it in simulation, from 2 languages on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.voting.posterior import beta_posterior, dirichlet_posterior, effective_votes
from clc.voting.stopping.rule import Judgement, Rule

if TYPE_CHECKING:
    from clc.voting.stopping.counts import VoteCounts
    from clc.voting.stopping.settings import Stopping

__all__ = ["BETA", "CROSSLINGUAL", "DIRICHLET"]


def _beta(stopping: Stopping, counts: VoteCounts) -> Judgement:
    probability = beta_posterior(*counts.top_two())
    return Judgement(probability >= stopping.threshold, probability)


def _dirichlet(stopping: Stopping, counts: VoteCounts) -> Judgement:
    probability = beta_posterior(*counts.top_two())
    # Further answers only lower beta's posterior, so the integral is rarely needed.
    if probability >= stopping.threshold:
        ranked = sorted(counts.by_answer.values(), reverse=True)
        probability = dirichlet_posterior((*ranked,))
    return Judgement(probability >= stopping.threshold, probability)


def _crosslingual(stopping: Stopping, counts: VoteCounts) -> Judgement:
    first, second = counts.top_two()
    if first == second:
        probability = beta_posterior(first, second)
        return Judgement(probability >= stopping.threshold, probability)
    least = min(stopping.languages, len(counts.planned) or stopping.languages)
    leader = max(counts.by_answer, key=counts.by_answer.__getitem__)
    if sum(leader in by_answer for by_answer in counts.by_language.values()) < least:
        return Judgement(stops=False, probability=0.0)
    votes = effective_votes(counts.by_language, stopping.correlation or 0.0)
    support = votes.pop(leader)
    probability = beta_posterior(support, max(votes.values(), default=0.0))
    return Judgement(probability >= stopping.threshold, probability)


BETA = Rule(_beta, ("threshold",))
DIRICHLET = Rule(_dirichlet, ("threshold",))
CROSSLINGUAL = Rule(_crosslingual, ("threshold", "languages", "correlation"))
