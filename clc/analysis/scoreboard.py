"""Running counts of verdicts against gold, of which parts can be merged."""

from __future__ import annotations

from array import array
from collections import Counter
from fractions import Fraction
from itertools import repeat
from math import ceil
from typing import TYPE_CHECKING

from clc.analysis.intervals import clustered_rate
from clc.analysis.scores import AgreementBin, PathScore, Score
from clc.analysis.selective import risk_coverage, rounded
from clc.answers.canonical import canonical_gold
from clc.datasets.levels import LEVEL_WEIGHTS
from clc.records import Abstention, Usage
from clc.voting.abstaining import given_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.analysis.intervals import Rate
    from clc.analysis.scores import Scored
    from clc.records import Verdict

__all__ = ["Scoreboard"]


class _Group:
    """Right outcomes and all outcomes of each item, 8 bytes an item."""

    def __init__(self) -> None:
        self._right = array("i")
        self._totals = array("i")

    def add(self, item: int, right: int, total: int = 1) -> None:
        if item >= len(self._totals):
            self._pad(item + 1)
        self._right[item] += right
        self._totals[item] += total

    def merge(self, other: _Group, items: Sequence[int]) -> None:
        """Add another group's outcomes; ``items`` maps its item numbers to the numbers here."""
        if isinstance(items, range) and items.start >= len(self._totals):  # all of them are new
            self._pad(items.start)
            self._right.extend(other._right)
            self._totals.extend(other._totals)
            return
        for item, right, total in zip(items, other._right, other._totals, strict=False):
            if total:
                self.add(item, right, total)

    def _pad(self, items: int) -> None:
        missing = items - len(self._totals)
        self._right.extend(repeat(0, missing))
        self._totals.extend(repeat(0, missing))

    def rate(self) -> Rate | None:
        return clustered_rate(self._right, self._totals)


class Scoreboard:
    """Running counts of ``score``: ``fill`` them with rows, ``merge`` other scoreboards.

    Sums of agreements are exact, so that merged parts give the same figures.
    """

    def __init__(self, bins: int = 10) -> None:
        self.bins = bins
        self.items: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.agreement = Fraction()
        self.abstentions: Counter[str] = Counter()
        self.usage = Usage()
        self.translation_usage = Usage()
        self.all = _Group()
        self.oracle = _Group()
        self.languages: dict[str, _Group] = {}
        self.levels: dict[str, _Group] = {}
        self.paths: dict[str, _Group] = {}
        self.abstained: Counter[str] = Counter()
        self.by_agreement = [_Group() for _ in range(bins)]
        self.agreement_in = [Fraction()] * bins
        self.given = _Group()
        self.right_at: Counter[float] = Counter()  # of votes with this agreement
        self.votes_at: Counter[float] = Counter()

    def fill(self, rows: Iterable[Scored]) -> Scoreboard:
        """Add verdicts."""
        for row in rows:
            self._count(row.verdict)
            item = self.items.setdefault(row.item, len(self.items))
            if row.gold is None:
                continue
            gold = canonical_gold(row.gold, row.kind)
            if gold is None:
                self.counts["unreadable_gold"] += 1
                continue
            self._judge(row, item, gold)
        return self

    def merge(self, other: Scoreboard) -> None:
        """Add the counts of the problems that follow; the number of bins must be equal."""
        before = len(self.items)
        items: Sequence[int] = [
            self.items.setdefault(item, len(self.items)) for item in other.items
        ]
        if len(self.items) - before == len(items):
            items = range(before, len(self.items))
        self.counts += other.counts
        self.agreement += other.agreement
        self.abstentions += other.abstentions
        self.abstained += other.abstained
        self.usage += other.usage
        self.translation_usage += other.translation_usage
        self.all.merge(other.all, items)
        self.oracle.merge(other.oracle, items)
        for name in ("languages", "levels", "paths"):
            mine = getattr(self, name)
            for key, group in getattr(other, name).items():
                mine.setdefault(key, _Group()).merge(group, items)
        for bin_, group in enumerate(other.by_agreement):
            self.by_agreement[bin_].merge(group, items)
            self.agreement_in[bin_] += other.agreement_in[bin_]
        self.given.merge(other.given, items)
        self.right_at.update(other.right_at)
        self.votes_at.update(other.votes_at)

    def _count(self, verdict: Verdict) -> None:
        self.counts["problems"] += 1
        self.counts["tied"] += verdict.tied
        self.counts["paths"] += verdict.paths
        self.usage += verdict.usage
        self.translation_usage += verdict.translation_usage
        for reason, by_language in verdict.abstentions.items():
            self.abstentions[str(reason)] += sum(by_language.values())
        if verdict.answer is None:
            self.counts["unanswered"] += 1
            self.counts["withheld"] += "withheld" in verdict.details
        else:
            self.agreement += Fraction(verdict.agreement)

    def _judge(self, row: Scored, item: int, gold: str) -> None:
        verdict = row.verdict
        right = int(verdict.answer == gold)
        self.counts["with_gold"] += 1
        self.all.add(item, right)
        self.languages.setdefault(row.language, _Group()).add(item, right)
        if row.level is not None:
            self.levels.setdefault(row.level, _Group()).add(item, right)
        if verdict.answer is not None:
            bin_ = _bin(verdict.agreement, self.bins)
            self.by_agreement[bin_].add(item, right)
            self.agreement_in[bin_] += Fraction(verdict.agreement)
            self.given.add(item, right)
        voted = given_answer(verdict)
        agreement = 0.0 if voted is None else rounded(verdict.agreement)
        self.right_at[agreement] += voted == gold
        self.votes_at[agreement] += 1
        hits: Counter[str] = Counter()
        paths: Counter[str] = Counter()
        for vote in row.votes:
            paths[vote.language] += 1
            hits[vote.language] += vote.answer == gold
            self.abstained[vote.language] += isinstance(vote.outcome, Abstention)
        for language, total in paths.items():
            self.paths.setdefault(language, _Group()).add(item, hits[language], total)
        any_right = hits.total() > 0 if row.votes else gold in verdict.tally
        self.oracle.add(item, int(any_right))

    def score(self) -> Score:
        """Return the score of the verdicts so far."""
        answered = self.counts["problems"] - self.counts["unanswered"]
        calibration = tuple(self._calibration())
        judged = sum(bin_.accuracy.total for bin_ in calibration)
        gaps = sum(
            abs(bin_.mean_agreement - bin_.accuracy.value) * bin_.accuracy.total
            for bin_ in calibration
        )
        by_level = {
            level: rate for level in LEVEL_WEIGHTS if (rate := _rates(self.levels).get(level))
        }
        return Score(
            problems=self.counts["problems"],
            items=len(self.items),
            with_gold=self.counts["with_gold"],
            unreadable_gold=self.counts["unreadable_gold"],
            unanswered=self.counts["unanswered"],
            tied=self.counts["tied"],
            accuracy=self.all.rate(),
            oracle=self.oracle.rate(),
            by_language=_rates(self.languages),
            by_reasoning_language={
                language: PathScore(rate, self.abstained[language])
                for language, rate in _rates(self.paths).items()
            },
            mean_agreement=float(self.agreement / answered) if answered else None,
            calibration=calibration,
            calibration_error=gaps / judged if judged else None,
            abstentions=dict(sorted(self.abstentions.items())),
            paths=self.counts["paths"],
            usage=self.usage,
            translation_usage=self.translation_usage,
            by_level=by_level,
            difficulty_weighted=_weighted(by_level),
            withheld=self.counts["withheld"],
            selective=self.given.rate(),
            risk_coverage=risk_coverage(
                {at: (self.right_at[at], total) for at, total in self.votes_at.items()}
            ),
        )

    def _calibration(self) -> Iterable[AgreementBin]:
        for index, group in enumerate(self.by_agreement):
            rate = group.rate()
            if rate is not None:
                mean = float(self.agreement_in[index] / rate.total)
                yield AgreementBin(index / self.bins, (index + 1) / self.bins, mean, rate)


def _bin(agreement: float, bins: int) -> int:
    """Return the bin of an agreement; bins include their upper bound, despite rounding errors.

    >>> _bin(0.1, 10), _bin(0.3, 10), _bin(4 / 7, 10), _bin(1.0, 10)
    (0, 2, 5, 9)
    """
    return min(max(ceil(agreement * bins - 1e-9) - 1, 0), bins - 1)


def _rates(groups: Mapping[str, _Group]) -> dict[str, Rate]:
    rates = {name: group.rate() for name, group in groups.items()}
    return {name: rate for name, rate in rates.items() if rate is not None}


def _weighted(by_level: Mapping[str, Rate]) -> float | None:
    """Return the mean accuracy of the levels that there are, with their weights."""
    weights = sum(LEVEL_WEIGHTS[level] for level in by_level)
    if not weights:
        return None
    return sum(LEVEL_WEIGHTS[level] * rate.value for level, rate in by_level.items()) / weights
