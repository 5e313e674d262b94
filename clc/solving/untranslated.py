"""The paths of arms whose translation failed: other arms sample them, or they ask the original.

Decisions depend on the results of the paths in sampling order, not on when they arrive, so that a
run that goes on makes them again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clc.bounds import PATHS
from clc.plan import has_no_translation
from clc.strategies.schedule import Slot
from clc.strategies.strategy import TRANSLATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from clc.solving.accounting import SlotResult
    from clc.strategies.strategy import Arm

__all__ = ["UntranslatedArms", "original_slot", "untranslated_details"]

_MOST_PATHS = int(PATHS.bounds["le"])


def original_slot(slot: Slot, planned: Iterable[Slot]) -> Slot:
    """Return the slot that asks the question as it is.

    Its index follows those of planned slots that would have the same prompt.
    """
    arm = replace(slot.arm, question="original", into=None, translator=TRANSLATOR)
    return Slot(arm, slot.index + sum(one.arm == arm for one in planned))


class UntranslatedArms:
    """The arms of a problem without a translation, and the paths that others sample for them.

    Such a path abstains, and one more path is planned at the end: the next of the schedule, as for
    a larger budget, whose arm is not known to be without a translation. If that arm has none
    either, its path is given on in the same way.

    Args:
        schedule: plans a number of paths; a longer plan begins with a shorter one.
        planned: number of paths in the budget.
    """

    def __init__(self, schedule: Callable[[int], Sequence[Slot]], planned: int) -> None:
        self._schedule = schedule
        self._slots = schedule(planned)
        self._next = planned
        self._failed: set[Arm] = set()

    def give(self, arm: Arm) -> Slot | None:
        """Return the slot to sample for a path of this arm, None where no other arm is left."""
        self._failed.add(arm)
        while True:
            for position in range(self._next, len(self._slots)):
                if self._slots[position].arm not in self._failed:
                    self._next = position + 1
                    return self._slots[position]
            self._next = len(self._slots)
            arms = {slot.arm for slot in self._slots}
            if arms <= self._failed or len(self._slots) >= _MOST_PATHS:
                return None
            self._slots = self._schedule(min(2 * len(self._slots), _MOST_PATHS))


def untranslated_details(rule: str, results: Sequence[SlotResult], planned: int) -> dict[str, Any]:
    """Return the detail of a verdict on arms without a translation; {} where there is none.

    Args:
        rule: ``give``, ``original``, or ``abstain``, where the abstentions show it.
        results: those that count.
        planned: number of paths in the budget; later ones were sampled for others.
    """
    if rule == "abstain":
        return {}
    if rule == "original":
        failed = Counter(
            result.translation.language
            for result in results
            if result.translation is not None and result.slot.arm.question == "original"
        )
        return {"untranslated": {"rule": rule, "paths": dict(failed)}} if failed else {}
    failed, given = (
        Counter(
            result.slot.arm.stands_for
            for result in part
            if has_no_translation(result.fault) == without
        )
        for part, without in ((results, True), (results[planned:], False))
    )
    if not failed:
        return {}
    return {"untranslated": {"rule": rule, "paths": dict(failed), "given_to": dict(given)}}
