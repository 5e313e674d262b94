"""Words beside digits: scales after them (2 million) or before (elfu 70)."""

from __future__ import annotations

import re

from clc.answers.number_lexicon import fold_form, trie
from clc.answers.number_words import all_tables
from clc.answers.vocabulary import per_vocabulary

__all__ = ["scale_after", "scale_before"]

_SCALE_DIGITS = 4  # of the smallest words that scale digits without an entry in [numbers.scales]
_LONGEST_SCALE = 24
_MOST_SPACES = 2
_SPACES = (" ", "\u00a0")
# Letters that make a word another one when they follow it; those of other scripts are endings.
_WORDS_WITH_BORDERS = "a-zß-ɏͰ-ӿ\u0590-\u06ffธ"


@per_vocabulary
def _scales() -> tuple[dict[str, int], re.Pattern[str], frozenset[str]]:
    """Return the words after digits that scale them, their pattern and their first letters."""
    scales: dict[str, int] = {}
    barred: dict[str, list[str]] = {}
    for table in all_tables().values():
        barred |= {fold_form(form): after for form, after in table.get("not_before", {}).items()}
        for name in ("cardinals", "forms", "scales"):
            for number, forms in table.get(name, {}).items():
                if (name == "scales" or len(number) >= _SCALE_DIGITS) and _is_power(number):
                    words = [form for form in forms if f"{form}*" not in table.get("not_alone", ())]
                    scales |= dict.fromkeys(map(fold_form, words), int(number))
    firsts = frozenset(letter for word in scales for letter in (word[0], word[0].upper()))
    pattern = trie(scales, barred) or "(?!)"
    return scales, re.compile(f"(?:{pattern})(?![{_WORDS_WITH_BORDERS}])"), firsts


def _is_power(number: str) -> bool:
    return number.isdecimal() and number.rstrip("0") == "1"


def scale_after(text: str, end: int) -> tuple[int, int] | None:
    """Return the factor of a scale after digits, and its end; None without one.

    >>> scale_after("2 million", 1), scale_after("5 lakh", 1), scale_after("3 dogs", 1)
    ((1000000, 9), (100000, 6), None)
    """
    scales, pattern, firsts = _scales()
    start = end
    while start - end < _MOST_SPACES and text[start : start + 1] in _SPACES:
        start += 1
    if text[start : start + 1] not in firsts:
        return None
    folded = fold_form(text[start : start + _LONGEST_SCALE])
    match = pattern.match(folded)
    return None if match is None else (scales[match[0].replace("-", " ")], start + match.end())


@per_vocabulary
def _scales_before() -> dict[str, int]:
    return {
        fold_form(form): int(number)
        for table in all_tables().values()
        if table.get("order") == "scale first"
        for name in ("cardinals", "forms", "scales")
        for number, forms in table.get(name, {}).items()
        if len(number) >= _SCALE_DIGITS and _is_power(number)
        for form in forms
    }


def scale_before(text: str, first: int) -> tuple[int, int]:
    """Return the factor of a scale before digits and its start: elfu 70 is 70,000.

    Without one, the factor is 1 and the start that of the digits.

    >>> scale_before("elfu 70", 5), scale_before("about 70", 6)
    ((1000, 0), (1, 6))
    """
    words = text[max(0, first - _LONGEST_SCALE) : first].split()
    factor = _scales_before().get(fold_form(words[-1]), 1) if words else 1
    return (1, first) if factor == 1 else (factor, text.rindex(words[-1], 0, first))
