"""``clc show``: the vote on one problem of a run, or a list of problems."""

from __future__ import annotations

import heapq
from contextlib import contextmanager
from difflib import SequenceMatcher
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import click

from clc import bounds
from clc.cli.options import NumberType
from clc.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clc.runs.protocol import RunFolder
    from clc.runs.revote import Solved

__all__ = ["command"]

_EXAMPLES = 3  # ids that an error names
_LOOKED_AT = 10_000  # problems searched for an id like a mistyped one: about a second
_ALIKE = 0.6  # difflib's measure
_QUESTION_MOST = 60  # cells of a question in a list


@click.command("show")
@click.argument("folder", metavar="RUN")
@click.argument("problem_id", metavar="[ID]", required=False)
@click.option("--strategy", metavar="NAME", help="Strategy, in a folder of clc compare.")
@click.option("--paths/--no-paths", default=None, help="Print every path's text.  [default: paths]")
@click.option("--thoughts", is_flag=True, help="Print what a thinking model thought, in full.")
@click.option("--prompts", is_flag=True, help="Print the prompts, too.")
@click.option("--language", metavar="CODE", help="Only the paths in this language.")
@click.option("--full", is_flag=True, help="Print long lines in full.")
@click.option("--wrong", is_flag=True, help="List problems whose answer is not the gold one.")
@click.option("--tied", is_flag=True, help="List problems whose vote was tied.")
@click.option("--low-agreement", type=NumberType(bounds.SHARE), metavar="X",
              help="List problems whose agreement is below X, from 0 to 1.")  # fmt: skip
@click.option("--limit", type=NumberType(bounds.COUNT), metavar="N",
              help="List at most N problems.  [default: all]")  # fmt: skip
@click.option("--run-file", "as_run_file", is_flag=True,
              help="Print the options of the run as a file for clc solve.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an object, or one a line.")
def command(folder: str, problem_id: str | None, *, as_run_file: bool, **options: Any) -> None:
    """Show the vote of problem ID of a run: translations, tally, and every path.

    Without ID, list the problems that match all of --wrong, --tied and --low-agreement. Answers
    are read again from the stored paths; nothing is sampled.

    \b
    Examples:
      clc show runs/de --wrong
      clc show runs/de mgsm-de-017
      clc show runs/de mgsm-de-017 --language sw --prompts
      clc show runs/de mgsm-de-017 --thoughts
      clc show runs/de --run-file > de.toml
      clc show runs/compared mgsm-sw-003 --strategy clc --no-paths
    """  # noqa: D301
    given = {name for name, value in options.items() if value not in (None, False)}
    if as_run_file:
        if problem_id is not None or given - {"strategy"}:
            raise ConfigurationError("--run-file is of a whole run; leave out the ID and the rest")
        _print_run_file(folder, options["strategy"])
        return
    _check_options(given, listing=problem_id is None)
    with _one_run(folder, options["strategy"]) as run:
        if problem_id is not None:
            _show(run, folder, problem_id, options)
        elif given.isdisjoint(_FILTERS):
            raise ConfigurationError(_no_id(run, folder))
        else:
            _list(run, options)


def _print_run_file(folder: str, strategy: str | None) -> None:
    from clc.cli.run_file import run_file_toml
    from clc.cli.text import echo

    with _one_run(folder, strategy) as run:
        options = (run.manifest() or {}).get("options")
    if not options:
        raise ConfigurationError(
            f"{folder}: its manifest has no options: clc solve of an earlier version, or another "
            "command made it"
        )
    echo(run_file_toml(options))


_FILTERS = {"wrong", "tied", "low_agreement"}
_OF_LIST = _FILTERS | {"limit"}
_OF_ONE = {"paths", "thoughts", "prompts", "language", "full"}


def _check_options(given: set[str], *, listing: bool) -> None:
    wrong = sorted(given & (_OF_ONE if listing else _OF_LIST))
    if wrong:
        option = f"--{wrong[0].replace('_', '-')}"
        raise ConfigurationError(
            f"{option} goes with the ID of a problem; name one"
            if listing
            else f"{option} is for a list of problems; leave out the ID"
        )


@contextmanager
def _one_run(folder: str, strategy: str | None) -> Iterator[RunFolder]:
    """Open the run of a folder; of several, the one of ``strategy``."""
    from clc.runs.open import open_runs

    with open_runs(folder) as runs:
        if strategy is None and len(runs) > 1:
            raise ConfigurationError(
                f"{folder} holds several strategies; choose one with --strategy: {', '.join(runs)}"
            )
        name = next(iter(runs)) if strategy is None else strategy
        if name not in runs:
            holds = "strategies: " if len(runs) > 1 else "one run; leave out --strategy, or name "
            raise ConfigurationError(
                f"{folder} has no strategy {name!r}; it holds {holds}{', '.join(runs)}"
            )
        yield runs[name]


def _show(run: RunFolder, folder: str, problem_id: str, options: dict[str, Any]) -> None:
    """Print one problem."""
    from clc.cli.output import echo_json
    from clc.cli.problem_view import Shown, print_solved, solved_json
    from clc.languages.codes import read_language
    from clc.runs.revote import solved
    from clc.voting.verdict import Counting

    stored = run.find(problem_id)
    if stored is None:
        raise InputError(_no_such(run, folder, problem_id))
    manifest = run.manifest()
    identity = (manifest or {}).get("identity", {})
    one = solved(stored, Counting.from_manifest(manifest))
    language = options["language"] and read_language(options["language"])
    if language and language not in one.plan.languages:
        raise InputError(
            f"problem {problem_id!r} has no paths in {language}; there are: "
            f"{', '.join(one.plan.languages)}"
        )
    prompts = run.prompts([arm.prompt_key for arm in one.plan.arms if arm.prompt_key])
    shown = Shown(
        one,
        prompts if options["prompts"] else {},
        budget=identity.get("paths"),
        paths=options["paths"] is not False,
        language=language,
        full=options["full"],
        thoughts=options["thoughts"],
    )
    from clc.cli.text import make_console

    if options["as_json"]:
        echo_json(solved_json(shown))
    else:
        print_solved(make_console(), shown)


def _list(run: RunFolder, options: dict[str, Any]) -> None:
    """Print the matching problems while reading the run."""
    from rich.cells import cell_len
    from rich.text import Text

    from clc.analysis.export import verdict_row
    from clc.cli.output import echo_json
    from clc.cli.text import brief, make_console
    from clc.runs.revote import revote

    console = make_console()
    wanted = _wanted(options)
    limit, listed, with_gold = options["limit"], 0, False
    for one in revote(run):
        right = _right(one)
        with_gold = with_gold or right is not None
        if not wanted(one):
            continue
        if listed == limit:
            click.echo(f"These are the first {limit:,}; --limit shows more.", err=True)
            break
        listed += 1
        problem, verdict = one.problem, one.verdict
        if options["as_json"]:
            row = verdict_row(verdict, gold=problem.gold, kind=problem.metadata.get("kind"))
            line = {**row, "language": problem.language, "question": problem.question}
            echo_json(line)
            continue
        columns = [
            brief(problem.id),
            "-" if verdict.answer is None else brief(verdict.answer),
            f"gold {brief(problem.gold)}" if problem.gold is not None else "no gold",
            f"{verdict.agreement:.0%}" + (" tied" if verdict.tied else ""),
            brief(problem.question, _QUESTION_MOST),
        ]
        if console.is_terminal:
            widths = (16, 10, 13, 9, 0)
            padded = [
                column + " " * (width - cell_len(column))
                for column, width in zip(columns, widths, strict=True)
            ]
            console.print(Text(brief("  ".join(padded), console.width)), soft_wrap=True)
        else:
            click.echo("\t".join(columns))
    if options["wrong"] and not with_gold:
        click.echo("No problem of this run has a gold answer that can be read.", err=True)
    elif not listed:
        click.echo("No problem of this run matches.", err=True)


def _wanted(options: dict[str, Any]) -> Callable[[Solved], bool]:
    """Return the filter for the list."""
    below = options["low_agreement"]

    def wanted(one: Solved) -> bool:
        return (
            (not options["wrong"] or _right(one) is False)
            and (not options["tied"] or one.verdict.tied)
            and (below is None or one.verdict.agreement < below)
        )

    return wanted


def _right(one: Solved) -> bool | None:
    """Return whether the answer equals the gold one; None without a readable gold answer."""
    from clc.answers.canonical import canonical_gold

    problem = one.problem
    gold = (
        None if problem.gold is None else canonical_gold(problem.gold, problem.metadata.get("kind"))
    )
    return None if gold is None else gold == one.verdict.answer


def _no_id(run: RunFolder, folder: str) -> str:
    """Return the error for a missing id, with examples of ids."""
    ids = [one.problem.id for one in islice(run.finished(), _EXAMPLES)]
    if not ids:
        return f"{folder} has no problem that is done; clc solve goes on with it"
    started = run.started()
    return (
        f"{folder} has {started:,} problem{'s'[: started != 1]}: {', '.join(ids)}"
        f"{', …' if started > len(ids) else ''}; name one, or list some with --wrong, --tied or "
        "--low-agreement X"
    )


def _no_such(run: RunFolder, folder: str, problem_id: str) -> str:
    """Return the error for an unknown id, with the most similar ids among the first 10,000."""
    matcher = SequenceMatcher(b=problem_id)

    def alike(other: str) -> float:
        matcher.set_seq1(other)
        for measure in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio):
            if (score := measure()) < _ALIKE:
                return 0.0
        return score

    ids = (one.problem.id for one in islice(run.finished(), _LOOKED_AT))
    scored = ((alike(other), other) for other in ids)
    near = heapq.nlargest(_EXAMPLES, scored, key=itemgetter(0))
    names = [other for score, other in near if score]
    among = f" (of its first {_LOOKED_AT:,})" if run.started() > _LOOKED_AT else ""
    hint = (
        f"did you mean {', '.join(map(repr, names))}{among}?"
        if names
        else f"clc show {folder} lists some ids"
    )
    return f"{folder}: no problem {problem_id!r} is done; {hint}"
