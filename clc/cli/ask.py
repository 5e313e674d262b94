"""``clc ask``: one question, and how the languages voted."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from clc.cli.options import (
    engine_options,
    make_configuration,
    make_engine,
    make_templates,
    make_translator,
    strategy_options,
)

if TYPE_CHECKING:
    from rich.status import Status

    from clc.api import Run
    from clc.records import Problem, Verdict

__all__ = ["command"]


@click.command("ask")
@click.argument("question")
@click.option("--language", help="Language of the question.  [default: detected]")
@strategy_options
@engine_options
@click.option("--show-paths", is_flag=True, help="Print every path's text, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def command(question: str, *, as_json: bool, show_paths: bool, **options: Any) -> None:
    """Solve QUESTION (or - for standard input) and show the vote.

    \b
    Examples:
      clc ask "Tom has 3 apples and buys 4 more. How many apples does Tom have?"
      clc ask "Tom has 3 apples and buys 4 more. How many?" --languages en,zh,sw --paths 12
    """  # noqa: D301
    import orjson
    from rich.console import Console
    from rich.markup import escape

    from clc.api import Run, as_problem
    from clc.cli.tables import detail_lines, vote_table
    from clc.results import revote, verdict_row
    from clc.store import Store

    text = sys.stdin.read() if question == "-" else question
    problem = as_problem(text, options["language"])
    configuration = make_configuration(options)
    engine, translator = make_engine(options), make_translator(options)
    console = Console()
    with Store(None) as store:
        work = Run(configuration, engine, store, translator, make_templates(options))
        work.begin({"given": "by a question"})
        with Console(stderr=True).status("starting the engine") as status:
            verdict = asyncio.run(_draw(work, problem, status))
        (solved,) = revote(store)
    if as_json:
        click.echo(orjson.dumps(verdict_row(verdict)).decode())
        return
    if show_paths:
        for language, path in solved.drawn():
            console.rule(language, align="left")
            told = path.text if path.error is None else f"(lost: {path.error})"
            console.print(told, markup=False, highlight=False)
    console.print(vote_table(verdict))
    for line in detail_lines(verdict, configuration.paths):
        console.print(line, highlight=False, markup=False)
    if verdict.answer is None:
        console.print("No path gave an answer.")
        return
    tie = " (a tie, decided by the order of languages)" if verdict.tied else ""
    console.print(
        f"Answer: [bold]{escape(verdict.answer)}[/bold]  "
        f"{verdict.support:g} of {_votes(verdict.total)}{tie}",
        highlight=False,
    )


def _votes(total: float) -> str:
    return "1 vote" if total == 1 else f"{total:g} votes"


async def _draw(work: Run, problem: Problem, status: Status) -> Verdict:
    """Draw the paths of one question and say meanwhile how far they are."""
    from clc.cli.progress import so_far

    started = time.monotonic()

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.2)
            passed = time.monotonic() - started
            status.update(f"{so_far(work.solver.counters, passed)}, {passed:.0f} s")

    ticking = asyncio.create_task(tick())
    try:
        async with aclosing(work.verdicts([problem])) as verdicts:
            return await anext(verdicts)
    except asyncio.CancelledError:
        ticking.cancel()
        status.update("stopping")
        raise
    finally:
        ticking.cancel()
