"""The shape of a stopping rule: a name, its settings, and a function that judges the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from clc.voting.stopping.counts import VoteCounts
    from clc.voting.stopping.settings import Stopping

__all__ = ["Judgement", "Rule"]


class Judgement(NamedTuple):
    """Whether a rule stops, and its probability that this is right, if it has one."""

    stops: bool
    probability: float | None


@dataclass(frozen=True)
class Rule:
    """A stopping rule.

    Attributes:
        judge: judges the counts after a vote.
        settings: the fields of ``Stopping`` that the rule uses.
        correlation: default correlation of two paths in one language.
        state: maps counts to a key that decides all later judgements. It is there for rules that
            other continuations than agreement may stop first: the rounds then search over all
            continuations, one for each key.
        takes_weights: whether votes may have weights, by language.
    """

    judge: Callable[[Stopping, VoteCounts], Judgement]
    settings: tuple[str, ...] = ()
    correlation: float = 0.5
    state: Callable[[Stopping, VoteCounts], object] | None = None
    takes_weights: bool = False
