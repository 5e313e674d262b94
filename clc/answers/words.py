"""Words of many languages around answers, from the files of languages, as patterns.

A path's words do not follow its language, so the lists of all languages are one pattern. Each
alternative begins with a literal character: the regex engine searches those about ten times as
fast as a pattern that ignores case or looks behind at every position.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clc.answers.vocabulary import per_vocabulary, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "INDO_ARYAN",
    "LETTER",
    "cased_and_other",
    "compile_words",
    "expanded",
    "grouped_words",
    "listed",
    "word_pattern",
]

LETTER = r"[^\W\d_]"
"""A letter of any script; the vowel signs of Indic scripts are none."""

# Letters and signs of the scripts of Indo-Aryan languages, Devanagari to Odia: in blocks of 128,
# with dandas at 0x64 and 0x65, digits from 0x66 to 0x6f and a sign of abbreviation at 0x70. The
# words of Dravidian languages join others: Telugu "cannot" is the end of a verb.
_INDO_ARYAN = "".join(
    f"{chr(block)}-{chr(block + 0x63)}{chr(block + 0x71)}-{chr(block + 0x7F)}"
    for block in range(0x900, 0xB80, 0x80)
)
INDO_ARYAN = re.compile(f"[{_INDO_ARYAN}]")
"""A letter or sign of one of these scripts: none stands before a word; endings may follow it."""

# Sets are out of the parts that ignore case: their folding takes most of the time to compile.
_GAP = r"(?-i:(?:\s\S{1,40}){0,6}\s)"  # the words for which … stands
_SPACES = r"\s{1,2}"


@per_vocabulary
def listed(name: str) -> list[str]:
    """Return the entries of a list, of all languages, each once."""
    return vocabulary().listed("answers", name)


@per_vocabulary
def compile_words(*names: str) -> re.Pattern[str]:
    """Compile the words of these lists, of all languages."""
    return re.compile(word_pattern(*names))


@per_vocabulary
def word_pattern(*names: str) -> str:
    """Return a pattern of the words of these lists, of all languages.

    It is no group: put it in parentheses within a larger one.
    """
    entries = (entry for name in names for entry in listed(name))
    return "|".join(
        grouped_words(dict.fromkeys(word for entry in entries for word in expanded(entry)))
    )


@per_vocabulary
def cased_and_other(*names: str) -> tuple[str, str]:
    """Return patterns of the words in alphabets with cases, and of all others."""
    words = [word for name in names for entry in listed(name) for word in expanded(entry)]
    cased = [word for word in dict.fromkeys(words) if word[0].lower() != word[0].upper()]
    other = [word for word in dict.fromkeys(words) if word[0].lower() == word[0].upper()]
    return "|".join(grouped_words(cased)) or "(?!)", "|".join(grouped_words(other)) or "(?!)"


def grouped_words(words: Iterable[str]) -> list[str]:
    """Return the patterns of words, one for all with the same first character in one case."""
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word[0].lower(), []).append(_rest(word))
    return [
        _group(form, rests)
        for first, rests in sorted(groups.items())
        for form in sorted({first, first.upper()[0]})
    ]


def _group(first: str, rests: list[str]) -> str:
    """Return the pattern of all words with this first character."""
    words = f"(?i:{'|'.join(rests)})"
    if INDO_ARYAN.match(first):
        return rf"{first}(?<![{_INDO_ARYAN}]{first}){words}"
    if first.lower() == first.upper():  # no alphabet with cases, and no borders
        return re.escape(first) + words
    return rf"{re.escape(first)}(?<!{LETTER}{re.escape(first)}){words}(?!{LETTER})"


def expanded(entry: str) -> list[str]:
    """Return an entry that begins with alternatives as one word for each.

    >>> expanded("(a|b )?c d")
    ['ac d', 'b c d', 'c d']
    """
    if not entry.startswith("("):
        return [entry]
    depth, parts, begin = 0, [], 1
    for index, character in enumerate(entry):
        depth += (character == "(") - (character == ")")
        if depth == 0 or (depth == 1 and character == "|"):
            parts.append(entry[begin:index])
            begin = index + 1
        if depth == 0:
            break
    rest = entry[begin:]
    if rest.startswith("?"):
        parts, rest = [*parts, ""], rest[1:]
    return [word for part in parts for word in expanded(part + rest)]


def _rest(word: str) -> str:
    """Return the pattern of a word after its first character."""
    rest = word[1:].replace("'", "['’]").replace("*", rf"(?-i:{LETTER}*)")
    rest = rest.replace(" … ", "\0").replace(" ?", r"\s?")
    return rest.replace(" ", _SPACES).replace("\0", _GAP)
