"""Advice on paths without a vote, by reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.records import AbstainReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ADVICE", "advice_lines"]

ADVICE = {
    AbstainReason.EMPTY: "the text is empty or ends with its thought: raise --max-tokens where the "
    "server counts the thought apart, ask for the final answer in the prompt, or switch thinking "
    "off",
    AbstainReason.TRUNCATED: "the text ends at its limit, before its answer: raise --max-tokens (a "
    "run goes on in the same folder), or give thinking models a --thinking-budget",
    AbstainReason.REFUSAL: "the model refuses in these languages: leave them out",
    AbstainReason.UNDETERMINED: "the text says that the question cannot be decided, or leaves "
    "several answers open",
    AbstainReason.UNRESOLVED: "the text ends with an expression that has no value",
    AbstainReason.NO_ANSWER: "no answer is found in the text: look at some rows with clc extract, "
    "and give --kind where the answers are letters or LaTeX",
    AbstainReason.ENGINE_FAILURE: "the request failed",
    AbstainReason.TRANSLATION: "no translation kept the numbers and the options: use a stronger "
    "--translator, or fewer --languages",
}
"""Advice by reason; reasons that a user chose, such as a deadline, have none."""

_ALWAYS = (AbstainReason.EMPTY, AbstainReason.TRUNCATED)


def advice_lines(abstentions: Mapping[str, int]) -> Iterator[str]:
    """Yield what helps against empty and truncated texts, where there are any."""
    for reason in _ALWAYS:
        if abstentions.get(reason):
            yield f"{reason}: {ADVICE[reason]}."
