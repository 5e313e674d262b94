"""The cost of a run in money, and the budget at which it stops."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clc.errors import BudgetError, ConfigurationError
from clc.prices import show_money

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from clc.engines.base import Completion
    from clc.prices import RunPrices

__all__ = ["Bill"]

_CURRENCY = "USD"  # of costs that endpoints report
_ROOM = nullcontext()
_FIRST = 4  # completions in flight until the first cost is known


@dataclass(slots=True)
class Bill:
    """The money that a run has spent.

    The cost of a completion is what its endpoint reports, else its tokens times the prices.

    With a budget, a completion is started only where the budget has room for it and for those in
    flight, each taken to cost as much as the mean so far. What is in flight when the budget is
    spent is completed and stored. So a run costs more than its budget by what its last completions
    cost above the mean, or by one completion.

    Attributes:
        prices: of tokens; None where only the endpoint knows them.
        budget: at which the run stops, over all its calls; None for no limit.
        before: spent by earlier calls, and by other replicas of this one.
        cost: spent by this one.
        cached_tokens: of prompts, those that endpoints had cached.
        is_known: some cost is known.
        replicas: that share the budget, each with as many completions in flight.
    """

    prices: RunPrices | None = None
    budget: float | None = None
    before: float = 0.0
    cost: float = 0.0
    cached_tokens: int = 0
    is_known: bool = False
    replicas: int = 1
    _cached_before: int = field(default=0, repr=False)
    _open: int = field(default=0, repr=False)
    _counted: int = field(default=0, repr=False)
    _freed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def currency(self) -> str:
        """The currency of the prices, or that of reported costs."""
        return self.prices.paths.currency if self.prices is not None else _CURRENCY

    @property
    def spent(self) -> float:
        """The money that all calls of the run spent."""
        return self.before + self.cost

    def begin(self, manifest: Mapping[str, Any] | None, stored: float = 0.0) -> None:
        """Take over what earlier calls of the run spent.

        Args:
            manifest: of the run.
            stored: cost of what they stored; a call that was killed did not note the last of it.

        Raises:
            BudgetError: they spent the budget.
        """
        spent = (manifest or {}).get("spent", {})
        self.before = max(float(spent.get("cost", 0.0)), stored)
        self._cached_before = int(spent.get("cached_tokens", 0))
        self._check()

    def room(self) -> AbstractAsyncContextManager[None]:
        """Return a context that waits until the budget has room for one more completion.

        It raises a BudgetError when the budget is spent and nothing is in flight any more.
        """
        return _ROOM if self.budget is None else self._hold(self.budget)

    @asynccontextmanager
    async def _hold(self, budget: float) -> AsyncIterator[None]:
        while self._open and not self._has_room(budget):
            self._freed.clear()
            await self._freed.wait()
        self._check()
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._freed.set()

    def price(self, completion: Completion, *, translation: bool = False) -> float | None:
        """Return the cost of a completion, None where it is not known."""
        if completion.cost is not None or self.prices is None:
            return completion.cost
        prices = self.prices.translations if translation else self.prices.paths
        usage = completion.usage
        return prices.cost(usage.prompt_tokens, usage.completion_tokens, completion.cached_tokens)

    def add(self, cost: float | None, cached_tokens: int = 0) -> None:
        """Add the cost of a completion.

        Raises:
            ConfigurationError: there is a budget, and the cost is not known.
        """
        self.cached_tokens += cached_tokens
        if cost is not None:
            self.is_known = True
            self.cost += cost
            self._counted += 1
        elif self.budget is not None:
            raise ConfigurationError(
                "there is a budget, and the endpoint does not report what a completion costs: "
                "write [prices] into an engine file, or leave out the budget"
            )

    def to_json(self) -> dict[str, Any]:
        """Return what all calls of the run spent, for the manifest; {} where nothing is known."""
        values: dict[str, Any] = {}
        if self.is_known or self.before:
            values |= {"cost": round(self.spent, 9), "currency": self.currency}
        if cached := self._cached_before + self.cached_tokens:
            values["cached_tokens"] = cached
        return values

    def _has_room(self, budget: float) -> bool:
        if not self._counted:
            return self._open < _FIRST
        mean = self.cost / self._counted
        return self.spent + (self._open + 1) * self.replicas * mean <= budget

    def _check(self) -> None:
        if self.budget is not None and self.spent >= self.budget:
            raise BudgetError(
                f"the budget of {show_money(self.budget, self.currency)} is spent: "
                f"{show_money(self.spent, self.currency)}; what was sampled stays, and the same "
                "command with a larger budget goes on"
            )
