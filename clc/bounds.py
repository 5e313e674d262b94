"""Bounds: of numbers, declared in the fields of a dataclass, and of values in messages."""

from __future__ import annotations

import operator
import reprlib
from dataclasses import field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import Field

__all__ = ["abbreviate", "bounded", "checked_number"]

_T = TypeVar("_T")
_SHOWN = 80  # characters of a value in a message
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
    bounds = declared.metadata["bounds"]
    whole = isinstance(declared.default, int)
    number = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if number and all(_COMPARE[bound](value, limit) for bound, limit in bounds.items()):
        return int(value) if whole else float(value)
    kind = "" if number else "a whole number " if whole else "a number "
    raise ConfigurationError(f"{declared.name} must be {kind}{_words(bounds)}, not {value!r:.60}")


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
