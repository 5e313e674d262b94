"""Early stopping end to end: ``python -m benchmarks.early_stopping --out DIR``.

The bundled model solves test problems of its generator at 44 paths (11 languages, 4 each), once
with the whole budget and once with each rule, every time from nothing: no store and no cache of
translations. Paths, tokens and seconds are ratios to the whole budget in the same session.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from rich.console import Console

from benchmarks.training.measure import MAX_TOKENS, table, test_problems
from clc.analysis.paired import compare
from clc.analysis.scoring import score, scored_rows
from clc.engines.factory import open_engine
from clc.engines.shared import SharedEngine
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.voting.stopping import Stopping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.analysis.scores import Scored
    from clc.records import Problem

RULES = {
    "whole budget": Stopping(),
    "lead": Stopping("lead"),
    "beta 0.95": Stopping("beta"),
    "beta 0.9": Stopping("beta", threshold=0.9),
    "window 5": Stopping("window"),
    "crosslingual 3, 0.95": Stopping("crosslingual"),
    "crosslingual 3, 0.9": Stopping("crosslingual", threshold=0.9),
    "bayes 0.95": Stopping("bayes"),
    "cite 0.95": Stopping("cite"),
    "mmc 0.95": Stopping("mmc"),
}


class Measured(NamedTuple):
    """One pass: seconds, scored verdicts, and tokens spent in all."""

    seconds: float
    rows: Sequence[Scored]
    tokens: int


async def solve(
    folder: Path, lane: SharedEngine, problems: Sequence[Problem], stopping: Stopping, paths: int
) -> Measured:
    """Solve all problems from nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    with Store(folder) as store:
        settings = configure("clc", paths=paths, max_tokens=MAX_TOKENS, stopping=stopping)
        work = Run(settings, lane, store)
        work.begin({"generator": "test"})
        started = time.monotonic()
        async for _ in work.verdicts(problems):
            pass
        seconds = time.monotonic() - started
        rows = list(scored_rows(store))
    total = score(rows)
    return Measured(seconds, rows, (total.usage + total.translation_usage).total)


async def measure(
    out: Path, problems: Sequence[Problem], paths: int, model: str, engine: str
) -> dict[str, Measured]:
    """Take every pass with one engine that has been warmed up."""
    lane = SharedEngine(open_engine(model, engine=engine))
    await solve(out / "warm-up", lane, problems[:2], Stopping(), paths)
    found = {}
    for name, stopping in RULES.items():
        found[name] = await solve(out / name.replace(" ", "-"), lane, problems, stopping, paths)
        click.echo(f"{name}: {found[name].seconds:.0f} s", err=True)
    await lane.close()
    return found


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the runs.")
@click.option("--model", default="clc-tiny", show_default=True)
@click.option("--engine", default="auto", show_default=True)
@click.option("--items", default=10, show_default=True, help="Problems, each in 11 languages.")
@click.option("--paths", default=44, show_default=True)
def main(out: Path, model: str, engine: str, items: int, paths: int) -> None:
    """Print the table."""
    problems = list(test_problems(items))
    found = asyncio.run(measure(out, problems, paths, model, engine))
    whole = found["whole budget"]
    made = table(
        f"{len(problems)} problems, {paths} paths at most",
        "rule", "right, %", "less the whole budget", "paths", "of whole", "tokens of whole",
        "seconds of whole",
    )  # fmt: skip
    base = score(whole.rows)
    for name, one in found.items():
        result = score(one.rows)
        rate = result.accuracy
        if rate is None:
            raise click.ClickException("the problems have no gold")
        pair = compare(one.rows, whole.rows)
        made.add_row(
            name,
            f"{100 * rate.value:.1f} ({100 * rate.low:.1f}-{100 * rate.high:.1f})",
            f"{100 * pair.difference:+.1f} ({100 * pair.low:+.1f} to {100 * pair.high:+.1f})",
            f"{result.paths / len(problems):.1f}",
            f"{result.paths / base.paths:.3f}",
            f"{one.tokens / whole.tokens:.3f}",
            f"{one.seconds / whole.seconds:.3f}",
        )
    Console(width=140).print(made)


if __name__ == "__main__":
    main()
