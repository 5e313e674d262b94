"""``clc vote``: one vote over the recorded paths of every problem."""

from __future__ import annotations

from contextlib import closing, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from clc.bounds import LANGUAGES, SHARE, WEIGHT
from clc.cli.options import NumberType, reading_option, workers_option
from clc.errors import ConfigurationError, InputError, RunError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from clc.answers.reading_files import ReadingFiles
    from clc.cli.unread import Unread
    from clc.cli.vote_parts import VotePart, VoteTaker
    from clc.datasets.recorded_votes import VotesOfProblem
    from clc.datasets.vote_rows import VoteReader
    from clc.records import AnswerKind
    from clc.worker_processes import Workers

__all__ = ["command"]

_CHUNK = 4096  # paths whose votes are taken at once


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
@reading_option
@click.option("--out", type=click.Path(dir_okay=False), help="Write verdicts here as JSONL.")
@click.option("--json", "as_json", is_flag=True, help="Print the score as JSON instead of a table.")
@workers_option
def command(  # noqa: PLR0917
    files: tuple[str, ...],
    languages: str | None,
    rule: str,
    weights: str | None,
    order: str | None,
    kind: str | None,
    abstain_below: float | None,
    abstain_languages: int | None,
    reading: ReadingFiles | None,
    out: str | None,
    as_json: bool,  # noqa: FBT001  click passes it by name
    workers: int | None,
) -> None:
    """Vote over recorded generations or run folders, without a GPU.

    Verdicts go to standard output as JSONL (id, answer, support, total, agreement, tied, tally,
    gold, correct), or to --out. When the rows have gold, a table of accuracies follows on
    standard error, and where paths have no vote, a table of their reasons by language. Rows of a
    problem may stand anywhere, in files of any size. Without a single answer the exit code is 1.
    """
    from clc.analysis.scoreboard import Scoreboard
    from clc.cli.output import rows_to
    from clc.cli.score_tables import print_score
    from clc.cli.solving_options import read_abstaining
    from clc.cli.unread import Unread
    from clc.cli.vote_parts import VoteTaker
    from clc.datasets.vote_rows import VoteReader
    from clc.worker_processes import Workers

    chosen = _languages(languages)
    tie_order = _languages(order) or _default_order(chosen)
    by_language = _weights(weights)
    if by_language and rule != "weighted":
        raise ConfigurationError("--weights needs --rule weighted")
    runs = [file for file in files if Path(file).is_dir()]
    if runs and len(runs) < len(files):
        raise InputError(f"{runs[0]}: is a run folder; give run folders or files, not both")
    abstaining = read_abstaining(abstain_below, abstain_languages)
    take = VoteTaker(rule, tie_order, by_language, abstaining, quiet=as_json and not out)
    reader = VoteReader(tuple(chosen), cast("AnswerKind | None", kind), reading)
    figures, unread = Scoreboard(), Unread(in_files=not runs)
    with (
        Workers(workers) as pool,
        nullcontext(None) if take.quiet else rows_to(out) as sink,
        closing(
            _take_runs(runs, chosen, reading, take, pool)
            if runs
            else _take_files(files, reader, take, pool)
        ) as parts,
    ):
        for part in parts:
            if sink:
                sink.write(part.rows)
            figures.merge(part.figures)
            unread.merge(part.unread)
            if part.error is not None:
                raise part.error
    score = figures.score()
    if as_json or score.with_gold:
        print_score(score, as_json=as_json, err=not as_json)
    _print_unread(unread)
    unread.check()
    if score.withheld and score.unanswered == score.problems:
        raise RunError(f"no answer is given: {score.withheld:,} were not sure enough")


def _take_files(
    files: Sequence[str], reader: VoteReader, take: VoteTaker, workers: Workers
) -> Generator[VotePart]:
    """Yield the verdicts of the problems in files."""
    from clc.datasets.recorded_votes import VoteGroups, warn_left_out

    with closing(VoteGroups(files, reader, workers)) as groups:
        take = take._replace(sources=groups.sources())
        yield from workers.map(take.of_files, _in_chunks(groups.problems()))
        warn_left_out(groups.left_out(), reader.languages)


def _in_chunks(problems: Iterable[VotesOfProblem]) -> Iterator[list[VotesOfProblem]]:
    """Yield lists of problems that have some thousand paths together."""
    chunk: list[VotesOfProblem] = []
    paths = 0
    for problem in problems:
        chunk.append(problem)
        paths += len(problem.paths)
        if paths >= _CHUNK:
            yield chunk
            chunk, paths = [], 0
    yield chunk


def _take_runs(
    folders: Sequence[str],
    languages: Sequence[str],
    reading: ReadingFiles | None,
    take: VoteTaker,
    workers: Workers,
) -> Generator[VotePart]:
    """Yield the verdicts of the problems in run folders."""
    from clc.datasets.recorded_votes import warn_left_out
    from clc.runs.open import open_run
    from clc.runs.revote import Revoter, warn_other_words, warn_thoughts
    from clc.runs.spans import map_finished
    from clc.voting.outcomes import read_outcome

    problems = left_out = 0
    for folder in folders:
        thoughts = 0
        with open_run(folder) as store:
            revoter = Revoter.of(store, partial(read_outcome, files=reading))
            warn_other_words(folder, revoter.counting.vocabulary, reading and reading.vocabulary)
            of_run = partial(take.of_run, revoter, tuple(languages))
            for part in map_finished(store, of_run, workers):
                problems += part.figures.counts["problems"]
                left_out += part.left_out
                thoughts += part.thoughts
                yield part
        warn_thoughts(thoughts)
    if languages and not problems:
        raise InputError(f"no paths in {', '.join(languages)} in {', '.join(folders)}")
    warn_left_out(left_out, languages)


def _print_unread(unread: Unread) -> None:
    from clc.cli.text import make_console

    if (table := unread.table()) is not None:
        console = make_console(stderr=True)
        console.print(table)
        for line in unread.advice():
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def _codes(option: str | None) -> list[str]:
    return [code.strip() for code in (option or "").split(",") if code.strip()]


def _languages(option: str | None) -> list[str]:
    """Read languages; ``und`` stands for paths without one. Repeated ones count once."""
    from clc.languages.codes import UNKNOWN_LANGUAGE, read_language

    codes = (
        UNKNOWN_LANGUAGE if code.lower() == UNKNOWN_LANGUAGE else read_language(code)
        for code in _codes(option)
    )
    return list(dict.fromkeys(codes))


def _default_order(chosen: list[str]) -> list[str]:
    from clc.languages.codes import MGSM_LANGUAGES

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
