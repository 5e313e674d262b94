"""The summary of one run, built in a single pass over its solved problems."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clc.analysis.comparison_entries import problem_outcome
from clc.analysis.report.comparison import comparison
from clc.analysis.report.curve import Curve
from clc.analysis.report.fidelity import WrittenLanguages
from clc.analysis.report.headline import headline
from clc.analysis.report.languages import LeaveOneOut, PathsByLanguage
from clc.analysis.report.measures import INTERVAL, Judged
from clc.analysis.report.models import PathsByModel
from clc.analysis.report.paths import Abstentions, Confidences, TokenCosts
from clc.analysis.report.sections import Column, Fact, Section, Summary
from clc.analysis.report.stopping import EarlyStops
from clc.analysis.scoreboard import Scoreboard
from clc.analysis.scores import scored
from clc.voting.verdict import PATH_CHOICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clc.analysis.comparison_records import ProblemOutcome
    from clc.analysis.intervals import Rate
    from clc.analysis.report.sections import Cell
    from clc.analysis.scores import Score
    from clc.runs.revote import Solved

__all__ = ["SummaryBuilder", "comparison"]

_BINS = 10  # of agreement


class SummaryBuilder:
    """Builds the summary of a run from its solved problems, one by one.

    It keeps only numbers: about 4 kB a problem at 44 paths in eleven languages. If there is no gold
    at all, paths and votes are measured by the verdict's own answer.

    Args:
        name: name of the run.
        manifest: its configuration; empty if unknown.

    >>> SummaryBuilder("empty", {}).summary().sections
    ()
    """

    def __init__(self, name: str, manifest: Mapping[str, Any]) -> None:
        self._name = name
        self._manifest = manifest
        identity: Mapping[str, Any] = manifest.get("identity", {})
        self._voting = identity.get("strategy", {}).get("voting", "majority")
        self._weighted = self._voting == "weighted" or identity.get("weighting") is not None
        self._scoreboard = Scoreboard(_BINS)
        self._items: dict[str, int] = {}
        self._languages: dict[str, None] = {}  # of the reasoning, in the order that breaks ties
        self._asked: dict[str, None] = {}
        self._by_gold: _ByTarget | None = None
        self._by_verdict = _ByTarget()
        self._abstentions = Abstentions()
        self._written = WrittenLanguages()
        self._costs = TokenCosts()
        self._stops = EarlyStops(identity)

    def add(self, solved: Solved) -> None:
        """Add one problem."""
        row = scored(solved.problem, solved.verdict, solved.counted_votes)
        self._scoreboard.fill([row])
        self._languages.update(dict.fromkeys(solved.plan.languages))
        self._asked[solved.problem.language] = None
        for part in (self._abstentions, self._costs, self._stops):
            part.add(solved)
        for _, path in solved.drawn():
            self._written.add(path)
        outcome = problem_outcome(*solved, weighted=self._weighted)
        if outcome.gold is not None:
            if self._by_gold is None:
                self._by_gold, self._by_verdict = _ByTarget(), _ByTarget()
            self._judge(self._by_gold, solved, outcome, outcome.gold)
        elif self._by_gold is None and outcome.answer is not None:
            self._judge(self._by_verdict, solved, outcome, outcome.answer)

    def _judge(self, by: _ByTarget, solved: Solved, outcome: ProblemOutcome, target: str) -> None:
        item = self._items.setdefault(outcome.item, len(self._items))
        language, verdict = solved.problem.language, solved.verdict
        one = Judged(item, language, outcome.paths, outcome.order, verdict, target)
        by.add(one, solved, chosen=self._voting in PATH_CHOICES)

    def summary(self) -> Summary:
        """Return the summary of the problems so far."""
        score = self._scoreboard.score()
        facts = [*headline(score, self._manifest, list(self._languages)), *self._stops.facts()]
        if self._voting in PATH_CHOICES and len(self._languages) > 1:
            facts.append(
                Fact(
                    "What each language adds",
                    "does not apply",
                    f"the answer is that of a chosen path ({self._voting}): no vote can be taken "
                    "again without a language",
                )
            )
        ranks = {code: rank for rank, code in enumerate({**self._languages, **self._asked})}
        sections = tuple(_in_order(one, ranks) for one in self._sections(score))
        return Summary(self._name, tuple(facts), sections)

    def _sections(self, score: Score) -> Iterator[Section]:
        gold = self._by_gold is not None
        by = self._by_gold or self._by_verdict
        yield from by.paths.sections(gold=gold)
        yield from by.models.sections(gold=gold)
        yield from _by_language(score)
        yield from by.left_out.sections(gold=gold)
        yield from _calibration(score)
        yield from _risk_coverage(score)
        yield from by.curve.sections(gold=gold, chosen=self._voting in PATH_CHOICES)
        yield from self._stops.sections()
        yield from self._abstentions.sections()
        yield from self._written.sections()
        yield from by.confidences.sections(gold=gold)
        yield from self._costs.sections()


class _ByTarget:
    """The sections that depend on the criterion: gold, or the verdict's own answer."""

    def __init__(self) -> None:
        self.paths = PathsByLanguage()
        self.models = PathsByModel()
        self.left_out = LeaveOneOut()
        self.curve = Curve()
        self.confidences = Confidences()

    def add(self, one: Judged, solved: Solved, *, chosen: bool) -> None:
        self.paths.add(one)
        self.models.add(one, solved)
        if not chosen:
            self.left_out.add(one)
        self.curve.add(one)
        self.confidences.add(one, solved)


def _in_order(section: Section, ranks: Mapping[str, int]) -> Section:
    """Sort rows by their languages, stably."""
    indices = [index for index, column in enumerate(section.columns) if column.kind == "language"]
    last = len(ranks)

    def rank(row: tuple[Cell, ...]) -> list[int]:
        return [ranks.get(str(row[index]), last) for index in indices]

    return replace(section, rows=tuple(sorted(section.rows, key=rank)))


def _by_language(score: Score) -> Iterator[Section]:
    """Yield accuracy by question language, if there are several, and by reasoning language."""
    if len(score.by_language) < 2:  # noqa: PLR2004
        return
    yield _rates(
        "questions",
        "Verdicts by the language of the question",
        "Accuracy of the vote for the questions of each language.",
        ("question", "problems"),
        score.by_language,
    )
    if len(score.by_reasoning_language) > 1:
        rates = {code: one.accuracy for code, one in score.by_reasoning_language.items()}
        yield _rates(
            "reasoning",
            "Paths by the language of the reasoning",
            "Share of single paths that are right, over the questions of all languages.",
            ("reasoning", "paths"),
            rates,
        )


def _rates(
    name: str, title: str, note: str, what: tuple[str, str], rates: Mapping[str, Rate]
) -> Section:
    return Section(
        name,
        title,
        note,
        (
            Column(what[0], "language"),
            Column(what[1], "count"),
            Column("right", "count"),
            Column("right share", "share"),
            *INTERVAL,
        ),
        tuple((code, r.total, r.right, r.value, r.low, r.high) for code, r in rates.items()),
        "bars",
    )


def _calibration(score: Score) -> Iterator[Section]:
    if not score.calibration:
        return
    yield Section(
        "calibration",
        "Agreement and accuracy",
        "Verdicts by their agreement, the share of the votes behind them, and how many of them "
        "are right. On the diagonal, agreement is the chance to be right.",
        (
            Column("agreement above", "share"),
            Column("up to", "share"),
            Column("mean agreement", "share"),
            Column("verdicts", "count"),
            Column("right", "count"),
            Column("right share", "share"),
            *INTERVAL,
        ),
        tuple(
            (
                one.low,
                one.high,
                one.mean_agreement,
                one.accuracy.total,
                one.accuracy.right,
                one.accuracy.value,
                one.accuracy.low,
                one.accuracy.high,
            )
            for one in score.calibration
        ),
        "calibration",
    )


def _risk_coverage(score: Score) -> Iterator[Section]:
    curve = score.risk_coverage
    if curve is None or len(curve.points) < 2:  # noqa: PLR2004  all are answered, or none
        return
    yield Section(
        "risk",
        "Answering only when sure",
        "Verdicts of this agreement or more: their share of the problems, and how many of them are "
        f"right. The area between risk and coverage is {curve.area:.4f}, of which a perfect order "
        f"of the same verdicts would spare {curve.excess:.4f} (arXiv 1805.08206). `clc calibrate "
        "--precision` finds a threshold that holds for other questions.",
        (
            Column("agreement", "share"),
            Column("answered", "share"),
            Column("verdicts", "count"),
            Column("right", "count"),
            Column("right share", "share"),
        ),
        tuple(
            (one.agreement, one.coverage, one.answered, one.right, 1 - one.risk)
            for one in curve.points
        ),
        "coverage",
    )
