"""Connect to a Ray cluster, or start one on this machine."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from clc.engines.environment import environment
from clc.errors import ConfigurationError, RunError
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ReplicaPool", "check_ray", "connected", "ray_errors"]

_log = logging.getLogger("clc.cluster")
_OBJECT_STORE_BYTES = 1 << 28  # for problems in flight; paths go to the run folder
_SILENT = {
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # no warning for each actor that may restart
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # no line on standard output for each lost replica
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # no warning that a replica without GPU sees all
}


def check_ray() -> None:
    """Check that Ray is installed.

    Raises:
        ConfigurationError: it is not.
    """
    # Not ray.data: finding it imports ray, which reads its environment at import.
    if any(find_spec(name) is None for name in ("ray", "pandas", "pyarrow")):
        raise ConfigurationError(
            f"--cluster ray needs Ray, which is not installed: {install_hint('ray')}"
        )


@dataclass(frozen=True, slots=True)
class ReplicaPool:
    """Number of replicas, and the resources of each.

    All ``gpus`` of a replica are on one node. None stands for ``parallel``, the number of GPUs
    that the model is spread over, where Ray has GPUs, else for 0.
    """

    replicas: int = 1
    cpus: float = 1.0
    gpus: float | None = 0.0
    parallel: int = 1

    def __post_init__(self) -> None:
        if self.replicas < 1:
            raise ConfigurationError(f"replicas must be at least 1, not {self.replicas}")
        for name in ("cpus", "gpus"):
            if (getattr(self, name) or 0) < 0:
                raise ConfigurationError(f"{name} must not be negative, not {getattr(self, name)}")


@contextmanager
def connected(pool: ReplicaPool) -> Iterator[ReplicaPool]:
    """Connect to ``RAY_ADDRESS``, or start Ray on this machine while the block runs.

    Yields the pool with its number of GPUs filled in. If this process is already connected, that
    Ray is used and stays connected. A Ray started here gets at least as many logical CPUs as the
    replicas request; GPUs must exist.

    Raises:
        ConfigurationError: the machine has fewer GPUs than the replicas request.
        RunError: Ray does not answer, or cannot be started.
    """
    address = os.environ.get("RAY_ADDRESS")
    own = {
        "include_dashboard": False,
        "num_cpus": max(os.cpu_count() or 1, ceil(pool.replicas * pool.cpus)),
        "object_store_memory": _OBJECT_STORE_BYTES,
    }
    with environment(**{name: os.environ.get(name, value) for name, value in _SILENT.items()}):
        import ray

        if ray.is_initialized():
            yield _counted(pool, ray.cluster_resources(), grows=True)
            return
        try:
            with _no_stderr(), _kept_sigterm_handler():
                ray.init(
                    address or "local",
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **({} if address else own),
                )
        except (OSError, RuntimeError, ValueError) as error:
            what = f"no Ray answers at RAY_ADDRESS={address}" if address else "Ray cannot start"
            raise RunError(f"{what}: {_reason(error)}") from error
        try:
            yield _counted(pool, ray.cluster_resources(), grows=bool(address))
        finally:
            ray.shutdown()


@contextmanager
def ray_errors() -> Iterator[None]:
    """Raise Ray's own errors as clc's.

    Raises:
        RunError: Ray was lost.
    """
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except RayTaskError:
        raise  # a bug in clc: keep the whole traceback
    except RayError as error:
        raise RunError(
            f"Ray lost the run: {_reason(error)}; the stored paths stay, and the same command "
            "resumes the run"
        ) from error


def _counted(pool: ReplicaPool, resources: Mapping[str, float], *, grows: bool) -> ReplicaPool:
    """Fill in the number of GPUs of a replica, and compare all replicas with Ray's resources.

    A cluster may grow on demand; a single machine does not.

    Raises:
        ConfigurationError: a single machine has too few GPUs.
    """
    available = resources.get("GPU", 0)
    gpus = pool.gpus if pool.gpus is not None else (pool.parallel if available else 0)
    if not grows and pool.replicas * gpus > available:
        raise ConfigurationError(
            f"{pool.replicas} replicas with {gpus:g} GPUs each are more than the {available:g} "
            "GPUs of this machine; lower --replicas or --gpus-per-replica"
        )
    for name, requested in (("GPU", pool.replicas * gpus), ("CPU", pool.replicas * pool.cpus)):
        if requested > resources.get(name, 0):
            _log.warning(
                "the replicas request %g %ss, and Ray has %g: some wait for nodes to be added",
                requested, name, resources.get(name, 0),
            )  # fmt: skip
    return replace(pool, gpus=gpus)


def _reason(error: BaseException) -> str:
    """Return the last line of an error's first cause, the only one to name a missing token."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[-1]


@contextmanager
def _kept_sigterm_handler() -> Iterator[None]:
    """Restore the caller's SIGTERM handler, which ``ray.init`` replaces."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if callable(before) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Drop the line that Ray's C++ code writes about its log level; errors are raised."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
