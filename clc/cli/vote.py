"""``clc vote``: one vote over the recorded paths of every problem."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import click

from clc.bounds import LANGUAGES, SHARE, WEIGHT
from clc.cli.options import NumberType, marks_option
from clc.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from clc.analysis.scoring import Score, Scored
    from clc.cli.unread import Unread
    from clc.datasets.recorded_votes import RecordedVotes
    from clc.records import AnswerKind, Verdict
    from clc.thoughts import Marks
    from clc.voting.abstaining import Abstaining

__all__ = ["command", "vote_ballots"]


@click.command("vote")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--languages", help="Vote over the paths of these languages only: en,de,zh.")
@click.option(
    "--rule",
    type=click.Choice(["majority", "weighted"]),
    default="majority",
    show_default=True,
    help="Count votes equally, or by --weights and the rows' confidence.",
)
@click.option("--weights", help="Weight by language under --rule weighted: en=2,sw=0.5.")
@click.option(
    "--order",
    help="Languages that win ties, best first.  [default: --languages, else en,de,es,...]",
)
@click.option(
    "--kind",
    type=click.Choice(["number", "choice", "latex"]),
    help="Kind of the answers; inferred by default.",
)
@click.option(
    "--abstain-below",
    type=NumberType(SHARE),
    metavar="SHARE",
    help="Withhold an answer whose agreement is below this.",
)
@click.option(
    "--abstain-languages",
    type=NumberType(LANGUAGES),
    metavar="N",
    help="Withhold an answer that paths of fewer languages gave.",
)
@marks_option
@click.option("--out", type=click.Path(dir_okay=False), help="Write verdicts here as JSONL.")
@click.option("--json", "as_json", is_flag=True, help="Print the score as JSON instead of a table.")
def command(  # noqa: PLR0917
    files: tuple[str, ...],
    languages: str | None,
    rule: str,
    weights: str | None,
    order: str | None,
    kind: str | None,
    abstain_below: float | None,
    abstain_languages: int | None,
    marks: Marks | None,
    out: str | None,
    as_json: bool,  # noqa: FBT001  click passes it by name
) -> None:
    """Vote over recorded generations or run folders, without a GPU.

    Verdicts go to standard output as JSONL (id, answer, support, total, agreement, tied, tally,
    gold, correct), or to --out. When the rows have gold, a table of accuracies follows on
    standard error, and where paths have no vote, a table of their reasons by language. Rows of a
    problem may stand anywhere, in files of any size. Without a single answer the exit code is 1.
    """
    from clc.cli.solving_options import read_abstaining
    from clc.cli.tables import print_score
    from clc.cli.unread import Unread
    from clc.datasets.recorded_votes import group_votes

    chosen = _languages(languages)
    tie_order = _languages(order) or _default_order(chosen)
    by_language = _weights(weights)
    if by_language and rule != "weighted":
        raise ConfigurationError("--weights needs --rule weighted")
    runs = [file for file in files if Path(file).is_dir()]
    if runs and len(runs) < len(files):
        raise InputError(f"{runs[0]}: is a run folder; give run folders or files, not both")
    problems = (
        _run_ballots(runs, chosen, marks)
        if runs
        else group_votes(files, languages=chosen, kind=cast("AnswerKind | None", kind), marks=marks)
    )
    unread = Unread(in_files=not runs)
    score = vote_ballots(
        _counted(problems, unread),
        rule=rule,
        order=tie_order,
        weights=by_language,
        abstaining=read_abstaining(abstain_below, abstain_languages),
        out=out,
        quiet=as_json and not out,
    )
    if as_json or score.with_gold:
        print_score(score, as_json=as_json, err=not as_json)
    _print_unread(unread)
    unread.check()


def _counted(ballots: Iterable[RecordedVotes], unread: Unread) -> Iterator[RecordedVotes]:
    """Yield ballots, and count their paths without a vote."""
    for ballot in ballots:
        unread.add(ballot.votes, ballot.places or repeat(ballot.id, len(ballot.votes)))
        yield ballot


def _print_unread(unread: Unread) -> None:
    from clc.cli.text import make_console

    if (table := unread.table()) is not None:
        console = make_console(stderr=True)
        console.print(table)
        for line in unread.advice():
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def _run_ballots(
    folders: Sequence[str], languages: Sequence[str], marks: Marks | None
) -> Iterator[RecordedVotes]:
    """Yield the votes of the finished problems in run folders."""
    from dataclasses import replace

    from clc.datasets.generation import row_language
    from clc.datasets.levels import read_level
    from clc.datasets.recorded_votes import RecordedVotes, warn_left_out
    from clc.runs.open import open_run
    from clc.runs.revote import revote
    from clc.voting.outcomes import read_outcome

    wanted = frozenset(languages)
    any_votes = False
    left_out = 0
    for folder in folders:
        with open_run(folder) as store:
            for solved in revote(store, partial(read_outcome, marks=marks)):
                problem = solved.problem
                votes = [
                    replace(one, language=row_language(one.language))
                    for one in solved.votes
                    if not wanted or row_language(one.language) in wanted
                ]
                if wanted and not votes:
                    left_out += 1
                    continue
                any_votes = True
                yield RecordedVotes(
                    problem.id,
                    problem.language,
                    str(problem.metadata.get("item", problem.id)),
                    problem.gold,
                    problem.metadata.get("kind"),
                    votes,
                    level=read_level(problem.metadata.get("level")),
                )
    if wanted and not any_votes:
        raise InputError(f"no paths in {', '.join(languages)} in {', '.join(folders)}")
    warn_left_out(left_out, languages)


def vote_ballots(
    ballots: Iterable[RecordedVotes],
    *,
    rule: str,
    order: Sequence[str],
    weights: Mapping[str, float] | None = None,
    abstaining: Abstaining | None = None,
    out: str | None = None,
    quiet: bool = False,
) -> Score:
    """Vote on every ballot, write its verdict row, and score what has gold.

    ``out`` None writes to standard output, unless ``quiet``.
    """
    from clc.analysis.scoring import score
    from clc.cli.output import rows_to

    target: AbstractContextManager[IO[bytes] | None] = (
        nullcontext(None) if quiet and not out else rows_to(out)
    )
    with target as sink:
        return score(_scored(ballots, sink, rule, order, weights, abstaining=abstaining))


def _scored(
    ballots: Iterable[RecordedVotes],
    sink: IO[bytes] | None,
    rule: str,
    order: Sequence[str],
    weights: Mapping[str, float] | None,
    *,
    abstaining: Abstaining | None,
) -> Iterator[Scored]:
    from dataclasses import replace

    from clc.analysis.scoring import Scored
    from clc.answers.canonical import canonical_gold
    from clc.cli.output import json_line
    from clc.languages import UNKNOWN_LANGUAGE
    from clc.voting.abstaining import withhold
    from clc.voting.tally import vote
    from clc.voting.weighting import normalized_weights

    for ballot in ballots:
        votes = ballot.votes
        if rule == "weighted":
            confident = normalized_weights(
                [one.language for one in votes], [one.weight for one in votes]
            )
            votes = [
                replace(one, weight=weight) for one, weight in zip(votes, confident, strict=True)
            ]
        verdict = vote(votes, id=ballot.id, rule=rule, order=order, weights=weights)
        verdict = withhold(verdict, abstaining)
        gold = None if ballot.gold is None else canonical_gold(ballot.gold, ballot.kind)
        if sink:
            sink.write(json_line(_row(ballot, verdict, gold)))
        yield Scored(
            ballot.id,
            ballot.item,
            ballot.question_language or UNKNOWN_LANGUAGE,
            ballot.gold,
            verdict,
            votes,
            ballot.kind,
            ballot.level,
        )


def _row(ballot: RecordedVotes, verdict: Verdict, gold: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": verdict.id,
        "answer": verdict.answer,
        "support": verdict.support,
        "total": verdict.total,
        "agreement": verdict.agreement,
        "tied": verdict.tied,
        "tally": verdict.tally,
        "abstentions": verdict.abstentions,
        "paths": verdict.paths,
        "gold": ballot.gold,
        "correct": None if gold is None else verdict.answer == gold,
    }
    if "withheld" in verdict.details:
        row["withheld"] = verdict.details["withheld"]
    if ballot.question_language:
        row["question_language"] = ballot.question_language
    return row


def _codes(option: str | None) -> list[str]:
    return [code.strip() for code in (option or "").split(",") if code.strip()]


def _languages(option: str | None) -> list[str]:
    """Read languages; ``und`` stands for paths without one. Repeated ones count once."""
    from clc.languages import UNKNOWN_LANGUAGE, read_language

    codes = (
        UNKNOWN_LANGUAGE if code.lower() == UNKNOWN_LANGUAGE else read_language(code)
        for code in _codes(option)
    )
    return list(dict.fromkeys(codes))


def _default_order(chosen: list[str]) -> list[str]:
    from clc.languages import MGSM_LANGUAGES

    return chosen or list(MGSM_LANGUAGES)


def _weights(option: str | None) -> dict[str, float]:
    """Read weights by language.

    Raises:
        InputError: one is not LANGUAGE=NUMBER, out of bounds, or of a language that has one.
        LanguageError: a language is unknown.
    """
    weights: dict[str, float] = {}
    for part in _codes(option):
        language, equals, number = part.partition("=")
        if not (language.strip() and equals):
            raise InputError(
                f"--weights {part!r:.60} is not LANGUAGE=NUMBER; give such as en=2,sw=0.5"
            )
        (code,) = _languages(language)
        if code in weights:
            raise InputError(f"--weights has {code!r} twice; give each language one weight")
        value: Any = number.strip()
        with suppress(ValueError):
            value = float(number)
        weights[code] = WEIGHT.check(f"--weights {code}", value, InputError)
    return weights
