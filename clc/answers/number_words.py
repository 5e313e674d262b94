"""Numbers in words, by the tables ``[numbers]`` of the files of languages.

The words of a text's language are read, and the English ones. In a text of no known language those
of languages whose words are not words of another one are read (``unlabelled``), as their scripts
are their own: "once" is eleven in Spanish alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from contextlib import suppress
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clc.answers.number_lexicon import LETTER, Lexicon, fold_form, trie, whole_words
from clc.answers.vocabulary import per_vocabulary, vocabulary
from clc.errors import LanguageError
from clc.languages.codes import normalize_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["NumberWords", "all_tables", "number_words", "read_words"]

_ENGLISH = "en"
_GROUP = 12  # the least of the words that count things; two and three are twice and triple


class NumberWords:
    """The number words of a text's language, compiled when they are first needed.

    ``lexicons`` holds the compiled words by language, for all that share them.
    """

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, Any]],
        lexicons: dict[tuple[str, frozenset[str]], Lexicon],
    ) -> None:
        self._tables = tables
        self._lexicons = lexicons

    def _lexicon(self, code: str) -> Lexicon:
        without = self._not_english if code == _ENGLISH else frozenset()
        key = code, without
        if key not in self._lexicons:
            self._lexicons[key] = Lexicon(self._tables[code], without=without)
        return self._lexicons[key]

    @cached_property
    def _not_english(self) -> frozenset[str]:
        """English words that are other words in the language of the text."""
        return frozenset(
            word for table in self._tables.values() for word in table.get("not_english", ())
        )

    @cached_property
    def _beginnings(self) -> dict[str, re.Pattern[str]]:
        """The first letters of the words of each language."""
        return {code: _beginnings(table) for code, table in self._tables.items()}

    def read(self, text: str, start: int, end: int) -> list[tuple[Fraction, int, int]]:
        """Return the numbers in words with their spans, in order."""
        folded = fold_form(text)
        found: list[tuple[Fraction, int, int]] = []
        for code, beginnings in self._beginnings.items():
            if beginnings.search(folded, start, end) is None:
                continue
            taken = [span for _, *span in found]
            found += [
                self._part_of(value, folded, last, end, first)
                for value, first, last in self._lexicon(code).read(folded, start, end)
                if not _is_taken(taken, first, last)
            ]
            found.sort(key=lambda number: number[1:])
        return found

    def _part_of(
        self, value: Fraction, folded: str, last: int, end: int, first: int
    ) -> tuple[Fraction, int, int]:
        """Divide a number by the part after it: two thirds; "twenty third" is an ordinal."""
        part = self._part.match(folded, last, end)
        if part and 0 < value < self._parts[part[1]]:
            return value / self._parts[part[1]], first, part.end()
        return value, first, last

    def _listed(self, key: str) -> list[tuple[str, bool]]:
        """Return the entries of a key of all tables, and whether spaces part their words."""
        return [
            (entry, table.get("spaces", True))
            for table in self._tables.values()
            for entry in table.get(key, ())
        ]

    @cached_property
    def _parts(self) -> dict[str, int]:
        return {
            fold_form(form): int(number)
            for table in self._tables.values()
            for number, forms in table.get("parts", {}).items()
            for form in forms
        }

    @cached_property
    def _part(self) -> re.Pattern[str]:
        return re.compile(rf"[ -]({trie(self._parts) or '(?!)'})(?!\w)")

    @cached_property
    def _one_part(self) -> re.Pattern[str]:
        articles = whole_words([entry for entry, _ in self._listed("articles")])
        parts = trie([word for word, number in self._parts.items() if number > 2]) or "(?!)"  # noqa: PLR2004
        return re.compile(rf"(?P<article>(?:{articles})[ ])?(?P<part>{parts})(?!\w)")

    def part_at(self, text: str, start: int) -> tuple[Fraction, int] | None:
        """Read one part of a whole in words at ``start``; None without one.

        >>> number_words("en").part_at("a quarter", 0)
        (Fraction(1, 4), 9)
        """
        match = self._one_part.match(fold_form(text), start)
        return None if match is None else (Fraction(1, self._parts[match["part"]]), match.end())

    def find_part(self, text: str) -> tuple[Fraction, int, int] | None:
        """Find one part of a whole after an article; None without one.

        >>> number_words("en").find_part("He ate a third.")
        (Fraction(1, 3), 7, 14)
        """
        for match in self._one_part.finditer(fold_form(text)):
            if match["article"]:
                return Fraction(1, self._parts[match["part"]]), match.start(), match.end()
        return None

    @cached_property
    def _half(self) -> re.Pattern[str]:
        return re.compile(_of_both(self._listed("half")))

    def find_half(self, text: str) -> re.Match[str] | None:
        """Find the words of a half: half, die Hälfte, 一半."""
        return self._half.search(fold_form(text))

    @cached_property
    def _and_half(self) -> re.Pattern[str]:
        return re.compile("|".join(map(_and_half, self._tables.values())))

    def half_more(self, text: str, end: int) -> bool:
        """Whether words of one more half follow a number: 2 hours and a half.

        >>> number_words("en").half_more("2 hours and a half", 1)
        True
        """
        return self.match_half(text, end) is not None

    def match_half(self, text: str, end: int) -> int | None:
        """Return the end of the words of one more half after a number; None without them."""
        match = self._and_half.match(fold_form(text), end)
        return None if match is None else match.end()

    @cached_property
    def _groups(self) -> tuple[dict[int, Fraction], re.Pattern[str], str]:
        """The words of a dozen with their values by group, and the articles before them."""
        patterns = [one for one in self._multiple_patterns() if one[0] >= _GROUP]
        values = {index: number for index, (number, _) in enumerate(patterns, 1)}
        articles = whole_words([entry for entry, _ in self._listed("articles")])
        words = "|".join(f"({pattern})" for _, pattern in patterns) or "(?!)"
        return values, re.compile(words), rf"(?:{articles})[ \u00a0]"

    @cached_property
    def _article(self) -> re.Pattern[str]:
        return re.compile(rf"[ \u00a0-]?(?:{self._groups[2]})?")

    def after_article(self, text: str, end: int) -> int:
        """Return the position after a space, and the article if one follows: half a million."""
        match = self._article.match(fold_form(text), end)
        return match.end() if match else end

    def group_after(self, text: str, end: int) -> tuple[Fraction, int] | None:
        """Return the value of a word such as dozen after a number, and its end; None without one.

        >>> number_words("en").group_after("2 dozen", 1)
        (Fraction(12, 1), 7)
        """
        values, words, _ = self._groups
        match = words.match(fold_form(text), self.after_article(text, end))
        return (values[match.lastindex or 1], match.end()) if match else None

    def continued(self, text: str, value: int, end: int) -> tuple[Fraction, int] | None:
        """Continue a number in digits, or a scale after them, by number words.

        >>> number_words("en").continued("2 hundred fifty", 2, 1)
        (Fraction(250, 1), 15)
        """
        folded = fold_form(text)
        start = end + (folded[end : end + 1] in {" ", "\u00a0"})
        for code, beginnings in self._beginnings.items():
            if beginnings.match(folded, start) is None:
                continue
            found = self._lexicon(code).continued(value, folded, start)
            if found and folded[found[1] : found[1] + 1] != "-":  # 5 hundred-dollar notes
                return found
        return None

    def find_group(self, text: str) -> tuple[Fraction, int, int] | None:
        """Find a word such as dozen after an article; None without one."""
        folded = fold_form(text)
        values, words, article = self._groups
        for match in words.finditer(folded):
            before = re.search(rf"(?:{article})\Z", folded[: match.start()])
            if before:
                return values[match.lastindex or 1], before.start(), match.end()
        return None

    @cached_property
    def _multiples(self) -> list[tuple[Fraction, re.Pattern[str]]]:
        return [(number, re.compile(pattern)) for number, pattern in self._multiple_patterns()]

    def _multiple_patterns(self) -> list[tuple[Fraction, str]]:
        """Return the words that hold a number without being one, by number."""
        words: dict[Fraction, list[tuple[str, bool]]] = {Fraction(1, 2): self._listed("half")}
        for code, table in self._tables.items():
            without = self._not_english if code == _ENGLISH else ()
            for number, forms in table.get("multiples", {}).items():
                entries = [
                    (form, table.get("spaces", True)) for form in forms if form not in without
                ]
                words.setdefault(Fraction(number), []).extend(entries)
        return [(number, _of_both(entries)) for number, entries in words.items()]

    def held_numbers(self, text: str) -> list[tuple[Fraction, int, int]]:
        """Return the numbers in words such as half, twice and dozen, with their spans.

        A translation may write such a word as a number.

        >>> number_words("en").held_numbers("twice a dozen")
        [(Fraction(2, 1), 0, 5), (Fraction(12, 1), 8, 13)]
        """
        folded = fold_form(text)
        return [
            (value, *match.span())
            for value, pattern in self._multiples
            for match in pattern.finditer(folded)
        ]


def _is_taken(taken: list[list[int]], first: int, last: int) -> bool:
    """Whether a span overlaps one of others, which are sorted and do not overlap."""
    index = bisect_left(taken, [first, last])
    return (index < len(taken) and taken[index][0] < last) or (
        index > 0 and taken[index - 1][1] > first
    )


def _beginnings(table: Mapping[str, Any]) -> re.Pattern[str]:
    words = [
        fold_form(form)
        for name in ("cardinals", "forms")
        for forms in table.get(name, {}).values()
        for form in forms
    ]
    characters = "".join(sorted({word[0] for word in words}))
    return re.compile(f"[{re.escape(characters)}]" if words else "(?!)")


def _of_both(entries: Iterable[tuple[str, bool]]) -> str:
    """Return a pattern of words of languages with and without spaces."""
    entries = list(entries)
    parted = whole_words([entry for entry, spaces in entries if spaces])
    joined = trie([fold_form(entry) for entry, spaces in entries if not spaces]) or "(?!)"
    return f"{parted}|{joined}"


def _and_half(table: Mapping[str, Any]) -> str:
    """Return the pattern of one more half, after a unit or not, in one language."""
    words = table.get("and_half", ())
    if not words:
        return "(?!)"
    barred = {fold_form(word): letters for word, letters in table.get("not_before", {}).items()}
    halves = trie(map(fold_form, words), barred)
    units = trie(map(fold_form, table.get("and_half_units", ())))
    if not table.get("spaces", True):
        units = units or r"[^\s\d.,;:!?()]{0,14}?"
        return rf"[ ]?(?:{units})?(?:{halves})"
    if units:
        after = "|".join(
            rf"(?<={re.escape(unit)})" for unit in map(fold_form, table["and_half_units"])
        )
        endings = trie(map(fold_form, table.get("endings", ())))
        return rf"(?:[ ]?{units}|{after})[ ]?(?:{halves})(?:{endings})?(?!{LETTER})"
    return rf"(?:[ ][^\W\d_]{{1,12}})?[ ](?:{halves})(?!{LETTER})"


def all_tables() -> Mapping[str, Mapping[str, Any]]:
    """Return the tables ``[numbers]`` of all languages, by BCP-47 code."""
    return {
        code: tables["numbers"]
        for code, tables in vocabulary().languages.items()
        if "numbers" in tables
    }


def _codes(language: str) -> Iterator[str]:
    """Return the codes that may have a table of a language, the nearest first."""
    yield language
    yield language.partition("-")[0]
    with suppress(LanguageError):
        yield normalize_language(language).partition("-")[0]


class _Compiled:
    """Patterns of a vocabulary: by language as asked, by the files that it has, by file."""

    def __init__(self) -> None:
        self.by_language: dict[str | None, NumberWords] = {}
        self.by_codes: dict[tuple[str, ...], NumberWords] = {}
        self.lexicons: dict[tuple[str, frozenset[str]], Lexicon] = {}


@per_vocabulary
def _compiled() -> _Compiled:
    return _Compiled()


def number_words(language: str | None) -> NumberWords:
    """Return the number words of a text's language and of English; of several without one."""
    compiled = _compiled()
    found = compiled.by_language.get(language)
    if found is None:
        tables = all_tables()
        codes = [code for code in _codes(language) if code in tables][:1] if language else []
        if not codes:
            codes = [code for code, table in tables.items() if table.get("unlabelled")]
        chosen = tuple(code for code in dict.fromkeys([*codes, _ENGLISH]) if code in tables)
        if chosen not in compiled.by_codes:
            compiled.by_codes[chosen] = NumberWords(
                {code: tables[code] for code in chosen}, compiled.lexicons
            )
        found = compiled.by_language[language] = compiled.by_codes[chosen]
    return found


def read_words(
    text: str, language: str | None, start: int = 0, end: int | None = None
) -> list[tuple[Fraction, int, int]]:
    """Return the numbers written as words, with their spans.

    >>> read_words("twenty-five sheep and three dogs", "en")
    [(Fraction(25, 1), 0, 11), (Fraction(3, 1), 22, 27)]
    >>> read_words("soixante-douze", "fr"), read_words("mia mbili", "sw")
    ([(Fraction(72, 1), 0, 14)], [(Fraction(200, 1), 0, 9)])
    """
    return number_words(language).read(text, start, len(text) if end is None else end)
