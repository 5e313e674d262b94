"""What was drawn for a problem, as its plan keeps it, and which arm pays for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc.plan import ArmRecord
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from clc.records import Prompt, ReasoningPath
    from clc.strategies.strategy import Arm

__all__ = ["Drawn", "account", "planned_paths"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of one slot.

    ``base`` was spent on the prompt that the arm's paths share, ``extra`` on this path alone: on
    turns before it, or on paths that it replaces. ``alone`` says that it is no part of a row of
    paths of one prompt.
    """

    arm: Arm
    prompt: Prompt | None
    fault: str | None = None
    index: int = 0
    path: ReasoningPath | None = None
    base: Usage = Usage()  # noqa: RUF009 - frozen
    extra: Usage = Usage()  # noqa: RUF009 - frozen
    alone: bool = True
    floor: float | None = None
    question: str | None = None


def account(
    drawn: Sequence[Drawn],
    arms: Iterable[Arm],
    source: Callable[[Arm], object],
    row_of: Callable[[Drawn, int], ArmRecord],
) -> tuple[tuple[ArmRecord, ...], tuple[int, ...]]:
    """Make the rows of a plan and its order, each prompt paid for once.

    Args:
        drawn: what became of the slots, in drawing order.
        arms: in the order that breaks ties.
        source: what an arm's prompt is made from; arms that share a translation pay for it once.
        row_of: makes the row of so many paths.
    """
    rows: list[ArmRecord] = []
    place: dict[int, int] = {}
    charged: set[object] = set()
    for arm in arms:
        mine = [at for at, one in enumerate(drawn) if one.arm == arm]
        if not mine:
            continue
        apart = any(drawn[at].alone for at in mine)
        base = max((drawn[at].base for at in mine), key=lambda usage: usage.total)
        if (shared := source(arm)) in charged:
            base = Usage()
        charged.add(shared)
        for group in [[at] for at in mine] if apart else [mine]:
            row = row_of(drawn[group[0]], len(group))
            rows.append(row._replace(translation_usage=row.translation_usage + base))
            place |= dict.fromkeys(group, len(rows) - 1)
            base = Usage()  # once an arm
    return tuple(rows), tuple(place[at] for at in range(len(drawn)))


def planned_paths(drawn: Drawn, paths: int, seed: int, weights: Mapping[str, float]) -> ArmRecord:
    """Make the row of ``paths`` paths that begin with one that was drawn."""
    return ArmRecord(
        drawn.arm.stands_for,
        None if drawn.prompt is None else drawn.prompt.key,
        drawn.index,
        paths,
        seed,
        drawn.fault,
        drawn.extra,
        drawn.arm.answers_in,
        weights.get(drawn.arm.stands_for, 1.0),
        drawn.floor,
        drawn.question,
    )
