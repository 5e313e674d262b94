"""Texts without an answer: refusals, and statements that there is none."""

from __future__ import annotations

import re

from clc.answers.word_lists import word_list

__all__ = ["is_refusal", "undetermined_at"]

_NONE = re.compile(r"\W{0,4}none\b", re.IGNORECASE)  # alone; not "none of the apples are red, so 5"


def undetermined_at(
    text: str, start: int = 0, end: int | None = None, *, listed: bool = True
) -> int | None:
    """Return the position of a statement that the answer cannot be determined, or None.

    Without ``listed`` none of the words for it is there.

    >>> undetermined_at("It cannot be determined."), undetermined_at("18 apples")
    (3, None)
    """
    stop = len(text) if end is None else end
    match = word_list("undetermined").search(text, start, stop) if listed else None
    if match is None and start == 0:
        match = _NONE.match(text, 0, stop)
    return match.start() if match else None


def is_refusal(text: str) -> bool:
    """Whether a text declines the task: an apology together with an inability.

    >>> is_refusal("Lo siento, solo puedo comunicarme en inglés."), is_refusal("Sorry, 18.")
    (True, False)
    """
    sorry = word_list("sorry")
    apology = sorry.search(text, 0, 200) or sorry.search(text, max(0, len(text) - 300))
    if apology is None:
        return False
    return word_list("unable").found(text, max(0, apology.start() - 100))
