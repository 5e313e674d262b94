"""``clc solve``: a file of problems in, a run folder out."""

from __future__ import annotations

from contextlib import ExitStack, aclosing, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clc import bounds
from clc.cli.cluster_options import ClusterOptions
from clc.cli.cluster_run import solve_on_cluster
from clc.cli.options import EngineOptions, NumberType, OptionGroup, grouped, option
from clc.cli.run_file import RunFileCommand, given_options
from clc.cli.solve_output import SolveOutput
from clc.cli.solving_options import SolvingOptions, strategy_option
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.datasets import Dataset
    from clc.engines.engine_file import EngineSpec
    from clc.prompts.templates import Templates
    from clc.solving.bill import Bill
    from clc.solving.configuration import Configuration
    from clc.solving.run import Run
    from clc.solving.verifier import Verifier

__all__ = ["command"]

_MOST_REREAD = 2  # times the answers in memory: of more paths, other processes read them


@dataclass(frozen=True)
class _SourceOptions(OptionGroup):
    """Options of reading the file of problems, as ``load_problems`` takes them."""

    limit: int | None = option(
        "--limit", type=NumberType(bounds.COUNT), help="Only the first N problems."
    )
    language: str | None = option(
        "--language", help="Language of the questions, where the file does not give it."
    )
    format: str | None = option(
        "--format",
        type=click.Choice(["tsv", "csv", "jsonl", "json", "parquet", "hub"]),
        help="Format of the file.  [default: by its name and content]",
    )
    parallel: str | None = option(
        "--parallel",
        metavar="DIR",
        help="Folder of mgsm_<lang>.tsv whose rows are translations of FILE's.",
    )
    fields: tuple[str, ...] = option(
        "--field",
        multiple=True,
        metavar="OURS=THEIRS",
        help="Name of a field in the file: question=problem, answer=solution, id=. Repeatable.",
    )
    kind: str | None = option(
        "--kind", type=click.Choice(["number", "choice", "latex"]),
        help="Kind of the answers, where the file does not give it.")  # fmt: skip


@click.command("solve", cls=RunFileCommand)
@click.argument("source", metavar="FILE")
@click.option("--out", metavar="DIR",
              help="Run folder. The same command resumes the run in it.")  # fmt: skip
@grouped("reading", _SourceOptions)
@strategy_option
@grouped("solving", SolvingOptions)
@grouped("engine", EngineOptions)
@grouped("cluster", ClusterOptions)
@click.option("--total-paths", type=NumberType(bounds.TOTAL_PATHS), metavar="N",
              help="Paths for all problems together: one each, the others where the votes disagree "
              "most, --paths at most for one problem.")  # fmt: skip
@click.option("--total-tokens", type=NumberType(bounds.TOTAL_TOKENS), metavar="N",
              help="The same in tokens, translations included.")  # fmt: skip
@click.option("--budget", type=NumberType(bounds.MONEY), metavar="AMOUNT",
              help="Stop when the run has cost so much, in the currency of the engine file's "
              "[prices] or what the endpoint reports.")  # fmt: skip
@click.option("--dry-run", is_flag=True,
              help="Count requests, tokens and money by arm; send and write nothing.")  # fmt: skip
@click.option("--no-cache", is_flag=True, help="Keep no translations for other runs.")
@click.option("--json", "as_json", is_flag=True, help="Print results as JSON.")
def command(
    *,
    source: str,
    out: str | None,
    reading: _SourceOptions,
    strategy: str,
    solving: SolvingOptions,
    engine: EngineOptions,
    cluster: ClusterOptions,
    total_paths: int | None,
    total_tokens: int | None,
    budget: float | None,
    dry_run: bool,
    no_cache: bool,
    as_json: bool,
) -> None:
    """Solve every problem of FILE (or - for standard input) and store every path.

    FILE is an MGSM TSV, a folder of mgsm_<lang>.tsv, rows with a question in JSONL, JSON, CSV or
    Parquet (also packed with gzip or Zstandard), or a datasets id. A FILE.toml is a whole run: the
    options by their names, and file = "FILE"; options on the command line win.

    \b
    Examples:
      clc solve mgsm_de.tsv --out runs/de
      clc solve mgsm_de.tsv --strategy clc --languages en,de,zh --paths 44 --out runs/de44
      clc solve cmath.jsonl --model Qwen/Qwen2.5-7B-Instruct --strategy clc-bilingual --out runs/zh
      clc solve cmath.jsonl --base-url http://host:8000/v1 --model my-model --out runs/zh
      clc solve mgsm_de.tsv --engine-file qwen3.toml --dry-run
      clc solve run.toml --paths 44 --out runs/de44
      clc solve big.parquet --cluster ray --replicas 8 --gpus-per-replica 1 --out runs/big

    Stop it at any time, even by force: the same command goes on. Afterwards: clc score DIR
    """  # noqa: D301
    from clc.cli.text import make_console
    from clc.solving.voters import load_voters

    opened = solving.strategy(strategy)
    voters = None if cluster.cluster is not None else load_voters(opened)
    configuration = solving.configuration(
        opened, engine.spec, voters, total_paths=total_paths, total_tokens=total_tokens
    )
    if dry_run:
        _estimate(source, reading, configuration, solving, engine, as_json=as_json)
        return
    if out is None:
        raise click.MissingParameter(param_hint="'--out'", param_type="option")
    if not out.strip():
        raise ConfigurationError("--out is empty; name a run folder")
    shown = SolveOutput(out, make_console(stderr=True), as_json=as_json)
    if cluster.cluster is not None:
        solve_on_cluster(
            source,
            shown,
            reading=asdict(reading),
            configuration=configuration,
            prompts=solving.prompt_folder,
            marks=solving.templates().marks,
            engine=engine,
            cluster=cluster,
            bill=_make_bill(engine.spec, {}, budget),
        )
        return
    cluster.refuse_without_cluster()
    templates = solving.templates()
    _solve_here(
        source,
        reading,
        shown,
        configuration=configuration,
        templates=templates,
        engine=engine,
        voters=voters or {},
        verifier=solving.open_verifier(templates),
        cache=not no_cache,
        bill=_make_bill(engine.spec, voters or {}, budget),
    )


def _make_bill(engine: EngineSpec, voters: Mapping[str, EngineSpec], budget: float | None) -> Bill:
    """Return the bill of a run.

    Raises:
        ConfigurationError: there is a budget, and nothing has a price; or models have several.
    """
    from clc.solving.bill import Bill

    for voter in voters.values():
        if voter.prices is not None and voter.prices != engine.prices:
            raise ConfigurationError(
                f"{voter.path}: [prices] are not those of the run's engine: the models of one vote "
                "have one price; leave [prices] out of one of the files"
            )
    if budget is not None and engine.run_prices is None and not engine.endpoints:
        raise ConfigurationError(
            "--budget needs prices: write [prices] into an engine file (--engine-file)"
        )
    return Bill(engine.run_prices, budget)


def _estimate(
    source: str,
    reading: _SourceOptions,
    configuration: Configuration,
    solving: SolvingOptions,
    engine: EngineOptions,
    *,
    as_json: bool,
) -> None:
    """Print what a run would ask for."""
    import asyncio

    from clc.cli.dry_run import print_estimate
    from clc.datasets import Dataset
    from clc.solving.estimate import estimate_run

    templates = solving.templates()
    engine.open(templates.marks)  # its settings are checked; nothing is loaded
    problems = Dataset(source, **asdict(reading), scripts=templates.scripts).problems()
    estimate = asyncio.run(estimate_run(problems, configuration, templates))
    stops = configuration.stopping.rule != "fixed" or bool(
        configuration.online or configuration.total
    )
    print_estimate(estimate, engine.spec.run_prices, stops=stops, as_json=as_json)


def _solve_here(
    source: str,
    reading: _SourceOptions,
    shown: SolveOutput,
    *,
    configuration: Configuration,
    templates: Templates,
    engine: EngineOptions,
    voters: Mapping[str, EngineSpec],
    verifier: Verifier | None,
    cache: bool,
    bill: Bill,
) -> None:
    """Solve in this process."""
    from clc.analysis.export import export
    from clc.datasets import Dataset
    from clc.runs.store import Store
    from clc.runs.translation_cache import TranslationCache, default_cache_folder
    from clc.runs.unused import removing_unused
    from clc.solving.run import Run
    from clc.solving.voters import open_voters
    from clc.worker_processes import Workers

    dataset = Dataset(source, **asdict(reading), scripts=templates.scripts)
    opened, translator = engine.open(templates.marks)
    others = open_voters(voters, verifier, templates.marks)
    with ExitStack() as stack:
        stack.enter_context(removing_unused(Path(shown.out)))
        store = stack.enter_context(Store(shown.out))
        kept = None
        if cache:
            kept = stack.enter_context(closing(TranslationCache(default_cache_folder())))
        run = Run(
            configuration,
            opened,
            store,
            translator,
            templates,
            kept,
            bill=bill,
            voters=others,
            verifier=verifier,
        )
        # Standard input has no fingerprint: its problems are compared one by one.
        finished = run.begin(dataset.identity(), reading.limit) and source != "-"
        options = given_options(click.get_current_context())
        store.write_manifest({**(store.manifest() or {}), "options": options})
        if finished:
            shown.finished()
        else:
            _solve(run, dataset, shown)
        with shown.console.status("taking the votes"):  # of a million paths: a minute
            if store.count("paths") <= _MOST_REREAD * len(run.outcomes):
                score = export(store, read=run.outcomes.recall)
            else:  # most answers have to be read again
                with Workers() as workers:
                    score = export(store, workers=workers)
        if not finished:
            run.finish()
        reason = store.commonest_failure()
        shown.beyond_total(configuration.total, store.count("paths"))
    shown.results(score, run.solver.counters, reason)


def _solve(run: Run, dataset: Dataset, shown: SolveOutput) -> None:
    from clc.cli.interrupts import run_interruptible

    progress = shown.progress(run.solver.counters, dataset.total)

    async def drain() -> None:
        async with aclosing(run.verdicts(dataset.problems())) as verdicts:
            async for verdict in verdicts:
                progress.tick(verdict)

    try:
        with progress:
            run_interruptible(drain(), progress.tick, progress.stopping)
    except KeyboardInterrupt:
        shown.interrupted()
