"""JSON as other tools write it: integers of any size, NaN, and halves of surrogate pairs."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from clc.input_files import MOST_LEVELS, is_text

__all__ = ["TOO_DEEP", "NestedTooDeepError", "parse_json", "storable"]

TOO_DEEP = f"nested deeper than {MOST_LEVELS} levels; leave the field out"

_LONG_INTEGER = re.compile(rb"\d{19}")
_MOST_DIGITS = 4300  # of an integer; Python converts no longer ones
_NO_NUMBER = re.compile(rb"NaN|Infinity")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_INT64 = 1 << 63
_IDENTIFIERS = ("id", "item", "custom_id", "doc_id", "language", "question_language")


class NestedTooDeepError(ValueError):
    """A JSON value whose objects and lists are nested deeper than can be read."""


def parse_json(data: bytes, *, halves: bool = True) -> Any:
    """Parse a JSON value.

    Integers of more than 64 bits stay exact, up to 4,300 digits; NaN and infinities become None.
    Half a surrogate pair, where a text was cut, becomes "?" if ``halves``.

    >>> parse_json(b'{"id": 123456789012345678901234567890, "score": NaN}')
    {'id': 123456789012345678901234567890, 'score': None}

    Raises:
        NestedTooDeepError: it is nested deeper than a parser goes (1,000 levels).
        ValueError: it is not JSON, or half a surrogate pair is where it may not be.
    """
    try:
        return _parse(data, halves=halves)
    except RecursionError as error:
        raise NestedTooDeepError(TOO_DEEP) from error
    except orjson.JSONDecodeError as error:
        if "depth limit" in str(error) or "recursion" in str(error).lower():
            raise NestedTooDeepError(TOO_DEEP) from error
        raise


def _parse(data: bytes, *, halves: bool) -> Any:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        halved = "surrogate in string" in str(error)
        odd = _NO_NUMBER.search(data) or _LONG_INTEGER.search(data)
        if not (halves if halved else odd):
            raise
        parsed = _parse_any(data)
        return _without_halves(parsed) if _HALF.search(data) else parsed
    # orjson reads longer integers as floats; to look for digits would take longer than to parse.
    return _parse_any(data) if _has_large(value) and _LONG_INTEGER.search(data) else value


def _has_large(value: Any) -> bool:
    """Whether a value has a float that may be an integer of more than 64 bits."""
    if isinstance(value, float):
        return not -_INT64 < value < _INT64
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    for one in value:
        kind = type(one)
        if kind is not str and kind is not int and _has_large(one):
            return True
    return False


def _parse_any(data: bytes) -> Any:
    return json.loads(data, parse_int=_integer, parse_constant=lambda _: None)


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"an integer of {len(digits):,} digits")
    return int(digits)


def _without_halves(value: Any) -> Any:
    """Replace halves of surrogate pairs by "?".

    Raises:
        ValueError: an id or a language has one: as "?" it would be that of another row.
    """
    for field in _IDENTIFIERS:
        text = value.get(field) if isinstance(value, dict) else None
        if isinstance(text, str) and not is_text(text):
            raise ValueError(f"{field!r} holds half a surrogate pair")
    whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")  # whole pairs stay
    return _parse_any(whole)


def storable(value: Any) -> Any:
    """Return a value whose integers have at most 64 bits; longer ones become texts.

    >>> storable({"a": [2**64, 5]})
    {'a': ['18446744073709551616', 5]}
    """
    if isinstance(value, int) and not -_INT64 <= value < 2 * _INT64:
        return str(value)
    if isinstance(value, dict):
        return {name: storable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [storable(one) for one in value]
    return value
