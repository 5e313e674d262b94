"""The options of the stopping rule."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import click

from clc import bounds
from clc.cli.options import NumberType, OptionGroup, option
from clc.errors import ConfigurationError
from clc.voting.stopping import RULES

if TYPE_CHECKING:
    from clc.strategies.strategy import Strategy
    from clc.voting.stopping import Stopping

__all__ = ["StoppingOptions"]


@dataclass(frozen=True)
class StoppingOptions(OptionGroup):
    """The rule that ends a question early, and its settings."""

    stopping: str | None = option(
        "--stopping",
        type=click.Choice(list(RULES)),
        help="Rule that ends a question early.  [default: the strategy's]",
    )
    threshold: float | None = option(
        "--threshold",
        type=NumberType(bounds.STOP_THRESHOLD),
        help="Probability at which a rule that has one stops.  [default: 0.95]",
    )
    stop_window: int | None = option(
        "--stop-window",
        type=NumberType(bounds.STOP_WINDOW),
        metavar="N",
        help="Paths in a row that must agree, for window.  [default: 5]",
    )
    stop_languages: int | None = option(
        "--stop-languages",
        type=NumberType(bounds.LANGUAGES),
        metavar="N",
        help="Languages that must agree, for crosslingual.  [default: 3]",
    )
    stop_correlation: float | None = option(
        "--stop-correlation",
        type=NumberType(bounds.SHARE),
        metavar="R",
        help="Correlation of two paths in one language, for crosslingual, bayes, cite and mmc.  "
        "[default: 0.5 for crosslingual, else 0]",
    )
    prior: str | None = option(
        "--prior",
        metavar="FILE",
        help="Prior of bayes, in a file from clc calibrate.  [default: all shapes alike]",
    )

    @classmethod
    def empty(cls) -> Self:
        """Return the group without any option."""
        return cls(**{declared.name: None for declared in fields(cls)})

    def rule_for(self, strategy: Strategy) -> Stopping:
        """Return the strategy's stopping rule, changed by the options."""
        settings = {
            "threshold": self.threshold,
            "window": self.stop_window,
            "languages": self.stop_languages,
            "correlation": self.stop_correlation,
            "prior": self.prior,
        }
        changes: dict[str, Any] = {
            name: value for name, value in settings.items() if value is not None
        }
        own = strategy.stopping
        rule = self.stopping or own.rule
        if wrong := ", ".join(name for name in changes if name not in RULES[rule].settings):
            raise ConfigurationError(f"--stopping {rule} has no {wrong}; choose another rule")
        if self.prior is not None:
            from clc.analysis.shape_prior import read_prior

            changes["prior"] = read_prior(self.prior)
        if rule != own.rule:  # its default correlation, and no prior
            changes = {"rule": rule, "correlation": None, "prior": None} | changes
        return replace(own, **changes)
