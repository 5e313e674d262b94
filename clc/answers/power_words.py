"""Words that make a number a part of a power, a root or a factorial: to the power of, hoch."""

from __future__ import annotations

import re
from typing import NamedTuple

from clc.answers.vocabulary import per_vocabulary, vocabulary
from clc.answers.words import expanded

__all__ = ["PowerWords", "is_part_of_power", "power_pattern", "power_words", "words_before"]

_BEFORE = 24  # characters before a number with such words
_EXPONENT = r"-?\d{1,9}"


class PowerWords(NamedTuple):
    """The words of powers of all languages.

    ``after`` matches those after a base; its last group is ``square``, ``cube``, ``factorial``, or
    the digits of an exponent; there is none for a power without value. ``before`` are those before
    an exponent or an argument, in lower case. ``firsts`` are the first characters of the words
    after a base. ``factorials`` matches the names of factorials. ``ordinal`` are the endings of
    ordinal numbers, as alternatives.
    """

    after: re.Pattern[str]
    before: tuple[str, ...]
    firsts: frozenset[str]
    factorials: re.Pattern[str]
    ordinal: str


@per_vocabulary
def power_words() -> PowerWords:
    """Return the words of powers of the vocabulary in effect.

    >>> power_words().after.match(" squared").lastgroup
    'square'
    """
    lists = {
        name: vocabulary().listed("powers", name)
        for name in ("power", "squared", "cubed", "factorial", "factorials", "of", "ordinal")
    }
    powers: list[str] = []
    for entry in lists["power"]:
        parts = power_pattern(entry).split("N")
        powers.append(
            parts[0]
            + "".join(
                rf"(?P<exponent{len(powers)}_{index}>{_EXPONENT}){part}"
                for index, part in enumerate(parts[1:])
            )
        )
    named = {"square": "squared", "cube": "cubed", "factorial": "factorial"}
    groups = [
        f"(?P<{group}>{'|'.join(map(power_pattern, lists[name]))})"
        for group, name in named.items()
        if lists[name]
    ]
    after = [entry for name in ("power", *named.values()) for entry in lists[name]]
    return PowerWords(
        re.compile(rf"[ \u00a0]?(?:{'|'.join([*powers, *groups])})"),
        tuple(lists["of"]),
        frozenset(word[0] for entry in after for word in expanded(entry)),
        re.compile("|".join(lists["factorials"]), re.IGNORECASE),
        "|".join(lists["ordinal"]),
    )


def is_part_of_power(text: str, start: int, end: int) -> bool:
    """Whether words beside the number ``text[start:end]`` make it a part of a power or a time.

    >>> is_part_of_power("two to the power of 10", 20, 22), is_part_of_power("half past 3", 10, 11)
    (True, True)
    """
    after = text[end : end + 2].lstrip(" \u00a0")[:1]
    if after in power_words().firsts and power_words().after.match(text, end):
        return True
    before = text[max(0, start - _BEFORE) : start].rstrip()
    return bool(before) and before.lower().endswith(words_before())


@per_vocabulary
def words_before() -> tuple[str, ...]:
    """The words before a number that make it a part of a power or of a time."""
    return (*power_words().before, *vocabulary().listed("clock", "past"))


def power_pattern(entry: str) -> str:
    """Return the pattern of an entry: a space is a space, and its groups capture nothing."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", entry).replace(" ", "[ ]")
