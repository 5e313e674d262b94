"""``clc compare``: several strategies on the same problems, at equal budgets."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clc.cli.interrupts import run_interruptible
from clc.cli.options import (
    engine_options,
    make_configuration,
    make_engine,
    make_templates,
    make_translator,
    solving_options,
)
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from clc.analysis.comparison_records import Entry
    from clc.engines.shared import SharedEngine
    from clc.records import Problem, Verdict
    from clc.solving.configuration import Configuration
    from clc.solving.pool import Pool

__all__ = ["command"]

BASELINES = ("native-cot", "sc", "sc-en")


@click.command("compare")
@click.argument("sources", nargs=-1, required=True, metavar="FILE | RUN...")
@click.option("--strategies", metavar="NAMES",
              help="What to draw for FILE, beside the baselines.  [default: clc]")  # fmt: skip
@click.option("--out", metavar="DIR",
              help="Folder of the pool of paths and of the results. For runs: of the results only, "
                   "and not needed.")  # fmt: skip
@click.option("--reference", metavar="NAME",
              help="What the others are compared with: a strategy, or a run by its folder's name.  "
                   "[default: sc; of runs, the first]")  # fmt: skip
@click.option("--budget", type=float, metavar="TOKENS",
              help="Tokens for one problem at which all are compared.  "
                   "[default: what the cheapest with several paths spends]")  # fmt: skip
@click.option("--limit", type=int, help="Only the first N problems.")
@click.option("--language", help="Language of the questions, where the file does not say it.")
@click.option("--parallel", metavar="DIR",
              help="Folder of mgsm_<lang>.tsv whose rows are translations of FILE's.")  # fmt: skip
@solving_options
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(sources: tuple[str, ...], **options: Any) -> None:
    """Compare strategies on the problems of FILE, or runs that are there already.

    Each strategy gets --paths paths for a question (single greedy ones keep one). All draw from
    one pool in DIR: what they share is drawn once, and the same command draws nothing again.
    native-cot, sc and sc-en are always among them.

    \b
    Examples:
      clc compare mgsm_sw.tsv --strategies clc,xcot,clsp --paths 11 --out runs/compared
      clc compare runs/sc runs/clc
    """  # noqa: D301
    from rich.console import Console
    from rich.text import Text

    from clc.analysis.comparison import compare_strategies
    from clc.cli.comparison_tables import print_strategies, write_comparison
    from clc.cli.text import visible

    console = Console(stderr=True)
    with ExitStack() as stack:
        if len(sources) > 1 or _is_run(sources[0]):
            reference = options["reference"] or Path(sources[0]).resolve().name
            entries = _runs(sources, options, stack)
        else:
            reference = options["reference"] or "sc"
            entries = _drawn(sources[0], {**options, "reference": reference}, stack, console)
        comparison = compare_strategies(entries, reference=reference, budget=options["budget"])
    print_strategies(comparison, as_json=options["as_json"])
    if options["out"]:
        for line in write_comparison(comparison, Path(options["out"])):
            console.print(Text(visible(line)), soft_wrap=True)


def _is_run(source: str) -> bool:
    from clc.runs.open import is_run

    return is_run(source)


def _runs(folders: Sequence[str], options: Mapping[str, Any], stack: ExitStack) -> Iterable[Entry]:
    """Take runs as they are, each under its folder's name."""
    from clc.analysis.comparison import outcomes
    from clc.analysis.comparison_records import Entry
    from clc.runs.open import open_run
    from clc.voting.verdict import Counting

    if options["strategies"]:
        raise ConfigurationError("--strategies goes with a file of problems, not with runs")
    for folder in folders:
        store = stack.enter_context(open_run(folder))
        counting = Counting.from_manifest(store.manifest())
        weighted = counting.voting == "weighted" or counting.weighting is not None
        yield Entry(Path(folder).resolve().name, outcomes(store, weighted=weighted))


def _drawn(
    source: str, options: Mapping[str, Any], stack: ExitStack, console: Console
) -> Iterable[Entry]:
    """Draw every strategy's paths into one pool."""
    from clc.analysis.comparison import entries
    from clc.datasets import Dataset
    from clc.engines.shared import SharedEngine
    from clc.runs.store import Store
    from clc.runs.translation_cache import TranslationCache, default_cache_folder
    from clc.solving.pool import Pool

    if not (options["out"] or "").strip():
        raise ConfigurationError("name the folder of the pool with --out")
    if source == "-":
        raise ConfigurationError("every strategy reads the problems: name a file, not -")
    reading = {name: options[name] for name in ("language", "limit", "parallel")}
    configurations = _configurations(options)
    if options["reference"] not in configurations:
        raise ConfigurationError(
            f"--reference {options['reference']!r} is not among the strategies: "
            f"{', '.join(configurations)}"
        )
    dataset = Dataset(source, **reading)
    problems = list(dataset.problems())
    lane, second = SharedEngine(make_engine(options)), make_translator(options)
    translator = None if second is None else SharedEngine(second)
    store = stack.enter_context(Store(options["out"]))
    cache = TranslationCache(default_cache_folder())
    stack.callback(cache.close)
    pool = Pool(
        lane,
        store,
        configurations,
        templates=make_templates(options),
        translator=translator,
        cache=cache,
    )
    identity = {
        "source": Path(source).name,
        "fingerprint": dataset.fingerprint,
        "language": options["language"],
    }
    pool.begin(identity, options["limit"])
    lanes = [lane] if translator is None else [lane, translator]
    run_interruptible(_draw(pool, lanes, problems, len(problems), console))
    return entries(pool)


async def _draw(
    pool: Pool,
    lanes: Sequence[SharedEngine],
    problems: Sequence[Problem],
    total: int,
    console: Console,
) -> None:
    from rich.text import Text

    from clc.cli.text import brief, put

    try:
        for name in pool.runs:
            done = 0
            shown = brief(name)
            with console.status(Text(shown)) as status:

                def watch(_: Verdict, shown: str = shown, status: Any = status) -> None:
                    nonlocal done
                    done += 1
                    status.update(Text(f"{shown}: {done:,} of {total:,} problems"))

                await pool.draw(name, problems, watch)
            counters = pool.runs[name].solver.counters
            drawn = f"{counters.drawn:,} paths drawn now, {counters.reused:,} reused"
            put(console, Text(f"{shown}: {drawn}"))
    finally:
        async with AsyncExitStack() as stack:
            for lane in lanes:
                stack.push_async_callback(lane.close)


def _configurations(options: Mapping[str, Any]) -> dict[str, Configuration]:
    """Return the baselines and the strategies asked for, by name, with the same budget."""
    from clc.strategies.files import open_strategy

    asked = (options["strategies"] or "clc").replace(" ", "").split(",")
    # What one strategy weighs by must be measured in the paths that it shares with others.
    measured = options["confidence"] or options["weighting"] is not None or options["online"]
    made: dict[str, Configuration] = {}
    for told in (*BASELINES, *asked):
        strategy = open_strategy(told)
        single = strategy.temperature == 0
        fixed = {"paths": None, "temperature": None} if single else {}
        plain = single or strategy.name in BASELINES
        own = dict.fromkeys(
            ("stopping", "threshold", "stop_window", "stop_languages", "portfolio", "weighting")
        )
        changes: dict[str, Any] = fixed | {"confidence": measured}
        changes |= {**own, "online": False} if plain else {}
        if strategy.planner is not None:
            changes |= {"languages": None, "portfolio": None}  # the model chooses them
        configuration = make_configuration({**options, **changes, "strategy": told})
        if made.setdefault(strategy.name, configuration).strategy != strategy:
            raise ConfigurationError(f"two strategies are called {strategy.name!r}; rename {told}")
    return made
