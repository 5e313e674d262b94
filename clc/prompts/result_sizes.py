"""Sizes of results in templates, found before they are computed; all raise SecurityError."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clc.prompts.budget import MOST_BITS, MOST_CHARACTERS, text_size, too_large

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "check_format_size",
    "check_replacement_size",
    "check_size",
    "check_widths",
    "operation_size",
]

_FIELDS = re.compile(r"%(?:\([^)]*\))?[^a-zA-Z%]*|\{[^{}:]*:[^{}]*")  # of a format, with widths
_DIGITS = 7  # of a width up to MOST_CHARACTERS


def operation_size(operator: str, left: Any, right: Any) -> int:
    """Return about the size of an operation's operands and result.

    Raises:
        SecurityError: it is too large.
    """
    items = [len(one) if isinstance(one, str | bytes | list | tuple) else 0
             for one in (left, right)]  # fmt: skip
    bits = [one.bit_length() if isinstance(one, int) else 0 for one in (left, right)]
    if operator == "*":
        size = max(items[0] * max(right, 0) if bits[1] else 0, items[1] * max(left, 0)
                   if bits[0] else 0)  # fmt: skip
    else:
        size = sum(items)
    if operator == "**" and isinstance(left, int) and isinstance(right, int):
        number = bits[0] * abs(right) if abs(left) > 1 else 1
    else:
        number = sum(bits) if operator == "*" else max(bits)
    if size > MOST_CHARACTERS or (number > MOST_BITS and not any(items)):
        raise too_large()
    return size + number


def check_size(value: Any) -> Any:
    """Return a result that is not too large."""
    if isinstance(value, str | bytes | list | tuple) and len(value) > MOST_CHARACTERS:
        raise too_large()
    return value


def check_widths(text: object, numbers: Iterable[Any]) -> None:
    """Refuse a width whose result is too large; each line and tab may take it."""
    lines = text.count("\n") + text.count("\t") + 1 if isinstance(text, str) else 1
    for number in numbers:
        if isinstance(number, int) and abs(number) * lines > MOST_CHARACTERS:
            raise too_large()


def check_format_size(pattern: str, values: Iterable[Any]) -> None:
    """Refuse a format whose fields or widths make its result too large.

    Widths are numbers in the pattern, or among the values.
    """
    fields = pattern.count("%") + pattern.count("{")
    given = list(values)
    for one in tuple(given):
        if isinstance(one, Mapping):  # of format_map, or %(name)s
            given += one.values()
    if "*" in pattern or re.search(r":[^{}]*\{", pattern):
        check_widths("", given)
    widths = [re.findall(r"\d+", field.rpartition(")")[2]) for field in _FIELDS.findall(pattern)]
    longest = max((len(number) for numbers in widths for number in numbers), default=0)
    width = 0 if longest > _DIGITS else sum(int(number) for numbers in widths for number in numbers)
    if longest > _DIGITS or width > MOST_CHARACTERS or fields * text_size(*given) > MOST_CHARACTERS:
        raise too_large()


def check_replacement_size(text: str, old: str, new: str) -> None:
    """Refuse a replacement whose result is too large."""
    count = text.count(old) if old else len(text) + 1
    if len(text) + count * len(new) > MOST_CHARACTERS:
        raise too_large()
