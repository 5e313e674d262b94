"""Rounds of one problem: how many paths to start next, and where the votes may stop."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clc.voting.stopping import Stop, first_stop, next_round_size
from clc.voting.weighting import floors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.base import Measure
    from clc.records import Vote
    from clc.solving.accounting import SlotResult
    from clc.solving.configuration import Configuration, Online
    from clc.strategies.schedule import Slot

__all__ = ["Rounds"]


class Rounds:
    """The rounds of one problem, by the run's stopping rule or by DeepConf online.

    Args:
        settings: of the run.
        results: those of the slots that were started, as they grow.
    """

    def __init__(self, settings: Configuration, results: Sequence[SlotResult]) -> None:
        self._settings = settings
        self._results = results
        self._floors: dict[str, float] = {}

    def next_size(
        self, votes: Sequence[Vote], slots: Sequence[Slot], weights: Mapping[str, float]
    ) -> int:
        """Return the number of paths to have started when these votes are in."""
        settings, count = self._settings, len(votes)
        if settings.online is not None:
            if count < settings.online.warm_up:
                return settings.online.warm_up
            return count + 1 + settings.ahead
        upcoming = [slot.arm.stands_for for slot in slots[count:]]
        weighted = settings.strategy.voting == "weighted"
        size = next_round_size(settings.stopping, votes, upcoming, weights if weighted else None)
        return count + size + settings.ahead

    def stop(self, votes: Sequence[Vote], slots: Sequence[Slot]) -> Stop | None:
        """Return where the rule stops, if it does."""
        settings = self._settings
        if settings.online is not None:
            return self._consensus(settings.online, votes)
        languages = {slot.arm.stands_for for slot in slots}
        weighted = settings.strategy.voting == "weighted"
        return first_stop(settings.stopping, votes, len(slots), languages, weighted=weighted)

    def details(self, stop: Stop) -> dict[str, Any]:
        """Return a stop for the details of a verdict, with the name of the rule."""
        rule = self._settings.stopping.rule if self._settings.online is None else "online"
        return {"rule": rule, **stop._asdict()}

    def set_floor(self, result: SlotResult) -> Measure | None:
        """Return how to measure a path of DeepConf online: after the warm-up, with a floor."""
        measure = self._settings.measure
        result.own_row = True
        result.floor = self._floors.get(result.slot.arm.stands_for)
        return None if measure is None else replace(measure, floor=result.floor)

    def _consensus(self, online: Online, votes: Sequence[Vote]) -> Stop | None:
        """Set the floors when the warm-up is done, and stop when the votes agree enough."""
        if len(votes) < online.warm_up:
            return None
        if not self._floors:
            warm = self._results[: online.warm_up]
            self._floors = floors(
                [result.slot.arm.stands_for for result in warm],
                [result.path.confidence if result.path else None for result in warm],
                online.keep,
            )
        for paths in range(online.warm_up, len(votes) + 1):
            counts = Counter(vote.answer for vote in votes[:paths] if vote.answer is not None)
            share = max(counts.values()) / counts.total() if counts else 0.0
            if share >= online.consensus:
                return Stop(paths, share)
        return None
