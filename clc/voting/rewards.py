"""Rewards of paths: what a verifier says of each solution, made comparable across languages.

A verifier likes some languages more than others. So a reward is divided by the mean of its
language, and that mean is shrunk to the question's by one path's weight: with few paths a language
there is little to tell its mean from, and with one path each the rewards are compared as they are.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.records import Vote

__all__ = ["best_rewarded", "normalized_rewards", "weigh_by_reward"]


def normalized_rewards(languages: Sequence[str], rewards: Sequence[float | None]) -> list[float]:
    """Return the rewards of a question's paths relative to their languages; 1 is the mean.

    Args:
        languages: of the paths.
        rewards: from 0 to 1; a missing one counts as its language's mean.

    >>> normalized_rewards(["en", "en", "sw"], [1.0, 0.5, None])
    [1.3333333333333333, 0.6666666666666666, 1.0]
    """
    known = [reward for reward in rewards if reward is not None]
    overall = sum(known) / len(known) if known else 0.0
    by_language: dict[str, list[float]] = defaultdict(list)
    for language, reward in zip(languages, rewards, strict=True):
        if reward is not None:
            by_language[language].append(reward)
    means = {
        language: (sum(values) + overall) / (len(values) + 1)
        for language, values in by_language.items()
    }
    return [
        1.0 if reward is None or not means[language] else reward / means[language]
        for language, reward in zip(languages, rewards, strict=True)
    ]


def weigh_by_reward(votes: Sequence[Vote], rewards: Sequence[float | None]) -> list[Vote]:
    """Weigh votes by the rewards of their paths, for the voting rule ``weighted``."""
    weights = normalized_rewards([one.language for one in votes], rewards)
    return [
        replace(vote, weight=vote.weight * weight)
        for vote, weight in zip(votes, weights, strict=True)
    ]


def best_rewarded(languages: Sequence[str], rewards: Sequence[float | None]) -> int | None:
    """Return the index of the path with the largest reward; None where none is known.

    Of equal ones it is the first.
    """
    if all(reward is None for reward in rewards):
        return None
    weights = normalized_rewards(languages, rewards)
    known = [index for index, reward in enumerate(rewards) if reward is not None]
    return max(known, key=lambda index: (weights[index], -index))
