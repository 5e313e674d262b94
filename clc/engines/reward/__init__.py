"""Reward models: a number from 0 to 1 for each solution of a problem.

base        the protocol, and rewards of steps as one number
classifier  a sequence classifier in this process (transformers)
server      vLLM's pooling and classification endpoints
"""

from __future__ import annotations

from clc.engines.reward.base import RewardModel

__all__ = ["RewardModel"]
