"""A run spread over replicas: what the driver does, which is little."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.analysis.export import export
from clc.cluster.messages import Job, ReadAll, SetAside, Told, add_counters
from clc.cluster.ray_session import Pool, connected, need_ray
from clc.cluster.votes import parts
from clc.datasets import dataset_fingerprint
from clc.engines.factory import open_engine
from clc.engines.models import BUNDLED
from clc.errors import ConfigurationError, RunError
from clc.prompts.templates import Templates
from clc.runs.manifest import add_seconds, begin_run
from clc.runs.shards import Shards
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.solving.runner import first_wave, open_problems
from clc.solving.sampler import Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from clc.analysis.scoring import Score
    from clc.engines.base import Engine
    from clc.records import Verdict
    from clc.solving.configuration import Configuration
    from clc.strategies.strategy import Strategy

    Watch = Callable[[Counters, Sequence[Verdict]], None]

__all__ = ["Outcome", "solve_on_ray", "spread"]

_MOST_PROBLEMS, _LEAST_PROBLEMS = 512, 128  # of a batch: the driver takes some 13 ms for each


@dataclass
class Outcome:
    """What a call came to: the score of the whole run, and what this call did for it.

    ``finished`` says that there was nothing to draw. Problems that were ``set_aside`` have no
    verdict; the same call tries them again. ``start_seconds`` is what the slowest engine took to
    start.
    """

    score: Score | None = None
    counters: Counters = field(default_factory=Counters)
    set_aside: list[SetAside] = field(default_factory=list)
    finished: bool = False
    start_seconds: float = 0.0


def solve_on_ray(
    source: str | Path,
    *,
    out: str | Path,
    replicas: int = 1,
    cpus_per_replica: float = 1.0,
    gpus_per_replica: float = 0.0,
    model: str = BUNDLED,
    engine: Callable[[], Engine] | None = None,
    translator: Callable[[], Engine] | None = None,
    strategy: str | Strategy = "clc",
    prompts: str | Path | None = None,
    reading: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    **settings: Any,
) -> Outcome:
    """Solve every problem of a file on Ray, and store every path in ``out``.

    Ray is the one that this process is connected to, else that at ``RAY_ADDRESS``, else one of our
    own on this machine. The same call goes on where it stopped. Problems, seed and settings decide
    the paths' keys and the votes, as on one machine.

    Args:
        source: a file or folder of problems, or a hub id; it is read on this machine.
        out: the run folder, on a file system that all nodes share, or a URI (``s3://…``).
        replicas: engines, each in a process of its own.
        cpus_per_replica: what Ray keeps free for each.
        gpus_per_replica: GPUs of each, all on one node; a fraction shares one.
        model: what to load when no ``engine`` is given; it must be there on every node.
        engine: makes an engine; called in every replica, and here for what identifies it. It must
            be something that Ray can pickle.
        translator: makes another engine for translations.
        strategy: a name, or your own ``Strategy``.
        prompts: a folder of templates that go before ours, there on every node.
        reading: how to read ``source``: language, format, limit, kind, parallel; see
            ``clc.datasets.load_problems``.
        watch: is told what was done so far, and the verdicts that came just now.
        settings: as for ``clc.solving.configure.configure``: languages, paths, temperature, seed, …

    Raises:
        InputError: a setting or a row is wrong. What was read before the row is solved.
        RunError: an engine cannot start, or Ray is lost; what was stored stays.

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
    return spread(
        str(source),
        out=str(out),
        pool=Pool(replicas, cpus_per_replica, gpus_per_replica),
        configuration=configure(strategy, **settings),
        engine=engine or partial(open_engine, model),
        translator=translator,
        prompts=None if prompts is None else str(prompts),
        reading=dict(reading or {}),
        watch=watch,
    )


def spread(
    source: str,
    *,
    out: str,
    pool: Pool,
    configuration: Configuration,
    engine: Callable[[], Engine],
    translator: Callable[[], Engine] | None,
    prompts: str | None,
    reading: Mapping[str, Any],
    watch: Watch | None = None,
) -> Outcome:
    """Solve a file with a configuration that is made; see ``solve_on_ray``."""
    need_ray()
    if source == "-":
        raise ConfigurationError("a cluster reads a file more than once: name a file, not -")
    out = out if "://" in out else str(Path(out).absolute())
    prompts = prompts and str(Path(prompts).absolute())
    own = engine()
    work = Run(configuration, own, Store(None), translator and translator(), Templates(prompts))
    wanted = work.identity(_dataset(source, reading), reading.get("limit"))
    with Shards(out) as shards:
        outcome = Outcome(finished=_begin(shards, wanted))
        if not outcome.finished:
            job = Job(configuration, engine, translator, prompts, out, wanted)
            first = first_wave(configuration)
            most = min(_MOST_PROBLEMS, max(_LEAST_PROBLEMS, 2 * open_problems(own.window, first)))
            with connected(pool) as counted:
                from clc.cluster.pipeline import messages

                with (
                    _timed(shards, outcome),
                    closing(messages(job, counted, source, reading, most)) as told,
                ):
                    _take_all(told, outcome, watch)
                outcome.score = export(shards, parts(shards))
        else:
            outcome.score = export(shards)
        if not (outcome.finished or outcome.set_aside or outcome.counters.lost):
            shards.write_manifest({**(shards.manifest() or {}), "finished": True})
    return outcome


def _dataset(source: str, reading: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of a source."""
    told = {name: reading.get(name) for name in ("language", "format", "kind")}
    fingerprint = dataset_fingerprint(source, parallel=reading.get("parallel"))
    return {"source": Path(source).name, "fingerprint": fingerprint, **told}


def _begin(shards: Shards, wanted: Mapping[str, Any]) -> bool:
    """Write or check the manifest; True when the run is finished already."""
    begun = begin_run(shards.manifest(), wanted, shards.folder)
    if begun is not None:
        shards.write_manifest({**begun, "store": "shards"})
    return begun is None


@contextmanager
def _timed(shards: Shards, outcome: Outcome) -> Iterator[None]:
    """Note in the manifest how long drawing took, the slowest engine's start apart."""
    began = time.monotonic()
    try:
        yield
    finally:
        manifest = shards.manifest()
        if manifest is not None and outcome.counters.drawn:
            passed = time.monotonic() - began - outcome.start_seconds
            shards.write_manifest(add_seconds(manifest, passed))


def _take_all(messages: Iterable[Told | ReadAll], outcome: Outcome, watch: Watch | None) -> None:
    """Add up what replicas and reader say.

    Raises:
        ClcError: a replica's, at once; the reader's, when all that it read is solved.
        RunError: problems were read and never came back.
    """
    read: ReadAll | None = None
    solved = 0
    for message in messages:
        if isinstance(message, ReadAll):
            read = message
            continue
        if message.error is not None:
            raise message.error
        solved += len(message.verdicts)
        outcome.start_seconds = max(outcome.start_seconds, message.start_seconds)
        outcome.set_aside += message.set_aside
        if message.counters is not None:
            add_counters(outcome.counters, message.counters)
        if watch is not None:
            watch(outcome.counters, message.verdicts)
    if read is not None and read.error is not None:
        raise read.error
    came = solved + len(outcome.set_aside)
    if read is None or read.problems - read.done != came:
        raise RunError(
            f"Ray gave back {came:,} problems, not all that it was given; the same command solves "
            "the others"
        )
