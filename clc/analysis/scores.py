"""Figures of a run's score, and the verdicts with golds that they are made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from clc.datasets.levels import read_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.analysis.intervals import Rate
    from clc.analysis.selective import RiskCoverage
    from clc.records import AnswerKind, Problem, Usage, Verdict, Vote

__all__ = ["AgreementBin", "PathScore", "Score", "Scored", "scored"]


@dataclass(frozen=True, slots=True)
class Scored:
    """A verdict with its gold.

    ``item`` is shared by the problems that ask the same in several languages. ``gold`` is as in the
    file. ``votes`` are the problem's paths, for the figures by reasoning language. ``level`` is
    the problem's difficulty, see ``clc.datasets.levels``.
    """

    id: str
    item: str
    language: str
    gold: str | None
    verdict: Verdict
    votes: Sequence[Vote] = ()
    kind: AnswerKind | None = None
    level: str | None = None


def scored(problem: Problem, verdict: Verdict, votes: Sequence[Vote] = ()) -> Scored:
    """Pair a verdict with its problem's gold."""
    return Scored(
        id=problem.id,
        item=str(problem.metadata.get("item", problem.id)),
        language=problem.language,
        gold=problem.gold,
        verdict=verdict,
        votes=votes,
        kind=problem.metadata.get("kind"),
        level=read_level(problem.metadata.get("level")),
    )


@dataclass(frozen=True, slots=True)
class PathScore:
    """Single paths that reasoned in one language; ``abstained`` of them count as wrong."""

    accuracy: Rate
    abstained: int


@dataclass(frozen=True, slots=True)
class AgreementBin:
    """Accuracy of the verdicts whose agreement is above ``low`` and at most ``high``."""

    low: float
    high: float
    mean_agreement: float
    accuracy: Rate


@dataclass(frozen=True, slots=True)
class Score:
    """The score of a run.

    ``accuracy``, ``oracle`` (any path right), ``by_language`` (of the question) and
    ``calibration`` count the ``with_gold`` problems. ``unreadable_gold`` problems have a gold with
    no canonical form and are not among them. ``mean_agreement``, ``calibration`` and
    ``calibration_error`` (mean distance of agreement from accuracy over the bins, from 0 to 1)
    leave out the ``unanswered``. ``abstentions`` counts paths by reason. ``usage`` is that
    of the paths, ``translation_usage`` that of everything before them; the sum is the total.
    ``by_level`` are the accuracies by difficulty, and ``difficulty_weighted`` their mean with
    PolyMath's weights (arXiv 2504.18428); None where problems have no level.
    ``withheld`` verdicts have an answer that was not sure enough to be given; they are among the
    ``unanswered``, and ``selective`` is the accuracy of the answers that were given.
    ``risk_coverage`` is that of all votes, withheld or not.
    ``cost`` in ``currency`` is None where neither prices nor reported costs are known.
    """

    problems: int
    items: int
    with_gold: int
    unreadable_gold: int
    unanswered: int
    tied: int
    accuracy: Rate | None
    oracle: Rate | None
    by_language: Mapping[str, Rate]
    by_reasoning_language: Mapping[str, PathScore]
    mean_agreement: float | None
    calibration: tuple[AgreementBin, ...]
    calibration_error: float | None
    abstentions: Mapping[str, int]
    paths: int
    usage: Usage
    translation_usage: Usage
    by_level: Mapping[str, Rate] = field(default_factory=dict)
    difficulty_weighted: float | None = None
    withheld: int = 0
    selective: Rate | None = None
    risk_coverage: RiskCoverage | None = None
    cost: float | None = None
    currency: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values for results.json, without levels, thoughts and costs of none."""
        usages = {name: getattr(self, name).to_json() for name in ("usage", "translation_usage")}
        values = asdict(self) | usages
        if not self.by_level:
            del values["by_level"], values["difficulty_weighted"]
        if not self.withheld:
            del values["withheld"], values["selective"]
        if self.risk_coverage is None:
            del values["risk_coverage"]
        if self.cost is None:
            del values["cost"], values["currency"]
        return values
