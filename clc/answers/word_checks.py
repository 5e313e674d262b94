"""Checks of the words in a user's files of languages, before anything is read by them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from clc.answers.power_words import power_pattern
from clc.answers.words import expanded, grouped
from clc.bounds import abbreviate
from clc.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["check_words"]

_SPECIAL = frozenset("*.([{\\?+|^$)]}")  # that begin no word


def check_words(path: Path, tables: Mapping[str, Any]) -> None:
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
                try:
                    re.compile(pattern(entry))
                except (re.error, OverflowError, RecursionError) as error:
                    raise TemplateError(f"{where}, no regular expression: {error}") from error


def _word_pattern(entry: str) -> str:
    return "|".join(grouped(expanded(entry)))
