"""The letter that a statement chooses among options.

The letter that a statement begins with is the choice, whatever letters its reasons name: "C because
A and B are wrong". Letters joined by "and" or "or" are several choices, and no answer.
"""

from __future__ import annotations

import re

from clc.answers.letters import (
    BRACKETS,
    CLOSING,
    LATIN,
    Mention,
    mentions_in,
    only_choice,
    option_letters,
)
from clc.answers.vocabulary import per_vocabulary
from clc.answers.words import cased_and_other, compile_words
from clc.deferred_patterns import deferred_pattern
from clc.records import AbstainReason

__all__ = [
    "choice_in",
    "is_denied",
    "is_in_reason",
    "last_letter",
    "read_choice",
]

_LEAD = deferred_pattern(rf"[\s{BRACKETS}:：>#-]{{0,12}}")
_ANSWER_LABEL = re.compile(r"\s*A\s?:")  # and no choice
_ENDED = deferred_pattern(
    rf"[{CLOSING}]{{0,4}}\s{{0,2}}(?:[.,;:!—。，；：、！।|]|[-–]\s(?!\d)|\Z|\n|[(（])"
)
_BEFORE = 24  # characters before a letter in which words about it stand
_GAP = rf"[\s{BRACKETS}{CLOSING}:：]{{0,6}}"
_SEPARATOR = deferred_pattern(rf"[{CLOSING}]{{0,4}}\s?(?:[,，、/&])\s?")
_WORDS_AFTER = re.compile(r"[^,，;；.。!！\n]{0,30}")
_CLAUSE = deferred_pattern(r"[,，;；.。।!！\n]")


def choice_in(text: str) -> str | None:
    """Return the choice that ``text`` states, None without one or with several.

    >>> choice_in("option B, because"), choice_in("a cat is C"), choice_in("A or B")
    ('B', 'C', None)
    """
    letter = read_choice(text)
    return letter if isinstance(letter, str) and letter in LATIN else None


def read_choice(
    text: str, *, count: int = len(LATIN), strict: bool = False
) -> str | AbstainReason | None:
    """Read the letter that a statement chooses.

    Args:
        text: what follows a label, or a conclusion.
        count: number of options; later letters are none.
        strict: the kind of the answer is not known: only a letter that cannot be anything else.

    Returns:
        A Latin letter; ``UNDETERMINED`` where several are left open; None where none is named.

    >>> read_choice("C because A and B are wrong."), read_choice("D, not B"), read_choice("I know")
    ('C', 'D', None)
    >>> read_choice("A, B and C").value
    'undetermined'
    """
    if strict and _ANSWER_LABEL.match(text):
        return None
    whole = only_choice(text)
    mentions = mentions_in(text, count)
    if whole and whole in LATIN[:count]:
        return AbstainReason.UNDETERMINED if _is_joined(text, mentions) else whole
    if not mentions:
        return None
    named = len(mentions)
    mentions = _without_denied(text, mentions)
    if not mentions:
        return None
    first = mentions[0]
    strict = strict and len(mentions) == named
    if _is_leading(text, first) and _is_letter(text, first, strict=strict):
        return AbstainReason.UNDETERMINED if _is_joined(text, mentions) else first.letter
    return _named(text, mentions, strict=strict)


def last_letter(text: str) -> str | None:
    """Return the letter that ends a sentence and is concluded or named as an option.

    >>> last_letter("The total is 14, thus C."), last_letter("It has 14 vitamins, and C")
    ('C', None)
    """
    mentions = mentions_in(text)
    if not mentions or any(map(str.isalnum, text[mentions[-1].end :])):
        return None
    one = mentions[-1]
    before = text[max(0, one.start - _BEFORE) : one.start]
    return one.letter if _words_before("so", "option").search(before) else None


@per_vocabulary
def _marked() -> re.Pattern[str]:
    """A letter in bold or in brackets."""
    return re.compile(
        rf"(?:\*\*|[(（\[【「『“\"{{])\s?(?:{option_letters().pattern})\s?[.)）:]?"
        r"(?:\*\*|[)）\]】」』”\"}])"
    )


@per_vocabulary
def _words(*names: str) -> re.Pattern[str]:
    """Words at a position, after spaces and closing marks."""
    return re.compile(rf"{_GAP}(?:{compile_words(*names).pattern})")


@per_vocabulary
def _words_before(*names: str) -> re.Pattern[str]:
    """Words at the end of a text, before spaces and opening marks."""
    return re.compile(rf"(?:{compile_words(*names).pattern}){_GAP}\Z")


@per_vocabulary
def _denial() -> re.Pattern[str]:
    """Words that deny the letter after them, with or without a word for an option: not option A."""
    denied, option = (compile_words(name).pattern for name in ("not", "option"))
    return re.compile(rf"(?:{denied})(?:{_GAP}(?:{option}))?{_GAP}\Z")


def _without_denied(text: str, mentions: list[Mention]) -> list[Mention]:
    """Drop the letters that are not the answer, with those joined to them: A and B are wrong."""
    kept: list[Mention] = []
    follows: Mention | None = None  # a denied letter
    for chain in _chains(text, mentions):
        if len(chain) > 1 and _none_of(text, chain):
            mentions = [one for one in mentions if one not in chain]
    for one in reversed(mentions):
        joined = follows is not None and _is_and(text[one.end : follows.start])
        if joined or is_denied(text, one):
            follows = one
        else:
            follows = None
            kept.append(one)
    return kept[::-1]


def _chains(text: str, mentions: list[Mention]) -> list[list[Mention]]:
    """Group the letters that only words for "and" or commas join; D，A、B are D and a group."""
    chains: list[list[Mention]] = []
    for one in mentions:
        between = text[chains[-1][-1].end : one.start] if chains else ""
        if not (chains and _joins(between)):
            chains.append([one])
            continue
        chain = chains[-1]
        if len(chain) > 1 and "、" in between and "、" not in text[chain[-2].end : chain[-1].start]:
            chains.append([chain.pop()])
        chains[-1].append(one)
    return chains


def _joins(between: str) -> bool:
    """Whether nothing but a word for "and" or a comma stands between two letters."""
    comma = _SEPARATOR.match(between)
    rest = between[comma.end() :] if comma else between
    word = _words("and").match(rest)
    if not (comma or word):
        return False
    return _only_option(rest[word.end() :] if word else rest)


def _is_and(between: str) -> bool:
    """Whether only "and" and a word for an option stand between two letters, and no "not"."""
    word = _words("and").match(between)
    return word is not None and _only_option(between[word.end() :])


def _none_of(text: str, chain: list[Mention]) -> bool:
    """Whether "none of" stands before the first of several letters, or after the last one."""
    before = text[max(0, chain[0].start - _BEFORE) : chain[0].start]
    for word in compile_words("none").finditer(before):
        if _CLAUSE.search(before, word.end()) is None:
            return True
    lead = _WORDS_AFTER.match(text, chain[-1].end)
    end = lead.end() if lead else chain[-1].end
    return compile_words("none").search(text, chain[-1].end, min(len(text), end)) is not None


def is_denied(text: str, one: Mention) -> bool:
    """Whether the words before or after a letter say that it is not the answer."""
    before = text[max(0, one.start - _BEFORE) : one.start]
    if _denial().search(before):
        return True
    after = _words("not_after").match(text, one.end)
    if after is None or _words("right").match(text, one.end):
        return False
    other = _words("not").match(text, one.end)  # "B, not A" denies A
    lead = _LEAD.match(text, other.end()) if other else None
    return lead is None or option_letters().mention.match(text, lead.end()) is None


def _is_leading(text: str, one: Mention) -> bool:
    """Whether only markup and a word for an option stand before a letter."""
    lead = _LEAD.match(text)
    begin = lead.end() if lead else 0
    if begin >= one.start:
        return True
    word = compile_words("option").match(text, begin)
    return word is not None and _between_option().fullmatch(text, word.end(), one.start) is not None


@per_vocabulary
def _between_option() -> re.Pattern[str]:
    """The signs and the copula that may stand between a word for an option and its letter."""
    _, copula = cased_and_other("copula")
    return re.compile(rf"(?:[ \t*_$(（\[【「『\"'“:：]|{copula})*")


def _is_letter(text: str, one: Mention, *, strict: bool) -> bool:
    """Whether a leading letter is no word: what follows ends it, gives a reason or affirms it."""
    if not strict and text[one.start : one.end] not in option_letters().ambiguous:
        return True
    return (
        _ENDED.match(text, one.end) is not None
        or _is_marked(text, one)
        or _words("because", "contrast", "right", "not", "and").match(text, one.end) is not None
        or _words_before("option").search(text[max(0, one.start - _BEFORE) : one.start]) is not None
    )


def _is_marked(text: str, one: Mention) -> bool:
    begin = max(0, one.start - 4)
    return any(
        mark.start() < one.start and one.end < mark.end()
        for mark in _marked().finditer(text, begin, one.end + 4)
    )


def _is_joined(text: str, mentions: list[Mention]) -> bool:
    """Whether letters after the first one are joined to it: A, B and C."""
    joined = False
    if not mentions:
        return False
    last = mentions[0]
    for one in mentions[1:]:
        between = text[last.end : one.start]
        word = _words("and").match(between)
        if not (word and _only_option(between[word.end() :])):
            comma = _SEPARATOR.match(between)
            if not (comma and _only_option(between[comma.end() :])):
                break
        else:
            joined = True
        last = one
    if last is mentions[0] or last.letter == mentions[0].letter:
        return False
    commas = text[mentions[0].end : mentions[1].start].lstrip("*) ").startswith((",", "，"))
    if joined and not commas:
        return True
    # "C, A and B are wrong" goes on after the letters; a list of answers ends there
    ended = _ENDED.match(text, last.end) is not None
    return ended or _words("right").match(text, last.end) is not None


def _only_option(between: str) -> bool:
    """Whether nothing but markup and a word for an option stands before the next letter."""
    rest = between.strip(" \t\n*_$()（）[]「」\"'")
    return not rest or compile_words("and", "option").fullmatch(rest) is not None


def _named(text: str, mentions: list[Mention], *, strict: bool) -> str | AbstainReason | None:
    """Read a letter within a sentence: affirmed, named as an option, marked, or the only one."""
    free = [one for one in mentions if not is_in_reason(text, one)]
    joined = {one for chain in _chains(text, free) if len(chain) > 1 for one in chain}
    right = {
        one.letter for one in free if one not in joined and _words("right").match(text, one.end)
    }
    if len(right) == 1:
        return right.pop()
    free = [one for one in free if _is_letter(text, one, strict=False)]
    optional = [
        one
        for one in free
        if _words_before("option").search(text[max(0, one.start - _BEFORE) : one.start])
    ]
    marked = [one for one in free if _is_marked(text, one)]
    alone = {one.letter for one in optional if one not in joined}
    if joined and len(alone) == 1 and len({one.letter for one in optional}) == 1:
        return alone.pop()
    if free and _is_joined(text, free) and not any(map(str.isdecimal, text)):
        return AbstainReason.UNDETERMINED
    for group in (optional, marked, [] if strict else free):
        letters = {one.letter for one in group}
        if len(letters) == 1:
            return letters.pop()
        if letters:
            return AbstainReason.UNDETERMINED
    return None


def is_in_reason(text: str, one: Mention) -> bool:
    """Whether a letter stands in a clause that a word such as "because" begins."""
    begin = 0
    for mark in _CLAUSE.finditer(text, max(0, one.start - 200), one.start):
        begin = mark.end()
    return compile_words("because").search(text, begin, one.start) is not None
