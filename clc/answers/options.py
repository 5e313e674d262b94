"""The texts of options, read in place of their letters."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from clc.answers.choices import is_denied, is_in_reason, read_choice
from clc.answers.context import TextContext
from clc.answers.letters import Mention
from clc.answers.region import read_region
from clc.answers.words import LETTER
from clc.records import AbstainReason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

__all__ = ["read_option"]

_LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OUTSIDE = re.compile(r"\A[\W_]+|[^\w)%°\]]+\Z")
_SPACE = re.compile(r"\s+")


def read_option(text: str, options: Sequence[str]) -> str | AbstainReason | None:
    """Read which of ``options`` a statement chooses, by its letter, its text, or its number.

    Returns:
        A Latin letter; ``UNDETERMINED`` where several are stated; None where none is.

    >>> options = ["a square", "a circle", "18 cm", "none of these"]
    >>> read_option("(b)", options), read_option("It is a circle.", options)
    ('B', 'B')
    >>> read_option("18.0 centimetres", options), read_option("none of these", options)
    ('C', 'D')
    """
    shapes = [_shape(option) for option in options]
    stated = _shape(text)
    if stated and stated in shapes:
        return _LATIN[shapes.index(stated)]
    letter = read_choice(text, count=len(options))
    if letter is not None:
        return letter
    return _by_text(stated, shapes) or _by_value(text, options)


def _shape(text: str) -> str:
    """Return a text without case, spacing, width and the punctuation around it."""
    return _OUTSIDE.sub("", _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).casefold())


def _by_text(stated: str, shapes: list[str]) -> str | AbstainReason | None:
    """Return the option whose text stands in ``stated``; a longer one hides those within it."""
    taken: list[Mention] = []
    for index in sorted(range(len(shapes)), key=lambda index: -len(shapes[index])):
        shape = shapes[index]
        start = _find(stated, shape) if shape else -1
        end = start + len(shape)
        if start >= 0 and not any(one.start < end and start < one.end for one in taken):
            taken.append(Mention(start, end, _LATIN[index]))
    free = [one for one in taken if not (is_denied(stated, one) or is_in_reason(stated, one))]
    letters = {one.letter for one in free}
    if len(letters) > 1:
        return AbstainReason.UNDETERMINED
    return letters.pop() if letters else None


def _find(text: str, part: str) -> int:
    """Return where ``part`` stands as whole words, -1 if nowhere."""
    match = re.search(rf"(?<!{LETTER})(?<![\d.,]){re.escape(part)}(?![\d]|[.,]\d)", text)
    if match is None:
        return -1
    follows = text[match.end() : match.end() + 1]
    # a Latin word ends there; in other scripts an ending may follow
    return -1 if follows.isascii() and follows.isalpha() and part[-1].isalpha() else match.start()


def _by_value(text: str, options: Sequence[str]) -> str | None:
    """Return the only option with the number that ``text`` states."""
    value = _value(text)
    if value is None:
        return None
    letters = [_LATIN[index] for index, option in enumerate(options) if _value(option) == value]
    return letters[0] if len(letters) == 1 else None


def _value(text: str) -> Fraction | None:
    reading = read_region(text, TextContext(text, None, None))
    return reading.value if reading else None
