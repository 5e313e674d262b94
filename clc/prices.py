"""Prices of tokens, and what a run costs with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from clc.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.records import Usage

__all__ = ["Prices", "RunPrices", "show_money"]


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices per million tokens.

    Attributes:
        prompt: of prompts.
        completion: of completions, thoughts included.
        cached: of the prompt tokens that the provider had cached; ``prompt`` by default.
        currency: of the prices.
    """

    prompt: float
    completion: float
    cached: float | None = None
    currency: str = "USD"

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float:
        """Return the price of tokens; the cached ones are part of those of the prompt.

        >>> Prices(1.0, 4.0, cached=0.5).cost(2_000_000, 1_000_000, 1_000_000)
        5.5
        """
        cached = self.prompt if self.cached is None else self.cached
        whole = prompt_tokens - cached_tokens
        cost = whole * self.prompt + cached_tokens * cached + completion_tokens * self.completion
        return cost / 1e6


@dataclass(frozen=True, slots=True)
class RunPrices:
    """The prices of a run.

    Attributes:
        paths: of the tokens of paths.
        translations: of the tokens before them.
    """

    paths: Prices
    translations: Prices

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any] | None) -> RunPrices | None:
        """Return the prices of a stored run, None where it has none.

        Raises:
            StoreError: they are not what clc writes.
        """
        stored = (manifest or {}).get("prices")
        if stored is None:
            return None
        try:
            return cls(Prices(**stored["paths"]), Prices(**stored["translations"]))
        except (TypeError, KeyError) as error:
            raise StoreError(f"the manifest's prices cannot be read: {error!r}") from error

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        return asdict(self)

    def cost(self, usage: Usage, translation_usage: Usage) -> float:
        """Return the price of a run's or a problem's tokens."""
        paths = self.paths.cost(usage.prompt_tokens, usage.completion_tokens)
        before = translation_usage
        return paths + self.translations.cost(before.prompt_tokens, before.completion_tokens)


def show_money(amount: float, currency: str = "") -> str:
    """Write an amount of money.

    >>> show_money(1234.5, "USD"), show_money(0.000123)
    ('1,234.50 USD', '0.000123')
    """
    text = f"{amount:,.2f}" if amount == 0 or amount >= 1 else f"{amount:.3g}"
    return f"{text} {currency}".rstrip()
