"""Languages ranked without gold, by their agreement with the vote of the others.

A path in one language is judged by the vote over all paths of the problem in the other languages:
a language that is often right agrees with it often. Where the vote is good, the share is close to
the accuracy itself. On recorded votes of GPT-3.5, s1.1-7B and 14B over MGSM (eleven settings, 7 to
11 languages, 250 items) the rank correlation with gold is 0.88 to 0.99, and the mean difference
from the accuracy 0.4 to 1.4 points. A one-coin Dawid-Skene model (1979), which learns an accuracy
for each language, gave 0.88 to 0.98 and 1.0 to 5.5 points (``benchmarks.languages``), so the plain
share is used.

What it does not show: a language that repeats the others' errors also agrees with them, and where
most languages share one error, the language that is right alone loses. It ranks languages for one
model, one data set and one way of asking.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from random import Random
from statistics import quantiles
from typing import TYPE_CHECKING

from clc.analysis.intervals import Rate, clustered_rate
from clc.errors import DatasetError
from clc.records import Answer, Vote
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.analysis.portfolio_rows import PortfolioRow

__all__ = ["LanguageRank", "LanguageRanking", "RankCorrelation", "correlation_with_gold",
           "rank_correlation", "rank_languages"]  # fmt: skip

_FEWEST = 3  # two languages agree with each other equally often
_RESAMPLES = 500
_MOST_DRAWN = 10_000_000  # items over all resamples: about ten seconds


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Spearman's correlation of two rankings (-1 to 1), with its 95 % interval over items."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LanguageRank:
    """A language with its agreement and, where there is gold, its accuracy.

    ``agreement`` is the share of its paths whose answer is that of the vote of the other languages;
    an abstention does not agree. ``best`` and ``worst`` are the 95 % interval of its rank, from 1.
    """

    language: str
    agreement: Rate
    best: int
    worst: int
    accuracy: Rate | None = None


@dataclass(frozen=True, slots=True)
class LanguageRanking:
    """Languages from the best to the worst.

    ``correlation`` is that of agreement and accuracy over the languages; None without gold or where
    one of the two does not differ between languages.
    """

    ranks: tuple[LanguageRank, ...]
    problems: int
    items: int
    correlation: RankCorrelation | None

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes, from the best on."""
        return tuple(rank.language for rank in self.ranks)


def rank_languages(rows: Sequence[PortfolioRow], *, seed: int = 0) -> LanguageRanking:
    """Rank the languages of ``rows`` by agreement; the rows' order of languages breaks ties.

    Intervals are over items: problems that ask the same in several languages are one. Accuracies
    are over the problems with gold, if there are any.

    Args:
        rows: problems with the answers by language; not every problem needs all languages.
        seed: seed of the resamples.

    Raises:
        DatasetError: fewer than three languages, or none that share a problem with others.
    """
    languages = list(dict.fromkeys(code for row in rows for code in row.votes if row.votes[code]))
    if len(languages) < _FEWEST:
        raise DatasetError(
            f"all paths are in {' '.join(languages) or 'no language'}; languages are ranked by "
            "their agreement with the others, which needs at least three"
        )
    agreed, right = _Counts(languages), _accuracy_counts(rows)
    for row in rows:
        for language, answers in row.votes.items():
            others = _others(row, language)
            if others is not None and answers:
                agreed.add(row.item, language, list(answers).count(others), len(answers))
    rates = agreed.rates()
    ranked = [code for code in languages if code in rates]
    if len(ranked) < _FEWEST:
        raise DatasetError(
            "no three languages have answers to the same problems; languages are ranked by their "
            "agreement with the others"
        )
    ranked.sort(key=lambda code: -rates[code].value)
    accuracies = right.rates()
    spans, correlation = _resample(agreed, right, ranked, seed)
    return LanguageRanking(
        tuple(
            LanguageRank(code, rates[code], *spans[code], accuracies.get(code)) for code in ranked
        ),
        len(rows),
        len({row.item for row in rows}),
        correlation,
    )


def correlation_with_gold(
    scores: Mapping[str, float], rows: Sequence[PortfolioRow], *, seed: int = 0
) -> RankCorrelation | None:
    """Return the rank correlation of scores by language with the accuracy of single paths.

    Its interval is over the items behind the accuracies; the scores are taken as they are. None
    where fewer than three languages have both, or one does not vary.
    """
    right = _accuracy_counts(rows)
    languages = [code for code in scores if code in right.rates()]
    if len(languages) < _FEWEST:
        return None
    values = [scores[code] for code in languages]
    items = sorted(right.items)
    gold = right.shares(items, languages)
    value = None if gold is None else rank_correlation(values, gold)
    if value is None:
        return None
    generator = Random(seed)
    resampled = []
    for _ in range(_resamples(len(items))):
        shares = right.shares(generator.choices(items, k=len(items)), languages)
        other = None if shares is None else rank_correlation(values, shares)
        if other is not None:
            resampled.append(other)
    cuts = quantiles(resampled, n=40, method="inclusive")
    return RankCorrelation(value, cuts[0], cuts[-1])


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's correlation, with mean ranks for ties; None where one does not vary.

    >>> rank_correlation([0.9, 0.5, 0.7], [3, 1, 2])
    1.0
    >>> rank_correlation([1, 1, 1], [1, 2, 3]) is None
    True
    """
    x, y = _mean_ranks(first), _mean_ranks(second)
    middle = (len(x) - 1) / 2
    spread = math.sqrt(sum((a - middle) ** 2 for a in x) * sum((b - middle) ** 2 for b in y))
    if not spread:
        return None
    return sum((a - middle) * (b - middle) for a, b in zip(x, y, strict=True)) / spread


def _mean_ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {value: position for position, value in reversed(list(enumerate(ordered)))}
    times = Counter(ordered)
    return [first[value] + (times[value] - 1) / 2 for value in values]


def _others(row: PortfolioRow, language: str) -> str | None:
    """Return the answer of the vote without a language, None where the others have none."""
    votes = [
        Vote("", other, Answer(answer))
        for other, answers in row.votes.items()
        if other != language
        for answer in answers
        if answer is not None
    ]
    return vote(votes, order=list(row.votes)).answer if votes else None


class _Counts:
    """Counts of paths by item and language: those that count, and all."""

    def __init__(self, languages: Sequence[str]) -> None:
        self.languages = languages
        self.items: dict[str, dict[str, list[int]]] = defaultdict(dict)

    def add(self, item: str, language: str, hits: int, paths: int) -> None:
        count = self.items[item].setdefault(language, [0, 0])
        count[0] += hits
        count[1] += paths

    def rates(self) -> dict[str, Rate]:
        rates = {}
        for language in self.languages:
            counts = [by[language] for by in self.items.values() if language in by]
            rate = clustered_rate([hits for hits, _ in counts], [paths for _, paths in counts])
            if rate is not None:
                rates[language] = rate
        return rates

    def shares(self, items: Sequence[str], languages: Sequence[str]) -> list[float] | None:
        """Return the share of each language over ``items``; None where one has no path."""
        sums = {language: [0, 0] for language in languages}
        for item in items:
            for language, (hits, paths) in self.items.get(item, {}).items():
                if language in sums:
                    sums[language][0] += hits
                    sums[language][1] += paths
        if not all(paths for _, paths in sums.values()):
            return None
        return [hits / paths for hits, paths in sums.values()]


def _accuracy_counts(rows: Sequence[PortfolioRow]) -> _Counts:
    right = _Counts(list(dict.fromkeys(code for row in rows for code in row.votes)))
    for row in rows:
        for language, answers in row.votes.items():
            if row.gold is not None and answers:
                right.add(row.item, language, list(answers).count(row.gold), len(answers))
    return right


def _resamples(items: int) -> int:
    return max(100, min(_RESAMPLES, _MOST_DRAWN // items))


def _resample(
    agreed: _Counts, right: _Counts, ranked: Sequence[str], seed: int
) -> tuple[dict[str, tuple[int, int]], RankCorrelation | None]:
    """Return the 95 % interval of each language's rank, and the correlation with gold."""
    items = sorted(agreed.items)
    generator = Random(seed)
    places: dict[str, list[tuple[int, int]]] = {code: [] for code in ranked}
    correlations: list[float] = []
    for _ in range(_resamples(len(items))):
        chosen = generator.choices(items, k=len(items))
        shares = agreed.shares(chosen, ranked)
        if shares is None:
            continue
        ordered = sorted(-share for share in shares)
        for code, share in zip(ranked, shares, strict=True):
            places[code].append((bisect_left(ordered, -share) + 1, bisect_right(ordered, -share)))
        gold = right.shares(chosen, ranked)
        value = None if gold is None else rank_correlation(shares, gold)
        if value is not None:
            correlations.append(value)
    spans = {code: _span(values, len(ranked)) for code, values in places.items()}
    return spans, _correlation(agreed, right, ranked, correlations)


def _span(places: Sequence[tuple[int, int]], last: int) -> tuple[int, int]:
    """Return the 95 % interval of a rank; languages that tie share all their ranks."""
    if len(places) < 2:  # noqa: PLR2004
        return 1, last
    best, worst = zip(*places, strict=True)
    low = quantiles(best, n=40, method="inclusive")[0]
    return math.floor(low), math.ceil(quantiles(worst, n=40, method="inclusive")[-1])


def _correlation(
    agreed: _Counts, right: _Counts, ranked: Sequence[str], resampled: Sequence[float]
) -> RankCorrelation | None:
    items = sorted(agreed.items)
    shares, gold = agreed.shares(items, ranked), right.shares(items, ranked)
    if shares is None or gold is None or len(resampled) < 2:  # noqa: PLR2004
        return None
    value = rank_correlation(shares, gold)
    if value is None:
        return None
    cuts = quantiles(resampled, n=40, method="inclusive")
    return RankCorrelation(value, cuts[0], cuts[-1])
