"""A kind of problem, and one problem of a kind: numbers and ids, no words.

>>> from random import Random
>>> twice = kind("twice", "name friend obj", "a × 2", "a + r1", a=range(3, 60))
>>> problem = twice.sample(Random(0))
>>> problem.answer == 3 * problem.numbers["a"]
True
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Literal, NamedTuple

from benchmarks.training.vocabulary import SLOTS

Split = Literal["train", "dev", "test"]


class Step(NamedTuple):
    """One line of arithmetic: `left op right = result`."""

    left: int
    op: str
    right: int
    result: int


class Fact(NamedTuple):
    """A number that no text states: it belongs to what fills an entity slot: a dog's legs."""

    slot: str
    table: Mapping[str, int]


@dataclass(frozen=True)
class Instance:
    """One problem, in no language yet."""

    kind: str
    entities: Mapping[str, str]
    numbers: Mapping[str, int]
    steps: tuple[Step, ...]

    @property
    def answer(self) -> int:
        """The last step's result."""
        return self.steps[-1].result

    @cached_property
    def values(self) -> dict[str, int]:
        """The numbers, and the results so far as `r1`, `r2` and so on."""
        results = {f"r{i}": step.result for i, step in enumerate(self.steps, start=1)}
        return {**self.numbers, **results}

    @cached_property
    def key(self) -> str:
        """Names the problem by its content."""
        return _digest("problem", [self.kind, dict(self.entities), dict(self.numbers)])

    @cached_property
    def split(self) -> Split:
        """Where the problem belongs: 94 % train, 1 % dev, 5 % test.

        By kind and numbers only: problems that differ in no more than their names and nouns
        stay together, so that a test problem's arithmetic was never seen in its kind.
        """
        part = int(_digest("split", [self.kind, dict(self.numbers)])[:8], 16) % 100
        return "test" if part < 5 else "dev" if part == 5 else "train"


def _anywhere(_values: Mapping[str, int]) -> bool:
    return True


@dataclass(frozen=True)
class Kind:
    """Slots, the ranges of the numbers, and the arithmetic."""

    name: str
    entities: tuple[str, ...]
    steps: tuple[tuple[str, str, str], ...]
    numbers: Mapping[str, Sequence[int] | Fact]
    hidden: frozenset[str] = frozenset()
    where: Callable[[Mapping[str, int]], bool] = field(default=_anywhere, repr=False)
    limit: int = 200

    @property
    def visible(self) -> tuple[str, ...]:
        """The numbers that the question must state."""
        return tuple(
            name
            for name, span in self.numbers.items()
            if name not in self.hidden and not isinstance(span, Fact)
        )

    def sample(self, rng: Random) -> Instance:
        """Draw until the arithmetic is one that a small model can know by heart."""
        while True:
            problem = self._draw(rng)
            if problem is not None:
                return problem

    def _draw(self, rng: Random) -> Instance | None:
        entities: dict[str, str] = {}
        for slot in self.entities:
            free = [filler for filler in SLOTS[slot] if filler not in entities.values()]
            entities[slot] = rng.choice(free)
        numbers = {
            name: span.table[entities[span.slot]] if isinstance(span, Fact) else rng.choice(span)
            for name, span in self.numbers.items()
        }
        stated = {numbers[name] for name in self.visible}
        if len(stated) < len(self.visible):  # equal numbers hide which one a step means
            return None
        values = dict(numbers)
        steps: list[Step] = []
        for left, op, right in self.steps:
            step = _calculate(_value(left, values), op, _value(right, values), self.limit)
            if step is None:
                return None
            steps.append(step)
            values[f"r{len(steps)}"] = step.result
        if steps[-1].result in stated or not self.where(values):
            return None
        return Instance(self.name, entities, numbers, tuple(steps))


def kind(
    name: str,
    entities: str,
    *steps: str,
    hidden: str = "",
    where: Callable[[Mapping[str, int]], bool] = _anywhere,
    limit: int = 200,
    **numbers: Sequence[int] | Fact,
) -> Kind:
    """Write a kind shortly: entity slots by name, steps as `a + b`, numbers as ranges."""
    parsed = tuple(tuple(step.split()) for step in steps)
    return Kind(
        name=name,
        entities=tuple(entities.split()),
        steps=tuple((left, op, right) for left, op, right in parsed),
        numbers=numbers,
        hidden=frozenset(hidden.split()),
        where=where,
        limit=limit,
    )


def _value(term: str, values: Mapping[str, int]) -> int:
    return int(term) if term.isdigit() else values[term]


def _calculate(left: int, op: str, right: int, limit: int) -> Step | None:
    """The step, or none where it is uneven, below one or too hard."""
    match op:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "×" if min(left, right) <= 12 or left % 10 == 0 or right % 10 == 0:
            result = left * right
        case "÷" if left % right == 0 and left // right > 1:
            result = left // right
        case _:
            return None
    return Step(left, op, right, result) if 1 <= result <= limit else None


def _digest(tag: str, content: object) -> str:
    text = json.dumps([tag, content], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
