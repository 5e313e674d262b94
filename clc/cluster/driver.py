"""The driver of a run on Ray: manifest, pipeline, export."""

from __future__ import annotations

import logging
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.analysis.export import export
from clc.cluster.messages import BatchResult, EndOfSource, RunSpec, SetAsideProblem, add_counters
from clc.cluster.ray_session import ReplicaPool, check_ray, connected
from clc.cluster.votes import parts
from clc.datasets import dataset_fingerprint, dataset_identity
from clc.engines.adjusted import open_translator
from clc.engines.engine_file import EngineSpec, load_engine_file
from clc.errors import ConfigurationError, DatasetError, RunError, StoreError
from clc.input_files import printable_path
from clc.prompts.templates import Templates
from clc.runs.manifest import begin_run
from clc.runs.shards import Shards
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.identity import as_begun
from clc.solving.run import Run
from clc.solving.runner import first_round_size, open_problems
from clc.solving.sampler import Counters, earlier_limits
from clc.thoughts import load_marks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from clc.analysis.scoring import Score
    from clc.engines.base import Engine
    from clc.engines.chat_options import ChatOptions
    from clc.prices import RunPrices
    from clc.records import Verdict
    from clc.solving.configuration import Configuration
    from clc.strategies.strategy import Strategy

    Watch = Callable[[Counters, Sequence[Verdict]], None]

__all__ = ["ClusterResult", "solve_on_ray", "spread"]

_log = logging.getLogger(__name__)

_KEEP_SECONDS = 10.0
_MOST_PROBLEMS, _LEAST_PROBLEMS = 512, 128  # of a batch; each takes the driver some 13 ms


@dataclass
class ClusterResult:
    """The score of the whole run, and what this call added to it.

    Attributes:
        score: of the whole run.
        counters: of this call.
        set_aside: problems without a verdict; the same call tries them again.
        finished: whether the run was finished before, so that nothing was sampled.
        problems: number of problems that were read from the source.
        start_seconds: time that the slowest engine took to start.
        reason: the commonest one of the paths that were lost.
    """

    score: Score | None = None
    counters: Counters = field(default_factory=Counters)
    set_aside: list[SetAsideProblem] = field(default_factory=list)
    finished: bool = False
    problems: int = 0
    start_seconds: float = 0.0
    reason: str | None = None


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
        prices=spec.run_prices if engine is None else None,
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
    prices: RunPrices | None = None,
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
    own = engine()
    second = open_translator(own, translator)
    with Shards(out) as shards:
        configuration = as_begun(configuration, shards.manifest())
        work = Run(configuration, own, Store(None), second, Templates(prompts))
        identity = work.identity(_dataset(source, reading), reading.get("limit"))
        if _begin(shards, identity, configuration.paths, prices):
            return ClusterResult(score=export(shards), finished=True)
        limits = earlier_limits(shards.manifest())
        spec = RunSpec(configuration, engine, translator, prompts, out, identity, limits)
        first = first_round_size(configuration)
        most = min(_MOST_PROBLEMS, max(_LEAST_PROBLEMS, 2 * open_problems(own.window, first)))
        result = ClusterResult()
        with connected(pool) as counted:
            from clc.cluster.pipeline import messages

            with (
                _timed(shards, result) as keep_seconds,
                closing(messages(spec, counted, source, reading, most)) as received,
            ):
                _add_up(received, result, watch, keep_seconds)
            _check_unchanged(source, reading, identity)
            result.score = export(shards, parts(shards))
        if result.counters.lost:
            result.reason = shards.commonest_failure()
        if not (result.set_aside or result.counters.lost):
            _finish(shards, result.problems, configuration.paths, len(limits))
    return result


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


def _begin(
    shards: Shards, identity: Mapping[str, Any], paths: int, prices: RunPrices | None = None
) -> bool:
    """Write or check the manifest; return whether the run is finished."""
    shards.check_manifest()
    stored = shards.manifest()
    grown = len(earlier_limits(stored))
    manifest, finished = begin_run(
        stored,
        identity,
        shards.folder,
        count=lambda: (shards.started(), shards.done(paths, grown)),
        clear=shards.clear,
    )
    if not finished:
        if prices is not None:
            manifest["prices"] = prices.to_json()
        shards.write_manifest({**manifest, "store": "shards"})
    return finished


def _finish(shards: Shards, problems: int, paths: int, grown: int) -> None:
    """Mark the run as finished; ``grown``: how often its limits of tokens have grown.

    Raises:
        StoreError: the shards lack some of the ``problems`` that were read.
    """
    if (done := shards.done(paths, grown)) < problems:
        raise StoreError(
            f"{shards.folder}: {problems - done:,} of {problems:,} problems are not stored with "
            "all their paths; the same command samples what is missing"
        )
    manifest = shards.manifest() or {}
    shards.write_manifest({**manifest, "finished": True, "problems": problems})


@contextmanager
def _timed(shards: Shards, result: ClusterResult) -> Iterator[Callable[[], None]]:
    """Add the sampling time to the manifest, without the slowest engine's start.

    Gives a function that does so before the end, at most every few seconds: a driver may be killed.
    """
    began = written = time.monotonic()
    before = (shards.manifest() or {}).get("seconds", 0.0)

    def write() -> None:
        manifest = shards.manifest()
        if manifest is not None and result.counters.drawn:
            seconds = before + time.monotonic() - began - result.start_seconds
            shards.write_manifest({**manifest, "seconds": round(seconds, 3)})

    def write_sometimes() -> None:
        nonlocal written
        if time.monotonic() - written > _KEEP_SECONDS:
            write()
            written = time.monotonic()

    try:
        yield write_sometimes
    finally:
        write()


def _add_up(
    messages: Iterable[BatchResult | EndOfSource],
    result: ClusterResult,
    watch: Watch | None,
    keep_seconds: Callable[[], None] = lambda: None,
) -> None:
    """Add the messages of the replicas and the reader to ``result``.

    ``keep_seconds`` is called after each message of a replica.

    Raises:
        ClcError: from a replica, at once; from the reader, after the rows before it are solved.
        RunError: problems were read whose results never arrived.
    """
    read: EndOfSource | None = None
    notice: str | None = None
    solved = 0
    for message in messages:
        if isinstance(message, EndOfSource):
            read = message
            continue
        if message.error is not None:
            raise message.error
        solved += len(message.verdicts)
        result.start_seconds = max(result.start_seconds, message.start_seconds)
        result.set_aside += message.set_aside
        if message.counters is not None:
            add_counters(result.counters, message.counters)
        if notice is None and (notice := result.counters.truncation_notice()):
            _log.warning(notice)
        keep_seconds()
        if watch is not None:
            watch(result.counters, message.verdicts)
    if read is not None and read.error is not None:
        raise read.error
    returned = solved + len(result.set_aside)
    if read is None or read.problems - read.done != returned:
        raise RunError(
            f"Ray returned {returned:,} problems, not all that it was given; the same command "
            "solves the others"
        )
    result.problems = read.problems
