"""Compact outcomes by item, for clustered intervals."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING

from clc.analysis.intervals import clustered_difference, clustered_rate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clc.analysis.intervals import Difference, Rate

__all__ = ["Outcomes", "rate_of_chances"]

_PARTS = 1_000  # outcomes that represent one chance: a resolution of a tenth of a point


class Outcomes:
    """Outcomes by item, 24 bytes a problem.

    >>> seen = Outcomes()
    >>> seen.add(0, 3, of=4)
    >>> seen.add(1, 1, of=4)
    >>> seen.rate().value
    0.5
    """

    __slots__ = ("_items", "_sums", "_totals")

    def __init__(self) -> None:
        self._items = array("q")
        self._sums = array("q")
        self._totals = array("q")

    def __len__(self) -> int:
        """Number of problems."""
        return len(self._items)

    def add(self, item: int, value: int, *, of: int = 1) -> None:
        """Add a problem of an item: ``value`` of its ``of`` outcomes, or the sum of differences."""
        self._items.append(item)
        self._sums.append(value)
        self._totals.append(of)

    def count(self, value: int) -> int:
        """Count the problems with this value."""
        return self._sums.count(value)

    def rate(self) -> Rate | None:
        """Share of the outcomes, None without any."""
        return clustered_rate(*self._by_item())

    def difference(self) -> Difference:
        """Mean of the differences, of which there must be one."""
        return clustered_difference(*self._by_item())

    def _by_item(self) -> tuple[list[int], list[int]]:
        sums: Counter[int] = Counter()
        totals: Counter[int] = Counter()
        for item, value, total in zip(self._items, self._sums, self._totals, strict=True):
            sums[item] += value
            totals[item] += total
        return [sums[item] for item in totals], list(totals.values())


def rate_of_chances(chances: Iterable[tuple[int, float]]) -> Rate | None:
    """Mean of chances from 0 to 1, each with its item; the interval is over items.

    A chance, the share of right votes among many resampled ones, is represented by a thousand
    outcomes of its item, so that Wilson's interval uses the effective sample size of the mean. If
    every chance is 0 or 1, each is one outcome.

    >>> rate = rate_of_chances([(0, 0.5), (1, 1.0), (2, 0.25)])
    >>> round(rate.value, 3), rate.items
    (0.583, 3)
    """
    pairs = list(chances)
    parts = 1 if all(chance in (0.0, 1.0) for _, chance in pairs) else _PARTS
    seen = Outcomes()
    for item, chance in pairs:
        seen.add(item, round(chance * parts), of=parts)
    return seen.rate()
