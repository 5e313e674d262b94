"""Show the vote on one problem: as text for a person, as JSON for a program."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from clc.analysis.export import verdict_row
from clc.answers.canonical import canonical_gold
from clc.cli.tables import language_label, language_styles, legend
from clc.cli.text import brief, excerpt, put, visible
from clc.cli.vote_tables import answer_line, detail_lines, vote_table
from clc.records import AbstainReason, Answer
from clc.thoughts.language import MIXED, thought_language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from clc.plan import ArmRecord
    from clc.records import Prompt, ReasoningPath, Vote
    from clc.runs.revote import Solved

__all__ = ["Shown", "ShownPath", "print_path", "print_solved", "solved_json"]

_INDENT = 4
_DETAIL_MOST = 300  # cells
_UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my", "bo"})

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


class ShownPath(NamedTuple):
    """One path of a plan, counted from 1, and its vote; an arm without a prompt has no path."""

    number: int
    arm: ArmRecord
    path: ReasoningPath | None
    vote: Vote


class Shown(NamedTuple):
    """A solved problem and what to show of it.

    ``prompts`` are those to show, by key; ``budget`` is the paths that the run allowed,
    ``language`` the only one whose paths are shown, and ``thoughts`` shows them in full.
    """

    solved: Solved
    prompts: Mapping[str, Prompt]
    budget: int | None = None
    paths: bool = True
    language: str | None = None
    full: bool = False
    thoughts: bool = False

    def shown_paths(self) -> Iterator[ShownPath]:
        """Yield the paths to show, in the order of the plan."""
        one = self.solved
        for number, ((arm, key), vote) in enumerate(zip(one.plan.paths, one.votes, strict=True), 1):
            if self.language in {None, arm.language}:
                yield ShownPath(number, arm, None if key is None else one.paths[key], vote)

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
    title = f"Problem {brief(problem.id)}, a question in {language_label(problem.language)}"
    put(console, Text(title, "bold"))
    put(console, excerpt(problem.question, full=shown.full), _INDENT)
    if translations := shown.translations():
        _heading(console, "Translations")
        for (code, question), human in translations.items():
            by = " by a human" if human else ""
            put(console, Text.assemble((language_label(code), styles[code]), by), 2)
            put(console, excerpt(question, full=shown.full), _INDENT)
    _heading(console, "Vote")
    console.print(vote_table(verdict, styles))
    put(console, legend(styles), 2)
    if shown.paths:
        _heading(console, "Paths")
        printed: set[str] = set()
        for shown_path in shown.shown_paths():
            prompt = shown.prompts.get(shown_path.arm.prompt_key or "")
            if prompt is not None and prompt.key not in printed:
                printed.add(prompt.key)
                _print_prompt(console, prompt, full=shown.full)
            print_path(console, shown_path, styles, full=shown.full, thoughts=shown.thoughts)
    _heading(console, "Verdict")
    put(console, answer_line(verdict), 2)
    put(console, _gold(shown.solved), 2)
    for line in detail_lines(verdict, shown.budget or verdict.paths):
        put(console, Text(line), 2)


def print_path(
    console: Console,
    shown_path: ShownPath,
    styles: Mapping[str, str],
    *,
    full: bool = False,
    thoughts: bool = False,
) -> None:
    """Print one path: what it is and votes for, then its text with the answer standing out.

    Of its thought there is a line with its length and language; ``thoughts`` prints all of it.
    """
    number, arm, path, vote = shown_path
    head = [language_label(arm.language)]
    if arm.engine:
        head.append(f"model {visible(PurePath(arm.engine).name)}")
    if path is not None and path.error is None:
        head += [f"path {path.index}", visible(path.finish_reason)]
        head.append(f"{path.usage.completion_tokens:,} tokens")
    head.append(f"weight {vote.weight:g}")
    if vote.language != arm.language:
        head.append(f"written and counted in {language_label(vote.language)}")
    line = Text(f"{number}. ")
    line.append(head[0], style=f"bold {styles.get(arm.language, '')}")
    line.append("".join(f", {part}" for part in head[1:]))
    outcome = vote.outcome
    if isinstance(outcome, Answer):
        line.append(f": votes {brief(outcome.value)}")
        put(console, line, 2)
    else:
        detail = f" ({brief(outcome.detail, _DETAIL_MOST)})" if outcome.detail else ""
        put(console, line.append(f": no vote, {_WHY[outcome.reason]}{detail}"), 2)
    if path is not None and path.thought:
        put(console, Text(_thought_line(path), "dim"), _INDENT)
        if thoughts:
            thought = excerpt(path.thought, full=full)
            thought.stylize("dim")
            put(console, thought, _INDENT + 2)
    if path is not None and path.text:
        span = outcome.span if isinstance(outcome, Answer) else None
        put(console, excerpt(path.text, marked=span, full=full), _INDENT)


def _thought_line(path: ReasoningPath) -> str:
    """Return the length of a path's thought, its language, and whether it is cut off.

    Scripts that write no spaces between words are counted in characters.
    """
    language = thought_language(path.thought, path.language)
    if language is not None and language.partition("-")[0] in _UNSPACED:
        parts = [f"thought: {len(path.thought):,} characters"]
    else:
        words = len(path.thought.split())
        parts = [f"thought: {words:,} word{'s'[: words != 1]}"]
    if language is not None:
        parts.append("several languages" if language == MIXED else language)
    if path.closed is False:
        parts.append("not ended")
    return ", ".join(parts)


def _print_prompt(console: Console, prompt: Prompt, *, full: bool) -> None:
    title = f"prompt {brief(prompt.template)} in {language_label(prompt.language)}"
    put(console, Text(title, "bold"), 2)
    for message in prompt.messages:
        put(console, Text(f"--- {visible(message['role'])}", "dim"), _INDENT)
        put(console, excerpt(message["content"], full=full), _INDENT)


def _gold(one: Solved) -> Text:
    """Return a line with the gold and whether the vote is right."""
    gold = one.problem.gold
    if gold is None:
        return Text("There is no gold answer to compare with.", "dim")
    canonical = canonical_gold(gold, one.problem.metadata.get("kind"))
    if canonical is None:
        return Text(f"Gold: {brief(gold)}, which is no answer that can be compared.")
    right = canonical == one.verdict.answer
    verdict = ("right", "bold green") if right else ("wrong", "bold red")
    return Text.assemble(f"Gold: {brief(gold)}, so the verdict is ", verdict, ".")


def _heading(console: Console, title: str) -> None:
    put(console, Text(f"\n{title}", "bold"))


def solved_json(shown: Shown) -> dict[str, Any]:
    """Everything that ``print_solved`` shows, as JSON values. Texts are exact."""
    problem, _, _, _, verdict = shown.solved
    row = verdict_row(verdict, gold=problem.gold, kind=problem.metadata.get("kind"))
    fields: dict[str, Any] = {
        **row,
        "language": problem.language,
        "question": problem.question,
        "translations": [
            {"language": code, "question": question, "human": human}
            for (code, question), human in shown.translations().items()
        ],
    }
    if shown.paths:
        fields["votes"] = [_vote_json(shown_path) for shown_path in shown.shown_paths()]
    if shown.prompts:
        fields["prompts"] = {
            key: {"template": one.template, "language": one.language, "messages": one.messages}
            for key, one in shown.prompts.items()
        }
    return fields


def _vote_json(shown_path: ShownPath) -> dict[str, Any]:
    number, arm, path, vote = shown_path
    outcome = vote.outcome
    fields: dict[str, Any] = {
        "number": number,
        "language": arm.language,
        "counted_in": vote.language,
        "weight": vote.weight,
        "prompt": arm.prompt_key,
    }
    if isinstance(outcome, Answer):
        fields |= {"answer": outcome.value, "span": outcome.span}
    else:
        fields |= {"answer": None, "abstains": outcome.reason, "detail": outcome.detail}
    if path is not None and path.error is None:
        fields |= {
            "index": path.index,
            "seed": path.seed,
            "finish_reason": path.finish_reason,
            "prompt_tokens": path.usage.prompt_tokens,
            "completion_tokens": path.usage.completion_tokens,
            "text": path.text,
        }
        if path.cost is not None:
            fields["cost"] = path.cost
        if path.closed is not None:
            fields |= {
                "reasoning_tokens": path.usage.reasoning_tokens,
                "thought": path.thought,
                "thought_closed": path.closed,
            }
    return fields
