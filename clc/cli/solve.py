"""``clc solve``: a file of problems in, a run folder out."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack, aclosing
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from clc.cli.interrupts import run_interruptible
from clc.cli.options import (
    cluster_options,
    engine_maker,
    engine_options,
    make_configuration,
    make_engine,
    make_replica_pool,
    make_templates,
    make_translator,
    strategy_options,
    translator_maker,
)
from clc.errors import ConfigurationError, EngineError, RunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from clc.analysis.scoring import Score
    from clc.records import Verdict
    from clc.solving.run import Run
    from clc.solving.sampler import Counters

__all__ = ["command"]

_FINISHED = "This run is finished: there is nothing to draw."
_SHOWN = 10  # problems that were set aside; all are in the run folder


@click.command("solve")
@click.argument("source", metavar="FILE")
@click.option("--out", required=True, metavar="DIR",
              help="Run folder. The same command on it goes on where it stopped.")  # fmt: skip
@click.option("--limit", type=int, help="Only the first N problems.")
@click.option("--language", help="Language of the questions, where the file does not say it.")
@click.option("--format", "file_format",
              type=click.Choice(["tsv", "jsonl", "json", "parquet", "hub"]),
              help="Format of the file.  [default: by its name and content]")  # fmt: skip
@click.option("--parallel", metavar="DIR",
              help="Folder of mgsm_<lang>.tsv whose rows are translations of FILE's.")  # fmt: skip
@click.option("--kind", type=click.Choice(["number", "choice", "latex"]),
              help="Kind of the answers, where the file does not say it.")  # fmt: skip
@strategy_options
@engine_options
@cluster_options
@click.option("--no-cache", is_flag=True, help="Keep no translations for other runs.")
@click.option("--json", "as_json", is_flag=True, help="Print results as JSON.")
def command(**options: Any) -> None:
    """Solve every problem of FILE (or - for standard input) and store every path.

    FILE is an MGSM TSV, a folder of mgsm_<lang>.tsv, MGSM or CMATH rows in JSONL or Parquet, JSONL
    with a "question" a row, or a datasets id.

    \b
    Examples:
      clc solve mgsm_de.tsv --out runs/de
      clc solve mgsm_de.tsv --strategy clc --languages en,de,zh --paths 44 --out runs/de44
      clc solve cmath.jsonl --model Qwen/Qwen2.5-7B-Instruct --strategy clc-bilingual --out runs/zh
      clc solve cmath.jsonl --base-url http://host:8000/v1 --model my-model --out runs/zh
      clc solve big.parquet --cluster ray --replicas 8 --gpus-per-replica 1 --out runs/big

    Stop it at any time, even by force: the same command goes on. Afterwards: clc score DIR
    """  # noqa: D301
    from rich.console import Console

    if not options["out"].strip():
        raise ConfigurationError("--out is empty; name a run folder")
    console = Console(stderr=True)
    reading = {
        "language": options["language"],
        "format": options["file_format"],
        "limit": options["limit"],
        "kind": options["kind"],
        "parallel": options["parallel"],
    }
    if options["cluster"] is not None:
        _solve_on_cluster(options, reading, console)
        return
    for name in ("replicas", "gpus_per_replica", "cpus_per_replica"):
        if options[name] is not None:
            raise ConfigurationError(f"--{name.replace('_', '-')} goes with --cluster ray")
    _solve_here(options, reading, console)


def _solve_here(options: dict[str, Any], reading: dict[str, Any], console: Console) -> None:
    """Solve in this process, over one engine."""
    from clc.analysis.export import export
    from clc.datasets import Dataset
    from clc.runs.store import Store
    from clc.runs.translation_cache import TranslationCache, default_cache_folder
    from clc.solving.run import Run

    configuration = make_configuration(options)
    templates = make_templates(options)
    source = options["source"]
    dataset = Dataset(source, **reading)
    engine, translator = make_engine(options), make_translator(options)
    with ExitStack() as stack:
        store = stack.enter_context(Store(options["out"]))
        cache = None
        if not options["no_cache"]:
            cache = TranslationCache(default_cache_folder())
            stack.callback(cache.close)
        work = Run(configuration, engine, store, translator, templates, cache)
        identity = {
            "source": "-" if source == "-" else str(Path(source).name),
            "fingerprint": dataset.fingerprint,
            "language": options["language"],
            "format": options["file_format"],
            "kind": options["kind"],
        }
        # Standard input has no fingerprint: what it holds is compared problem by problem.
        finished = work.begin(identity, options["limit"]) and source != "-"
        if finished:
            console.print(_FINISHED)
        else:
            _solve(work, dataset.problems(), dataset.total, options, console)
        with console.status("taking the votes"):  # of a million paths: for a minute
            score = export(store, read=work.outcomes.recall)
        if not finished:
            work.finish()
    _report(score, work.solver.counters, options, console)


def _solve_on_cluster(options: dict[str, Any], reading: dict[str, Any], console: Console) -> None:
    """Spread the work over replicas; see ``clc.cluster``."""
    from clc.cli.progress import RunProgress
    from clc.cluster import spread
    from clc.solving.sampler import Counters

    for name in ("model", "translator"):  # replicas work in folders of their own
        if options[name] is not None and Path(options[name]).is_dir():
            options[name] = str(Path(options[name]).absolute())
    counters = Counters()
    progress = RunProgress(counters, None, console, quiet=options["as_json"])

    def watch(so_far: Counters, verdicts: Sequence[Verdict]) -> None:
        for part in fields(Counters):
            setattr(counters, part.name, getattr(so_far, part.name))
        for verdict in verdicts:
            progress.tick(verdict)

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    try:
        with progress:
            outcome = spread(
                options["source"],
                out=options["out"],
                pool=make_replica_pool(options),
                configuration=make_configuration(options),
                engine=engine_maker(options),
                translator=translator_maker(options),
                prompts=options["prompt_folder"],
                reading=reading,
                watch=watch,
            )
    except KeyboardInterrupt:
        _interrupted(options, console)
    finally:
        signal.signal(signal.SIGTERM, before)
    if outcome.finished:
        console.print(_FINISHED)
    assert outcome.score is not None  # noqa: S101 - a run that ends well is scored
    _report(outcome.score, outcome.counters, options, console)
    if outcome.set_aside:
        shown = "\n".join(f"  {one.id}: {one.reason}" for one in outcome.set_aside[:_SHOWN])
        raise RunError(
            f"{len(outcome.set_aside):,} problems were set aside, and have no verdict; the same "
            f"command tries them again:\n{shown}"
        )


def _report(score: Score, counters: Counters, options: dict[str, Any], console: Console) -> None:
    from clc.cli.tables import print_score, run_lines

    print_score(score, as_json=options["as_json"])
    for line in run_lines(counters, options["out"]):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if counters.lost and not score.paths:
        raise EngineError("every path was lost; verdicts.jsonl and its abstentions say why")


def _interrupted(options: dict[str, Any], console: Console) -> NoReturn:
    console.print(
        f"\nInterrupted. What was drawn is in {options['out']}; the same command goes on.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    sys.exit(130)


def _solve(
    work: Run, problems: Any, total: int | None, options: dict[str, Any], console: Any
) -> None:
    from clc.cli.progress import RunProgress

    progress = RunProgress(work.solver.counters, total, console, quiet=options["as_json"])

    async def drain() -> None:
        async with aclosing(work.verdicts(problems)) as verdicts:
            async for verdict in verdicts:
                progress.tick(verdict)

    try:
        with progress:
            run_interruptible(drain(), progress.tick, progress.stopping)
    except KeyboardInterrupt:
        _interrupted(options, console)
