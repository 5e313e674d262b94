"""A check that a run's stopping rule can stop at all."""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from clc.bounds import PATHS
from clc.strategies.schedule import plan_slots
from clc.strategies.strategy import EVERY, QUESTION
from clc.voting.stopping import RULES, never_stops

if TYPE_CHECKING:
    from clc.solving.configuration import Configuration

__all__ = ["cannot_stop", "warn_if_it_cannot_stop"]

_log = logging.getLogger(__name__)
_MOST_PATHS = int(PATHS.bounds["le"])
_NO_LANGUAGE = "vo"  # of hardly any question: its own language is none of the others


def warn_if_it_cannot_stop(configuration: Configuration) -> None:
    """Log where every question takes the whole budget, whatever its votes are."""
    if not cannot_stop(configuration):
        return
    stopping = configuration.stopping
    settings = ", ".join(
        f"{name} {getattr(stopping, name)}"
        for name in RULES[stopping.rule].settings
        if getattr(stopping, name) is not None
    )
    _log.warning(
        "stopping rule %r%s cannot stop within %d paths, even where all agree: every question "
        "takes all of them; raise --paths, or change the settings of the rule",
        stopping.rule,
        f" ({settings})" if settings else "",
        configuration.paths,
    )


def cannot_stop(configuration: Configuration) -> bool:
    """Whether it is certain from the settings alone that the stopping rule stops on no question.

    False where that depends on the model: on its choice of languages or on those that it writes.
    """
    strategy = configuration.strategy
    if (
        configuration.stopping.rule == "fixed"
        or configuration.online is not None
        or configuration.fidelity == "count"
        or strategy.planner is not None
        or any(arm.switch or arm.drawn for arm in strategy.arms)
    ):
        return False
    asked = {_NO_LANGUAGE, *(configuration.languages or strategy.languages)}
    asked |= {arm.language for arm in strategy.arms} | set(configuration.sequence)
    for code, sequence in configuration.routes or ():
        asked |= {code, *sequence}
    asked -= {EVERY, QUESTION}
    return all(_cannot_stop_on(configuration, language) for language in asked)


def _cannot_stop_on(configuration: Configuration, question_language: str) -> bool:
    schedule = partial(
        plan_slots,
        configuration.strategy,
        question_language,
        languages=configuration.languages,
        sequence=configuration.sequence_for(question_language),
    )
    planned, longer = (
        [slot.arm.stands_for for slot in schedule(paths)]
        for paths in (configuration.paths, min(2 * configuration.paths, _MOST_PATHS))
    )
    counts = Counter(planned).values()
    # Arms without a translation give their paths to others, perhaps in more languages.
    may_spread = configuration.untranslated == "give" and (
        set(longer) != set(planned) or max(counts) - min(counts) > 1
    )
    if may_spread and "correlation" in RULES[configuration.stopping.rule].settings:
        return False
    return never_stops(configuration.stopping, planned)
