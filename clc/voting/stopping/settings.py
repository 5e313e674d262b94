"""The table of the stopping rules, and the settings of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc import bounds
from clc.errors import StrategyError
from clc.voting.stopping.adaptive import BETA, CROSSLINGUAL, DIRICHLET
from clc.voting.stopping.bayes import BAYES
from clc.voting.stopping.certificates import CITE, MMC
from clc.voting.stopping.count_rules import FIXED, LEAD, WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.voting.shapes import Shape
    from clc.voting.stopping.rule import Rule

__all__ = ["RULES", "Stopping"]

RULES: Mapping[str, Rule] = {
    "fixed": FIXED,
    "lead": LEAD,
    "beta": BETA,
    "dirichlet": DIRICHLET,
    "window": WINDOW,
    "crosslingual": CROSSLINGUAL,
    "bayes": BAYES,
    "cite": CITE,
    "mmc": MMC,
}


@dataclass(frozen=True, slots=True)
class Stopping:
    """A stopping rule and its settings.

    Attributes:
        rule: its name in ``RULES``.
        threshold: the probability at which a rule that has one stops, between 0.5 and 1.
        window: of ``window``, in votes.
        languages: of ``crosslingual``: the least number of languages with votes for the leading
            answer.
        correlation: of two paths in one language, 0 to 1; used by ``crosslingual`` (default 0.5),
            ``bayes``, ``cite`` and ``mmc`` (default 0).
        prior: of ``bayes``: the shapes of the questions, flat by default.

    Raises:
        StrategyError: the rule is unknown, or a setting is out of range.
    """

    rule: str = "fixed"
    threshold: float = 0.95
    window: int = 5
    languages: int = 3
    correlation: float | None = None
    prior: tuple[Shape, ...] | None = None

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise StrategyError(
                f"unknown stopping rule {self.rule!r}; there are: {', '.join(RULES)}"
            )
        if self.correlation is None:
            object.__setattr__(self, "correlation", RULES[self.rule].correlation)
        for name, number in (
            ("threshold", bounds.STOP_THRESHOLD),
            ("window", bounds.STOP_WINDOW),
            ("languages", bounds.LANGUAGES),
            ("correlation", bounds.SHARE),
        ):
            number.check(f"stopping {name}", getattr(self, name), StrategyError)
        if self.prior is not None and self.rule != "bayes":
            raise StrategyError(f"stopping rule {self.rule!r} has no prior; bayes has")
