"""``clc batch``: a file of chat requests in, a file of replies out."""

from __future__ import annotations

import sys
import time
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from clc.cli.limit_options import LimitOptions
from clc.cli.options import EngineOptions, grouped
from clc.cli.signals import interrupted_status
from clc.cli.solving_options import SolvingOptions, strategy_option
from clc.errors import ConfigurationError, RunError
from clc.version import install_hint

if TYPE_CHECKING:
    from rich.console import Console

    from clc.serving.batch_output import Answered, Output
    from clc.serving.completions import Completions

__all__ = ["command"]


@click.command("batch")
@click.argument("source", metavar="FILE")
@click.option("--out", required=True, metavar="FILE", type=click.Path(dir_okay=False),
              help="Replies, written as they arrive. The same command resumes it.")  # fmt: skip
@click.option("--retry-failed", is_flag=True, help="Repeat requests that failed before.")
@strategy_option
@grouped("solving", SolvingOptions)
@grouped("engine", EngineOptions)
@grouped("limits", LimitOptions)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(
    *,
    source: str,
    out: str,
    retry_failed: bool,
    strategy: str,
    solving: SolvingOptions,
    engine: EngineOptions,
    limits: LimitOptions,
    as_json: bool,
) -> None:
    """Answer every request of FILE, in OpenAI's batch format, by a vote.

    A line of FILE has custom_id, method (POST), url (/v1/chat/completions) and body. The body's
    model is clc (a vote), clc:STRATEGY, or the name of --model (the plain model). Settings of
    the vote in a body override the options. Every line becomes one line of --out, in the order of
    the replies; a request that cannot be answered gets a line with the error.

    \b
    Examples:
      clc batch requests.jsonl --out replies.jsonl
      clc batch requests.jsonl --model Qwen/Qwen2.5-7B-Instruct --paths 22 --out replies.jsonl

    Stop it at any time, even by force: the same command goes on.
    """  # noqa: D301
    from clc.cli.interrupts import run_interruptible
    from clc.cli.output import echo_json
    from clc.cli.text import make_console

    try:
        from clc.serving.batch import open_batch
        from clc.serving.batch_output import Output
        from clc.serving.completions import Completions
        from clc.serving.settings import Limits
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"clc batch needs the package {error.name}: {install_hint('server')}"
        ) from error

    configuration = solving.configuration(solving.strategy(strategy), engine.spec)
    engine.spec.chat.check_room(configuration.sampling.max_tokens)
    templates = solving.templates()
    opened, translator = engine.open(templates.marks)
    completions = Completions(
        opened,
        configuration,
        model=engine.spec.served_name,
        templates=templates,
        translator=translator,
        limits=Limits(
            paths=limits.most_paths,
            languages=limits.most_languages,
            tokens=limits.most_tokens,
            characters=limits.most_characters,
        ),
    )
    console = make_console(stderr=True)
    with Output(out, completions.fingerprint, retry=retry_failed) as output:
        batch = open_batch(source, output)
        counts = _Counts(batch.lines, reused=batch.answered)
        shown = _Shown(counts, console, quiet=as_json)
        try:
            if batch.answered < batch.lines:
                run_interruptible(_drain(source, output, completions, shown), shown.tick)
        except KeyboardInterrupt:
            _print_line(console, f"Interrupted. {counts.words()}; the same command goes on.")
            sys.exit(interrupted_status())
    if as_json:
        echo_json(asdict(counts), indent=True)
    else:
        _print_line(console, f"{counts.words()}, in {out}")
    if counts.failed and not counts.answered + counts.reused:
        raise RunError(f"every request failed; the errors in {out} say why")


@dataclass(slots=True)
class _Counts:
    """Counts of requests and their cost; ``reused`` were answered before this call."""

    requests: int
    answered: int = 0
    failed: int = 0
    reused: int = 0
    paths: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def add(self, answered: Answered) -> None:
        self.answered += not answered.failed
        self.failed += answered.failed
        self.paths += answered.paths
        self.tokens += answered.tokens

    def words(self) -> str:
        from clc.cli.progress import join_counts

        done = self.answered + self.failed + self.reused
        parts = [f"{done:,}/{self.requests:,} requests", f"{self.paths:,} paths"]
        others = join_counts(
            ((self.failed, "failed"), (self.reused, "reused")), self.tokens or None, self.seconds
        )
        return ", ".join([*parts, others] if others else parts)


class _Shown:
    """Shows the counts: in a live line on a terminal, as a new line every ten seconds elsewhere."""

    def __init__(self, counts: _Counts, console: Console, *, quiet: bool) -> None:
        self.counts = counts
        self._console = console
        self._quiet = quiet
        self._began = self._printed = time.monotonic()
        self.status = console.status("starting the engine")

    def tick(self) -> None:
        from clc.cli.progress import PLAIN_SECONDS

        now = time.monotonic()
        self.counts.seconds = round(now - self._began, 3)
        if self._quiet:
            return
        if self._console.is_terminal:
            self.status.start()
            if self.counts.paths or self.counts.failed:
                self.status.update(self.counts.words())
        elif now - self._printed > PLAIN_SECONDS:
            self._printed = now
            _print_line(self._console, self.counts.words())


async def _drain(source: str, output: Output, completions: Completions, shown: _Shown) -> None:
    """Answer every line, then close the engine."""
    from clc.serving.batch import answer_lines

    try:
        async with aclosing(answer_lines(source, output, completions)) as rows:
            async for answered in rows:
                shown.counts.add(answered)
    finally:
        shown.tick()
        shown.status.stop()
        await completions.close()


def _print_line(console: Console, line: str) -> None:
    from rich.text import Text

    from clc.cli.text import visible

    console.print(Text(visible(line)), soft_wrap=True)
