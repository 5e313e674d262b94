"""Report sections by language: accuracy of its paths, and its contribution to the vote."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from clc.analysis.report.measures import INTERVAL, Criterion
from clc.analysis.report.outcomes import Outcomes
from clc.analysis.report.sections import Column, Section
from clc.records import Answer, Vote
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.analysis.report.measures import Judged
    from clc.analysis.report.sections import Chart
    from clc.records import Verdict

__all__ = ["LeaveOneOut", "PathsByLanguage", "verdict_without"]

_CLEAR = 1e-6  # relative: a lead beyond rounding errors of sums


class PathsByLanguage:
    """Right paths by question language and reasoning language."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], Outcomes] = {}

    def add(self, one: Judged) -> None:
        """Add the paths of a problem; abstentions count as wrong."""
        paths = Counter(path.language for path in one.paths)
        right = Counter(path.language for path in one.paths if path.answer == one.target)
        for language, total in paths.items():
            cell = self._cells.setdefault((one.language, language), Outcomes())
            cell.add(one.item, right[language], of=total)

    def sections(self, *, gold: bool) -> Iterator[Section]:
        """Yield the section: a heat map if there are several languages of both kinds."""
        if not self._cells:
            return
        name, phrase = Criterion.by(gold=gold)
        asked, reasoned = (set(codes) for codes in zip(*self._cells, strict=True))
        figure: Chart = "heat" if len(self._cells) > max(len(asked), len(reasoned)) else "bars"
        rates = {pair: cell.rate() for pair, cell in self._cells.items()}
        yield Section(
            "languages",
            "Paths by language",
            f"Share of single paths that {phrase}, by the language of the question and the "
            "language of the reasoning. A path without an answer does not count as one that "
            "does; nor does one that was not sampled for lack of a translation.",
            (
                Column("question", "language"),
                Column("reasoning", "language"),
                Column("paths", "count"),
                Column(name, "count"),
                Column(f"{name} share", "share"),
                *INTERVAL,
            ),
            tuple(
                (*pair, rate.total, rate.right, rate.value, rate.low, rate.high)
                for pair, rate in rates.items()
                if rate is not None
            ),
            figure,
        )


class LeaveOneOut:
    """Contribution of each language: accuracy of the vote less that without its paths."""

    def __init__(self) -> None:
        self._with: dict[str, Outcomes] = {}
        self._gains: dict[str, Outcomes] = {}
        self._weighted = False

    def add(self, one: Judged) -> None:
        """Add a problem: vote again without each of its languages."""
        right = one.verdict.answer == one.target
        self._weighted = self._weighted or any(path.weight != 1 for path in one.paths)
        for language in dict.fromkeys(path.language for path in one.paths):
            without = verdict_without(one.verdict, language, one.order)
            self._with.setdefault(language, Outcomes()).add(one.item, int(right))
            gain = right - (without == one.target)
            self._gains.setdefault(language, Outcomes()).add(one.item, gain)

    def sections(self, *, gold: bool) -> Iterator[Section]:
        """Yield the section: differences, or without gold the share of changed verdicts."""
        if len(self._gains) < 2:  # noqa: PLR2004  without the only language there is no vote
            return
        weighted = " A vote keeps the weight that it had among all." if self._weighted else ""
        yield self._differences(weighted) if gold else self._changes(weighted)

    def _differences(self, weighted: str) -> Section:
        rows = []
        for language, gains in self._gains.items():
            rate, gain = self._with[language].rate(), gains.difference()
            if rate is not None:
                lost = rate.value - gain.value
                counts = (gains.count(1), gains.count(-1))
                rows.append(
                    (language, len(gains), rate.value, lost, *counts,
                     gain.value, gain.low, gain.high)
                )  # fmt: skip
        return Section(
            "left_out",
            "What each language adds to the vote",
            "Accuracy of the vote with a language less that of the vote without its paths, in "
            "points, over the problems that it has paths for. Where the interval holds 0, the "
            f"language may as well add nothing.{weighted}",
            (
                Column("language", "language"),
                Column("problems", "count"),
                Column("with it", "share"),
                Column("without it", "share"),
                Column("gained", "count"),
                Column("lost", "count"),
                Column("difference", "points"),
                Column("low", "points"),
                Column("high", "points"),
            ),
            tuple(rows),
            "bars",
        )

    def _changes(self, weighted: str) -> Section:
        rates = {language: gains.rate() for language, gains in self._gains.items()}
        return Section(
            "left_out",
            "What each language changes in the vote",
            "Share of the verdicts that change when the paths of a language are left out, of the "
            f"problems that it has paths for.{weighted}",
            (
                Column("language", "language"),
                Column("problems", "count"),
                Column("changed", "count"),
                Column("changed share", "share"),
                *INTERVAL,
            ),
            tuple(
                (language, rate.total, rate.right, rate.value, rate.low, rate.high)
                for language, rate in rates.items()
                if rate is not None
            ),
            "bars",
        )


def verdict_without(verdict: Verdict, language: str, order: Sequence[str]) -> str | None:
    """Recompute a verdict's answer from its tally, without the votes of one language.

    The tally has the support of every answer in every language, under the run's voting rule, so no
    answer is extracted again. ``order`` lists the languages that break ties.

    >>> from clc.records import Answer, Vote
    >>> answers = [("en", "18"), ("de", "26"), ("zh", "26")]
    >>> verdict = vote(Vote(str(i), l, Answer(a)) for i, (l, a) in enumerate(answers))
    >>> verdict.answer, verdict_without(verdict, "zh", ["en", "de", "zh"])
    ('26', '18')
    """
    support = {
        answer: sum(by_language.values()) - by_language.get(language, 0)
        for answer, by_language in verdict.tally.items()
        if by_language.keys() != {language}
    }
    first, second = sorted([0.0, 0.0, *support.values()])[:-3:-1]
    if second < first * (1 - _CLEAR):
        return next(answer for answer, behind in support.items() if behind == first)
    return _voted(verdict.tally, support, language, order)


def _voted(
    tally: Mapping[str, Mapping[str, float]],
    left: Mapping[str, float],
    language: str,
    order: Sequence[str],
) -> str | None:
    votes = (
        Vote("", code, Answer(answer), weight)
        for answer in left
        for code, weight in tally[answer].items()
        if code != language
    )
    return vote(votes, rule="weighted", order=order).answer
