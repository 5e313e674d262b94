"""The paths of a question in drawing order: which arm each is of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clc.errors import StrategyError
from clc.languages import distinct_languages, normalize_language
from clc.records import path_seed
from clc.strategies.strategy import EVERY, QUESTION, Arm, Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Slot", "plan_slots", "resolve_arms"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One path to draw: its arm, with real languages, and its index among the arm's paths."""

    arm: Arm
    index: int


def plan_slots(
    strategy: Strategy,
    question_language: str,
    paths: int,
    *,
    languages: Sequence[str] | None = None,
    sequence: Sequence[str] = (),
    salt: str = "",
) -> list[Slot]:
    """List the paths of a question in drawing order: one of each arm, then the next of each.

    A longer list begins with the shorter one. An arm in the question's own language keeps the
    question as it is; arms that come to the same are one.

    Args:
        strategy: what to plan.
        question_language: BCP-47 code.
        paths: how many.
        languages: what ``"*"`` stands for; the strategy's own by default.
        sequence: languages in drawing order, with repetition, in place of ``languages``.
        salt: what the languages of ``drawn`` arms are drawn by.

    >>> from clc.strategies.catalogue import STRATEGIES
    >>> slots = plan_slots(STRATEGIES["clc"], "de", 3, languages=["en", "de"])
    >>> [(slot.arm.language, slot.arm.question, slot.index) for slot in slots]
    [('en', 'translated', 0), ('de', 'original', 0), ('en', 'translated', 1)]

    Raises:
        StrategyError: ``paths`` is not positive, or a sequence meets arms of fixed languages.
    """
    if paths < 1:
        raise StrategyError(f"paths per question must be at least 1, not {paths}")
    if sequence and any(
        EVERY not in (arm.language, arm.into) or arm.drawn for arm in strategy.arms
    ):
        raise StrategyError(
            f"strategy {strategy.name!r} has languages of its own; a portfolio goes with "
            'strategies whose arms all reason in "*"'
        )
    chosen = distinct_languages(sequence or languages or strategy.languages)
    units: dict[tuple[Arm, ...], None] = {}
    for arm in strategy.arms:
        if arm.drawn:
            others = [code for code in chosen if code != question_language] or chosen
            units[tuple(_settle(arm, question_language, code) for code in others)] = None
        elif not sequence:
            for code in chosen if EVERY in (arm.language, arm.into) else ("",):
                units[(_settle(arm, question_language, code),)] = None
    rounds = [unit for unit in units for _ in range(unit[0].share)]
    used: Counter[Arm] = Counter()
    slots = []
    for position in range(paths):
        if sequence:
            turn, place = divmod(position, len(strategy.arms))
            language = normalize_language(sequence[turn % len(sequence)])
            arm = _settle(strategy.arms[place], question_language, language)
        else:
            turn, place = divmod(position, len(rounds))
            unit = rounds[place]
            which = 0 if len(unit) == 1 else path_seed(place, salt, turn) % len(unit)
            arm = unit[which]
        slots.append(Slot(arm, used[arm]))
        used[arm] += 1
    return slots


def resolve_arms(slots: Iterable[Slot], order: Sequence[str]) -> list[Arm]:
    """List the distinct arms of slots: by the first slot, but languages of ``order`` in its order.

    The order of arms breaks ties, so it must not depend on what a seed drew.
    """
    rank = {code: place for place, code in enumerate(distinct_languages(order))}
    arms = list(dict.fromkeys(slot.arm for slot in slots))
    ranked = iter(
        sorted(
            (arm for arm in arms if arm.stands_for in rank), key=lambda arm: rank[arm.stands_for]
        )
    )
    return [next(ranked) if arm.stands_for in rank else arm for arm in arms]


def _settle(arm: Arm, question_language: str, chosen: str) -> Arm:
    """Put real languages into an arm; in the question's own language it stays as it is."""
    places = {QUESTION: question_language, EVERY: chosen}
    language = places.get(arm.language) or normalize_language(arm.language)
    into = arm.into and (places.get(arm.into) or normalize_language(arm.into))
    form = arm.question
    if (into or language) == question_language:
        form, into = "original", None
    answers_in = arm.answers_in and (
        places.get(arm.answers_in) or normalize_language(arm.answers_in)
    )
    return replace(
        arm, language=language, question=form, into=into, answers_in=answers_in, drawn=False
    )
