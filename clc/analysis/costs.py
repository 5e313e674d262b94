"""The cost of a run in money, from its manifest and its tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clc.prices import RunPrices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from clc.analysis.scores import Score
    from clc.records import ReasoningPath, Verdict

__all__ = ["add_cost", "currency_of", "problem_cost"]


def add_cost(score: Score, manifest: Mapping[str, Any] | None) -> Score:
    """Return a run's score with its cost, where the manifest has prices or what was spent.

    With prices it is that of all tokens of the run, wherever they were sampled; without, it is what
    the endpoints reported for the calls of this run.

    Raises:
        StoreError: the manifest's prices are not what clc writes.
    """
    if (prices := RunPrices.from_manifest(manifest)) is not None:
        cost = prices.cost(score.usage, score.translation_usage)
        return replace(score, cost=cost, currency=prices.paths.currency)
    spent = (manifest or {}).get("spent", {})
    if "cost" not in spent:
        return score
    return replace(score, cost=spent["cost"], currency=spent.get("currency"))


def problem_cost(
    verdict: Verdict, paths: Iterable[ReasoningPath], prices: RunPrices | None
) -> float | None:
    """Return the cost of a problem, None where it is not known.

    Without prices it is what the endpoint reported for its paths, where nothing came before them:
    a translation may be shared with other problems.
    """
    if prices is not None:
        return prices.cost(verdict.usage, verdict.translation_usage)
    costs = [path.cost for path in paths if path.error is None]
    if verdict.translation_usage.total or not costs:
        return None
    return None if None in costs else sum(one for one in costs if one is not None)


def currency_of(manifest: Mapping[str, Any] | None, prices: RunPrices | None) -> str | None:
    """Return the currency of a run's costs, None where it has none."""
    if prices is not None:
        return prices.paths.currency
    currency: str | None = (manifest or {}).get("spent", {}).get("currency")
    return currency
