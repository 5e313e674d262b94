"""The reading of a region, and the context by which its numbers are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.answers.latex import plain
from clc.answers.numerals import numbers_in, read_numbers
from clc.answers.separators import Evidence
from clc.answers.vocabulary import per_vocabulary
from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from fractions import Fraction

    from clc.records import AbstainReason

__all__ = ["Reading", "TextContext"]

_RESULT = deferred_pattern(r"[=＝≈][^=＝≈\n]{0,60}")
_LOOK_BACK = 1200


class Reading(NamedTuple):
    """A value and its span in the region, or the reason why there is none."""

    value: Fraction | None
    start: int
    end: int
    reason: AbstainReason | None = None


class TextContext:
    """The context by which a region's numbers are judged, computed on demand."""

    __slots__ = ("_numbers", "evidence", "language", "question", "text")

    def __init__(self, text: str, language: str | None, question: str | None) -> None:
        self.text = text
        self.language = language
        self.question = question
        self.evidence = Evidence(text, language, question)
        self._numbers: frozenset[Fraction] | None = None

    @property
    def question_numbers(self) -> frozenset[Fraction]:
        """The question's numbers."""
        if self._numbers is None:
            self._numbers = (
                _values_in(self.question, self.language) if self.question else frozenset()
            )
        return self._numbers

    def results(self, position: int) -> list[Fraction]:
        """Return the results of the calculations before ``position``, last first."""
        values = []
        begin = max(0, position - _LOOK_BACK)
        for match in list(_RESULT.finditer(self.text, begin, position))[:-6:-1]:
            numbers = read_numbers(plain(match[0][1:]), self.evidence)
            if numbers:
                values.append(numbers[0].value)
        return values


@per_vocabulary
def _values_in(question: str, language: str | None) -> frozenset[Fraction]:
    """Return the numbers of a question, which is the same for many paths."""
    return frozenset(mention.value for mention in numbers_in(question, language))
