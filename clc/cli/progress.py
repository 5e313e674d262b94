"""Show the progress of a long run: live on a terminal, as a line every ten seconds elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from rich.console import Console, RenderableType

    from clc.records import Verdict
    from clc.solving.sampler import Counters

__all__ = ["PLAIN_SECONDS", "RunProgress", "describe_counters", "join_counts"]

PLAIN_SECONDS = 10.0
STOPPING = "stopping: closing the engine; Ctrl-C once more does not wait for it"


def join_counts(counts: Iterable[tuple[int, str]], tokens: int | None, seconds: float) -> str:
    """Join counts that are not 0, and the speed unless ``tokens`` is None.

    >>> join_counts([(1200, "paths"), (0, "lost"), (3, "reused")], tokens=5000, seconds=10)
    '1,200 paths, 3 reused, 500 tokens/s'
    """
    parts = [f"{count:,} {name}" for count, name in counts if count]
    if tokens is not None:
        parts.append(f"{tokens / max(seconds, 0.001):,.0f} tokens/s")
    return ", ".join(parts)


def describe_counters(counters: Counters, seconds: float) -> str:
    """Describe the work of a solver in ``seconds``."""
    if not (counters.drawn or counters.reused or counters.lost or counters.translations):
        return "starting the engine"
    others = (
        (counters.lost, "lost"),
        (counters.reused, "reused"),
        (counters.translations, "translations"),
    )
    return f"{counters.drawn:,} paths, {join_counts(others, counters.completion_tokens, seconds)}"


class _TwoLines(Progress):
    """A bar, and a line of text under it: both fit in 80 columns."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            yield Text(f"  {task.description}", no_wrap=True, overflow="ellipsis")


class RunProgress:
    """Shows problems done, paths, tokens per second, agreement so far and the time left.

    Args:
        counters: the solver's.
        total: number of problems, if it is known.
        console: the one to print on (standard error).
        quiet: show nothing.
    """

    def __init__(
        self, counters: Counters, total: int | None, console: Console, *, quiet: bool = False
    ) -> None:
        self._counters = counters
        self._total = total
        self._console = console
        self._quiet = quiet
        self._done = 0
        self._stopping = False
        self._agreement = 0.0
        self._started = self._shown = time.monotonic()
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._quiet:
            self._progress = _TwoLines(
                SpinnerColumn(),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("problems,"),
                TimeElapsedColumn(),
                TextColumn("passed,"),
                TimeRemainingColumn(),
                TextColumn("left"),
                console=self._console,
                expand=True,
                transient=True,
                get_time=time.monotonic,
            )
            self._task = self._progress.add_task("starting the engine", total=self._total)
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
        if not self._quiet and self._done:
            self._plain()

    def tick(self, verdict: Verdict | None = None) -> None:
        """Update the display; with a verdict, one more problem is done."""
        if verdict is not None:
            self._done += 1
            self._agreement += verdict.agreement
        if self._quiet:
            return
        if self._progress is not None:
            text = STOPPING if self._stopping else self._text()
            self._progress.update(self._task, completed=self._done, description=text)
        elif time.monotonic() - self._shown > PLAIN_SECONDS:
            self._plain()

    def stopping(self) -> None:
        """Show that the run is being stopped, which takes until the engine has closed."""
        self._stopping = True
        self.tick()

    def _plain(self) -> None:
        self._shown = time.monotonic()
        of = "" if self._total is None else f"/{self._total}"
        line = f"{self._done}{of} problems, {self._text()}"
        if self._total is not None and 0 < self._done < self._total:
            passed = self._shown - self._started
            left = passed / self._done * (self._total - self._done)
            line += f", about {left:.0f} s left"
        self._console.print(line, highlight=False, soft_wrap=True)

    def _text(self) -> str:
        text = describe_counters(self._counters, time.monotonic() - self._started)
        return f"{text}, agreement {self._agreement / self._done:.0%}" if self._done else text
