"""Early stopping: rules that end sampling before the budget is spent.

A rule checks the votes in sampling order, after every path, and stops at the first prefix that
satisfies it. Abstentions use up budget but are no votes; without a vote nothing stops. The rules
count every vote once, as the ``majority`` vote does.

``fixed``
    Never stops: the whole budget is sampled.
``lead``
    The leading answer has more votes than any other, or a new one, can still reach with all
    remaining paths. Lossless: the vote over the whole budget has the same answer, under any
    tie order.
``beta``
    Adaptive-Consistency, arXiv 2305.11860: with the two largest counts v1 and v2 and a uniform
    prior, the posterior that the first answer is the more probable one of the two,
    ``1 - BetaCDF(1/2; v1 + 1, v2 + 1)``, reaches the threshold.
``dirichlet``
    The same paper's variant over all answers seen (two at least): the posterior that the first
    is the most probable one under Dirichlet(counts + 1). The paper estimates it by sampling; here
    it is an integral, so it is deterministic.
``window``
    ESC, arXiv 2401.10480: the votes are divided into consecutive windows of ``window`` votes, and
    all of one window agree. An abstention neither fills a window nor breaks it.
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

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from clc import bounds
from clc.errors import StrategyError
from clc.voting.posterior import beta_posterior, dirichlet_posterior, effective_votes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from clc.records import Vote

__all__ = ["Stop", "Stopping", "StoppingRule", "first_stop", "next_round_size"]

StoppingRule = Literal["fixed", "lead", "beta", "dirichlet", "window", "crosslingual"]

_NEW = "\0"  # an unseen answer: canonical answers are printable


@dataclass(frozen=True, slots=True)
class Stopping:
    """A stopping rule and its settings.

    ``threshold`` is the posterior at which ``beta``, ``dirichlet`` and ``crosslingual`` stop,
    between 0.5 and 1. ``window`` is in votes. ``crosslingual`` alone uses ``languages``, the least
    number of languages with votes for the leading answer, and ``correlation`` (0 to 1), that of
    two paths in one language.

    Raises:
        StrategyError: the rule is unknown, or a setting is out of range.
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
        for name, number in (
            ("threshold", bounds.STOP_THRESHOLD),
            ("window", bounds.STOP_WINDOW),
            ("languages", bounds.LANGUAGES),
            ("correlation", bounds.SHARE),
        ):
            number.check(f"stopping {name}", getattr(self, name), StrategyError)


class Stop(NamedTuple):
    """The number of paths after which a rule stopped, and its posterior there, if it has one."""

    paths: int
    probability: float | None


def first_stop(
    stopping: Stopping, votes: Sequence[Vote], budget: int, languages: Collection[str] = ()
) -> Stop | None:
    """Find the first prefix of ``votes`` after which the rule stops.

    Args:
        stopping: the rule.
        votes: votes of the paths so far, in sampling order.
        budget: largest number of paths. Reaching it is not a stop.
        languages: languages of all planned paths. If they are fewer than the ``languages`` of
            ``crosslingual``, it needs agreement between all of them.

    Returns:
        The stop, or None if the rule has not stopped yet.

    >>> from clc.records import Answer, Vote
    >>> votes = [Vote("", language, Answer("18")) for language in ("en", "de", "es", "fr", "ja")]
    >>> first_stop(Stopping("beta", threshold=0.95), votes, budget=7)
    Stop(paths=4, probability=0.96875)
    """
    if stopping.rule == "fixed":
        return None
    pairs = [(vote.language, vote.answer) for vote in votes]
    return _stop_after(0, stopping, pairs, budget, languages)


def next_round_size(stopping: Stopping, votes: Sequence[Vote], upcoming: Sequence[str]) -> int:
    """Return the number of paths to sample next, at once, if the rule has not stopped yet.

    It is the least number after which the rule could stop, if all of them agreed: with the leading
    answer, with another one, or with a new one. So no path is sampled that one-by-one sampling
    would not.

    Args:
        stopping: the rule.
        votes: votes of the paths so far, in sampling order.
        upcoming: languages of the remaining paths of the budget, in sampling order.

    Returns:
        At least 1 and at most the number of upcoming paths; 0 if there are none.

    >>> left = ["en", "de", "es", "fr", "ja", "ru", "zh"]
    >>> from clc.records import Answer, Vote
    >>> next_round_size(Stopping("beta"), [], left)  # 4 unanimous: 0.96875
    4
    >>> votes = [Vote("", "en", Answer("18")), Vote("", "de", Answer("26"))]
    >>> next_round_size(Stopping("beta"), votes, left[2:])  # then 6 to 1
    5
    """
    if stopping.rule == "fixed":
        return len(upcoming)
    count, budget = len(votes), len(votes) + len(upcoming)
    pairs = [(vote.language, vote.answer) for vote in votes]
    languages = {language for language, _ in pairs}.union(upcoming)
    ends = [budget]
    for answer in {answer for _, answer in pairs} - {None} | {_NEW}:
        agreed = [*pairs, *((language, answer) for language in upcoming)]
        if stop := _stop_after(count, stopping, agreed, budget, languages):
            ends.append(stop.paths)
    return min(ends) - count


class _Tally:
    """Running counts of the votes, for the rules."""

    def __init__(self) -> None:
        self.votes = 0
        self.by_answer: dict[str, int] = {}
        self.by_language: dict[str, dict[str, int]] = {}
        self._last: str | None = None
        self.run = 0  # number of latest votes that agree

    def add(self, language: str, answer: str | None) -> None:
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
    pairs: Sequence[tuple[str, str | None]],
    budget: int,
    languages: Collection[str],
) -> Stop | None:
    """Find the first stop at more than ``start`` paths, each a pair of language and answer."""
    least = min(stopping.languages, len(set(languages)) or stopping.languages)
    tally = _Tally()
    for paths, (language, answer) in enumerate(pairs, start=1):
        if paths >= budget:
            break
        tally.add(language, answer)
        if paths > start and tally.votes:
            stops, probability = _judge(stopping, tally, budget - paths, least)
            if stops:
                return Stop(paths, probability)
    return None


def _judge(stopping: Stopping, tally: _Tally, left: int, least: int) -> tuple[bool, float | None]:
    """Return whether a rule stops, with ``left`` paths in the budget, and its posterior."""
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
    # Further answers only lower beta's posterior, so the integral is rarely needed.
    if stopping.rule == "dirichlet" and probability >= stopping.threshold:
        probability = dirichlet_posterior(counts[:-1])
    return probability >= stopping.threshold, probability


def _crosslingual_posterior(stopping: Stopping, tally: _Tally, least: int) -> float:
    """Return the leader's posterior over effective votes; 0 if it is in too few languages."""
    leader = max(tally.by_answer, key=tally.by_answer.__getitem__)
    if sum(leader in by_answer for by_answer in tally.by_language.values()) < least:
        return 0.0
    votes = effective_votes(tally.by_language, stopping.correlation)
    support = votes.pop(leader)
    return beta_posterior(support, max(votes.values(), default=0.0))
