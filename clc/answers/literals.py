"""Literals in the entries of word lists, by which an automaton finds where an entry may match.

An entry is a regular expression in a syntax of its own; :mod:`clc.answers.words` has its pattern.
"""

from __future__ import annotations

import re
from functools import lru_cache

from clc.answers.words import expanded

__all__ = ["plain_starts", "required_parts", "words_of"]

_SYNTAX = frozenset(" *.'’…([{\\?+|")  # characters of entries that stand for others
_DOT = re.compile(r"\[\.\](?![?{+])")  # a literal dot
_DOT_SIGN = "\0"  # in its place where "." would stand for any character
_SEPARATORS = re.compile("[ *'’…]")
_SIMPLE = re.compile(r"[^.(\[{\\?+|]*")
_OPTIONAL_SECOND = re.compile(r".\[.\]\?(?=.)")


def words_of(entry: str) -> list[str]:
    """Return an entry as words with a plain beginning: p[.]?s is ps and p[.]s."""
    words = []
    for word in expanded(entry):
        optional = _OPTIONAL_SECOND.match(word)
        if optional:
            words += [
                word[0] + word[optional.end() :],
                word[: optional.end() - 1] + word[optional.end() :],
            ]
        else:
            words.append(word)
    return words


def plain_starts(word: str) -> list[str]:
    """Return the literals one of which a word, whose first character is plain, begins with.

    >>> plain_starts("notes?"), plain_starts("n'oubli*")
    (['note'], ["n'", 'n’'])
    """
    word = _DOT.sub(_DOT_SIGN, word)
    end = next((at for at, one in enumerate(word) if at and one in _SYNTAX), len(word))
    start = word[: end - (end > 1 and word[end : end + 1] in {"?", "{"})].replace(_DOT_SIGN, ".")
    apostrophe = word[end : end + 1] == "'" and word[end + 1 : end + 2] not in {"?", "{"}
    return [start + one for one in "'’"] if apostrophe else [start]


@lru_cache(maxsize=8192)
def required_parts(entry: str) -> tuple[str, ...]:
    """Return literals one of which stands wherever an entry matches; the longest there are.

    >>> required_parts("(that|this) is (wrong|a mistake)"), required_parts("colou?rs*")
    (('wrong', 'mistake'), ('colo',))
    >>> required_parts("(a|b)?")
    ()
    """
    if _SIMPLE.fullmatch(entry):  # one word of two, for which this takes a tenth of the time
        longest = max(_SEPARATORS.split(entry), key=len)
        return (longest,) if longest else ()
    alternatives = _split(_DOT.sub(_DOT_SIGN, entry))
    needed = [min(_parts_of(one), key=_weakness, default=[]) for one in alternatives]
    if not all(needed):
        return ()
    return tuple(part.replace(_DOT_SIGN, ".") for parts in needed for part in parts)


def _weakness(parts: list[str]) -> tuple[int, bool, int]:
    """Return how much a text is likely to hold one of these parts; a letter more than a sign."""
    return -min(map(len, parts)), any(map(str.isalnum, "".join(parts))), len(parts)


def _parts_of(entry: str) -> list[list[str]]:
    """Return the sets of literals of which an entry, without alternatives outside, needs one."""
    found: list[list[str]] = []
    run = ""
    position = 0
    while position < len(entry):
        character = entry[position]
        after = position + 1
        group: list[str] = []
        if character == "(":
            after = _group_end(entry, position)
            group = _alternatives(entry[position + 1 : after - 1])
        elif character == "[":
            after = entry.find("]", position + 2) + 1 or len(entry)
        elif character == "\\":
            after = position + (4 if entry[position + 1 : position + 2] == "x" else 2)
        plain = not group and after == position + 1 and character not in _SYNTAX
        quantifier = entry[after : after + 1]
        if quantifier == "{":
            after = entry.find("}", after) + 1 or len(entry)
        elif quantifier and quantifier in "?+":
            after += 1
        optional = quantifier in {"?", "{"}
        if plain and not optional:
            run += character
        if not plain or optional or quantifier == "+":
            found += [[run]] if run else []
            found += [group] if group and not optional else []
            run = ""
        position = after
    return [*found, [run]] if run else found


def _group_end(entry: str, start: int) -> int:
    """Return the end of the group, class or escaped character that begins at ``start``."""
    depth, inside = 0, False
    position = start
    while position < len(entry):
        character = entry[position]
        if character == "\\":
            position += 1
        elif inside:
            inside = character != "]"
        else:
            inside = character == "["
            depth += (character == "(") - (character == ")")
        position += 1
        if depth == 0 and not inside:
            return position
    return len(entry)


def _alternatives(content: str) -> list[str]:
    """Return the literals one of which the content of a group needs; none of one that looks."""
    if content.startswith("?:"):
        return list(required_parts(content[2:]))
    return [] if content.startswith("?") else list(required_parts(content))


def _split(entry: str) -> list[str]:
    """Return the alternatives of an entry, outside of groups."""
    if "|" not in entry:
        return [entry]
    parts, begin, position = [], 0, 0
    while position < len(entry):
        if entry[position] == "|":
            parts.append(entry[begin:position])
            begin = position + 1
        position = _group_end(entry, position) if entry[position] in "([\\" else position + 1
    return [*parts, entry[begin:]]
