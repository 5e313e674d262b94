"""Words of many languages around answers, from prompts/answers.toml, as patterns.

A path's words do not follow its language, so the lists of all languages are one pattern. Each
alternative begins with a literal character: the regex engine searches those about ten times as
fast as a pattern that ignores case or looks behind at every position.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache

from clc.prompt_files import bundled_prompts

__all__ = ["LETTER", "compile_words", "word_pattern"]

FILE = "answers.toml"
LETTER = r"[^\W\d_]"
"""A letter of any script; the vowel signs of Indic scripts are none."""

_GAP = r"(?:[ \u00a0][^\s.!?:;。]{1,40}){0,6}[ \u00a0]"  # the words for which … stands
_SPACES = r"[ \u00a0\n]{1,2}"


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, list[str]]]:
    with (bundled_prompts() / FILE).open("rb") as file:
        return tomllib.load(file)


@lru_cache(maxsize=32)
def compile_words(*names: str) -> re.Pattern[str]:
    """Compile the words of these lists, of all languages."""
    return re.compile(word_pattern(*names))


@lru_cache(maxsize=32)
def word_pattern(*names: str) -> str:
    """Return a pattern of the words of these lists, of all languages.

    It is no group: put it in parentheses within a larger one.
    """
    entries = dict.fromkeys(
        word for table in _tables().values() for name in names for word in table.get(name, ())
    )
    groups: dict[str, list[str]] = {}
    for word in dict.fromkeys(word for entry in entries for word in _expanded(entry)):
        first = word[0]
        for form in sorted({first, first.upper(), first.lower()}):
            if len(form) == 1:  # the upper case of ß and ŉ has two
                groups.setdefault(form, []).append(_rest(word))
    return "|".join(
        f"{re.escape(first)}{_border(first)}(?i:{'|'.join(rests)})"
        for first, rests in sorted(groups.items())
    )


def _expanded(entry: str) -> list[str]:
    """Return an entry that begins with alternatives as one word for each.

    >>> _expanded("(a|b )?c d")
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
    return [word for part in parts for word in _expanded(part + rest)]


def _border(first: str) -> str:
    """Return the condition that no letter stands before ``first``, in scripts with cases."""
    return rf"(?<!{LETTER}{re.escape(first)})" if _has_case(first) else ""


def _has_case(character: str) -> bool:
    return character.lower() != character.upper()


def _rest(word: str) -> str:
    """Return the pattern of a word after its first character."""
    rest = word[1:].replace("'", "['’]").replace("*", rf"{LETTER}*")
    pattern = rest.replace(" … ", "\0").replace(" ", _SPACES).replace("\0", _GAP)
    return f"(?:{pattern})" + (rf"(?!{LETTER})" if _has_case(word[0]) else "")
