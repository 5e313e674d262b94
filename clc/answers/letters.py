"""Letters of options in Latin and native scripts, and where they stand in a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from clc.answers.vocabulary import per_vocabulary, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clc.answers.vocabulary import Vocabulary

__all__ = [
    "BRACKETS",
    "CLOSING",
    "LATIN",
    "Mention",
    "OptionLetters",
    "may_choose",
    "mentions_in",
    "only_choice",
    "option_letters",
]

LATIN = "ABCDEFGHIJ"
_WIDE = 0xFF21  # the code point of a full-width A
_CASED = r"a-zA-Z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
_EDGE = _CASED + (
    r"\u0900-\u0963\u0966-\u0dff\u0e00-\u0e7f\u1200-\u137f\u30a0-\u30ff\uac00-\ud7af"
    r"\u0590-\u05ff\u0620-\u06d3\u06fa-\u06ff\u10a0-\u10ff\u0530-\u058f"
)
BRACKETS = r"*_$(（\[【「『《\"'“‘„«{<`"
CLOSING = r"*_$)）\]】」』》\"'”’»}>`"
_NUMBER_FIRST = re.compile(rf"[\s{BRACKETS}€£¥₹-]*\d")
# The pronoun, unless what follows a letter follows: I do not know, I because …
_PRONOUN = r"I (?!(?:because|since|as|is|and|or|for|if|but|not|are|was|were|seems?|has)\b)[a-z]"


class OptionLetters(NamedTuple):
    """The letters of options in all scripts.

    ``latin`` maps a letter, or its name, to the Latin letter that it stands for; ``pattern`` has
    them as alternatives; ``ambiguous`` are words, too. ``only`` matches a text that is only a
    choice, ``mention`` a letter that stands apart, ``first`` the first character of any letter: a
    text without one mentions none.
    """

    latin: dict[str, str]
    pattern: str
    ambiguous: frozenset[str]
    only: re.Pattern[str]
    mention: re.Pattern[str]
    first: re.Pattern[str]


@per_vocabulary
def option_letters() -> OptionLetters:
    """Return the letters of options of the vocabulary in effect."""
    words = vocabulary()
    latin = {letter: letter for letter in LATIN}
    latin |= {chr(_WIDE + index): letter for index, letter in enumerate(LATIN)}
    latin |= words.option_letters()
    pattern = _any_of(latin)
    of_any_case = _any_of({form for one in latin for form in (one, one.lower(), one.upper())})
    nouns, articles = (
        "|".join(words.listed("options", name)).replace("'", "['’]") or "(?!)"
        for name in ("nouns", "articles")
    )
    endings = words.listed("options", "endings")
    apostrophe = "|".join(one[1:] for one in endings if one.startswith("'")) or "(?!)"
    only = re.compile(
        rf"\s*(?:(?i:(?:{articles})?(?:{nouns}))\s?)?[{BRACKETS}\s]{{0,6}}({of_any_case})"
        rf"(?:[{CLOSING}\s.。।:：!！]{{0,6}}"
        rf"|[)）.、][{CLOSING}]{{0,3}}[ \t]{{0,3}}"
        rf"(?!(?:{of_any_case})(?:[)）.、,，]|\s*\Z))[^\s=/].{{0,300}})\s*"
    )
    mention = re.compile(
        # particles may follow a Latin letter in another script: C는, Cです
        rf"(?<![{_EDGE}\d'’])(?<![=+/^<>×÷]\s)(?<!\b[a-zA-Z]\()(?!{_PRONOUN})"
        rf"([A-J\uff21-\uff2a](?![{_CASED}])|(?:{pattern})(?![{_EDGE}])"
        rf"|{_with_endings(words)})"
        # and an ending after an apostrophe: B'dir; a number in parentheses makes it a function
        rf"(?![\d]|['’](?!{apostrophe})|\(\d|[-‐‑–]?\d|[-‐‑][{_EDGE}]|\s?[=^+×÷]|\s?/\s?\d)"
    )
    ambiguous = frozenset(words.listed("options", "words"))
    firsts = {letter[0] for letter in latin}
    for tables in words.languages.values():
        firsts.update(letter[0] for letter in tables.get("options", {}).get("letters", ()))
    first = re.compile(f"[{re.escape(''.join(sorted(firsts)))}]")
    return OptionLetters(latin, pattern, ambiguous, only, mention, first)


def _any_of(letters: Iterable[str]) -> str:
    """Return a pattern of letters, those of several characters first."""
    named = sorted((re.escape(one) for one in letters if len(one) > 1), key=len, reverse=True)
    single = "".join(sorted(re.escape(one) for one in letters if len(one) == 1))
    return "|".join([*named, f"[{single}]"])


def _with_endings(words: Vocabulary) -> str:
    """Return a pattern of letters to which an ending of their language is glued."""
    patterns = []
    for tables in words.languages.values():
        options = tables.get("options", {})
        endings = "|".join(one for one in options.get("endings", ()) if not one.startswith("'"))
        if endings and "letters" in options:
            patterns.append(f"(?:{'|'.join(options['letters'])})(?={endings})")
    return "|".join(patterns) or "(?!)"


class Mention(NamedTuple):
    """A letter in a text: its place, and the Latin letter that it stands for."""

    start: int
    end: int
    letter: str


def only_choice(text: str) -> str | None:
    """Return the letter if ``text`` is only a choice, with or without its option's text.

    >>> only_choice("(B)"), only_choice("ক"), only_choice("C) 18 apples"), only_choice("A cat")
    ('B', 'A', 'C', None)
    """
    match = None if _NUMBER_FIRST.match(text) else option_letters().only.fullmatch(text)
    return _latin(match[1]) if match else None


def may_choose(text: str) -> bool:
    """Whether a letter of an option stands apart in ``text``, as a quick check.

    >>> may_choose("C because"), may_choose("18 cm")
    (True, False)
    """
    letters = option_letters()
    if letters.first.search(text) and letters.mention.search(text):
        return True
    return only_choice(text) is not None


def mentions_in(text: str, count: int | None = None) -> list[Mention]:
    """Return the letters that stand apart in a text, of the first ``count`` options.

    >>> [one.letter for one in mentions_in("B'dir, A cat, C(6,2)")]
    ['B', 'A']
    """
    letters, latin = LATIN[:count], option_letters().latin
    return [
        Mention(*match.span(1), latin[match[1]])
        for match in option_letters().mention.finditer(text)
        if latin[match[1]] in letters
    ]


def _latin(letter: str) -> str | None:
    latin = option_letters().latin
    return latin.get(letter) or latin.get(letter.upper())
