"""Option lines of a multiple-choice question: ``A. …``, one a line, at the end of its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LETTERS",
    "lists_options",
    "option_fault",
    "option_texts",
    "problem_options",
    "relabel",
    "with_options",
]

LETTERS = "ABCDEFGHIJ"
"""Letters of options; more options cannot be read from a text."""

# "A. …", "(A) …", "**A:** …", with one letter of any script.
_LINE = deferred_pattern(
    r"[ \t]*[*_]{0,2}[(（\[]?(?P<label>[^\W\d_])[)）\].．:：、。][*_]{0,2}"
    r"[ \t\u3000]*(?P<text>\S.*)"
)


def with_options(question: str, options: Mapping[str, str], passage: str | None = None) -> str:
    r"""Return a question with its passage above it and its options below it, one a line.

    >>> with_options("2 + 3?", {"A": "4", "B": "5"})
    '2 + 3?\n\nA. 4\nB. 5'
    """
    lines = "\n".join(f"{letter}. {text}" for letter, text in options.items())
    return "\n\n".join(part for part in (passage, question, lines) if part)


_LISTED = deferred_pattern(
    r"(?:\A|\n)[ \t>*_-]{0,4}[(（]?A[)）.．:：、][^\n]{1,200}\n[ \t>*_-]{0,4}[(（]?B[)）.．:：、]"
    r"|(?:\A|[\s:：])[(（]?A[)）][^()（）\n]{1,80}[\s,;][(（]?B[)）][^()（）\n]{1,80}[\s,;][(（]?C[)）]"
)

_FIRST = re.compile(r"A[)）.．:：、]")  # that a quick search finds


def lists_options(text: str) -> bool:
    r"""Whether a text lists options from A on, one a line or in one line.

    >>> lists_options("A. 10\nB. 12"), lists_options("(A) 10 (B) 12 (C) 14"), lists_options("A. B")
    (True, True, False)
    """
    return _FIRST.search(text) is not None and _LISTED.search(text) is not None


def problem_options(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of a problem by letter, from its metadata; empty without any.

    A run of an older clc may have a field ``options`` of the user's there, but not its letters.
    """
    if metadata.get("kind") != "choice" or metadata.get("option_lines") is not True:
        return {}
    options = metadata.get("options")
    return dict(options) if isinstance(options, dict) else {}


def option_texts(question: str, letters: str) -> list[str]:
    r"""Return the texts of a question's options from A on, "" for a letter without one.

    >>> option_texts("2 + 3?\n\nA. 4\nC. 5", "AC")
    ['4', '', '5']
    """
    lines = question.splitlines()[-len(letters) :]
    texts = {line[0]: line[3:] for line in lines if line[1:3] == ". "}
    return [texts.get(letter, "") for letter in LETTERS[: LETTERS.index(letters[-1]) + 1]]


def relabel(text: str, letters: str) -> str | None:
    r"""Return a translation with its last lines labelled as the options are, None if it cannot be.

    The options must be there in their order. Labels in another script or style are replaced.

    >>> relabel("2 + 3?\n(а) 4\n(б) 5", "AB"), relabel("2 + 3?\nB. 5", "AB")
    ('2 + 3?\nA. 4\nB. 5', None)
    """
    lines = text.splitlines()
    labelled = [
        (number, match) for number, line in enumerate(lines) if (match := _LINE.fullmatch(line))
    ][-len(letters) :]
    labels = [match["label"].upper() for _, match in labelled]
    latin = any(label in LETTERS for label in labels)
    if len(labels) < len(letters) or len(set(labels)) < len(labels):
        return None
    if latin and any(
        label in LETTERS and label != letter for label, letter in zip(labels, letters, strict=True)
    ):
        return None
    for letter, (number, match) in zip(letters, labelled, strict=True):
        lines[number] = f"{letter}. {match['text'].rstrip()}"
    return "\n".join(lines)


def option_fault(text: str, letters: str) -> str:
    r"""Return what is wrong with the options of a translation that ``relabel`` refuses.

    >>> option_fault("2 + 3?\nB. 5", "AB")
    'lost the option A'
    """
    matches = (_LINE.fullmatch(line) for line in text.splitlines())
    labels = {match["label"].upper() for match in matches if match}
    lost = [letter for letter in letters if letter not in labels]
    return f"lost the option {lost[0]}" if lost else "changed the order of the options"
