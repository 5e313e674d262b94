"""``clc compare``: several strategies on the same problems, at equal budgets."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clc import bounds
from clc.cli.options import EngineOptions, NumberType, OptionGroup, grouped, option, split_codes
from clc.cli.sampling_options import SamplingOptions
from clc.cli.solving_options import SolvingOptions
from clc.cli.stopping_options import StoppingOptions
from clc.errors import ConfigurationError
from clc.input_files import printable_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from clc.analysis.comparison_records import Entry
    from clc.answers.reading_files import ReadingFiles
    from clc.engines.engine_file import EngineSpec
    from clc.engines.shared import SharedEngine
    from clc.prompts.templates import Templates
    from clc.records import Problem, Verdict
    from clc.solving.configuration import Configuration
    from clc.solving.pool import StrategyPool

__all__ = ["command"]

BASELINES = ("native-cot", "sc", "sc-en")


@dataclass(frozen=True)
class _PoolOptions(OptionGroup):
    """The options that need a file of problems."""

    strategies: str | None = option(
        "--strategies",
        metavar="NAMES",
        help="Strategies to sample for FILE, besides the baselines.  [default: clc]",
    )
    limit: int | None = option(
        "--limit", type=NumberType(bounds.COUNT), help="Only the first N problems."
    )
    language: str | None = option(
        "--language", help="Language of the questions, where the file does not give it."
    )
    parallel: str | None = option(
        "--parallel", metavar="DIR",
        help="Folder of mgsm_<lang>.tsv whose rows are translations of FILE's.")  # fmt: skip
    fields: tuple[str, ...] = option(
        "--field", multiple=True, metavar="OURS=THEIRS",
        help="Name of a field in the file: question=problem. Repeatable.")  # fmt: skip


@click.command("compare")
@click.argument("sources", nargs=-1, required=True, metavar="FILE | RUN...")
@click.option("--out", metavar="DIR",
              help="Folder of the pool of paths and of the results. For runs: of the results only, "
                   "and not needed.")  # fmt: skip
@click.option("--reference", metavar="NAME",
              help="Strategy that the others are compared with, or a run by its folder's name.  "
                   "[default: sc; of runs, the first]")  # fmt: skip
@click.option("--budget", type=NumberType(bounds.BUDGET), metavar="TOKENS",
              help="Tokens for one problem at which all are compared.  "
                   "[default: the cost of the cheapest with several paths]")  # fmt: skip
@grouped("pool", _PoolOptions)
@grouped("solving", SolvingOptions)
@grouped("engine", EngineOptions)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(
    *,
    sources: tuple[str, ...],
    out: str | None,
    reference: str | None,
    budget: float | None,
    pool: _PoolOptions,
    solving: SolvingOptions,
    engine: EngineOptions,
    as_json: bool,
) -> None:
    """Compare strategies on the problems of FILE, or runs that are there already.

    Each strategy gets --paths paths for a question (single greedy ones keep one). All sample from
    one pool in DIR: what they share is sampled once, and the same command samples nothing again.
    native-cot, sc and sc-en are always among them.

    \b
    Examples:
      clc compare mgsm_sw.tsv --strategies clc,xcot,clsp --paths 11 --out runs/compared
      clc compare runs/sc runs/clc
    """  # noqa: D301
    from rich.text import Text

    from clc.analysis.comparison import compare_strategies
    from clc.cli.comparison_files import write_comparison
    from clc.cli.comparison_tables import print_strategies
    from clc.cli.text import make_console, visible

    console = make_console(stderr=True)
    with ExitStack() as stack:
        if len(sources) > 1 or _is_run(sources[0]):
            if pool.strategies:
                raise ConfigurationError("--strategies goes with a file of problems, not with runs")
            reference = reference or printable_path(Path(sources[0]).resolve().name)
            entries = _run_entries(sources, stack, solving.templates().reading_files)
        else:
            reference = reference or "sc"
            configurations = _configurations(pool.strategies or "clc", solving, engine.spec)
            if reference not in configurations:
                raise ConfigurationError(
                    f"--reference {reference!r} is not among the strategies: "
                    f"{', '.join(configurations)}"
                )
            entries = _solve_all(
                sources[0],
                out,
                stack,
                console,
                options=pool,
                configurations=configurations,
                templates=solving.templates(),
                engine=engine,
            )
        comparison = compare_strategies(entries, reference=reference, budget=budget)
    print_strategies(comparison, as_json=as_json)
    if out:
        for line in write_comparison(comparison, Path(out)):
            console.print(Text(visible(line)), soft_wrap=True)


def _is_run(source: str) -> bool:
    from clc.runs.open import is_run

    return is_run(source)


def _run_entries(
    folders: Sequence[str], stack: ExitStack, reading: ReadingFiles
) -> Iterable[Entry]:
    """Yield the outcomes of stored runs, each under its folder's name."""
    from clc.analysis.comparison_entries import problem_outcomes
    from clc.analysis.comparison_records import Entry
    from clc.analysis.costs import currency_of
    from clc.prices import RunPrices
    from clc.runs.open import open_run
    from clc.voting.outcomes import read_outcome
    from clc.voting.verdict import Counting

    for folder in folders:
        store = stack.enter_context(open_run(folder))
        counting = Counting.from_manifest(store.manifest())
        manifest = store.manifest()
        prices = RunPrices.from_manifest(manifest)
        weighted = counting.voting == "weighted" or counting.weighting is not None
        outcomes = problem_outcomes(
            store, weighted=weighted, read=partial(read_outcome, files=reading), prices=prices
        )
        currency = currency_of(manifest, prices)
        yield Entry(
            printable_path(Path(folder).resolve().name),
            outcomes,
            currency=currency,
            group=_without_seed(manifest),
        )


def _without_seed(manifest: Mapping[str, Any] | None) -> str | None:
    """Return a key that runs share which differ in their seed alone; None if it is not known."""
    from clc.records import content_key

    identity = (manifest or {}).get("identity")
    if not identity:
        return None
    return content_key("runs", {name: one for name, one in identity.items() if name != "seed"})


def _solve_all(
    source: str,
    out: str | None,
    stack: ExitStack,
    console: Console,
    *,
    options: _PoolOptions,
    configurations: Mapping[str, Configuration],
    templates: Templates,
    engine: EngineOptions,
) -> Iterable[Entry]:
    """Solve the problems with every strategy over one pool of paths; return the outcomes."""
    from clc.analysis.comparison_entries import entries
    from clc.cli.interrupts import run_interruptible
    from clc.cli.solve_output import print_interrupted
    from clc.datasets import Dataset
    from clc.engines.shared import SharedEngine
    from clc.runs.store import Store
    from clc.runs.translation_cache import TranslationCache, default_cache_folder
    from clc.solving.pool import StrategyPool

    if out is None or not out.strip():
        raise ConfigurationError("name the folder of the pool with --out")
    if source == "-":
        raise ConfigurationError("every strategy reads the problems: name a file, not -")
    reading = {name: getattr(options, name) for name in ("language", "limit", "parallel", "fields")}
    dataset = Dataset(source, **reading, scripts=templates.scripts)
    problems = list(dataset.problems())
    engines = [None if one is None else SharedEngine(one) for one in engine.open(templates.marks)]
    shared, translator = engines
    assert shared is not None  # noqa: S101 - only a translator may be missing
    store = stack.enter_context(Store(out))
    cache = stack.enter_context(closing(TranslationCache(default_cache_folder())))
    pool = StrategyPool(
        shared,
        store,
        configurations,
        templates=templates,
        translator=translator,
        cache=cache,
        prices=engine.spec.run_prices,
    )
    identity = dataset.identity()
    for name in ("format", "kind"):  # it has no such options
        del identity[name]
    pool.begin(identity, options.limit)
    try:
        run_interruptible(_solve_each(pool, [one for one in engines if one], problems, console))
    except KeyboardInterrupt:
        print_interrupted(console, out)
    return entries(pool)


async def _solve_each(
    pool: StrategyPool,
    engines: Sequence[SharedEngine],
    problems: Sequence[Problem],
    console: Console,
) -> None:
    """Run one strategy after the other, then close the engines."""
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
                    status.update(Text(f"{shown}: {done:,} of {len(problems):,} problems"))

                await pool.solve(name, problems, watch)
            counters = pool.runs[name].solver.counters
            summary = f"{counters.drawn:,} paths sampled now, {counters.reused:,} reused"
            put(console, Text(f"{shown}: {summary}"))
    finally:
        async with AsyncExitStack() as stack:
            for engine in engines:
                stack.push_async_callback(engine.close)


def _configurations(
    names: str, options: SolvingOptions, engine: EngineSpec
) -> dict[str, Configuration]:
    """Return the configurations of the baselines and the named strategies, with one budget."""
    from clc.strategies.files import open_strategy

    # Strategies share paths: a confidence that one of them weighs by is measured for all.
    measured = options.confidence or options.weighting is not None or options.online
    configurations: dict[str, Configuration] = {}
    for name in (*BASELINES, *(split_codes(names) or ())):
        strategy = open_strategy(name)
        changes: dict[str, Any] = {"confidence": measured}
        if strategy.temperature == 0:  # a single greedy path
            given = {**options.sampling.given, "temperature": None}
            changes |= {"paths": None, "sampling": SamplingOptions(given)}
        if strategy.temperature == 0 or strategy.name in BASELINES:
            changes |= {"stopping": StoppingOptions.empty(), "portfolio": None, "weighting": None,
                        "online": False}  # fmt: skip
        if strategy.planner is not None:
            changes |= {"languages": None, "portfolio": None}  # the model chooses them
        configuration = replace(options, **changes).configuration(strategy, engine)
        if configurations.setdefault(strategy.name, configuration).strategy != strategy:
            raise ConfigurationError(f"two strategies are called {strategy.name!r}; rename {name}")
    return configurations
