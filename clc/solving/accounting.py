"""The results of a problem's slots as rows of its plan, each translation charged once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc.plan import ArmRecord
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.records import Prompt, ReasoningPath
    from clc.solving.translation import TranslationKey
    from clc.strategies.schedule import Slot
    from clc.strategies.strategy import Arm

__all__ = ["SlotResult", "make_row", "make_rows"]


@dataclass(slots=True)
class SlotResult:
    """The path of one slot, or the reason why there is none; filled while it is on its way.

    Attributes:
        slot: the arm and the number of the path.
        prompt: None without a prompt, for the reason ``fault``.
        path: None without a prompt.
        redraw: how often the path was sampled anew.
        floor: the confidence below which the path was aborted.
        question: the translation that the prompt asks.
        path_usage: tokens spent on this path alone beside its own: on turns before it, and on
            paths that it replaces.
        own_row: stored in a row of its own, because its prompt, redraw or floor is not shared.
        translation: that was wanted for the prompt, charged once over all slots.
    """

    slot: Slot
    prompt: Prompt | None = None
    fault: str | None = None
    path: ReasoningPath | None = None
    redraw: int = 0
    floor: float | None = None
    question: str | None = None
    path_usage: Usage = Usage()  # noqa: RUF009 - frozen
    own_row: bool = False
    translation: TranslationKey | None = None


def make_rows(
    results: Sequence[SlotResult],
    arms: Iterable[Arm],
    spent: Mapping[TranslationKey, Usage],
    seed: int,
    weights: Mapping[str, float],
) -> tuple[tuple[ArmRecord, ...], tuple[int, ...]]:
    """Make the rows of a plan and its order.

    Args:
        results: of the slots, in drawing order.
        arms: in the order that breaks ties.
        spent: tokens spent on translations.
        seed: of the run.
        weights: of the languages that have one.
    """
    rows: list[ArmRecord] = []
    row_of_slot: dict[int, int] = {}
    charged: set[TranslationKey] = set()
    slots_of_arm: dict[Arm, list[int]] = {arm: [] for arm in arms}
    for number, result in enumerate(results):
        slots_of_arm[result.slot.arm].append(number)
    for slots in slots_of_arm.values():
        if not slots:
            continue
        usage: Usage | None = None
        if (key := results[slots[0]].translation) is not None and key not in charged:
            usage = spent.get(key)
            charged.add(key)
        apart = any(results[number].own_row for number in slots)
        for group in [[number] for number in slots] if apart else [slots]:
            row = make_row(results[group[0]], len(group), seed, weights)
            if usage is not None:
                row = row._replace(translation_usage=row.translation_usage + usage)
                usage = None  # once an arm
            rows.append(row)
            row_of_slot |= dict.fromkeys(group, len(rows) - 1)
    return tuple(rows), tuple(row_of_slot[number] for number in range(len(results)))


def make_row(result: SlotResult, paths: int, seed: int, weights: Mapping[str, float]) -> ArmRecord:
    """Make the row of ``paths`` paths of which ``result`` is the first."""
    arm = result.slot.arm
    return ArmRecord(
        arm.stands_for,
        None if result.prompt is None else result.prompt.key,
        result.slot.index,
        paths,
        seed,
        result.fault,
        result.path_usage,
        arm.answers_in,
        weights.get(arm.stands_for, 1.0),
        result.floor,
        result.question,
        arm.key,
        result.redraw,
        arm.engine or "",
    )
