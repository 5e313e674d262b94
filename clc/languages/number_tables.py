"""Checks of the table ``[numbers]`` in a file of a language.

``und.toml`` describes the keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from clc.bounds import abbreviate
from clc.errors import TemplateError
from clc.languages.files import check_keys, check_lists, check_words

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ORDERS", "check_numbers"]

ORDERS = ("large first", "ones first", "scale first")
_FLAGS = ("together", "tens_multiply", "spaces", "unlabelled")
_LISTS = (
    "sources", "and", "articles", "over", "part_of", "half", "and_half", "and_half_units",
    "endings",
    "not_alone", "not_english", "not_numbers",
)  # fmt: skip
_NUMBERS = {
    "cardinals": (re.compile(r"\d{1,16}(?:/[1-9]\d{0,2})?"), "a number such as 12 or 3/2"),
    "forms": (re.compile(r"\d{1,16}(?:/[1-9]\d{0,2})?"), "a number such as 12 or 3/2"),
    "scales": (re.compile(r"10{1,15}"), "a power of ten such as 1000"),
    "parts": (re.compile(r"[2-9]|[1-9]\d{1,2}"), "a whole number from 2, such as 3 for thirds"),
    "multiples": (re.compile(r"[1-9]\d{0,3}(?:/[1-9]\d{0,2})?"), "a number such as 2 or 1/2"),
}


def check_numbers(where: str, table: Mapping[str, Any]) -> None:
    """Check the table ``[numbers]``; ``where`` names the file.

    Raises:
        TemplateError: it has an unknown key, or a value of the wrong type, or one word for two
            numbers.
    """
    place = f"{where}: [numbers]"
    check_keys(place, table, ("order", *_FLAGS, *_LISTS, *_NUMBERS, "not_before"))
    order = table.get("order", ORDERS[0])
    if order not in ORDERS:
        known = ", ".join(ORDERS)
        raise TemplateError(f"{place} order is {abbreviate(order)}; there are: {known}")
    for name in _FLAGS:
        if not isinstance(table.get(name, False), bool):
            raise TemplateError(f"{place} {name} is {abbreviate(table[name])}; write true or false")
    for name in _LISTS:
        check_words(f"{place} {name}", table.get(name, []))
    for name in (*_NUMBERS, "not_before"):
        words = table.get(name, {})
        inner = f"{where}: [numbers.{name}]"
        if not isinstance(words, dict):
            raise TemplateError(f"{inner} is {abbreviate(words)}; write a table")
        check_lists(inner, words, words)
        if name in _NUMBERS:
            _check_values(inner, words, *_NUMBERS[name])


def _check_values(
    where: str, words: Mapping[str, list[str]], form: re.Pattern[str], wanted: str
) -> None:
    """Check the numbers of a table, and that each word stands for one of them."""
    numbers: dict[str, str] = {}
    for number, forms in words.items():
        if form.fullmatch(number) is None:
            raise TemplateError(f"{where} has the key {abbreviate(number)}; write {wanted}")
        for word in forms:
            other = numbers.setdefault(word.lower(), number)
            if other != number:
                raise TemplateError(f"{where} has {abbreviate(word)} for {other} and for {number}")
