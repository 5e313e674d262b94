"""What travels between the reader, the replicas and the driver."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.solving.sampler import Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clc.engines.base import Engine
    from clc.errors import ClcError
    from clc.records import Verdict
    from clc.solving.configuration import Configuration

__all__ = ["Asked", "Batch", "Job", "ReadAll", "SetAside", "Told", "add_counters"]


@dataclass(frozen=True)
class Job:
    """What every replica must know.

    ``engine`` and ``translator`` make engines, in the process that they are called in. ``prompts``
    is a folder of templates that go before ours, ``out`` the run folder. ``identity`` is the
    manifest's: a replica that would draw other paths than the driver meant refuses to.
    """

    configuration: Configuration
    engine: Callable[[], Engine]
    translator: Callable[[], Engine] | None
    prompts: str | None
    out: str
    identity: Mapping[str, Any]


class Asked(NamedTuple):
    """A problem to solve: its place in the file (0-based), its key and its JSON.

    ``shard`` is the one that holds what was drawn for it before, if anything was.
    """

    position: int
    key: str
    problem: bytes
    shard: str | None = None


class Batch(NamedTuple):
    """Problems that become one shard."""

    problems: tuple[Asked, ...]

    @property
    def name(self) -> str:
        """What the ledger knows it by: problems differ between batches."""
        return f"{self.problems[0].position}-{self.problems[-1].position}"


class ReadAll(NamedTuple):
    """The end of the file: how many problems were read, and how many of them were done before.

    ``error`` is the row's that could not be read, or the source's.
    """

    problems: int
    done: int
    error: ClcError | None = None


class SetAside(NamedTuple):
    """A problem that took its replica with it again and again, and how it did."""

    id: str
    reason: str


@dataclass
class Told:
    """What a replica says of a batch: its verdicts and what they cost; or why the run must end."""

    verdicts: list[Verdict] = field(default_factory=list)
    counters: Counters | None = None
    set_aside: list[SetAside] = field(default_factory=list)
    start_seconds: float = 0.0
    error: ClcError | None = None


def add_counters(total: Counters, more: Counters) -> None:
    """Add what was done to a total."""
    for part in fields(Counters):
        setattr(total, part.name, getattr(total, part.name) + getattr(more, part.name))
