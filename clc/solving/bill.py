"""What a run costs in money, and the budget at which it stops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clc.errors import BudgetError, ConfigurationError
from clc.prices import show_money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.engines.base import Completion
    from clc.prices import RunPrices

__all__ = ["Bill"]

_CURRENCY = "USD"  # of costs that endpoints report


@dataclass(slots=True)
class Bill:
    """The money that a run has spent.

    The cost of a completion is what its endpoint reports, else its tokens times the prices.

    Attributes:
        prices: of tokens; None where only the endpoint knows them.
        budget: at which the run stops, over all its calls; None for no limit.
        before: spent by earlier calls.
        cost: spent by this one.
        cached_tokens: of prompts, those that endpoints had cached.
        is_known: some cost is known.
    """

    prices: RunPrices | None = None
    budget: float | None = None
    before: float = 0.0
    cost: float = 0.0
    cached_tokens: int = 0
    is_known: bool = False
    _cached_before: int = field(default=0, repr=False)

    @property
    def currency(self) -> str:
        """The currency of the prices, or that of reported costs."""
        return self.prices.paths.currency if self.prices is not None else _CURRENCY

    def begin(self, manifest: Mapping[str, Any] | None) -> None:
        """Take over what earlier calls of the run spent.

        Raises:
            BudgetError: they spent the budget.
        """
        spent = (manifest or {}).get("spent", {})
        self.before = float(spent.get("cost", 0.0))
        self._cached_before = int(spent.get("cached_tokens", 0))
        self._check()

    def add(self, completion: Completion, *, translation: bool = False) -> None:
        """Add the cost of a completion.

        Raises:
            BudgetError: the budget is spent.
            ConfigurationError: there is a budget, and the cost is not known.
        """
        self.cached_tokens += completion.cached_tokens
        cost = completion.cost
        if cost is None and self.prices is not None:
            prices = self.prices.translations if translation else self.prices.paths
            usage = completion.usage
            cost = prices.cost(
                usage.prompt_tokens, usage.completion_tokens, completion.cached_tokens
            )
        if cost is not None:
            self.is_known = True
            self.cost += cost
            self._check()
        elif self.budget is not None:
            raise ConfigurationError(
                "there is a budget, and the endpoint does not report what a completion costs: "
                "write [prices] into an engine file, or leave out the budget"
            )

    def to_json(self) -> dict[str, Any]:
        """Return what all calls of the run spent, for the manifest; {} where nothing is known."""
        values: dict[str, Any] = {}
        if self.is_known or self.before:
            values |= {"cost": round(self.before + self.cost, 9), "currency": self.currency}
        if cached := self._cached_before + self.cached_tokens:
            values["cached_tokens"] = cached
        return values

    def _check(self) -> None:
        spent = self.before + self.cost
        if self.budget is not None and spent >= self.budget:
            raise BudgetError(
                f"the budget of {show_money(self.budget, self.currency)} is spent: "
                f"{show_money(spent, self.currency)}; what was drawn stays, and the same command "
                "with a larger budget goes on"
            )
