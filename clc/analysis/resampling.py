"""Accuracy of a vote over fewer paths: ``maj@k`` and ``oracle@k``.

``maj@k`` is the chance that the vote over k of the n sampled paths is right, and ``oracle@k`` the
chance that any of the k is; all k-subsets of the paths are equally likely. The vote is that of
``clc.voting.tally``, its tie order included.

``oracle@k`` is hypergeometric: 1 - C(n - c, k) / C(n, k) with c right paths (the unbiased pass@k of
Chen et al. 2021, arXiv 2107.03374). ``maj@k`` is exact if

* all paths reason in one language (value alone then breaks ties: the winning subsets are counted),
* every vote is for the right answer, or none is,
* there are at most 500 k-subsets (each is voted on): at any k up to 11 paths, at k = 1 and k = n
  always up to 500 paths;

otherwise it is the mean over random k-subsets.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from functools import partial
from itertools import accumulate, combinations, repeat, starmap
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.records import Answer, Vote
from clc.voting.tally import value_order, vote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

__all__ = ["PathOutcome", "Resampler", "Share"]

ENUMERATED = 500  # subsets: no slower than the resamples, and 11 paths have 462 at most
COUNTED_PATHS = 64  # the integers that count subsets have n * n bits
_NO_ANSWER, _NOT_GIVEN = -1, -2


class PathOutcome(NamedTuple):
    """A sampled path: its language, its answer (None: abstains) and its cost.

    ``tokens`` are prompt and completion together; ``weight`` is that of its vote.
    """

    language: str
    answer: str | None
    tokens: int
    weight: float = 1.0


class Share(NamedTuple):
    """A chance from 0 to 1, exact or the mean over random subsets."""

    value: float
    exact: bool


class Resampler:
    """The paths of one problem in compact form, to vote on many subsets of them.

    A vote takes 0.1 µs a path; ``clc.voting.tally.vote`` takes 4. With weights, or a language
    that is not in ``order``, a problem takes 3 to 7 times as long (3 to 8 ms at 44 paths).

    Args:
        outcomes: the paths in sampling order.
        gold: the right answer in canonical form.
        order: the languages that break ties, first one first.
    """

    __slots__ = ("_answers", "_codes", "_gold", "_languages", "_order", "_values", "_weights")

    def __init__(
        self, outcomes: Sequence[PathOutcome], gold: str, order: Sequence[str] = ()
    ) -> None:
        answers = {path.answer for path in outcomes if path.answer is not None}
        self._values = tuple(sorted(answers, key=value_order))
        number: dict[str | None, int] = {None: _NO_ANSWER}
        number.update((answer, position) for position, answer in enumerate(self._values))
        self._gold = number.get(gold, _NOT_GIVEN)
        self._order = tuple(dict.fromkeys(order))
        languages = {path.language for path in outcomes}
        self._codes = tuple(sorted(languages, key=lambda code: (_rank(self._order, code), code)))
        codes = {code: position for position, code in enumerate(self._codes)}
        self._answers = array("l", [number[path.answer] for path in outcomes])
        self._languages = array("l", [codes[path.language] for path in outcomes])
        equal = {path.weight for path in outcomes} <= {1}
        self._weights = None if equal else array("d", [path.weight for path in outcomes])

    def __len__(self) -> int:
        """Number of paths."""
        return len(self._answers)

    def errors(self) -> dict[str, float]:
        """Return the share of wrong paths by language; abstentions are wrong."""
        wrong: Counter[int] = Counter()
        for answer, code in zip(self._answers, self._languages, strict=True):
            wrong[code] += answer != self._gold
        paths = Counter(self._languages)
        return {self._codes[code]: wrong[code] / paths[code] for code in sorted(paths)}

    def prefixes(self) -> bytes:
        """Return whether the vote over the first 1, 2, ... n paths is right: one byte each, 0 or 1.

        >>> answers = [("en", "4"), ("de", "5"), ("de", "5")]
        >>> paths = [PathOutcome(language, answer, 90) for language, answer in answers]
        >>> list(Resampler(paths, "5", ["en", "de"]).prefixes())
        [0, 0, 1]
        """
        if self._gold == _NOT_GIVEN:
            return bytes(len(self))
        paths, judge = self._votes()
        return bytes(judge(paths, range(1, len(self) + 1)))

    def oracle(self, k: int) -> float:
        """Return the chance that any of ``k`` paths is right; ``k`` is from 1 to n.

        >>> paths = [PathOutcome("en", answer, 0) for answer in ("4", "5", "5", None)]
        >>> round(Resampler(paths, "4").oracle(2), 3)  # 3 of the 6 pairs hold the first
        0.5
        """
        wrong = len(self) - self._answers.count(self._gold)
        return 1 - math.comb(wrong, k) / math.comb(len(self), k)

    def majority(self, ks: Sequence[int], resamples: int, generator: Random) -> list[Share]:
        """Return the chance that the vote over k paths is right, for each k of ``ks`` (1 to n).

        If the chance is not exact (see the module), it is estimated from ``resamples`` random
        subsets of each size; those of one resample are nested.

        >>> from random import Random
        >>> paths = [PathOutcome("en", answer, 0) for answer in ("4", "4", "5")]
        >>> [round(one.value, 3) for one in Resampler(paths, "4").majority([1, 2, 3], 9, Random())]
        [0.667, 1.0, 1.0]
        """
        if self._gold == _NOT_GIVEN:
            return [Share(0.0, exact=True) for _ in ks]
        if self._weights is None:
            if len(self._values) == 1:
                return [Share(self.oracle(k), exact=True) for k in ks]
            if len(self._codes) == 1 and len(self) <= COUNTED_PATHS:
                return self._counted(ks)
        paths, judge = self._votes()
        shares: dict[int, Share] = {}
        for k in ks:
            subsets = math.comb(len(paths), k)
            if subsets <= ENUMERATED:
                right = sum(judge(subset, (k,))[0] for subset in combinations(paths, k))
                shares[k] = Share(right / subsets, exact=True)
        left = [k for k in ks if k not in shares]
        if left:
            outcomes = []
            # A random number for each path, in half the time of Random.shuffle.
            shuffled = partial(next, starmap(generator.random, repeat(())))
            for _ in range(resamples):
                paths.sort(key=shuffled)
                outcomes.append(judge(paths, left))
            shares.update(
                (k, Share(sum(of_k) / resamples, exact=False))
                for k, of_k in zip(left, zip(*outcomes, strict=True), strict=True)
            )
        return [shares[k] for k in ks]

    def _counted(self, ks: Sequence[int]) -> list[Share]:
        """Count the winning subsets of every size at once; one language, every vote counts one.

        With g votes, the right answer wins if each rival has fewer, or as many and a larger value.
        So the winning k-subsets number sum over g of C(c, g) [x^(k - g)] (1 + x)^abstentions
        prod_j P_j(x), where P_j is (1 + x)^(c_j) up to the power that rival j may reach. A
        polynomial is one big integer with coefficient i in bits [i * n, ...): at most C(n, i), it
        is less than 2^n.
        """
        n = len(self)
        counts = Counter(self._answers)
        x_and_1 = 1 + (1 << n)
        rivals = [
            (counts[answer], answer < self._gold, x_and_1 ** counts[answer])
            for answer in range(len(self._values))
            if answer != self._gold
        ]
        highest = max(count for count, _, _ in rivals) + 1
        rest = x_and_1 ** counts[_NO_ANSWER]
        product = winning = 0
        for g in range(1, counts[self._gold] + 1):
            if g <= highest:  # beyond it no rival can reach more, and the product stays
                product = rest
                for _, wins_ties, polynomial in rivals:
                    product *= polynomial & ((1 << (g + 1 - wins_ties) * n) - 1)
            winning += math.comb(counts[self._gold], g) * product << g * n
        mask = (1 << n) - 1
        return [Share((winning >> k * n & mask) / math.comb(n, k), exact=True) for k in ks]

    def _votes(self) -> tuple[list[Any], Callable[[Sequence[Any], Sequence[int]], list[bool]]]:
        """Return the paths, and a function: are the votes over their first k (rising) right?"""
        if self._weights is None and set(self._codes) <= set(self._order):
            return self._leads()
        weights = self._weights or [1] * len(self)
        paths = list(zip(self._answers, self._languages, weights, strict=True))
        return paths, self._one_by_one

    def _leads(self) -> tuple[list[int], Callable[[Sequence[int], Sequence[int]], list[bool]]]:
        """Return the paths as integers, and a function: are the votes over their first k right?

        A path's integer has a part for each rival: by how much the path lets the right answer lead
        it. The sum over k paths, from ``start`` on, keeps the highest bit of a part as long as the
        right answer wins against the rival. One more rival, without votes, stands for no answer.

        The digits of a lead are the vote, then its language, so that sums order the answers as
        support and tie order do.
        """
        digit, last = len(self).bit_length(), len(self._codes)
        worth = [1 << last * digit | 1 << (last - 1 - code) * digit for code in range(last)]
        high = (last + 1) * digit
        part = high + 1
        every = sum(1 << part * rival for rival in range(len(self._values)))
        highest = every << high
        # The part of the right answer itself is that of the rival without votes.
        start = highest - sum(1 << part * rival for rival in range(self._gold + 1))
        paths = []
        for answer, code in zip(self._answers, self._languages, strict=True):
            lead = 0
            if answer == self._gold:
                lead = worth[code] * every
            elif answer != _NO_ANSWER:
                lead = -(worth[code] << part * answer)
            paths.append(lead)

        def judge(paths: Sequence[int], ks: Sequence[int]) -> list[bool]:
            sums = list(accumulate(paths[: ks[-1]], initial=start))
            return [sums[k] & highest == highest for k in ks]

        return paths, judge

    def _one_by_one(self, paths: Sequence[tuple[int, int, float]], ks: Sequence[int]) -> list[bool]:
        return [self._elected(paths[:k]) == self._gold for k in ks]

    def _elected(self, paths: Sequence[tuple[int, int, float]]) -> int:
        """Return the winner: by support if that is clear, otherwise by ``vote``."""
        cast: defaultdict[int, list[float]] = defaultdict(list)
        for answer, _, weight in paths:
            if answer >= 0 and weight:
                cast[answer].append(weight)
        support = sorted(((math.fsum(weights), answer) for answer, weights in cast.items()))
        if not support:
            return _NO_ANSWER
        if len(support) == 1 or support[-2][0] < support[-1][0] * (1 - 1e-6):
            return support[-1][1]
        votes = (
            Vote("", self._codes[code], Answer(self._values[answer]), weight)
            for answer, code, weight in paths
            if answer >= 0
        )
        winner = vote(votes, rule="weighted", order=self._order).answer
        return _NO_ANSWER if winner is None else self._values.index(winner)


def _rank(order: Sequence[str], code: str) -> int:
    return order.index(code) if code in order else len(order)
