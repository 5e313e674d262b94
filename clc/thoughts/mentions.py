"""Marks that a text only mentions: quoted, in code, or named in a sentence."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Mentions", "is_quoted", "may_open"]

_QUOTES = {
    '"': '"', "'": "'", "`": "`", "“": "”", "„": "“”", "‘": "’", "‚": "‘", "«": "»", "»": "«",
    "「": "」", "『": "』", "《": "》", "(": ")", "（": "）",
}  # fmt: skip
_FENCES = ("```", "~~~")
_MOST_INDENT = 3  # spaces before a fence
_SPACES = " \t\u00a0\u202f"
_WINDOW = 200  # characters on each side in which the rest of a code span is looked for
_SENTENCE_ENDS = ".!?:;>])}*。！？：；।॥…—\n"
_SHORT = 40  # characters between two marks that a sentence names


def is_quoted(text: str, start: int, end: int, low: int = 0) -> bool:
    """Whether the mark ``text[start:end]`` stands between quotation marks or parentheses.

    >>> is_quoted("I end with `</think>`.", 12, 20), is_quoted("so 5</think>5", 4, 12)
    (True, False)
    """
    before = start - 1
    after = end
    if before > low and text[before] in _SPACES:  # « <think> »
        before -= 1
        after += after < len(text) and text[after] in _SPACES
        if before < low or text[before] not in "«»":
            return False
    if before < low or after >= len(text):
        return False
    return text[after] in _QUOTES.get(text[before], "")


def may_open(text: str, start: int, end: int, low: int, close: int | None) -> bool:
    """Whether an opening mark begins a thought rather than being named in a sentence.

    It does where a text, a line or a sentence begins. Within a sentence a name of a mark is
    followed by a space or a comma; or both marks are named close together ("<think> and
    </think>"). ``low`` is where the text begins, ``close`` where the next closing mark does.

    >>> text = "The <think> tag is for thoughts."
    >>> may_open(text, 4, 11, 0, None), may_open("So: <think>12", 4, 11, 0, None)
    (False, True)
    """
    before = start
    while before > low and start - before <= _WINDOW and text[before - 1] in _SPACES:
        before -= 1
    if before <= low or text[before - 1] in _SENTENCE_ENDS:
        return True
    follows = text[end : end + 1]
    if follows == "\n":
        return True
    if before < start and follows and (follows.isalnum() or follows in "\\*#$"):
        return True
    if close is None:
        return False
    if close - end > _SHORT:
        return True
    return any(char.isdigit() or char in ".!?。।\n" for char in text[end:close])


class Mentions:
    """Code in one text: fences and spans."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._fences: Sequence[int] | None = None  # where lines with a fence begin

    def _fence_lines(self) -> Sequence[int]:
        text, lines = self._text, set()
        for fence in _FENCES:
            position = text.find(fence) if fence[0] in text else -1  # one character is found sooner
            while position >= 0:
                newline = text.rfind("\n", max(0, position - _MOST_INDENT - 1), position)
                begins = newline >= 0 or position <= _MOST_INDENT
                if begins and not text[newline + 1 : position].strip(" \t"):
                    lines.add(newline + 1)
                position = text.find(fence, position + len(fence))
        return sorted(lines)

    def is_code(self, start: int, end: int, low: int, high: int) -> bool:
        """Whether ``text[start:end]`` is within code that begins and ends in ``text[low:high]``."""
        if self._fences is None:
            self._fences = self._fence_lines()
        fences = self._fences
        if fences:
            at = bisect_left(fences, start)
            if (at - bisect_left(fences, low)) % 2 and at < len(fences) and fences[at] < high:
                return True
        if "`" not in self._text:
            return False
        low = max(low, start - _WINDOW)
        before = self._text[max(low, self._text.rfind("\n", low, start) + 1) : start]
        if before.count("`") % 2 == 0:
            return False
        high = min(high, end + _WINDOW)
        line_end = self._text.find("\n", end, high)
        return self._text.find("`", end, line_end if line_end >= 0 else high) >= 0
