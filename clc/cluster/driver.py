"""The driver of a run on Ray: settings, pipeline, export."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.analysis.export import export
from clc.cluster.collecting import ClusterResult, Collector
from clc.cluster.manifest import begin_shards, finish_shards, keep_time
from clc.cluster.messages import BATCHES_AT_ONCE, TOTAL_BLOCK, RunSpec
from clc.cluster.ray_session import ReplicaPool, check_ray, connected
from clc.cluster.votes import parts
from clc.datasets import dataset_fingerprint, dataset_identity, load_problems
from clc.engines.adjusted import open_translator
from clc.engines.engine_file import EngineSpec, load_engine_file
from clc.errors import ConfigurationError, DatasetError
from clc.input_files import printable_path
from clc.prompts.templates import Templates
from clc.runs.shards import Shards
from clc.runs.store import Store
from clc.solving.allocation import check_total, divide_total
from clc.solving.bill import Bill
from clc.solving.configure import configure
from clc.solving.identity import as_begun, earlier_lengths
from clc.solving.run import Run
from clc.solving.runner import first_round_size, open_problems
from clc.solving.sampler import earlier_limits
from clc.thoughts import load_marks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clc.cluster.collecting import Watch
    from clc.engines.base import Engine
    from clc.engines.chat_options import ChatOptions
    from clc.solving.configuration import Configuration, TotalBudget
    from clc.strategies.strategy import Strategy

__all__ = ["ClusterResult", "solve_on_ray", "spread"]

_MOST_PROBLEMS, _LEAST_PROBLEMS = 512, 128  # of a batch; each takes the driver some 13 ms


def solve_on_ray(
    source: str | Path,
    *,
    out: str | Path,
    replicas: int = 1,
    cpus_per_replica: float = 1.0,
    gpus_per_replica: float = 0.0,
    model: str | None = None,
    engine_file: str | Path | EngineSpec | None = None,
    engine: Callable[[], Engine] | None = None,
    translator: Callable[[], Engine] | ChatOptions | None = None,
    strategy: str | Strategy = "clc",
    prompts: str | Path | None = None,
    reading: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    budget: float | None = None,
    **settings: Any,
) -> ClusterResult:
    """Solve every problem of a file on Ray, and store every path in ``out``.

    It uses the Ray that this process is connected to, else the one at ``RAY_ADDRESS``, else it
    starts one on this machine. The same call resumes a run. Keys of paths and votes depend on
    problems, seed and settings only, so they equal those of a run on one machine.

    Args:
        source: a file or folder of problems, or a hub id; it is read on this machine.
        out: the run folder, on a file system that all nodes share, or a URI (``s3://…``).
        replicas: number of engines, each in its own process.
        cpus_per_replica: CPUs that Ray reserves for each.
        gpus_per_replica: GPUs of each, all on one node; a fraction shares one.
        model: name of the model when no ``engine`` is given, ``clc-tiny`` by default; every node
            must have it.
        engine_file: a TOML file, read on this machine, that describes engine, sampling and
            translator. Every node must have the folders and the environment variables of its keys.
        engine: makes an engine. Called in every replica, and in this process for the engine's
            fingerprint. Ray must be able to pickle it.
        translator: makes another engine for translations; or chat options with which the engine
            itself translates. By default it translates without a thought where it can.
        strategy: a name, or your own ``Strategy``.
        prompts: a folder of templates that override the bundled ones; every node must have it. Its
            marks of thoughts are those of ``model``; an ``engine`` has its own.
        reading: how to read ``source``: language, format, limit, kind, parallel, fields; see
            ``clc.datasets.load_problems``.
        watch: called with the counters so far and the verdicts that just arrived.
        budget: money at which the run stops, where the engine file has prices or the endpoint
            reports costs.
        settings: as for ``clc.solving.configure.configure``: languages, paths, temperature, seed, …

    Raises:
        InputError: a setting or a row is wrong. The rows before it are solved.
        RunError: an engine cannot start, or Ray is lost; the stored paths stay.

    >>> from functools import partial  # doctest: +SKIP
    >>> from clc.cluster import solve_on_ray  # doctest: +SKIP
    >>> from clc.engines.factory import open_engine  # doctest: +SKIP
    >>> solve_on_ray(  # doctest: +SKIP
    ...     "big.parquet",
    ...     out="runs/big",
    ...     replicas=8,
    ...     gpus_per_replica=1,
    ...     engine=partial(open_engine, "Qwen/Qwen2.5-7B-Instruct", max_model_len=4096),
    ... ).score.accuracy  # doctest: +SKIP
    """
    if engine is not None and engine_file is not None:
        raise ConfigurationError("engine and engine_file both name an engine: give one of them")
    spec = engine_file
    if not isinstance(spec, EngineSpec):
        spec = EngineSpec() if spec is None else load_engine_file(spec)
    spec = replace(spec, model=model or spec.model).with_absolute_folders()
    if engine is None:
        settings = spec.with_settings(settings)
        translator = translator or spec.translator_maker(load_marks(prompts))
    return spread(
        str(source),
        out=str(out),
        pool=ReplicaPool(replicas, cpus_per_replica, gpus_per_replica),
        configuration=configure(strategy, **settings),
        engine=engine or spec.maker(load_marks(prompts)),
        translator=translator,
        prompts=None if prompts is None else str(prompts),
        reading=dict(reading or {}),
        watch=watch,
        bill=Bill(spec.run_prices if engine is None else None, budget),
    )


def spread(
    source: str,
    *,
    out: str,
    pool: ReplicaPool,
    configuration: Configuration,
    engine: Callable[[], Engine],
    translator: Callable[[], Engine] | ChatOptions | None,
    prompts: str | None,
    reading: Mapping[str, Any],
    watch: Watch | None = None,
    bill: Bill | None = None,
) -> ClusterResult:
    """Solve a file with a ready configuration; see ``solve_on_ray``."""
    check_ray()
    if source == "-":
        raise ConfigurationError("a cluster reads a file more than once: name a file, not -")
    if Path(source).exists() and not (Path(source).is_file() or Path(source).is_dir()):
        raise ConfigurationError(
            f"{printable_path(source)}: a cluster reads a file more than once: name a regular one"
        )
    out = out if "://" in out else str(Path(out).absolute())
    prompts = prompts and str(Path(prompts).absolute())
    templates = Templates(prompts)
    reading = {"scripts": templates.scripts, **reading}
    own = engine()
    second = open_translator(own, translator)
    bill = bill or Bill()
    with Shards(out) as shards:
        configuration = as_begun(configuration, shards.manifest())
        work = Run(configuration, own, Store(None), second, templates)
        work.keep_fingerprints(shards.manifest())
        identity = work.identity(_dataset(source, reading), reading.get("limit"))
        kept, blocks = _divided(configuration, source, reading, identity)
        if begin_shards(shards, kept, work, bill):
            return ClusterResult(score=export(shards), finished=True)
        manifest = shards.manifest()
        limits = earlier_limits(manifest)
        spec = RunSpec(
            configuration,
            engine,
            translator,
            prompts,
            out,
            identity,
            limits,
            earlier_lengths(manifest),
            bill.prices,
            bill.budget,
            bill.before,
            pool.replicas,
        )
        first = first_round_size(configuration)
        most = min(_MOST_PROBLEMS, max(_LEAST_PROBLEMS, 2 * open_problems(own.window, first)))
        result = ClusterResult()
        with connected(pool) as counted:
            collector = Collector(result, bill, BATCHES_AT_ONCE * counted.replicas, watch)
            from clc.cluster.pipeline import messages

            with (
                keep_time(shards, result, bill) as keep_seconds,
                closing(messages(spec, counted, source, reading, most, parts=blocks)) as received,
            ):
                collector.collect(received, keep_seconds)
            _check_unchanged(source, reading, identity)
            result.score = export(shards, parts(shards))
        if result.counters.lost:
            result.reason = shards.commonest_failure()
        if not (result.set_aside or result.counters.lost):
            finish_shards(shards, result.problems, configuration.done_budget, len(limits))
    return result


def _divided(
    configuration: Configuration, source: str, reading: Mapping[str, Any], identity: dict[str, Any]
) -> tuple[dict[str, Any], tuple[TotalBudget, ...]]:
    """Return the identity to keep, and the parts of a total budget, if there is one.

    The parts depend on the number of problems, so that belongs to the identity.

    Raises:
        ConfigurationError: the budget has less than a path for each problem.
        DatasetError: a row is wrong.
    """
    total = configuration.total
    if total is None:
        return identity, ()
    problems = sum(1 for _ in load_problems(source, **reading))
    check_total(total, problems)
    kept = {**identity, "total": {**identity["total"], "problems": problems}}
    return kept, tuple(divide_total(total, problems, TOTAL_BLOCK))


def _dataset(source: str, reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest's entry for a source."""
    fingerprint = dataset_fingerprint(source, parallel=reading.get("parallel"))
    return dataset_identity(source, reading, fingerprint=fingerprint)


def _check_unchanged(source: str, reading: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Check that a file is still the one whose fingerprint the manifest has.

    Raises:
        DatasetError: it was changed after the run began.
    """
    if _dataset(source, reading) != identity["dataset"]:
        raise DatasetError(
            f"{source}: was changed while it was solved; restore it and give the same command, or "
            "solve it as it is now into another run folder"
        )
