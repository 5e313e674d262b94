"""The paths of a question as they are stored: its arms with their prompts, and their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.records import AbstainReason, Usage, arm_path_keys, content_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


__all__ = ["ArmRecord", "Plan", "has_no_translation", "path_keys"]


class ArmRecord(NamedTuple):
    """``paths`` paths of one prompt of an arm, numbered from ``first_index`` on.

    ``prompt_key`` is None when the arm has no prompt, and ``fault`` is then the reason. ``seed`` is
    the run's. ``translation_usage`` is what the prompt cost: a translation, a first turn.
    ``answers_in`` is the language of the replies, ``weight`` what a vote counts under weighted
    voting, and ``floor`` the confidence below which a path was aborted. ``question`` is the
    translation that the prompt asks, None where it asks the question as it is. ``arm_key`` and
    ``redraw`` (how often the path was sampled anew) decide the paths' seeds; a row of format 2
    has no ``arm_key``. ``engine`` is the engine file of the model, '' for the run's own.
    """

    language: str
    prompt_key: str | None
    first_index: int
    paths: int
    seed: int
    fault: str | None = None
    translation_usage: Usage = Usage()
    answers_in: str | None = None
    weight: float = 1.0
    floor: float | None = None
    question: str | None = None
    arm_key: str | None = None
    redraw: int = 0
    engine: str = ""


@dataclass(frozen=True)
class Plan:
    """The paths that were sampled for a problem.

    ``arms`` are in the order that breaks ties; ``order`` names for each path, in drawing order,
    the arm whose next path it is. ``usage`` was spent on the question as a whole, and ``details``
    are what else led to the verdict (``stop``, ``plan``, ``choice``, ``deadline``).
    """

    arms: tuple[ArmRecord, ...]
    order: tuple[int, ...]
    usage: Usage = Usage()  # noqa: RUF009 - frozen
    details: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def paths(self) -> Sequence[tuple[ArmRecord, str | None]]:
        """Pairs of arm and path key in drawing order; the key is None without a prompt."""
        keys = [path_keys(arm) for arm in self.arms]
        return [(self.arms[position], next(keys[position])[1]) for position in self.order]

    def keys(self) -> list[str]:
        """Keys of all paths, in drawing order."""
        return [key for _, key in self.paths if key is not None]

    @cached_property
    def given(self) -> frozenset[int]:
        """Positions of the paths without a translation that other arms sampled in their place.

        A path without a translation is given as long as some arm has not failed.
        """
        if self.details.get("untranslated", {}).get("rule") != "give":
            return frozenset()
        arms = {_arm_of(arm) for arm in self.arms}
        failed = set()
        given = set()
        for position, number in enumerate(self.order):
            if has_no_translation(self.arms[number].fault):
                failed.add(_arm_of(self.arms[number]))
                if failed != arms:
                    given.add(position)
        return frozenset(given)

    @property
    def languages(self) -> list[str]:
        """The arms' languages, in the order that breaks ties."""
        return list(dict.fromkeys(arm.language for arm in self.arms))

    @classmethod
    def of(cls, arms: Sequence[ArmRecord]) -> Plan:
        """Make a plan of one path of each arm, then the next of each.

        >>> Plan.of([ArmRecord("en", "a", 0, 2, 0), ArmRecord("de", "b", 0, 1, 0)]).order
        (0, 1, 0)
        """
        order: list[int] = []
        left = [(position, arm.paths) for position, arm in enumerate(arms)]
        while left := [(position, paths) for position, paths in left if paths > 0]:
            order += [position for position, _ in left]
            left = [(position, paths - 1) for position, paths in left]
        return cls(tuple(arms), tuple(order))


def has_no_translation(fault: str | None) -> bool:
    """Whether a path has no prompt because no try at the translation kept the question's numbers.

    A translation that was lost is another fault: the same command tries it again.
    """
    return fault is not None and fault.startswith(f"{AbstainReason.TRANSLATION}:")


def _arm_of(row: ArmRecord) -> tuple[str, str | None]:
    return row.language, row.arm_key


def path_keys(arm: ArmRecord) -> Iterator[tuple[int, str | None]]:
    """Yield (index, key) of every path of a row, of this format or of format 2.

    Format 2 numbered all paths of a prompt, whichever arms rendered it, and hashed the number.
    """
    prompt = arm.prompt_key
    indices = range(arm.first_index, arm.first_index + arm.paths)
    keys: Iterable[str | None]
    if prompt is None:
        keys = repeat(None, arm.paths)
    elif arm.arm_key is None:
        rest = [arm.seed] if arm.floor is None else [arm.seed, arm.floor]
        keys = (content_key("path", [prompt, index, *rest]) for index in indices)
    else:
        keys = arm_path_keys(
            arm.seed, prompt, arm.arm_key, indices, redraw=arm.redraw, floor=arm.floor
        )
    return zip(indices, keys, strict=True)
