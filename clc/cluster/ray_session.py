"""A Ray to work on: the one that is there, or one of our own on this machine, started quietly."""

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

__all__ = ["Pool", "connected", "need_ray", "reported"]

_log = logging.getLogger("clc.cluster")
_OBJECT_STORE_BYTES = 1 << 28  # problems on their way; what is drawn goes to the run folder
_SILENT = {
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # else it warns of every actor that may be started anew
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # else it tells of every lost replica, on standard output
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else it warns that a replica without GPU sees all
}


def need_ray() -> None:
    """Look whether Ray is installed.

    Raises:
        ConfigurationError: it is not.
    """
    # Not ray.data: looking for it would import ray, which reads its environment then.
    if any(find_spec(name) is None for name in ("ray", "pandas", "pyarrow")):
        raise ConfigurationError(
            f"--cluster ray needs Ray, which is not installed: {install_hint('ray')}"
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """Replicas, and what each takes.

    All ``gpus`` of a replica are on one node; None is as many as the model is spread over
    (``parallel``) where Ray has GPUs at all, else 0.
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
def connected(pool: Pool) -> Iterator[Pool]:
    """Connect to ``RAY_ADDRESS``, else start a Ray on this machine for as long as the block runs.

    Gives the pool with its GPUs counted. A Ray that this process is connected to already is used,
    and left as it is. One of our own counts as many CPUs as the replicas ask for, for they are
    bookkeeping; GPUs must be there.

    Raises:
        ConfigurationError: the machine has fewer GPUs than the replicas ask for.
        RunError: Ray does not answer, or cannot be started.
    """
    address = os.environ.get("RAY_ADDRESS")
    own = {
        "include_dashboard": False,
        "num_cpus": max(os.cpu_count() or 1, ceil(pool.replicas * pool.cpus)),
        "object_store_memory": _OBJECT_STORE_BYTES,
    }
    with environment(**{name: os.environ.get(name, said) for name, said in _SILENT.items()}):
        import ray

        if ray.is_initialized():
            yield _counted(pool, ray.cluster_resources(), grows=True)
            return
        try:
            with _no_stderr(), _own_handler():
                ray.init(
                    address or "local",
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **({} if address else own),
                )
        except (OSError, RuntimeError, ValueError) as error:
            place = f"no Ray answers at RAY_ADDRESS={address}" if address else "Ray cannot start"
            raise RunError(f"{place}: {_reason(error)}") from error
        try:
            yield _counted(pool, ray.cluster_resources(), grows=bool(address))
        finally:
            ray.shutdown()


@contextmanager
def reported() -> Iterator[None]:
    """Say in our words that Ray was lost.

    Raises:
        RunError: it was.
    """
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except RayTaskError:
        raise  # a fault in our own code: all that is known of it
    except RayError as error:
        raise RunError(
            f"Ray lost the run: {_reason(error)}; what was stored stays, and the same command "
            "goes on"
        ) from error


def _counted(pool: Pool, there: Mapping[str, float], *, grows: bool) -> Pool:
    """Say how many GPUs a replica takes, and whether they can be had.

    A cluster may grow when it is asked to; a machine does not.
    """
    found = there.get("GPU", 0)
    gpus = pool.gpus if pool.gpus is not None else (pool.parallel if found else 0)
    if not grows and pool.replicas * gpus > found:
        raise ConfigurationError(
            f"{pool.replicas} replicas with {gpus:g} GPUs each are more than the {found:g} GPUs of "
            "this machine; lower --replicas or --gpus-per-replica"
        )
    for name, wanted in (("GPU", pool.replicas * gpus), ("CPU", pool.replicas * pool.cpus)):
        if wanted > there.get(name, 0):
            _log.warning(
                "the replicas ask for %g %ss, and Ray has %g: some wait for nodes to be added",
                wanted, name, there.get(name, 0),
            )  # fmt: skip
    return replace(pool, gpus=gpus)


def _reason(error: BaseException) -> str:
    """The last line of what an error came from: a missing token stands there, and only there."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[-1]


@contextmanager
def _own_handler() -> Iterator[None]:
    """Let Ray not take SIGTERM from who has said what it means."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if callable(before) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Keep Ray's C++ side from writing a line about its log level; what goes wrong is raised."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
