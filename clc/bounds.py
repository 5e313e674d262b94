"""Bounds: of numbers in options, files and fields of a dataclass, and of values in messages."""

from __future__ import annotations

import operator
import reprlib
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import Field

    from clc.errors import ClcError

__all__ = ["NumberBounds", "abbreviate", "bounded", "checked_number"]

_T = TypeVar("_T")
_SHOWN = 80  # characters of a value in a message
INT32_MAX = (1 << 31) - 1  # vLLM and Transformers hold numbers of tokens in tensors of int32
MOST_TOKENS = (1 << 53) - 1
"""The largest count that is stored: exact in JSON, and sums of it fit SQLite's 64 bits."""
_COMPARE = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}


def bounded(default: _T, text: str, **bounds: float) -> _T:
    """Declare a field: its default, its description, and its bounds by pydantic's names.

    Args:
        default: its type is the type of the values.
        text: one sentence; ``metadata["help"]`` of the field.
        bounds: ``ge`` or ``gt`` with ``le`` or ``lt``; ``metadata["bounds"]`` of the field.
    """
    declared: _T = field(default=default, metadata={"help": text, "bounds": bounds})
    return declared


def checked_number(declared: Field[Any], value: Any) -> Any:
    """Return a field's value in the type of its default; NaN is within no bounds.

    Raises:
        ConfigurationError: it is no number, no whole one where the default is, or out of bounds.
    """
    kind = NumberBounds(isinstance(declared.default, int), declared.metadata["bounds"])
    return kind.check(declared.name, value)


@dataclass(frozen=True, slots=True)
class NumberBounds:
    """A kind of number: whole or not, with bounds by pydantic's names."""

    whole: bool
    bounds: Mapping[str, float]

    def check(self, name: str, value: Any, error: type[ClcError] = ConfigurationError) -> Any:
        """Return ``value`` as an int, or a float if not ``whole``; NaN is within no bounds.

        Args:
            name: what the value is of, for the message.
            value: of any type.
            error: type of the error.

        Raises:
            ConfigurationError: (or ``error``) it is no such number, or out of bounds.
        """
        number = isinstance(value, Integral if self.whole else Real) and not isinstance(value, bool)
        if number and all(_COMPARE[bound](value, limit) for bound, limit in self.bounds.items()):
            return int(value) if self.whole else float(value)
        kind = "" if number else "a whole number " if self.whole else "a number "
        raise error(f"{name} must be {kind}{_words(self.bounds)}, not {abbreviate(value)}")


def _whole(low: int, high: int) -> NumberBounds:
    return NumberBounds(whole=True, bounds={"ge": low, "le": high})


def _real(**bounds: float) -> NumberBounds:
    return NumberBounds(whole=False, bounds=bounds)


# Bounds that keep a slip of the keyboard from taking all memory, far above any use.
PATHS = _whole(1, 10_000)  # of one question, and of an arm for each path of another one
WINDOW = _whole(1, 1 << 16)  # requests in flight
COUNT = _whole(1, 1_000_000_000)  # problems
SOME = _whole(0, 10_000)  # paths beyond those needed
TRIES = _whole(1, 1000)
TOKENS = _whole(1, INT32_MAX)  # of one completion
TOTAL_TOKENS = _whole(1, MOST_TOKENS)
TOTAL_PATHS = _whole(1, MOST_TOKENS)
SEED = _whole(-(1 << 63) + 1, (1 << 63) - 1)
PORT = _whole(0, 65_535)
PROCESSES = _whole(1, 10_000)  # also GPUs that share a model
LANGUAGES = _whole(1, 1000)
BYTES = _whole(1, 1 << 30)
WAITING = _whole(0, 1_000_000)
RESOURCES = _real(ge=0, le=10_000)  # CPUs or GPUs of one process
SECONDS = _real(gt=0, le=31_536_000)  # a year
SHARE = _real(ge=0, le=1)
BUDGET = _real(gt=0, le=MOST_TOKENS)  # tokens of one problem, on average
MONEY = _real(gt=0, le=10**9)
WEIGHT = _real(ge=0, le=10**12)  # of a vote; sums of such weights are finite
STOP_WINDOW = _whole(2, 10_000)
STOP_THRESHOLD = _real(gt=0.5, lt=1)
PRECISION = _real(gt=0, lt=1)  # of the answers that are given


def _words(bounds: Mapping[str, float]) -> str:
    """Write bounds in words.

    >>> _words({"ge": 0, "le": 2}), _words({"gt": 0, "le": 1}), _words({"ge": 0, "lt": 1})
    ('from 0 to 2', 'above 0 and at most 1', 'from 0 to below 1')
    """
    high = f"below {bounds['lt']}" if "lt" in bounds else f"{bounds['le']}"
    if "gt" in bounds:
        return f"above {bounds['gt']} and {high if 'lt' in bounds else f'at most {high}'}"
    return f"from {bounds['ge']} to {high}"


def abbreviate(value: object) -> str:
    """Write a value for a message in at most 80 characters, however large or deeply nested it is.

    >>> abbreviate({"a": [1, "b"]}), abbreviate([[[[[1]]]]])
    ("{'a': [1, 'b']}", '[[[[[...]]]]]')
    >>> abbreviate(10**5000)
    'a number of more than 4300 digits'
    """
    try:
        text = _REPR.repr(value)
    except ValueError:  # of int's conversion to text
        return "a number of more than 4300 digits"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


# Bounded in depth: a value may be nested deeper than repr can follow.
_REPR = reprlib.Repr()
_REPR.maxlevel = 4
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = _SHOWN
