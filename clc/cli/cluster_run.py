"""A run of ``clc solve`` on a cluster: progress, results, problems that were set aside."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from clc.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.cli.cluster_options import ClusterOptions
    from clc.cli.options import EngineOptions
    from clc.cli.solve_output import SolveOutput
    from clc.records import Verdict
    from clc.solving.bill import Bill
    from clc.solving.configuration import Configuration
    from clc.thoughts import Marks

__all__ = ["solve_on_cluster"]

_SHOWN = 10  # problems that were set aside; all are in the run folder


def solve_on_cluster(
    source: str,
    shown: SolveOutput,
    *,
    reading: Mapping[str, Any],
    configuration: Configuration,
    prompts: str | None,
    marks: Marks,
    engine: EngineOptions,
    cluster: ClusterOptions,
    bill: Bill,
) -> None:
    """Spread a run over replicas and print its results; see ``clc.cluster``.

    Args:
        source: the file of problems.
        shown: the output, which names the run folder.
        reading: how the file is read, as ``load_problems`` takes it.
        configuration: of the run.
        prompts: a folder of templates.
        marks: the marks of thoughts.
        engine: the engine of each replica.
        cluster: the replicas.
        bill: of the run.

    Raises:
        RunError: problems were set aside.
    """
    from clc.cli.text import visible
    from clc.cluster import spread
    from clc.solving.sampler import Counters

    counters = Counters()
    spec = engine.spec.with_absolute_folders()
    progress = shown.progress(counters, None)

    def watch(so_far: Counters, verdicts: Sequence[Verdict]) -> None:
        for part in fields(Counters):
            setattr(counters, part.name, getattr(so_far, part.name))
        for verdict in verdicts:
            progress.tick(verdict)

    try:
        with progress:
            result = spread(
                source,
                out=shown.out,
                pool=cluster.pool(engine),
                configuration=configuration,
                engine=spec.maker(marks),
                translator=spec.translator_maker(marks),
                prompts=prompts,
                reading=reading,
                watch=watch,
                bill=bill,
            )
    except KeyboardInterrupt:
        shown.interrupted()
    if result.finished:
        shown.finished()
    assert result.score is not None  # noqa: S101 - a run that ends without an error has a score
    shown.results(result.score, result.counters, result.reason)
    if result.set_aside:
        lines = "\n".join(
            f"  {visible(one.id)}: {visible(one.reason)}" for one in result.set_aside[:_SHOWN]
        )
        raise RunError(
            f"{len(result.set_aside):,} problems were set aside, and have no verdict; the same "
            f"command tries them again:\n{lines}"
        )
