"""Search for the words of many languages in one pass over a text.

An automaton (Aho and Corasick, 1975) finds the literal parts of all words at once; the patterns of
only those words run whose part is there. So the time does not grow with the number of languages.
"""

from __future__ import annotations

import re
from functools import cached_property, partial
from typing import TYPE_CHECKING

from clc.answers.literals import plain_starts, required_parts, words_of
from clc.answers.vocabulary import per_vocabulary
from clc.answers.words import grouped_words, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Find = Callable[[str], list[tuple[int, int, int]]]

__all__ = ["WordList", "automaton", "fold", "lists_in", "word_list"]

# Letters that a pattern without regard to case takes for another, beside what lower() does; the
# first has two characters in lower case.
_ODD_CAPITAL = ("\u0130", "i")
_ODD = (("\u03c2", "\u03c3"), ("\u017f", "s"), ("\u0131", "i"))


def fold(text: str) -> str:
    """Return a text without cases, of the same length.

    >>> fold("İKİ Answer ΛΌΓΟΣ")
    'iki answer λόγοσ'
    """
    if text.isascii():
        return text.lower()
    text = text.replace(*_ODD_CAPITAL).lower()
    for odd, plain in _ODD:
        if odd in text:
            text = text.replace(odd, plain)
    return text


def automaton(parts: Iterable[str]) -> Find:
    """Return the search of the automaton of these literals, which are folded.

    It returns the number of a literal, its start and its end for each match in a text. The form of
    the automaton is the one that is built fastest: an eighth of the time of a table of states.
    """
    from ahocorasick_rs import AhoCorasick, Implementation

    machine = AhoCorasick(parts, implementation=Implementation.ContiguousNFA, store_patterns=False)
    return partial(machine.find_matches_as_indexes, overlapping=True)


class WordList:
    """Words as patterns, any of which is searched for.

    Args:
        entries: words in the syntax of the word lists.
        before: a pattern before each word.
        after: a pattern after it.
    """

    def __init__(self, entries: Iterable[str], before: str = "", after: str = "") -> None:
        self._words = tuple(dict.fromkeys(word for entry in entries for word in words_of(entry)))
        self._around = before, after
        self._patterns: dict[int, re.Pattern[str]] = {}
        self._starts: dict[tuple[str, str], re.Pattern[str]] = {}

    def search(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """Find the first word in ``text[start:end]``."""
        first = None
        for match in self.firsts(text, start, end):
            if first is None or match.start() < first.start():
                first = match
        return first

    def found(self, text: str, start: int = 0, end: int | None = None) -> bool:
        """Whether one of the words is in ``text[start:end]``."""
        return next(self.firsts(text, start, end), None) is not None

    def firsts(self, text: str, start: int = 0, end: int | None = None) -> Iterator[re.Match[str]]:
        """Yield where each word of ``text[start:end]`` is found first."""
        stop = len(text) if end is None else end
        for index in self._possible(fold(text[start:stop])):
            match = self.pattern(index).search(text, start, stop)
            if match:
                yield match

    def last(self, text: str) -> re.Match[str] | None:
        """Find the last word in a text."""
        last = None
        for index in self._possible(fold(text)):
            for match in self.pattern(index).finditer(text):
                if last is None or match.end() > last.end():
                    last = match
        return last

    def leads(self, text: str, start: int) -> bool:
        """Whether a word with the pattern before it stands at ``start``."""
        possible = self._possible(fold(text[start:]))
        return any(self.pattern(index).match(text, start) for index in possible)

    def match(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """Match a word at ``start``."""
        pattern = self._starting(text[start : start + 2])
        return pattern.match(text, start, len(text) if end is None else end) if pattern else None

    def fullmatch(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """Match a word that is all of ``text[start:end]``."""
        pattern = self._starting(text[start : start + 2])
        stop = len(text) if end is None else end
        return pattern.fullmatch(text, start, stop) if pattern else None

    def beginnings(self, folded: str) -> tuple[str, ...]:
        """Return what those words begin with, without cases, that may stand in a folded text."""
        possible = self._possible(folded)
        return tuple({fold(head) for index in possible for head in self.heads[index]})

    def pattern(self, index: int) -> re.Pattern[str]:
        """Return the pattern of one word, which is compiled when first needed."""
        pattern = self._patterns.get(index)
        if pattern is None:
            pattern = self._patterns[index] = self._compile([index])
        return pattern

    def _possible(self, folded: str) -> list[int]:
        """Return the words that may stand in a text, in order."""
        find, owners, anywhere = self._machine
        hits = find(folded)
        if not hits:
            return anywhere
        return sorted({one for hit in hits for one in owners[hit[0]]}.union(anywhere))

    def _compile(self, indexes: Iterable[int]) -> re.Pattern[str]:
        before, after = self._around
        words = "|".join(grouped_words([self._words[index] for index in indexes]))
        return re.compile(f"{before}(?:{words}){after}" if before or after else words)

    @cached_property
    def _machine(self) -> tuple[Find, list[list[int]], list[int]]:
        """The search; for each part the words that need it; the words that need none."""
        owners: dict[str, list[int]] = {}
        anywhere: list[int] = []
        for index, word in enumerate(self._words):
            parts = {fold(part) for part in required_parts(word)}
            for part in parts:
                owners.setdefault(part, []).append(index)
            if not parts:
                anywhere.append(index)
        return automaton(owners), list(owners.values()), anywhere

    @cached_property
    def heads(self) -> list[list[str]]:
        """The beginnings of each word."""
        return [plain_starts(word) for word in self._words]

    def _starting(self, head: str) -> re.Pattern[str] | None:
        """Return the pattern of the words that may begin with these two characters."""
        head = fold(head)
        words = self._by_start.get(head[:1])
        if words is None:
            return None
        key = head[:1], head[1:] if head[1:] in words else ""
        pattern = self._starts.get(key)
        if pattern is None and words[key[1]]:
            pattern = self._starts[key] = self._compile(words[key[1]])
        return pattern

    @cached_property
    def _by_start(self) -> dict[str, dict[str, list[int]]]:
        """Words by first and second character; those with any second one are with every other."""
        starts: dict[str, dict[str, list[int]]] = {}
        for index, word in enumerate(self._words):
            second = fold(word[1:2])
            plain = second.isalnum() and word[2:3] not in {"?", "{"}
            seconds = starts.setdefault(fold(word[0]), {"": []})
            if plain:
                seconds.setdefault(second, list(seconds[""])).append(index)
            else:
                for others in seconds.values():
                    others.append(index)
        return starts


@per_vocabulary
def word_list(*names: str, before: str = "", after: str = "") -> WordList:
    """Return the words of these lists, of all languages."""
    return WordList(dict.fromkeys(one for name in names for one in listed(name)), before, after)


@per_vocabulary
def _lists_by_part(*names: str) -> tuple[Find, list[frozenset[str]], frozenset[str]]:
    """The automaton of all lists; which lists need each of its parts; which need none."""
    owners: dict[str, set[str]] = {}
    anywhere = set()
    for name in names:
        for word in (word for entry in listed(name) for word in words_of(entry)):
            parts = required_parts(word)
            for part in parts:
                owners.setdefault(fold(part), set()).add(name)
            if not parts:
                anywhere.add(name)
    return automaton(owners), list(map(frozenset, owners.values())), frozenset(anywhere)


def lists_in(text: str, *names: str) -> frozenset[str]:
    """Return those of the lists that may have a word in a text.

    >>> sorted(lists_in("so 5, sorry", "sorry", "undetermined", "so"))
    ['so', 'sorry']
    """
    find, owners, anywhere = _lists_by_part(*names)
    hits = find(fold(text))
    return anywhere.union(*[owners[hit[0]] for hit in hits]) if hits else anywhere
