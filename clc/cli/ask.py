"""``clc ask``: one question, and how the languages vote."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import click

from clc.cli.options import EngineOptions, grouped
from clc.cli.solving_options import SolvingOptions, strategy_option
from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from clc.records import Problem, Verdict, Vote
    from clc.runs.revote import Solved
    from clc.solving.run import Run

__all__ = ["command"]

_REFRESHES = 8  # a second
_OTHER_LINES = 4  # of half a screen: the table's head and the line under it


@click.command("ask")
@click.argument("question")
@click.option("--language", help="Language of the question.  [default: detected]")
@strategy_option
@grouped("solving", SolvingOptions)
@grouped("engine", EngineOptions)
@click.option("--show-paths", is_flag=True, help="Print every path's text, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def command(
    *,
    question: str,
    language: str | None,
    strategy: str,
    solving: SolvingOptions,
    engine: EngineOptions,
    show_paths: bool,
    as_json: bool,
) -> None:
    """Solve QUESTION (or - for standard input) and show the vote.

    On a terminal, the vote is shown as it forms.

    \b
    Examples:
      clc ask "Tom has 3 apples and buys 4 more. How many apples does Tom have?"
      clc ask "Tom has 3 apples and buys 4 more. How many?" --languages en,zh,sw --paths 12
    """  # noqa: D301
    from clc.analysis.export import verdict_row
    from clc.cli.output import echo_json
    from clc.cli.text import make_console
    from clc.datasets.text import as_problem
    from clc.runs.revote import revote
    from clc.runs.store import Store
    from clc.solving.run import Run
    from clc.solving.voters import load_voters, open_voters

    text = sys.stdin.read() if question == "-" else question
    chosen = solving.strategy(strategy)
    voters = load_voters(chosen)
    configuration = solving.configuration(chosen, engine.spec, voters)
    templates = solving.templates()
    problem = as_problem(text, language, templates.scripts)
    opened, translator = engine.open(templates.marks)
    console = make_console()
    with Store(None) as store:
        verifier = solving.open_verifier(templates)
        others = open_voters(voters, verifier, templates.marks)
        work = Run(
            configuration,
            opened,
            store,
            translator,
            templates,
            voters=others,
            verifier=verifier,
        )
        work.begin({"given": "by a question"})
        verdict = _draw(work, problem, _screen(console), tally=not as_json)
        (solved,) = revote(store)
        reason = store.commonest_failure()
    lost = work.solver.counters.lost and not verdict.paths
    if as_json:
        echo_json(verdict_row(verdict))
    else:
        _print_verdict(console, solved, configuration.paths, paths=show_paths)
    if lost:
        raise EngineError(f"every path was lost: {reason or 'for an unknown reason'}")


def _print_verdict(console: Console, solved: Solved, budget: int, *, paths: bool) -> None:
    """Print the vote, with the paths if they are wanted."""
    from rich.text import Text

    from clc.cli.problem_view import Shown, print_path
    from clc.cli.tables import language_styles
    from clc.cli.text import put
    from clc.cli.vote_tables import answer_line, detail_lines, vote_table

    verdict = solved.verdict
    styles = language_styles(solved.plan.languages)
    if paths:
        for path in Shown(solved, {}).shown_paths():
            print_path(console, path, styles)
    console.print(vote_table(verdict, styles))
    for line in detail_lines(verdict, budget):
        put(console, Text(line))
    put(console, answer_line(verdict))


def _screen(console: Console) -> Console:
    """Choose the console for the live vote: standard error, unless only output is a terminal."""
    from clc.cli.text import make_console

    errors = make_console(stderr=True)
    return console if console.is_terminal and not errors.is_terminal else errors


def _draw(work: Run, problem: Problem, screen: Console, *, tally: bool) -> Verdict:
    """Solve one question and show the progress."""
    from rich.live import Live

    from clc.cli.interrupts import run_interruptible

    forming = _Forming(work, screen, tally=tally)

    async def solve() -> Verdict:
        # Within the loop, which handles SIGINT: a KeyboardInterrupt that is raised anywhere in
        # Python, such as in a weak reference's callback, may be lost.
        with Live(
            console=screen,
            get_renderable=forming.render,
            refresh_per_second=_REFRESHES,
            transient=True,
        ):
            work.store.add_problem(0, problem)
            try:
                return await work.solver.solve(problem, watch=forming.watch)
            finally:
                forming.ending = True
                await work.solver.close()

    return run_interruptible(solve())


class _Forming:
    """A vote in progress: ``watch`` takes the votes, and rich's thread calls ``render``."""

    def __init__(self, work: Run, screen: Console, *, tally: bool) -> None:
        from rich.spinner import Spinner

        self.ending = False
        self._solver = work.solver
        self._screen = screen
        self._tally = tally
        self._votes: Sequence[Vote] = ()
        self._budget = work.configuration.paths
        self._rule = "weighted" if work.configuration.strategy.voting == "weighted" else "majority"
        self._spinner = Spinner("dots")
        self._began = time.monotonic()

    def watch(self, votes: Sequence[Vote], budget: int) -> None:
        self._votes, self._budget = votes, budget

    def render(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        from clc.cli.tables import language_styles
        from clc.cli.vote_tables import vote_table
        from clc.voting.tally import vote

        votes = list(self._votes)
        line = Text(self._progress(len(votes)), no_wrap=True, overflow="ellipsis")
        self._spinner.update(text=line)
        if not votes or not self._tally:
            return self._spinner
        so_far = vote(votes, rule=self._rule)
        # Lines that do not fit on the screen could not be erased.
        room = max(1, self._screen.height // 2 - _OTHER_LINES)
        strongest = dict(islice(so_far.tally.items(), room))
        styles = language_styles(self._languages(votes))
        return Group(vote_table(replace(so_far, tally=strongest), styles), self._spinner)

    def _languages(self, votes: Sequence[Vote]) -> Sequence[str]:
        """Return the languages in the strategy's order, so that their colours stay."""
        configuration = self._solver.configuration
        named = (
            configuration.sequence or configuration.languages or configuration.strategy.languages
        )
        return [*named, *(one.language for one in votes)]

    def _progress(self, paths: int) -> str:
        if self.ending:
            return "closing the engine"
        counters, engine = self._solver.counters, self._solver.sampler.engine
        if not (paths or counters.drawn or counters.translations):
            return "starting the engine"
        passed = time.monotonic() - self._began
        parts = [f"{paths:,} of {self._budget:,} paths"]
        if counters.translations:
            parts.append(f"{counters.translations:,} translations")
        speed = counters.completion_tokens / max(passed - engine.start_seconds, 0.001)
        return ", ".join([*parts, f"{speed:,.0f} tokens/s", f"{passed:.0f} s"])
