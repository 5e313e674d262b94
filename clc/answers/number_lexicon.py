"""The number words of one language: a pattern, and the composition of a number from its words."""

from __future__ import annotations

import re
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import normalize

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LETTER", "Lexicon", "fold_form", "forms_by_value", "spellings", "trie", "whole_words"]

# Letters, digits and the marks that belong to letters: accents, points, vowel signs.
LETTER = r"[\w\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff]"
_NOT_THAI = r"A-Za-z\u0400-\u04ff\u0900-\u0dff"  # letters beside a word of a script without spaces
_SPACE = r"[ \u00a0\u2009\u202f\u00ad\u200b\u200c-]"
_MOST_WORDS = 20  # of one number
_MOST_ZEROS = 20  # of a word for a power of ten
# Letters with a nukta, which Unicode normalisation takes apart.
_NUKTA = {"\u09a1\u09bc": "\u09dc", "\u09a2\u09bc": "\u09dd", "\u09af\u09bc": "\u09df",
          "\u0915\u093c": "\u0958", "\u091c\u093c": "\u095b", "\u0921\u093c": "\u095c",
          "\u0922\u093c": "\u095d", "\u092b\u093c": "\u095e", "\u0a1c\u0a3c": "\u0a5b",
          "\u0a5c": "\u0a5c"}  # fmt: skip
_NOTHING: Mapping[str, Iterable[str]] = MappingProxyType({})
_APOSTROPHES = str.maketrans("’ʼ", "''")
_TEN, _HUNDRED, _THOUSAND, _MILLION = 10, 100, 1000, 10**6


class Atom(NamedTuple):
    """A word of a number: its value, its span, and the text between it and the word before."""

    value: int | Fraction
    start: int
    end: int
    gap: str


def fold_form(text: str) -> str:
    """Return a text in lower case and with one kind of apostrophe, of the same length."""
    return text.replace("İ", "i").lower().translate(_APOSTROPHES)


def _spaced(word: str) -> str:
    """Return a word with plain spaces, as the values of words are kept."""
    return word.replace("\u00a0", " ").replace("-", " ")


def spellings(form: str) -> set[str]:
    """Return the spellings of a form in Unicode's decomposed and composed letters."""
    apart = form
    for two, one in _NUKTA.items():
        apart = apart.replace(one, two)
    joined = apart
    for two, one in _NUKTA.items():
        joined = joined.replace(two, one)
    loose = apart.replace("\u093c", "").replace("\u0901", "\u0902")  # as Hindi is often typed
    composed, apart_too = (normalize(kind, form) for kind in ("NFC", "NFD"))
    return {fold_form(text) for text in (form, apart, joined, loose, composed, apart_too)}


def trie(words: Iterable[str], not_before: Mapping[str, Iterable[str]] = _NOTHING) -> str:
    """Return a pattern of words that shares their beginnings and takes the longest.

    ``not_before`` holds the letters after a word that make it another one.

    >>> trie(["six", "sixty", "one"])
    '(?:one|six(?:ty|))'
    """
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for character in word:
            node = node.setdefault(character, {})
        barred = "|".join(map(re.escape, not_before.get(word, ())))
        node[""] = f"(?!{barred})" if barred else ""
    return _branch(root)


def _branch(node: dict[str, Any]) -> str:
    parts = [_character(first) + _branch(rest) for first, rest in sorted(node.items()) if first]
    parts += [node[""]] if "" in node else []
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})" if parts else ""


def _character(character: str) -> str:
    return r"[ \u00a0-]" if character in " -" else re.escape(character)


def _bordered(
    words: Iterable[str], *, spaces: bool, not_before: Mapping[str, Iterable[str]] = _NOTHING
) -> str:
    """Return a pattern of words with a border before them.

    Each alternative begins with a literal character, by which the regex engine searches fast.
    """
    by_first: dict[str, list[str]] = {}
    for word in words:
        by_first.setdefault(word[0], []).append(word[1:])
    outside = LETTER if spaces else f"[{_NOT_THAI}]"
    barred = {first: {word[1:]: letters for word, letters in not_before.items() if word[0] == first}
              for first in by_first}  # fmt: skip
    return (
        "(?:"
        + "|".join(
            f"{re.escape(first)}(?<!{outside}{re.escape(first)}){trie(rests, barred[first])}"
            for first, rests in sorted(by_first.items())
        )
        + ")"
    )


def whole_words(entries: Iterable[str], *, spaces: bool = True) -> str:
    """Return a pattern of whole words; ``*`` at the end of an entry stands for any ending.

    >>> bool(re.search(whole_words(["doubl*"]), "it doubled")), whole_words([])
    (True, '(?!)')
    """
    plain: list[str] = []
    stems: list[str] = []
    for entry in entries:
        for form in spellings(entry.rstrip("*")):
            (stems if entry.endswith("*") else plain).append(form)
    end = LETTER if spaces else f"[{_NOT_THAI}]"
    patterns = [
        f"{_bordered(words, spaces=spaces)}{rest}"
        for words, rest in ((plain, f"(?!{end})"), (stems, f"{LETTER}{{0,12}}"))
        if words
    ]
    return "|".join(patterns) or "(?!)"


def forms_by_value(table: Mapping[str, Any], name: str) -> dict[str, Fraction]:
    """Return the values of the forms in a table of words by number."""
    return {
        form: Fraction(number) for number, forms in table.get(name, {}).items() for form in forms
    }


class Lexicon:
    """The number words of one language, from the table ``[numbers]`` of its file.

    A power of ten from a hundred multiplies the number before it, or after it where the order is
    "scale first"; with ``tens_multiply`` so does ten. Every other word adds to a multiple of a
    larger power of ten.
    """

    def __init__(self, table: Mapping[str, Any], *, without: Iterable[str] = ()) -> None:
        """Compile the pattern.

        Args:
            table: the table ``[numbers]`` of a language.
            without: words that are other words in the language of the text.
        """
        named = forms_by_value(table, "cardinals") | forms_by_value(table, "forms")
        left_out = set(without)
        self._values = {
            _spaced(variant): value.numerator if value.denominator == 1 else value
            for form, value in named.items()
            if form not in left_out
            for variant in spellings(form)
        }
        order = table.get("order", "large first")
        self._scale_first = order == "scale first"
        self._ones_first = order == "ones first"
        self._together = bool(table.get("together"))
        self._tens_multiply = bool(table.get("tens_multiply"))
        numbers = frozenset(self._values.values())
        lowest = 1 if self._tens_multiply else 2
        self._scales = numbers & {10**power for power in range(lowest, _MOST_ZEROS)}
        self._teens = not self._tens_multiply and {11, 12, 13} <= numbers
        self._and = [fold_form(word) for word in table.get("and", ())]
        self._alone = frozenset(map(fold_form, table.get("not_alone", ())))
        spaces = table.get("spaces", True)
        barred = {fold_form(word): letters for word, letters in table.get("not_before", {}).items()}
        self._atom = re.compile(trie(self._values, barred) or "(?!)")
        end = LETTER if spaces else f"[{_NOT_THAI}]"
        first = _bordered(self._values, spaces=spaces, not_before=barred)
        self._run = re.compile(
            (first if self._values else "(?!)")
            + f"(?:{self._gap()}{self._atom.pattern}){{0,{_MOST_WORDS}}}"
            + _ending(table.get("endings", ()))
            + f"(?!{end})"
        )

    def _gap(self) -> str:
        """Return the pattern of what stands between two words of a number."""
        apart = trie([word for word in self._and if not word.endswith("-")]) or "(?!)"
        before = trie([word.rstrip("-") for word in self._and if word.endswith("-")]) or "(?!)"
        gap = rf",?{_SPACE}(?:{apart}{_SPACE})?(?:{before})?"
        return rf"(?:{gap}|(?:{apart})?)" if self._together else rf"(?:{gap})"

    def read(self, folded: str, start: int, end: int) -> list[tuple[Fraction, int, int]]:
        """Return the numbers in a folded text with their spans."""
        found: list[tuple[Fraction, int, int]] = []
        for match in self._run.finditer(folded, start, end):
            numbers = self._compose(self._atoms(match))
            last_word = numbers[-1][2]
            for value, first, last in numbers:
                if f"{folded[first:last]}*" in self._alone:
                    continue
                stop = match.end() if last == last_word else last  # with the ending of a counter
                if folded[first:stop] not in self._alone:
                    found.append((value, first, stop))
        return found

    def continued(self, total: int, folded: str, start: int) -> tuple[Fraction, int] | None:
        """Continue a number before ``start`` by words with a scale; None without such words.

        The value and the end: 2 hundred fifty, 2 thousand five hundred.
        """
        match = None if self._scale_first else self._run.match(folded, start)
        atoms = self._atoms(match) if match else []
        after_digits = folded[:start].rstrip()[-1:].isdecimal()
        scales = [atom.value in self._scales for atom in atoms]
        if not any(scales) or (after_digits and not scales[0]):
            return None
        if match and len(atoms) == 1 and match[0].isascii():  # French "cents" may be English
            return None
        value: int | Fraction = total
        for index, atom in enumerate(atoms):
            joined = self._joined(value, atom.value, atoms, index)
            if joined is None:
                return None
            value = joined
        return Fraction(value), match.end() if match else start

    def _atoms(self, match: re.Match[str]) -> list[Atom]:
        atoms: list[Atom] = []
        base, before = match.start(), 0
        for item in self._atom.finditer(match[0]):
            word = item[0]
            value = self._values.get(word) or self._values[_spaced(word)]
            gap = match[0][before : item.start()]
            atoms.append(Atom(value, base + item.start(), base + item.end(), gap))
            before = item.end()
        return atoms

    def _compose(self, atoms: list[Atom]) -> list[tuple[Fraction, int, int]]:
        """Combine adjacent words of one number; other words remain separate numbers."""
        found: list[tuple[Fraction, int, int]] = []
        total: int | Fraction = 0
        begin, finish, index = -1, -1, 0
        while index < len(atoms):
            term, used = self._term(atoms, index)
            joined = self._joined(total, term, atoms, index) if begin >= 0 else None
            if joined is None:
                if begin >= 0:
                    found.append((Fraction(total), begin, finish))
                begin, joined = atoms[index].start, term
            total, finish = joined, atoms[index + used - 1].end
            index += used
        found.append((Fraction(total), begin, finish))
        return found

    def _term(self, atoms: list[Atom], index: int) -> tuple[int | Fraction, int]:
        """Return the value of the word at ``index`` and the number of words that it takes.

        Where the scale stands first, it takes what it multiplies: mia mbili is two hundred.
        """
        value = atoms[index].value
        if not self._scale_first or value not in self._scales or index + 1 == len(atoms):
            return value, 1
        following = atoms[index + 1]
        if following.gap.strip(" -") or following.value >= value:
            return value, 1  # elfu na mia: a thousand and a hundred
        if value <= _HUNDRED:
            return (value * following.value, 2) if following.value < _TEN else (value, 1)
        factor, used = self._term(atoms, index + 1)
        ones = atoms[index + 1 + used : index + 2 + used]
        if factor < _HUNDRED and factor % _TEN == 0 and ones and 0 < ones[0].value < _TEN:
            factor, used = factor + ones[0].value, used + 1
        return value * factor, used + 1

    def _joined(
        self, total: int | Fraction, term: int | Fraction, atoms: list[Atom], index: int
    ) -> int | Fraction | None:
        """Return the number that a word continues, None where the word begins another one."""
        gap = atoms[index].gap
        if "," in gap and not self._continues_after_comma(total, atoms, index):
            return None
        if term in self._scales and not self._scale_first:
            return self._scaled(total, term, joined_by_and=bool(gap.strip(" -")))
        if total.denominator > 1 or term.denominator > 1 or term <= 0:
            return None
        if self._teens and term < _TEN and total % _HUNDRED == _TEN:
            return None
        ones = total % _HUNDRED
        if self._ones_first and 0 < ones < _TEN <= term < _HUNDRED and term % _TEN == 0:
            glued = gap and not (self._together and " " in gap)
            return total + term if glued and gap.strip(" -") else None
        return total + term if term < total and total % 10 ** len(str(term)) == 0 else None

    @staticmethod
    def _continues_after_comma(total: int | Fraction, atoms: list[Atom], index: int) -> bool:
        """Whether hundreds follow thousands: one thousand, three hundred."""
        following = [atom.value for atom in atoms[index : index + 2]]
        hundreds = _HUNDRED in following or _HUNDRED < following[0] < _THOUSAND
        return total > 0 and total % _THOUSAND == 0 and hundreds

    @staticmethod
    def _scaled(
        total: int | Fraction, scale: int | Fraction, *, joined_by_and: bool
    ) -> int | Fraction | None:
        """Multiply the part of a number that is below a scale, or add a lower scale."""
        below = total % scale
        if below and not joined_by_and and (total - below) % (scale * 10) == 0:
            return total - below + below * scale
        if below:
            return None
        if scale >= _MILLION and total % (scale * 10) and not joined_by_and:
            return total * scale
        return total + scale if total and total % (scale * 10) == 0 else None


def _ending(endings: Iterable[str]) -> str:
    """Return the pattern of the endings that a number may have, such as those of counters."""
    words = [variant for ending in endings for variant in spellings(ending)]
    return f"{trie(words)}?" if words else ""
