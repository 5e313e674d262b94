"""The cost of a run in money, from its manifest and its tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clc.prices import RunPrices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.analysis.scoring import Score

__all__ = ["add_cost"]


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
