"""Votes over several models: every arm of a strategy, once for each engine file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from clc.bounds import PATHS
from clc.errors import StrategyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.strategies.strategy import Strategy

__all__ = ["OWN", "with_voters"]

OWN = "own"
"""The name of the run's own engine among voters."""


def with_voters(strategy: Strategy, voters: Sequence[str]) -> Strategy:
    """Return a strategy whose paths are sampled by several models in turn.

    Args:
        strategy: each of its arms has paths by every model.
        voters: ``FILE`` or ``FILE:COUNT``: an engine file, or ``own``, and its paths for each path
            of one without a count.

    Raises:
        StrategyError: an arm names an engine itself, a count is no number from 1 on, or a model is
            given twice.

    >>> from clc.strategies.catalogue import get_strategy
    >>> strategy = with_voters(get_strategy("clc"), ["a.toml:2", "own"])
    >>> [(arm.engine, arm.share) for arm in strategy.arms]
    [('a.toml', 2), (None, 1)]
    """
    if any(arm.engine is not None for arm in strategy.arms):
        raise StrategyError(
            f"strategy {strategy.name!r} names the engines of its arms; leave out --voter"
        )
    counts: dict[str, int] = {}
    for voter in voters:
        name, colon, number = voter.rpartition(":")
        if not colon:
            name, number = voter, "1"
        if not name.strip() or not number.isascii() or not number.isdecimal():
            raise StrategyError(f"--voter {voter!r:.200}: it reads FILE or FILE:COUNT, or own")
        if name in counts:
            raise StrategyError(f"--voter {name!r:.200} is given twice: give it once")
        counts[name] = int(number)
        PATHS.check(f"--voter {name}: its count", counts[name], StrategyError)
    return replace(
        strategy,
        arms=tuple(
            replace(arm, engine=None if name == OWN else name, share=arm.share * count)
            for arm in strategy.arms
            for name, count in counts.items()
        ),
    )
