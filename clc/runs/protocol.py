"""Protocols of the stores of a run, for solving and for analysis."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from clc.plan import Plan
    from clc.records import Problem, Prompt, ReasoningPath, Step

__all__ = ["Finished", "PathStore", "RunFolder"]


class Finished(NamedTuple):
    """A problem that is done: each path of its plan is there, a lost one with its ``error``."""

    problem: Problem
    plan: Plan
    paths: Mapping[str, ReasoningPath]


class RunFolder(Protocol):
    """A run that can be read, however it is kept."""

    def manifest(self) -> dict[str, Any] | None:
        """Return the configuration and the versions, None where the run has none yet."""
        ...

    def finished(self, span: Any = None) -> Iterator[Finished]:
        """Yield the problems that are done, of all or of a span, in their order, lazily."""
        ...

    def spans(self) -> Iterator[Any]:
        """Yield consecutive parts of the problems, for ``finished``."""
        ...

    def check_whole(self, done: int) -> None:
        """Check that a run of which all spans were read has all its problems."""

    def opener(self) -> Callable[[], RunFolder] | None:
        """Return a function that opens the run in another process, None where none can."""
        ...

    def find(self, problem_id: str) -> Finished | None:
        """Return one problem, None where it is not there or not done."""
        ...

    def prompts(self, keys: Sequence[str]) -> dict[str, Prompt]:
        """Return those of ``keys`` that are stored, by key."""
        ...

    def started(self) -> int:
        """Count the problems that were started, done or not."""
        ...

    def file(self, name: str) -> Path:
        """Return the path of a derived file of a local folder."""
        ...

    def write(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Write a derived file: it is there, whole, when the block ends without an error."""
        ...

    def close(self) -> None:
        """Close what is open."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class PathStore(Protocol):
    """The part of a store that a solver and a runner use. See ``Store``."""

    def add_problem(self, position: int, problem: Problem) -> None:
        """Store a problem at its place in the file (0-based)."""

    def set_plan(self, problem_id: str, plan: Plan) -> None:
        """Store the plan of a problem."""

    def add_prompt(self, prompt: Prompt) -> None:
        """Store a prompt; one that is there stays."""

    def add_path(self, path: ReasoningPath) -> None:
        """Store a path; one that is there stays; a failure under its key goes."""

    def paths(self, keys: Sequence[str]) -> dict[str, ReasoningPath]:
        """Return those of ``keys`` that are stored, by key."""
        ...

    def add_failure(self, key: str, reason: str) -> None:
        """Note why a path or step was lost."""

    def forget_failure(self, key: str) -> None:
        """Drop the note of what was lost."""

    def add_step(self, key: str, step: Step) -> None:
        """Store a step; one that is there stays; a failure under its key goes."""

    def step(self, key: str) -> Step | None:
        """Return one step by its key."""
        ...

    def commit(self) -> None:
        """Commit pending writes."""
