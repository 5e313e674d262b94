"""How one problem's vote is shown: for a person line by line, for a program as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from clc.analysis.export import verdict_row
from clc.answers.canonical import canonical_gold
from clc.cli.tables import (
    answer_line,
    detail_lines,
    language_name,
    language_styles,
    legend,
    vote_table,
)
from clc.cli.text import brief, excerpt, put, visible
from clc.records import AbstainReason, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from clc.plan import ArmRecord
    from clc.records import Prompt, ReasoningPath, Vote
    from clc.runs.revote import Solved

__all__ = ["Ballot", "Shown", "print_path", "print_solved", "solved_json"]

_INDENT = 4
_DETAIL_MOST = 300  # cells

_WHY = {
    AbstainReason.EMPTY: "the text is empty",
    AbstainReason.REFUSAL: "it refuses to answer",
    AbstainReason.UNDETERMINED: "it says that the question cannot be decided",
    AbstainReason.UNRESOLVED: "what it states is no value yet",
    AbstainReason.TRUNCATED: "it was cut off before its answer",
    AbstainReason.NO_ANSWER: "it states no answer",
    AbstainReason.ENGINE_FAILURE: "it was lost",
    AbstainReason.TRANSLATION: "the question has no faithful translation",
    AbstainReason.LOW_CONFIDENCE: "its confidence is low",
    AbstainReason.DEADLINE: "it was not there in time",
}


class Ballot(NamedTuple):
    """One path of a plan, counted from 1, and its vote; an arm without a prompt has no path."""

    number: int
    arm: ArmRecord
    path: ReasoningPath | None
    vote: Vote


class Shown(NamedTuple):
    """A solved problem and what to show of it.

    ``prompts`` are those to show, by key; ``budget`` is the paths that the run allowed, and
    ``language`` the only one whose paths are shown.
    """

    solved: Solved
    prompts: Mapping[str, Prompt]
    budget: int | None = None
    paths: bool = True
    language: str | None = None
    full: bool = False

    def ballots(self) -> Iterator[Ballot]:
        """Yield what is shown of the paths, in drawing order."""
        one = self.solved
        for number, ((arm, key), vote) in enumerate(zip(one.plan.paths, one.votes, strict=True), 1):
            if self.language in {None, arm.language}:
                yield Ballot(number, arm, None if key is None else one.paths[key], vote)

    def translations(self) -> dict[tuple[str, str], bool]:
        """Return (language, question) of what was asked in other words, and whether it is human."""
        problem = self.solved.problem
        return {
            (arm.language, arm.question): problem.translations.get(arm.language) == arm.question
            for arm in self.solved.plan.arms
            if arm.question is not None and self.language in {None, arm.language}
        }


def print_solved(console: Console, shown: Shown) -> None:
    """Print a problem: question, translations, tally, paths, verdict."""
    problem, plan, _, _, verdict = shown.solved
    styles = language_styles(plan.languages)
    told_of = f"{brief(problem.id)}, a question in {language_name(problem.language)}"
    put(console, Text(f"Problem {told_of}", "bold"))
    put(console, excerpt(problem.question, full=shown.full), _INDENT)
    if translations := shown.translations():
        _heading(console, "Translations")
        for (code, question), human in translations.items():
            by = " by a human" if human else ""
            put(console, Text.assemble((language_name(code), styles[code]), by), 2)
            put(console, excerpt(question, full=shown.full), _INDENT)
    _heading(console, "Vote")
    console.print(vote_table(verdict, styles))
    put(console, legend(styles), 2)
    if shown.paths:
        _heading(console, "Paths")
        told: set[str] = set()
        for ballot in shown.ballots():
            prompt = shown.prompts.get(ballot.arm.prompt_key or "")
            if prompt is not None and prompt.key not in told:
                told.add(prompt.key)
                _print_prompt(console, prompt, full=shown.full)
            print_path(console, ballot, styles, full=shown.full)
    _heading(console, "Verdict")
    put(console, answer_line(verdict), 2)
    put(console, _gold(shown.solved), 2)
    for line in detail_lines(verdict, shown.budget or verdict.paths):
        put(console, Text(line), 2)


def print_path(
    console: Console, ballot: Ballot, styles: Mapping[str, str], *, full: bool = False
) -> None:
    """Print one path: what it is and votes for, then its text with the answer standing out."""
    number, arm, path, vote = ballot
    head = [language_name(arm.language)]
    if path is not None and path.error is None:
        head += [f"path {path.index}", visible(path.finish_reason)]
        head.append(f"{path.usage.completion_tokens:,} tokens")
    head.append(f"weight {vote.weight:g}")
    if vote.language != arm.language:
        head.append(f"written and counted in {language_name(vote.language)}")
    line = Text(f"{number}. ")
    line.append(head[0], style=f"bold {styles.get(arm.language, '')}")
    line.append("".join(f", {part}" for part in head[1:]))
    said = vote.outcome
    if isinstance(said, Answer):
        line.append(f": votes {brief(said.value)}")
        put(console, line, 2)
    else:
        detail = f" ({brief(said.detail, _DETAIL_MOST)})" if said.detail else ""
        put(console, line.append(f": no vote, {_WHY[said.reason]}{detail}"), 2)
    if path is not None and path.text:
        span = said.span if isinstance(said, Answer) else None
        put(console, excerpt(path.text, marked=span, full=full), _INDENT)


def _print_prompt(console: Console, prompt: Prompt, *, full: bool) -> None:
    told = f"prompt {brief(prompt.template)} in {language_name(prompt.language)}"
    put(console, Text(told, "bold"), 2)
    for message in prompt.messages:
        put(console, Text(f"--- {visible(message['role'])}", "dim"), _INDENT)
        put(console, excerpt(message["content"], full=full), _INDENT)


def _gold(one: Solved) -> Text:
    """Say what is right, and whether the vote is."""
    gold = one.problem.gold
    if gold is None:
        return Text("There is no gold answer to compare with.", "dim")
    canonical = canonical_gold(gold, one.problem.metadata.get("kind"))
    if canonical is None:
        return Text(f"Gold: {brief(gold)}, which is no answer that can be compared.")
    right = canonical == one.verdict.answer
    said = ("right", "bold green") if right else ("wrong", "bold red")
    return Text.assemble(f"Gold: {brief(gold)}, so the verdict is ", said, ".")


def _heading(console: Console, title: str) -> None:
    put(console, Text(f"\n{title}", "bold"))


def solved_json(shown: Shown) -> dict[str, Any]:
    """Everything that ``print_solved`` shows, as JSON values. Texts are exact."""
    problem, _, _, _, verdict = shown.solved
    row = verdict_row(verdict, gold=problem.gold, kind=problem.metadata.get("kind"))
    found: dict[str, Any] = {
        **row,
        "language": problem.language,
        "question": problem.question,
        "translations": [
            {"language": code, "question": question, "human": human}
            for (code, question), human in shown.translations().items()
        ],
    }
    if shown.paths:
        found["votes"] = [_vote_json(ballot) for ballot in shown.ballots()]
    if shown.prompts:
        found["prompts"] = {
            key: {"template": one.template, "language": one.language, "messages": one.messages}
            for key, one in shown.prompts.items()
        }
    return found


def _vote_json(ballot: Ballot) -> dict[str, Any]:
    number, arm, path, vote = ballot
    said = vote.outcome
    found: dict[str, Any] = {
        "number": number,
        "language": arm.language,
        "counted_in": vote.language,
        "weight": vote.weight,
        "prompt": arm.prompt_key,
    }
    if isinstance(said, Answer):
        found |= {"answer": said.value, "span": said.span}
    else:
        found |= {"answer": None, "abstains": said.reason, "detail": said.detail}
    if path is not None and path.error is None:
        found |= {
            "index": path.index,
            "seed": path.seed,
            "finish_reason": path.finish_reason,
            "prompt_tokens": path.usage.prompt_tokens,
            "completion_tokens": path.usage.completion_tokens,
            "text": path.text,
        }
    return found
