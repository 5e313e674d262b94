"""The budget of one rendering of a template: steps, characters, work and seconds."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.utils import Namespace

__all__ = ["MOST_BITS", "MOST_CHARACTERS", "MOST_STEPS", "Budget", "text_size", "too_large"]

MOST_STEPS = 200_000
"""Turns of loops, calls, filters, tests and operations in one rendering."""
MOST_CHARACTERS = 10_000_000
"""Characters that one rendering writes, and of any text, list or number in it."""
MOST_BITS = 1 << 15
"""Of a whole number: Python writes none of more than 4,300 digits, and dividing is quadratic."""

_MOST_WORK = 50_000_000  # characters that filters and operations read: some seconds at most
_SECONDS = 10.0  # for what costs more than its characters
_NODE = 8  # work of an item of a list, in characters


class Budget:
    """The rest of what a rendering may use."""

    __slots__ = ("characters", "ends", "output", "steps", "work")

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.characters = self.output = MOST_CHARACTERS
        self.work = _MOST_WORK
        self.ends = time.monotonic() + _SECONDS

    def step(self, written: int = 0, work: int = 0) -> None:
        """Take a step that writes and reads so many characters.

        Raises:
            SecurityError: the budget is used up.
        """
        self.steps -= 1
        self.work -= work
        if written:
            self.write(written)
        if self.steps < 0:
            raise SecurityError(f"it takes more than {MOST_STEPS:,} steps; make its loops shorter")
        if self.work < 0:
            raise SecurityError(
                f"its filters and operations read more than {_MOST_WORK:,} characters; make its "
                "texts or loops shorter"
            )
        if time.monotonic() > self.ends:
            raise SecurityError(f"it takes more than {_SECONDS:.0f} seconds; make it shorter")

    def hold(self, characters: int) -> None:
        """Count characters of an expression's output, which are held until they are written."""
        self.output -= characters
        if self.output < 0:
            raise too_large()

    def write(self, characters: int) -> None:
        """Count characters that are written."""
        self.characters -= characters
        if self.characters < 0:
            raise too_large()


def too_large() -> SecurityError:
    """Make the error for a text, list or number that is too large."""
    return SecurityError(
        f"it makes more than {MOST_CHARACTERS:,} characters; make its texts shorter"
    )


def text_size(*values: Any) -> int:
    """Return about the number of characters of values when they are written.

    A list that holds one text many times weighs each of them.

    Raises:
        SecurityError: they have more than MOST_CHARACTERS.
    """
    total = 0
    waiting: list[Any] = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, str | bytes):
            total += len(value)
        elif isinstance(value, int):
            total += value.bit_length() // 3
        elif isinstance(value, range):
            total += _NODE * len(value)
        elif isinstance(value, Collection):
            total += _NODE * len(value)
            if total <= MOST_CHARACTERS:
                waiting += value
                if isinstance(value, Mapping):
                    waiting += value.values()
        elif isinstance(value, Namespace):
            waiting.append(object.__getattribute__(value, "_Namespace__attrs"))
        if total > MOST_CHARACTERS:
            raise too_large()
    return total
