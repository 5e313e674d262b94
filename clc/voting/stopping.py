"""When the paths drawn so far say enough: rules that stop before the budget is spent.

A rule looks at the votes in drawing order, after every path, and stops at the first prefix that
satisfies it. Abstentions use up budget and say nothing; without a vote nothing stops. The rules
count every vote once, as the ``majority`` vote does.

``fixed``
    Never: the whole budget is drawn.
``lead``
    The leading answer has more votes than any other, or a new one, can still reach with all
    paths that are left. Lossless: the vote over the whole budget has the same answer, whatever
    order breaks ties.
``beta``
    Adaptive-Consistency, arXiv 2305.11860: with the two largest counts v1 and v2 and a uniform
    prior, the posterior that the first answer is the more probable one of the two,
    ``1 - BetaCDF(1/2; v1 + 1, v2 + 1)``, reaches the threshold.
``dirichlet``
    The same paper's variant over all answers seen (two at least): the posterior that the first
    is the most probable one under Dirichlet(counts + 1). The paper draws random numbers for it;
    here one integral gives the same value every time.
``window``
    ESC, arXiv 2401.10480: the votes fall into windows of ``window``, one after another, and all
    of one window agree. An abstention neither fills a window nor breaks it.
``crosslingual``
    Paths in one language share its wording and the model's habits in it, so the fifth of them
    says less than the first in another language. Languages are strata: k votes in one language,
    correlated by ``correlation``, are worth ``k / (1 + (k - 1) * correlation)`` independent ones
    (Kish's design effect, Survey Sampling, 1965), split over its answers as the votes are. The
    rule stops when a single answer has the most votes, is given in at least ``languages``
    languages, and ``beta``'s posterior over effective votes, against the strongest other answer,
    reaches the threshold. With one path a language effective votes are votes.

What a threshold promises. If two answers compete, and the share of one is uniformly distributed
over questions, at most 1 - threshold of ``beta``'s stops are at the wrong one, however often one
looks: a posterior does not mind optional stopping. Correlated paths break that promise for
``beta`` and ``dirichlet``. ``crosslingual`` keeps it in simulation, from 2 languages on.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from clc.analysis.intervals import beta_cdf
from clc.errors import StrategyError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = [
    "Ballot",
    "Stop",
    "Stopping",
    "StoppingRule",
    "beta_posterior",
    "dirichlet_posterior",
    "effective_votes",
    "first_stop",
    "wave",
]

StoppingRule = Literal["fixed", "lead", "beta", "dirichlet", "window", "crosslingual"]

_NEW = "\0"  # an answer that no path has given: canonical answers are printable
_NEGLIGIBLE = 1e-18


@dataclass(frozen=True, slots=True)
class Stopping:
    """A rule and its settings.

    ``threshold`` is the posterior at which ``beta``, ``dirichlet`` and ``crosslingual`` stop,
    between 0.5 and 1. ``window`` is in votes. ``languages`` is the least number of languages
    behind the leading answer, and ``correlation`` (0 to 1) that of two paths in one language;
    both are ``crosslingual``'s.

    Raises:
        StrategyError: an unknown rule, or a setting out of its range.
    """

    rule: str = "fixed"
    threshold: float = 0.95
    window: int = 5
    languages: int = 3
    correlation: float = 0.5

    def __post_init__(self) -> None:
        if self.rule not in get_args(StoppingRule):
            raise StrategyError(
                f"unknown stopping rule {self.rule!r}; there are: "
                f"{', '.join(get_args(StoppingRule))}"
            )
        for good, name, wanted in (
            (0.5 < self.threshold < 1, "threshold", "a probability above 0.5 and below 1"),  # noqa: PLR2004
            (self.window > 1, "window", "at least 2 paths; one always agrees with itself"),
            (self.languages > 0, "languages", "at least 1"),
            (0 <= self.correlation <= 1, "correlation", "a number from 0 to 1"),
        ):
            if not good:
                raise StrategyError(f"stopping {name} is {getattr(self, name)!r}; give {wanted}")


class Ballot(NamedTuple):
    """What one path says: its language and canonical answer, None where it abstains."""

    language: str
    answer: str | None


class Stop(NamedTuple):
    """After how many paths the rule stopped, and its posterior there (None for a rule of none)."""

    paths: int
    probability: float | None


def first_stop(
    stopping: Stopping, ballots: Sequence[Ballot], budget: int, languages: Collection[str] = ()
) -> Stop | None:
    """Find the first prefix of ``ballots`` after which the rule stops.

    Args:
        stopping: the rule.
        ballots: what the paths drawn so far say, in drawing order.
        budget: paths at most. Reaching it is not a stop.
        languages: those of all planned paths. ``crosslingual`` asks for agreement between all of
            them where they are fewer than its own number, and always for its own number if they
            are not given.

    Returns:
        None if the rule has not stopped yet.

    >>> said = [Ballot(language, "18") for language in ("en", "de", "es", "fr", "ja")]
    >>> first_stop(Stopping("beta", threshold=0.95), said, budget=7)
    Stop(paths=4, probability=0.96875)
    """
    return _stop_after(0, stopping, ballots, budget, languages)


def wave(stopping: Stopping, ballots: Sequence[Ballot], upcoming: Sequence[str]) -> int:
    """How many of the next paths to draw at once when the rule has not stopped yet.

    The fewest after which it could stop, if all of them agreed in the best way: with the leading
    answer, with any other so far, or with a new one. Drawing them together draws nothing that
    drawing one by one would not.

    Args:
        stopping: the rule.
        ballots: what the paths drawn so far say, in drawing order.
        upcoming: the languages of the paths that are left in the budget, in drawing order.

    Returns:
        At least 1 and at most all that are upcoming; 0 if none is.

    >>> left = ["en", "de", "es", "fr", "ja", "ru", "zh"]
    >>> wave(Stopping("beta"), [], left)  # 4 unanimous: 0.96875
    4
    >>> wave(Stopping("beta"), [Ballot("en", "18"), Ballot("de", "26")], left[2:])  # then 6 to 1
    5
    """
    drawn, budget = len(ballots), len(ballots) + len(upcoming)
    languages = {ballot.language for ballot in ballots}.union(upcoming)
    ends = [budget]
    for answer in {ballot.answer for ballot in ballots} - {None} | {_NEW}:
        agreed = [*ballots, *(Ballot(language, answer) for language in upcoming)]
        if stop := _stop_after(drawn, stopping, agreed, budget, languages):
            ends.append(stop.paths)
    return min(ends) - drawn


@lru_cache(maxsize=1 << 16)
def beta_posterior(first: float, second: float) -> float:
    """Posterior that the first of two answers is the more probable one, from their votes.

    ``1 - BetaCDF(1/2; first + 1, second + 1)``; for whole votes it is a binomial tail, the share
    of ``first + second + 1`` fair coins of which more than ``second`` fall heads, correctly
    rounded.

    >>> beta_posterior(4, 0)  # 1 - 1/32
    0.96875
    >>> beta_posterior(5, 1)  # 1 - (1 + 7)/128
    0.9375
    """
    if not (float(first).is_integer() and float(second).is_integer()):
        return 1 - beta_cdf(0.5, first + 1, second + 1)
    coins, least = int(first + second) + 1, int(second)
    outcomes = 1 << coins
    return (outcomes - sum(math.comb(coins, heads) for heads in range(least + 1))) / outcomes


@lru_cache(maxsize=1 << 16)
def dirichlet_posterior(counts: tuple[int, ...]) -> float:
    """Posterior that the first answer is the most probable one, from the votes of all answers.

    The shares under Dirichlet(counts + 1) are independent Gamma(count + 1) variables over their
    sum, so this is the probability that the first of these is the largest: the integral of its
    density times the others' distributions, which are Poisson tails. The trapezoid rule in the
    logarithm of the variable is exact to about 1e-12. An answer alone competes with one unseen.

    >>> round(dirichlet_posterior((1, 1, 1)), 9)
    0.333333333
    >>> dirichlet_posterior((4,)) == beta_posterior(4, 0)
    True
    """
    first, rivals = counts[0], counts[1:] or (0,)
    if len(rivals) == 1:
        return beta_posterior(first, rivals[0])
    shape = first + 1
    step = 0.15 / math.sqrt(shape)
    total = 0.0
    for nodes in (count(0), count(-1, -1)):  # from the density's peak up, then down
        for node in nodes:
            log_x = math.log(shape) + node * step
            x = math.exp(log_x)
            density = math.exp(shape * log_x - x - math.lgamma(shape))
            if density < _NEGLIGIBLE:
                break
            total += density * _all_below(x, log_x, rivals)
    return total * step


def _all_below(x: float, log_x: float, counts: Sequence[int]) -> float:
    """Probability that independent Gamma(count + 1) variables are all below x."""
    above = [0.0]  # above[k]: probability that Poisson(x) is under k
    for events in range(max(counts) + 1):
        above.append(above[-1] + math.exp(events * log_x - x - math.lgamma(events + 1)))
    return math.prod(1 - min(1.0, above[votes + 1]) for votes in counts)


def effective_votes(votes: Mapping[str, Mapping[str, int]], correlation: float) -> dict[str, float]:
    """Independent votes that each answer's votes are worth.

    Args:
        votes: number of votes by language, then by answer.
        correlation: of two paths in one language, from 0 (independent) to 1 (a language has one
            vote, however many paths it has).

    >>> effective_votes({"en": {"18": 2, "26": 1}, "de": {"18": 1}}, 0.5)  # en: 3 / (1 + 2 * 0.5)
    {'18': 2.0, '26': 0.5}
    """
    shares: dict[str, list[float]] = defaultdict(list)
    for by_answer in votes.values():
        design_effect = 1 + (sum(by_answer.values()) - 1) * correlation
        for answer, given in by_answer.items():
            shares[answer].append(given / design_effect)
    return {answer: math.fsum(parts) for answer, parts in shares.items()}  # whatever the order


class _Tally:
    """Votes so far, as the rules ask for them."""

    def __init__(self) -> None:
        self.votes = 0
        self.by_answer: dict[str, int] = {}
        self.by_language: dict[str, dict[str, int]] = {}
        self._last: str | None = None
        self.run = 0  # latest votes that agree

    def add(self, ballot: Ballot) -> None:
        language, answer = ballot
        if answer is None:
            return
        self.votes += 1
        self.by_answer[answer] = self.by_answer.get(answer, 0) + 1
        in_language = self.by_language.setdefault(language, {})
        in_language[answer] = in_language.get(answer, 0) + 1
        self.run = self.run + 1 if answer == self._last else 1
        self._last = answer


def _stop_after(
    start: int,
    stopping: Stopping,
    ballots: Sequence[Ballot],
    budget: int,
    languages: Collection[str],
) -> Stop | None:
    """First stop at more than ``start`` paths."""
    least = min(stopping.languages, len(set(languages)) or stopping.languages)
    tally = _Tally()
    for paths, ballot in enumerate(ballots, start=1):
        if paths >= budget or stopping.rule == "fixed":
            break
        tally.add(ballot)
        if paths > start and tally.votes:
            stops, probability = _judge(stopping, tally, budget - paths, least)
            if stops:
                return Stop(paths, probability)
    return None


def _judge(stopping: Stopping, tally: _Tally, left: int, least: int) -> tuple[bool, float | None]:
    """Whether a rule stops here, with ``left`` paths in the budget, and its posterior."""
    counts = (*sorted(tally.by_answer.values(), reverse=True), 0)
    first, second = counts[:2]
    if stopping.rule == "lead":
        return first > second + left, None
    if stopping.rule == "window":
        whole = tally.votes % stopping.window == 0
        return whole and tally.run >= stopping.window, None
    probability = beta_posterior(first, second)
    if stopping.rule == "crosslingual" and first > second:
        probability = _crosslingual_posterior(stopping, tally, least)
    # More rivals only take from beta's posterior, so that mostly no integral is needed.
    if stopping.rule == "dirichlet" and probability >= stopping.threshold:
        probability = dirichlet_posterior(counts[:-1])
    return probability >= stopping.threshold, probability


def _crosslingual_posterior(stopping: Stopping, tally: _Tally, least: int) -> float:
    """Posterior over effective votes of the answer with the most votes; 0 in too few languages."""
    leader = max(tally.by_answer, key=tally.by_answer.__getitem__)
    if sum(leader in by_answer for by_answer in tally.by_language.values()) < least:
        return 0.0
    votes = effective_votes(tally.by_language, stopping.correlation)
    support = votes.pop(leader)
    return beta_posterior(support, max(votes.values(), default=0.0))
