"""The options that spread a run over a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import click

from clc import bounds
from clc.cli.options import NumberType, OptionGroup, option
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from clc.cli.options import EngineOptions
    from clc.cluster import ReplicaPool

__all__ = ["ClusterOptions"]


@dataclass(frozen=True)
class ClusterOptions(OptionGroup):
    """The options that spread a run over a cluster."""

    _NEED_CLUSTER: ClassVar = ("replicas", "gpus_per_replica", "cpus_per_replica")

    cluster: str | None = option(
        "--cluster",
        type=click.Choice(["ray"]),
        help="Run replicas of the engine on Ray: the one at RAY_ADDRESS, or a new one on this "
        "machine.",
    )
    replicas: int | None = option(
        "--replicas",
        type=NumberType(bounds.PROCESSES),
        metavar="N",
        help="Number of engines, each in its own process.  [default: 1]",
    )
    gpus_per_replica: float | None = option(
        "--gpus-per-replica",
        type=NumberType(bounds.RESOURCES),
        metavar="N",
        help="GPUs of each, all on one node.  [default: tensor times pipeline parallel size for "
        "vLLM where there are GPUs, else 0]",
    )
    cpus_per_replica: float | None = option(
        "--cpus-per-replica", type=NumberType(bounds.RESOURCES), metavar="N",
        help="CPUs that Ray reserves for each.  [default: 1]")  # fmt: skip

    def refuse_without_cluster(self) -> None:
        """Check that no option is given that needs --cluster.

        Raises:
            ConfigurationError: one is.
        """
        for name in self._NEED_CLUSTER:
            if getattr(self, name) is not None:
                raise ConfigurationError(f"--{name.replace('_', '-')} goes with --cluster ray")

    def pool(self, engine: EngineOptions) -> ReplicaPool:
        """Return the number of replicas and the resources of each."""
        from clc.cluster import ReplicaPool

        gpus = self.gpus_per_replica
        if gpus is None and engine.spec.endpoints:
            gpus = 0.0
        cpus = self.cpus_per_replica
        return ReplicaPool(
            self.replicas or 1, 1.0 if cpus is None else cpus, gpus, parallel=engine.gpus
        )
