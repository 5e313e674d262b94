"""What a vote over fewer paths of a problem would have come to.

``maj@k`` is the chance that the vote over k of the n paths drawn is right, and ``oracle@k`` the
chance that any of the k is; every k-subset of the paths is as likely as any other. The vote is that
of ``clc.voting.tally``, its tie order included.

``oracle@k`` is hypergeometric: 1 - C(n - c, k) / C(n, k) with c right paths (the unbiased pass@k of
Chen et al. 2021, arXiv 2107.03374). ``maj@k`` is exact where

* all paths reason in one language (ties then go by value alone: the winning subsets are counted),
* no path says anything but the right answer, or none says it,
* there are at most 500 k-subsets (each is voted on): at any k up to 11 paths, at k = 1 and k = n
  always up to 500 paths;

else it is the mean over random k-subsets.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.records import Answer, Vote
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

__all__ = ["Ballots", "Drawn", "Share"]

ENUMERATED = 500  # subsets: no dearer than the resamples, and 11 paths have 462 at most
COUNTED_PATHS = 64  # the integers that count subsets have n * n bits
_NOBODY, _NOT_SAID = -1, -2


class Drawn(NamedTuple):
    """One path: the language it reasons in, what it says (None: abstains), what it cost.

    ``tokens`` are prompt and completion together; ``weight`` is what its vote counts.
    """

    language: str
    answer: str | None
    tokens: int
    weight: float = 1.0


class Share(NamedTuple):
    """A chance from 0 to 1, and whether it is exact or the mean of random subsets."""

    value: float
    exact: bool


class Ballots:
    """The paths of one problem, kept small and ready to be voted on many times.

    A vote here costs 0.1 µs a path, where ``clc.voting.tally.vote`` takes 4. With weights, or a
    language that ``order`` does not name, a problem costs 3 to 7 times as much (3 to 8 ms at 44
    paths).

    Args:
        drawn: the paths in drawing order.
        gold: the right answer in canonical form.
        order: the languages that break ties, first one first.
    """

    __slots__ = ("_answers", "_gold", "_languages", "_order", "_spoken", "_values", "_weights")

    def __init__(self, drawn: Sequence[Drawn], gold: str, order: Sequence[str] = ()) -> None:
        said = {path.answer for path in drawn if path.answer is not None}
        # Of answers with one vote each, the tally's order is the order of their values.
        lone = (Vote("", "", Answer(answer)) for answer in said)
        self._values = tuple(said if len(said) < 2 else vote(lone).tally)  # noqa: PLR2004
        number = {answer: position for position, answer in enumerate(self._values)}
        self._gold = number.get(gold, _NOT_SAID)
        self._order = tuple(dict.fromkeys(order))
        heard = {path.language for path in drawn}
        self._spoken = tuple(sorted(heard, key=lambda code: (_rank(self._order, code), code)))
        codes = {code: position for position, code in enumerate(self._spoken)}
        self._answers = array("l", [_number(number, path.answer) for path in drawn])
        self._languages = array("l", [codes[path.language] for path in drawn])
        equal = all(path.weight == 1 for path in drawn)
        self._weights = None if equal else array("d", [path.weight for path in drawn])

    def __len__(self) -> int:
        """How many paths were drawn."""
        return len(self._answers)

    def prefixes(self) -> bytes:
        """Whether the vote over the first 1, 2, ... n paths is right: one byte each, 0 or 1.

        >>> paths = [Drawn("en", "4", 90), Drawn("de", "5", 80), Drawn("de", "5", 85)]
        >>> list(Ballots(paths, "5", ["en", "de"]).prefixes())
        [0, 0, 1]
        """
        if self._gold == _NOT_SAID:
            return bytes(len(self))
        paths, judge = self._judge()
        return bytes(judge(paths, range(1, len(self) + 1)))

    def oracle(self, k: int) -> float:
        """Chance that any of ``k`` paths is right; ``k`` is from 1 to n.

        >>> paths = [Drawn("en", answer, 0) for answer in ("4", "5", "5", None)]
        >>> round(Ballots(paths, "4").oracle(2), 3)  # 3 of the 6 pairs hold the first
        0.5
        """
        wrong = len(self) - self._answers.count(self._gold)
        return 1 - math.comb(wrong, k) / math.comb(len(self), k)

    def majority(self, ks: Sequence[int], resamples: int, source: Random) -> list[Share]:
        """Chance that the vote over k paths is right, for each k of ``ks`` (from 1 to n).

        ``resamples`` random subsets of each size are drawn from ``source`` where the chance is not
        exact (see the module); the subsets of one draw lie within each other.

        >>> from random import Random
        >>> paths = [Drawn("en", answer, 0) for answer in ("4", "4", "5")]
        >>> [round(one.value, 3) for one in Ballots(paths, "4").majority([1, 2, 3], 9, Random())]
        [0.667, 1.0, 1.0]
        """
        if self._gold == _NOT_SAID:
            return [Share(0.0, exact=True) for _ in ks]
        if self._weights is None:
            if len(self._values) == 1:
                return [Share(self.oracle(k), exact=True) for k in ks]
            if len(self._spoken) == 1 and len(self) <= COUNTED_PATHS:
                return self._counted(ks)
        paths, judge = self._judge()
        found: dict[int, Share] = {}
        for k in ks:
            subsets = math.comb(len(paths), k)
            if subsets <= ENUMERATED:
                right = sum(judge(subset, (k,))[0] for subset in combinations(paths, k))
                found[k] = Share(right / subsets, exact=True)
        left = [k for k in ks if k not in found]
        if left:
            hits = [0] * len(left)
            uniform = source.random
            for _ in range(resamples):
                paths.sort(key=lambda _: uniform())  # half the time of Random.shuffle
                hits = [old + new for old, new in zip(hits, judge(paths, left), strict=True)]
            found.update(
                (k, Share(hit / resamples, exact=False)) for k, hit in zip(left, hits, strict=True)
            )
        return [found[k] for k in ks]

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
        rest = x_and_1 ** counts[_NOBODY]
        product = winning = 0
        for g in range(1, counts[self._gold] + 1):
            if g <= highest:  # beyond it no rival can reach more, and the product stays
                product = rest
                for _, wins_ties, polynomial in rivals:
                    product *= polynomial & ((1 << (g + 1 - wins_ties) * n) - 1)
            winning += math.comb(counts[self._gold], g) * product << g * n
        mask = (1 << n) - 1
        return [Share((winning >> k * n & mask) / math.comb(n, k), exact=True) for k in ks]

    def _judge(self) -> tuple[list[Any], Callable[[Sequence[Any], Sequence[int]], list[bool]]]:
        """Paths in drawing order, and what tells if votes over their first k (rising) are right."""
        if self._weights is None and set(self._spoken) <= set(self._order):
            return self._scored(), self._by_score
        weights = self._weights or [1] * len(self)
        paths = list(zip(self._answers, self._languages, weights, strict=True))
        return paths, self._one_by_one

    def _scored(self) -> list[tuple[int, int]]:
        """Answer and score of every path; the digits of a score are the vote, then its language.

        Added up for an answer, they order answers as support and the tie order do.
        """
        bits, last = len(self).bit_length(), len(self._spoken)
        worth = [1 << last * bits | 1 << (last - 1 - code) * bits for code in range(last)]
        return [
            (answer, worth[code])
            for answer, code in zip(self._answers, self._languages, strict=True)
        ]

    def _by_score(self, paths: Sequence[tuple[int, int]], ks: Sequence[int]) -> list[bool]:
        scores = [0] * len(self._values)
        best, leader, gold = 0, _NOBODY, self._gold
        right = []
        for answer, worth in paths[: ks[-1]]:
            if answer >= 0:
                score = scores[answer] = scores[answer] + worth
                if score > best or (score == best and answer < leader):
                    best, leader = score, answer
            right.append(leader == gold)
        return [right[k - 1] for k in ks]

    def _one_by_one(self, paths: Sequence[tuple[int, int, float]], ks: Sequence[int]) -> list[bool]:
        return [self._elected(paths[:k]) == self._gold for k in ks]

    def _elected(self, paths: Sequence[tuple[int, int, float]]) -> int:
        """The winner, by its support where it stands out, by ``vote`` where others come near."""
        cast: defaultdict[int, list[float]] = defaultdict(list)
        for answer, _, weight in paths:
            if answer >= 0 and weight:
                cast[answer].append(weight)
        support = sorted(((math.fsum(weights), answer) for answer, weights in cast.items()))
        if not support:
            return _NOBODY
        if len(support) == 1 or support[-2][0] < support[-1][0] * (1 - 1e-6):
            return support[-1][1]
        votes = (
            Vote("", self._spoken[code], Answer(self._values[answer]), weight)
            for answer, code, weight in paths
            if answer >= 0
        )
        won = vote(votes, rule="weighted", order=self._order).answer
        return _NOBODY if won is None else self._values.index(won)


def _rank(order: Sequence[str], code: str) -> int:
    return order.index(code) if code in order else len(order)


def _number(numbers: dict[str, int], answer: str | None) -> int:
    return _NOBODY if answer is None else numbers[answer]
