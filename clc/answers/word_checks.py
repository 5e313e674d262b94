"""Checks of the words in a user's files of languages, before anything is read by them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from clc.answers.power_words import power_pattern
from clc.answers.words import expanded, grouped_words
from clc.bounds import abbreviate
from clc.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["check_patterns"]

_SPECIAL = frozenset("*.([{\\?+|^$)]}")  # that begin no word
_REPEATED = re.compile(r"(?<=[^\W\d_])(?:\+|\{[^{}]*\})")
_SYNTAX = (
    'write "(a|b)" for alternatives, "?" after what may be left out, "*" for any ending, " … " '
    "for a few words"
)
_PLAIN_PATTERNS = (
    ("options", "nouns"),
    ("options", "articles"),
    ("options", "endings"),
    ("mixed", "not_variables"),
)


def check_patterns(path: Path, tables: Mapping[str, Any]) -> None:
    """Check that every entry that is a regular expression is one.

    Raises:
        TemplateError: one is not; the message names the file, the list and the entry.
    """
    for table, pattern in (("answers", _word_pattern), ("powers", power_pattern)):
        for key, entries in tables.get(table, {}).items():
            for entry in entries:
                where = f"{path}: [{table}] {key} holds {abbreviate(entry)}"
                if any(not word or word[0] in _SPECIAL for word in expanded(entry)):
                    raise TemplateError(
                        f"{where}; begin it with a letter, or with alternatives of letters in "
                        "parentheses"
                    )
                _compile(where, pattern(entry), advice=f"; {_SYNTAX}")
                _check_syntax(where, entry)
    for table, key in _PLAIN_PATTERNS:
        for entry in tables.get(table, {}).get(key, ()):
            _compile(f"{path}: [{table}] {key} holds {abbreviate(entry)}", entry)
    _check_letters(path, tables.get("options", {}))


def _check_syntax(where: str, entry: str) -> None:
    """Check what compiles and is no entry: a parenthesis that does not close, ``a+``, ``a{2}``."""
    if "\\" in entry or "[" in entry:  # a regular expression
        return
    if entry.count("(") != entry.count(")"):
        raise TemplateError(f"{where}, with a parenthesis that does not close; {_SYNTAX}")
    if sign := _REPEATED.search(entry):
        raise TemplateError(f"{where}, with {sign[0]!r} after a letter; {_SYNTAX}")


def _check_letters(path: Path, options: Mapping[str, Any]) -> None:
    for key, letters in options.items():
        if key not in {"nouns", "articles", "endings"}:
            for letter in letters:
                if not all(unicodedata.category(one)[0] in "LM" for one in letter):
                    raise TemplateError(
                        f"{path}: [options] {key} holds {abbreviate(letter)}; write letters"
                    )


def _compile(where: str, pattern: str, advice: str = "") -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise TemplateError(f"{where}, no regular expression: {error}{advice}") from error


def _word_pattern(entry: str) -> str:
    return "|".join(grouped_words(expanded(entry)))
