"""Canonical form of a bare answer: equal values, equal strings."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from clc.answers.choices import choice_in
from clc.answers.context import TextContext
from clc.answers.latex import is_latex, plain
from clc.answers.letters import only_choice
from clc.answers.powers import MOST_DIGITS, is_writable
from clc.answers.region import read_region

if TYPE_CHECKING:
    from clc.records import AnswerKind

__all__ = ["canonical", "canonical_gold"]

_LONGEST = 4000  # characters; a bare answer is no text
_DOLLARS = re.compile(r"\A\$\$?([^$]+)\$\$?\Z")
_PLAIN = re.compile(rf"-?\d{{1,{MOST_DIGITS}}}(?:/0*[1-9]\d{{0,{MOST_DIGITS - 1}}})?")


def canonical(
    value: str, language: str | None = None, kind: AnswerKind | None = None
) -> str | None:
    r"""Return the canonical form of a bare answer, such as a gold, or None if it has none.

    Equal values have equal strings.

    >>> canonical("114,200"), canonical("2/6"), canonical("18.00"), canonical("B", kind="choice")
    ('114200', '1/3', '18', 'B')
    """
    text = value.strip()
    if kind in (None, "number") and text.isascii() and _PLAIN.fullmatch(text):
        number = Fraction(text)
        return str(number) if is_writable(number) else None
    text = _DOLLARS.sub(r"\1", text)
    content = plain(text)
    if kind == "choice" or (kind is None and only_choice(content)):
        return choice_in(content)
    if kind == "latex" or (kind is None and is_latex(text)):
        from clc.answers.latex_canonical import canonical_latex

        return canonical_latex(text)
    if len(content) > _LONGEST:
        return None
    reading = read_region(content, TextContext(content, language, None), mathematical=True)
    if reading is None or not isinstance(reading.value, Fraction):
        return None
    return str(reading.value)


def canonical_gold(gold: str, kind: AnswerKind | None = None) -> str | None:
    """Return the canonical form of a gold in a file, or None if it has none.

    Golds are in English number format regardless of the question's language: ``2,125`` in MGSM's
    German file is two thousand.

    >>> canonical_gold("18")
    '18'
    """
    if kind in (None, "number") and gold.isascii() and gold.isdigit() and gold[0] != "0":
        return gold
    return canonical(gold, "en", kind)
