"""Where a rule stops, and how many paths may be sampled at once before it could."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.voting.stopping.counts import VoteCounts
from clc.voting.stopping.settings import RULES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from clc.records import Vote
    from clc.voting.stopping.rule import Rule
    from clc.voting.stopping.settings import Stopping

__all__ = ["Stop", "first_stop", "never_stops", "next_round_size"]

_NEW = "\0"  # an unseen answer: canonical answers are printable
_FARTHEST = 6  # paths of a round where all continuations are searched
_MOST_STATES = 50  # of these continuations: a search takes some 20 ms at most


class Stop(NamedTuple):
    """The number of paths after which a rule stopped, and its probability there, if it has one."""

    paths: int
    probability: float | None


def first_stop(
    stopping: Stopping,
    votes: Sequence[Vote],
    budget: int,
    languages: Collection[str] = (),
    *,
    weighted: bool = False,
) -> Stop | None:
    """Find the first prefix of ``votes`` after which the rule stops.

    Args:
        stopping: the rule.
        votes: votes of the paths so far, in sampling order.
        budget: largest number of paths. Reaching it is not a stop.
        languages: languages of all planned paths. If they are fewer than the ``languages`` of
            ``crosslingual``, it needs agreement between all of them.
        weighted: votes count by their weights, which are at most 1; only for rules that take them.

    Returns:
        The stop, or None if the rule has not stopped yet.

    >>> from clc.records import Answer, Vote
    >>> from clc.voting.stopping import Stopping
    >>> votes = [Vote("", language, Answer("18")) for language in ("en", "de", "es", "fr", "ja")]
    >>> first_stop(Stopping("beta", threshold=0.95), votes, budget=7)
    Stop(paths=4, probability=0.96875)
    """
    if stopping.rule == "fixed":
        return None
    cast = [(one.language, one.answer, one.weight if weighted else 1.0) for one in votes]
    return _stop_after(stopping, VoteCounts(languages), 0, cast, budget)


def never_stops(stopping: Stopping, upcoming: Sequence[str]) -> bool:
    """Whether it is certain that the rule stops on no votes of these languages.

    The votes that all agree are the strongest evidence for every rule but ``bayes``, whose answer
    is always False here, as it is for ``fixed``.

    Args:
        stopping: the rule.
        upcoming: languages of all paths of the budget, in sampling order.

    >>> from clc.voting.stopping import Stopping
    >>> never_stops(Stopping("cite"), ["en", "de"] * 3), never_stops(Stopping("cite"), ["en"] * 11)
    (True, False)
    """
    rule = RULES[stopping.rule]
    if stopping.rule == "fixed" or rule.state is not None:
        return False
    agreed = [(language, _NEW, 1.0) for language in upcoming]
    return _stop_after(stopping, VoteCounts(set(upcoming)), 0, agreed, len(upcoming)) is None


def next_round_size(
    stopping: Stopping,
    votes: Sequence[Vote],
    upcoming: Sequence[str],
    weights: Mapping[str, float] | None = None,
) -> int:
    """Return the number of paths to sample next, at once, if the rule has not stopped yet.

    It is the least number after which the rule could stop, whatever the votes will be; for
    ``bayes`` 6 at most, and fewer where votes are much split. So no path is sampled that one-by-one
    sampling would not.

    Args:
        stopping: the rule.
        votes: votes of the paths so far, in sampling order.
        upcoming: languages of the remaining paths of the budget, in sampling order.
        weights: where votes are weighted, the weights of upcoming ones by language.

    Returns:
        At least 1 and at most the number of upcoming paths; 0 if there are none.

    >>> left = ["en", "de", "es", "fr", "ja", "ru", "zh"]
    >>> from clc.records import Answer, Vote
    >>> from clc.voting.stopping import Stopping
    >>> next_round_size(Stopping("beta"), [], left)  # 4 unanimous: 0.96875
    4
    >>> votes = [Vote("", "en", Answer("18")), Vote("", "de", Answer("26"))]
    >>> next_round_size(Stopping("beta"), votes, left[2:])  # then 6 to 1
    5
    """
    if stopping.rule == "fixed":
        return len(upcoming)
    budget = len(votes) + len(upcoming)
    counts = VoteCounts({one.language for one in votes}.union(upcoming))
    for one in votes:
        counts.add(one.language, one.answer, 1.0 if weights is None else one.weight)
    rule, ends = RULES[stopping.rule], [budget]
    for answer in (*counts.by_answer, _NEW):
        agreed = [(language, answer, (weights or {}).get(language, 1.0)) for language in upcoming]
        if stop := _stop_after(stopping, counts.copy(), len(votes), agreed, budget):
            ends.append(stop.paths)
    size = min(ends) - len(votes)
    return size if rule.state is None else _search(stopping, rule, counts, upcoming[:size])


def _stop_after(
    stopping: Stopping,
    counts: VoteCounts,
    start: int,
    following: Iterable[tuple[str, str | None, float]],
    budget: int,
) -> Stop | None:
    """Find the first stop after ``start`` paths, which are counted; the others follow."""
    judge = RULES[stopping.rule].judge
    for paths, vote in enumerate(following, start=start + 1):
        if paths >= budget:
            break
        counts.add(*vote)
        counts.left = budget - paths
        if counts.votes:
            stops, probability = judge(stopping, counts)
            if stops:
                return Stop(paths, probability)
    return None


def _search(stopping: Stopping, rule: Rule, counts: VoteCounts, upcoming: Sequence[str]) -> int:
    """Return the fewest of ``upcoming`` after which any votes would stop a rule with states."""
    assert rule.state is not None  # noqa: S101 - the caller's condition
    states = {rule.state(stopping, counts): counts}
    most = min(len(upcoming), _FARTHEST)
    for paths, language in enumerate(upcoming[: most - 1], start=1):
        following: dict[object, VoteCounts] = {}
        for state in states.values():
            for answer in (*state.by_answer, f"{_NEW}{paths}"):
                other = state.copy()
                other.add(language, answer)
                key = rule.state(stopping, other)
                if key in following:
                    continue
                if rule.judge(stopping, other).stops:
                    return paths
                following[key] = other
        states.update(following)  # with the earlier ones: a path may abstain
        if len(states) > _MOST_STATES:
            return paths + 1
    return most
