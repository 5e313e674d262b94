"""Words of units, clock times, ratios and money, from the files of languages."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from clc.answers.vocabulary import per_vocabulary, vocabulary
from clc.deferred_patterns import deferred_pattern
from clc.languages.files import quantities

if TYPE_CHECKING:
    from clc.answers.vocabulary import Vocabulary

__all__ = ["CURRENCY", "Unit", "UnitWords", "unit_words"]

CURRENCY = "$€£¥₹₽฿৳₩₺₫₴₦￥＄₱₪﷼"
_LETTERS = r"a-zA-Z\u00c0-\u024f\u0370-\u04ff\u0590-\u06ff"
# Units that follow larger ones after the dot of an abbreviation, and the letters of such names: an
# inch is written out after feet.
_PARTS = {
    ("time", "minute"): 3, ("time", "second"): 3, ("length", "centimetre"): 3,
    ("imperial_length", "inch"): 6, ("imperial_mass", "ounce"): 3, ("money", "hundredth"): 3,
}  # fmt: skip
_IDEOGRAPH = deferred_pattern(r"[\u3040-\u30ff\u3400-\u9fff]")
_BEFORE, _AFTER, _ANY = rf"(?<![{_LETTERS}])", rf"(?![{_LETTERS}])", rf"[{_LETTERS}]{{0,12}}"
_SYMBOL = 2  # letters of a unit's symbol at most
_SPACE = r"[ \u00a0\u2009\u202f]{0,4}"


class Unit(NamedTuple):
    """A unit: the index of its quantity, and its size in the smallest unit of it."""

    quantity: int
    size: int


class UnitWords:
    """The words of a vocabulary, as patterns that are compiled when they are needed."""

    def __init__(self, words: Vocabulary) -> None:
        self._words = words

    @cached_property
    def units(self) -> dict[str, tuple[Unit, ...]]:
        """The units that each word may name; a beginning of words ends with ``*``."""
        named: dict[str, tuple[Unit, ...]] = {}
        for index, quantity in enumerate(quantities()):
            for name, size in quantities()[quantity].items():
                words = (*self._names(quantity, name), *self._signs(quantity, name))
                for word in dict.fromkeys(word.lower() for word in words):
                    named[word] = (*named.get(word, ()), Unit(index, size))
        return named

    def _names(self, quantity: str, name: str) -> list[str]:
        return self._words.listed(f"units.{quantity}", name)

    def _signs(self, quantity: str, name: str) -> list[str]:
        """Return signs of a unit after a number, which mean something else in a question."""
        return self._words.listed(f"unit_signs.{quantity}", name)

    @cached_property
    def _unit(self) -> re.Pattern[str]:
        counters = _alternatives(self._words.listed("mixed", "counters"))
        return re.compile(
            _SPACE + rf"(?:{counters})?({_alternatives(list(self.units))})", re.IGNORECASE
        )

    def match_unit(self, text: str, start: int) -> tuple[tuple[Unit, ...], int] | None:
        """Return the units that the word at ``start`` may name, and its end; None without one."""
        match = self._unit.match(text, start)
        if match is None:
            return None
        return self._named(match[1].lower()), match.end()

    def is_unit(self, word: str) -> bool:
        """Whether a word is the name of a unit as it stands."""
        return word in self.units

    def _named(self, word: str) -> tuple[Unit, ...]:
        """Return the units of a word, and of its beginnings that take any ending."""
        forms = [word, *(word[:end] + "*" for end in range(len(word), 0, -1))]
        return tuple(unit for form in forms for unit in self.units.get(form, ()))

    def asks(self, question: str, unit: Unit) -> bool:
        """Whether a question has a word of a unit."""
        return self._asked(unit).search(question) is not None

    @lru_cache(maxsize=64)  # noqa: B019  one object
    def _asked(self, unit: Unit) -> re.Pattern[str]:
        quantity, sizes = list(quantities().items())[unit.quantity]
        name = next(name for name, size in sizes.items() if size == unit.size)
        named = self._names(quantity, name)
        words = [word for word in named if len(word) > 1 or not word.isascii()]
        return re.compile(_alternatives(words), re.IGNORECASE)

    @cached_property
    def halves(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """The words of the time before noon and after it, beside a time."""
        before, after, at, of, hour = (
            _alternatives(self._words.listed("clock", name))
            for name in ("before_noon", "after_noon", "at", "of", "hour")
        )
        half = rf"(?:({before})|({after}))"
        return (
            re.compile(rf"{half}(?:[ ]?(?:{at}))?{_SPACE}\Z", re.IGNORECASE),
            re.compile(
                rf"{_SPACE}(?:(?:{hour}){_SPACE})?(?:(?:{of})[ ]){{0,2}}{half}", re.IGNORECASE
            ),
        )

    @cached_property
    def dotted(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """The words before and after a time with a dot."""
        before, after = (
            _alternatives(self._words.listed("clock", name))
            for name in ("dotted_before", "dotted_after")
        )
        return (
            re.compile(rf"(?<![{_LETTERS}])(?:{before}){_SPACE}\Z", re.IGNORECASE),
            re.compile(rf"{_SPACE}(?:{after})", re.IGNORECASE),
        )

    def symbols(self, quantity: str) -> str:
        """Return a pattern of the short names of a quantity's units in other letters than Latin."""
        names = [name for unit in quantities()[quantity] for name in self._names(quantity, unit)]
        short = [name for name in names if len(name) <= _SYMBOL and not name.isascii()]
        cased = [name for name in short if name.lower() != name.upper()]
        return "|".join(map(re.escape, sorted(cased, key=len, reverse=True))) or "(?!)"

    @cached_property
    def clock_hour(self) -> re.Pattern[str]:
        """The signs of an hour of the clock after its number."""
        return re.compile(rf"[ ]?(?:{_alternatives(self._signs('time', 'hour'))})")

    @cached_property
    def parts_before(self) -> dict[Fraction, re.Pattern[str]]:
        """The words before a number that add a part of one to it, by that part."""
        names = ("half_before", "quarter_before", "quarter_less_before")
        parts = (Fraction(1, 2), Fraction(1, 4), Fraction(-1, 4))
        return {
            part: re.compile(rf"(?<!\w)(?:{_alternatives(words)})[ ]?\Z")
            for part, name in zip(parts, names, strict=True)
            if (words := self._words.listed("mixed", name))
        }

    @cached_property
    def half_of_scale(self) -> re.Pattern[str]:
        """The words right after a scale that add a half of it."""
        words = _alternatives(self._words.listed("mixed", "half_of_scale"))
        return re.compile(rf"[ ](?:{words})")

    @cached_property
    def joiner_words(self) -> str:
        """A pattern of the words between a whole number and its fraction, or two units."""
        return _alternatives(self._words.listed("mixed", "joiners"))

    @cached_property
    def short_parts(self) -> str:
        """A pattern of the short names of units that follow a larger one: 3 Std. 15 Min."""
        return _alternatives(
            [
                name
                for (quantity, unit), most in _PARTS.items()
                for name in self._names(quantity, unit)
                if 1 < len(name) <= most and not name.endswith("*")
            ]
        )

    @cached_property
    def joiner(self) -> re.Pattern[str]:
        """The words between a whole number and its fraction."""
        words = self.joiner_words
        return re.compile(rf"{_SPACE}(?:{words}){_SPACE}(?:(?:{words}){_SPACE})?", re.IGNORECASE)

    @cached_property
    def money_codes(self) -> frozenset[str]:
        """The codes of currencies, in lower case."""
        return frozenset(self._words.listed("money", "codes"))

    @cached_property
    def money_after(self) -> re.Pattern[str]:
        """The signs, codes and names of money after an amount."""
        names, codes = (
            "|".join(map(re.escape, self._words.listed("money", name)))
            for name in ("names", "codes")
        )
        return re.compile(
            rf"[ \u00a0\u202f]?(?:[{CURRENCY}]|{names}|(?:{codes})(?![^\W\d_]))", re.IGNORECASE
        )

    @cached_property
    def ratio(self) -> re.Pattern[str]:
        """The names of ratios."""
        return re.compile(_alternatives(self._words.listed("ratio", "names")), re.IGNORECASE)

    @cached_property
    def ratio_glued(self) -> re.Pattern[str]:
        """The next term of a ratio after a word that is glued to it: 3比2, but not 3比2多."""
        glued, compared = (
            _alternatives(self._words.listed("ratio", name)) for name in ("glued", "compared")
        )
        return re.compile(
            rf"(?P<left>)(?P<right>)[ ]?(?:{glued})(?P<term>\d{{1,12}}(?:\.\d{{1,9}})?)"
            rf"(?![\d%]|[^\d。，,]{{0,3}}(?:{compared}))"
        )

    @cached_property
    def ratio_firsts(self) -> tuple[frozenset[str], frozenset[str]]:
        """First characters of words between terms: after a space, and glued to a number."""
        words = [*self._words.listed("ratio", "between"), *self._words.listed("ratio", "glued")]
        firsts = frozenset(word[0] for word in words)
        return firsts, frozenset(one for one in firsts if not re.match(f"[{_LETTERS}]", one))

    @cached_property
    def dotted_firsts(self) -> frozenset[str]:
        """First characters of the words after a time with a dot."""
        return frozenset(word[0] for word in self._words.listed("clock", "dotted_after"))

    @cached_property
    def joint(self) -> re.Pattern[str]:
        """The minutes after a word that joins them to the hours: 14h30, 14 Uhr 30."""
        words = "|".join(map(re.escape, self._words.listed("clock", "joint"))) or "(?!)"
        space = r"[ \u00a0\u202f]?"
        return re.compile(rf"{space}(?i:{words}){space}([0-5]\d)(?!\d|{space}m)")

    @cached_property
    def glued_joiners(self) -> frozenset[str]:
        """The joiners of one character that stand between numerals without spaces."""
        joiners = self._words.listed("mixed", "joiners")
        return frozenset(one for one in joiners if len(one) == 1 and _IDEOGRAPH.match(one))

    @cached_property
    def ratio_alone(self) -> frozenset[str]:
        """The words that join no range: between two numbers alone they make a ratio."""
        return frozenset(self._words.listed("ratio", "alone"))

    @cached_property
    def ratio_sure(self) -> frozenset[str]:
        """The words that join the terms of a ratio and nothing else."""
        return frozenset(self._words.listed("ratio", "sure"))

    @cached_property
    def ratio_gap(self) -> re.Pattern[str]:
        """The words between the terms of a ratio."""
        words = _alternatives(self._words.listed("ratio", "between"))
        return re.compile(rf"{_SPACE}(?:{words}){_SPACE}(?=\d)", re.IGNORECASE)


def _alternatives(words: list[str]) -> str:
    """Return the pattern of any of these words; of none where there is none."""
    by_length = sorted(dict.fromkeys(words), key=len, reverse=True)
    bordered = [word for word in by_length if re.match(f"[{_LETTERS}]", word)]
    groups = (
        ("", [_stem(word) for word in by_length if word not in bordered], ""),
        (_BEFORE, [_stem(one) for one in bordered if _is_long(one) and one[-1] != "*"], _AFTER),
        (_BEFORE, [_stem(one) for one in bordered if _is_long(one) and one[-1] == "*"], _ANY),
        ("", [_stem(one) for one in bordered if not _is_long(one)], _AFTER),
    )
    return "|".join(f"{a}(?:{'|'.join(stems)}){b}" for a, stems, b in groups if stems) or "(?!)"


def _is_long(word: str) -> bool:
    """Whether a word is longer than a letter, which may be glued to a number."""
    return len(word) > 1


def _stem(word: str) -> str:
    return re.escape(word.rstrip("*")).replace(r"\.", r"\.[ ]?")


@per_vocabulary
def unit_words() -> UnitWords:
    """Return the unit words of the vocabulary in effect.

    >>> unit_words().match_unit(" hours", 0)[1], unit_words().match_unit("吨", 0)[1]
    (6, 1)
    """
    return UnitWords(vocabulary())
