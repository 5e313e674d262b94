"""The protocol of reward models, and rewards of steps as one number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RewardModel", "Steps", "combine_steps", "sigmoid", "solution_messages"]

Steps = Literal["last", "mean", "min", "product"]


class RewardModel(Protocol):
    """Gives each solution of a problem a number from 0 to 1."""

    @property
    def fingerprint(self) -> str:
        """The identity of the model and of all that changes its numbers."""

    async def start(self) -> None:
        """Load the model, or check that its server answers.

        Raises:
            EngineError: it gives no rewards.
        """

    async def rewards(self, question: str, solutions: Sequence[str]) -> list[float | None]:
        """Return a reward for each solution, None where it was lost."""

    async def close(self) -> None:
        """Release the model."""


def solution_messages(question: str, solution: str, separator: str) -> list[dict[str, str]]:
    """Return a solution as a chat; ``separator`` ends each of its paragraphs, its steps."""
    if separator:
        steps = [part.strip() for part in solution.split("\n\n") if part.strip()]
        solution = "".join(f"{step}{separator}" for step in steps)
    return [{"role": "user", "content": question}, {"role": "assistant", "content": solution}]


def combine_steps(rewards: Sequence[float], steps: str) -> float:
    """Return the reward of a solution from those of its steps (process reward models).

    The last step's, their mean, their least, or their product (Let's Verify Step by Step, arXiv
    2305.20050, section 2.6).

    >>> combine_steps([0.9, 0.5], "min"), combine_steps([0.9, 0.5], "last")
    (0.5, 0.5)

    Raises:
        ConfigurationError: the name is unknown.
    """
    if steps not in get_args(Steps):
        raise ConfigurationError(
            f"steps are combined by one of {', '.join(get_args(Steps))}, not {steps!r:.60}"
        )
    if steps == "mean":
        return math.fsum(rewards) / len(rewards)
    return {"last": rewards[-1], "min": min(rewards), "product": math.prod(rewards)}[steps]


def sigmoid(logit: float) -> float:
    """Return the logistic function, without overflow.

    >>> sigmoid(0.0), sigmoid(-1000.0)
    (0.5, 0.0)
    """
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    power = math.exp(max(logit, -700.0))
    return 0.0 if logit < -700 else power / (1 + power)  # noqa: PLR2004  exp underflows
