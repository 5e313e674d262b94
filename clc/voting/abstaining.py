"""Withheld answers: a verdict that is not sure enough gives none.

The agreement of a vote is its confidence (self-consistency as confidence, arXiv 2203.11171, section
3.4), and agreement between languages is more evidence than agreement within one (MKA, arXiv
2503.23687). ``clc calibrate --precision`` finds the least agreement for a wanted precision.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from clc import bounds
from clc.errors import StrategyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.records import Verdict

__all__ = ["Abstaining", "given_answer", "withhold"]

_ROUNDING = 1e-9
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Abstaining:
    """When a verdict withholds its answer.

    It is withheld where the agreement, from 0 to 1, is less than ``below``, or where paths of fewer
    than ``languages`` languages voted for it.

    Raises:
        StrategyError: a value is out of range.
    """

    below: float = 0.0
    languages: int = 1

    def __post_init__(self) -> None:
        bounds.SHARE.check("abstain_below", self.below, StrategyError)
        bounds.LANGUAGES.check("abstain_languages", self.languages, StrategyError)

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Abstaining | None:
        """Return the settings in a manifest, None where it has none."""
        return None if values is None else cls(**values)

    def reason(self, verdict: Verdict) -> str | None:
        """Return why the answer of a verdict is withheld; None where it is given.

        >>> from clc.records import Answer, Vote
        >>> from clc.voting.tally import vote
        >>> votes = [Vote("", "en", Answer(value)) for value in ("18", "18", "26")]
        >>> Abstaining(0.5).reason(vote(votes)), Abstaining(0.7).reason(vote(votes))
        (None, 'agreement 0.666667 is below 0.7')
        """
        shown = round(verdict.agreement, _DIGITS)  # as verdicts and thresholds are written
        if shown < self.below - _ROUNDING:
            return f"agreement {shown:g} is below {self.below:g}"
        agreeing = sum(
            weight > 0 for weight in verdict.tally.get(verdict.answer or "", {}).values()
        )
        if agreeing < self.languages:
            return f"languages that agree: {agreeing}, fewer than {self.languages}"
        return None


def withhold(verdict: Verdict, abstaining: Abstaining | None) -> Verdict:
    """Take the answer out of a verdict that is not sure enough.

    ``details["withheld"]`` has the answer and the reason; support and agreement stay those of the
    answer.
    """
    if abstaining is None or verdict.answer is None:
        return verdict
    reason = abstaining.reason(verdict)
    if reason is None:
        return verdict
    withheld = {"answer": verdict.answer, "reason": reason}
    return replace(verdict, answer=None, details={**verdict.details, "withheld": withheld})


def given_answer(verdict: Verdict) -> str | None:
    """Return the answer that won the vote, withheld or not."""
    withheld = verdict.details.get("withheld")
    return withheld["answer"] if withheld else verdict.answer
