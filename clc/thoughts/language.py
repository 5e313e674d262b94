"""The language that a thought was written in, and so the one that a path reasoned in."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from clc.languages.identification import written_language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.records import ReasoningPath

__all__ = ["MIXED", "reasoning_language", "thought_language"]

MIXED = "mul"
"""Several languages, as ISO 639-2 writes it."""

_PART = 120  # characters: about twenty words, which the detector tells apart
_PARTS = 24  # a thought may have 100,000 characters; telling a part takes 0.3 ms
_MOST = 0.8  # share of the parts that one language has, or the thought is mixed


def thought_language(thought: str, expected: str) -> str | None:
    r"""Return the language that a thought is written in.

    A thinking model may change its language on the way, so parts of the thought, 24 at most, are
    looked at one by one.

    Args:
        thought: what a model thought.
        expected: BCP-47 code of the language that was asked for; see ``written_language``.

    Returns:
        A BCP-47 code, ``MIXED`` where no language has 80 % of the parts whose language is known,
        None where none is known.

    >>> german = "Zuerst zählen wir alle Äpfel im Korb zusammen, und dann ziehen wir die ab, "
    >>> german += "die Tom an seine Schwester und an seinen kleinen Bruder verschenkt hat.\n"
    >>> english = "Now we have to count all of the apples in the basket, and then we take away "
    >>> english += "those that Tom has given to his sister and to his little brother.\n"
    >>> [thought_language(text, "de") for text in (german, english, german + english, "3 + 4")]
    ['de', 'en', 'mul', None]
    """
    parts = list(_parts(thought))
    if len(parts) > _PARTS:
        parts = [parts[number * len(parts) // _PARTS] for number in range(_PARTS)]
    languages = Counter(written_language(part, expected) for part in parts)
    languages.pop(None, None)
    if not languages:
        return None
    language, count = languages.most_common(1)[0]
    return language if count >= _MOST * languages.total() else MIXED


def reasoning_language(path: ReasoningPath) -> str | None:
    """Return the language that a path reasoned in: that of its thought, or of its text.

    Returns:
        As for ``thought_language``; the text's where a path has no thought.
    """
    if path.thought:
        return thought_language(path.thought, path.language)
    return written_language(path.text, path.language)


def _parts(text: str) -> Iterator[str]:
    """Yield the lines of a text, short ones together; a long line is cut into several parts."""
    part = ""
    for line in text.splitlines(keepends=True):
        for start in range(0, len(line), 2 * _PART):
            part += line[start : start + 2 * _PART]
            if len(part) >= _PART:
                yield part
                part = ""
    if part:
        yield part
