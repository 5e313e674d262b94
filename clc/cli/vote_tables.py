"""A vote on the terminal: its tally, its answer, and what else led to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from clc.cli.tables import REASON_MOST, make_table
from clc.cli.text import brief, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.table import Table

    from clc.records import Verdict

__all__ = ["answer_line", "detail_lines", "vote_table"]

_BAR_CELLS = 20
_ANSWER_MOST = 400  # cells; an answer may be a whole text where the model chooses a path


def vote_table(verdict: Verdict, styles: Mapping[str, str] | None = None) -> Table:
    """Return the tally of a vote: for each answer its support, a bar, and the languages.

    The parts of a bar have the order of the languages beside it.

    Args:
        verdict: the vote.
        styles: colours of languages, see ``language_styles``.
    """
    styles = styles or {}
    table = make_table("answer", "votes", "", "languages")
    table.columns[3].justify = table.columns[2].justify = "left"
    for answer, by_language in verdict.tally.items():
        support = sum(by_language.values())
        bar, reached = Text(), 0.0
        for code, count in by_language.items():
            reached += count
            wanted = round(_BAR_CELLS * reached / verdict.total)
            bar.append("█" * (wanted - len(bar)), style=styles.get(code, ""))
        table.add_row(Text(brief(answer)), f"{support:g}", bar, _behind(by_language, styles))
    for reason, counts in verdict.abstentions.items():
        label = f"no vote: {reason.replace('_', ' ')}"
        table.add_row(label, "", "", _behind(counts, styles), style="dim")
    return table


def answer_line(verdict: Verdict) -> Text:
    """Return the answer of a vote with its support."""
    if verdict.answer is None:
        if withheld := verdict.details.get("withheld"):
            return Text(f"No answer: {withheld['reason']}.")
        return Text("No path gave an answer.")
    votes = "1 vote" if verdict.total == 1 else f"{verdict.total:g} votes"
    tie = " (a tie, decided by the order of languages)" if verdict.tied else ""
    return Text.assemble(
        "Answer: ",
        (brief(verdict.answer, _ANSWER_MOST), "bold"),
        f"  {verdict.support:g} of {votes}{tie}",
    )


def detail_lines(verdict: Verdict, budget: int) -> Iterator[str]:
    """Yield what else led to a verdict: a plan, an early stop, a choice, a deadline."""
    details = verdict.details
    if plan := details.get("plan"):
        chosen = ", ".join(f"{code} {weight:g}" for code, weight in plan["weights"].items())
        faults = "; ".join(brief(fault, _ANSWER_MOST) for fault in plan["faults"])
        repaired = f" (repaired: {faults})" if faults else ""
        yield f"The model's plan, languages with weights: {visible(chosen)}{repaired}"
    if untranslated := details.get("untranslated"):
        yield _untranslated_line(untranslated)
    if stop := details.get("stop"):
        posterior = "" if stop["probability"] is None else f", at {stop['probability']:.3f}"
        yield f"Stopped after {stop['paths']} of {budget} paths ({stop['rule']}{posterior})"
    if choice := details.get("choice"):
        yield _choice_line(choice)
    for reason, count in (details.get("lost") or {}).items():
        yield f"Lost: {count:,} paths: {visible(brief(reason, REASON_MOST))}"
    if withheld := details.get("withheld"):
        yield f"The vote's answer, withheld: {visible(brief(withheld['answer'], _ANSWER_MOST))}"
    if details.get("deadline"):
        yield "The time was over before every path was there"


def _choice_line(choice: Mapping[str, Any]) -> str:
    if (clusters := choice.get("clusters")) is not None:
        sizes = ", ".join(str(len(cluster)) for cluster in clusters) or "none"
        return f"Clusters of paths that say the same: {sizes} (entropy {choice['entropy']:.2f})"
    if "reply" not in choice:
        return "The answer is that of the path that is most like the others"
    if choice["path"] is None:
        return "The model did not name the most consistent path: the majority decides"
    return "The answer is that of the path that the model found most consistent"


def _untranslated_line(detail: Mapping[str, Any]) -> str:
    failed = ", ".join(f"{visible(code)} {count}" for code, count in detail["paths"].items())
    if detail["rule"] == "original":
        return f"No translation ({failed}): these paths asked the question as it is"
    given = ", ".join(f"{visible(code)} {count}" for code, count in detail["given_to"].items())
    return f"No translation ({failed}): paths given to {given or 'no other language'}"


def _behind(counts: Mapping[str, float], styles: Mapping[str, str]) -> Text:
    return Text(" ").join(
        Text(visible(code) if count == 1 else f"{visible(code)}×{count:g}", styles.get(code, ""))
        for code, count in counts.items()
    )
