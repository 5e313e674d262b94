"""Which of the marked and labelled answers of a text counts."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from clc.answers import locate
from clc.answers.labels import Label, states_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.records import Abstention, Answer

__all__ = ["MarkedAnswer", "in_order", "overriding"]

_DIGIT = re.compile(r"\d")
_BESIDE = 24  # characters between a label and the box that it names


class MarkedAnswer(NamedTuple):
    """A marked answer, and the span of its content."""

    outcome: Answer | Abstention
    begin: int
    end: int
    is_box: bool


def overriding(text: str, marks: list[Label], marked: MarkedAnswer, end: int) -> list[Label]:
    r"""Return the labels after a marked answer of ``text[:end]`` that count in its place.

    >>> box = MarkedAnswer(None, 8, 10, is_box=True)
    >>> label = Label(12, 19, colon=True)
    >>> overriding("so oxed{18}\nAnswer: 19", [label], box, 22) == [label]
    True
    """
    later = sorted(mark for mark in marks if mark.start > marked.end)
    if not later:
        return []

    def is_corrected(mark: Label) -> bool:
        return locate.corrected_between(text, marked.end, mark.start)

    # What corrects the text before one label does so before the later ones.
    first = bisect_left(later, 1, key=is_corrected) if is_corrected(later[-1]) else len(later)
    if not marked.is_box:
        return later[first:]
    named = any(_names(text, mark, marked) for mark in marks)
    kept = [mark for mark in later[:first] if _overrides(text, mark, marked, end, named=named)]
    return kept + later[first:]


def _names(text: str, mark: Label, marked: MarkedAnswer) -> bool:
    """Whether a label stands just before a marked answer."""
    between = text[mark.end : marked.begin] if mark.end <= marked.begin else "."
    return len(between) <= _BESIDE and "." not in between and not _DIGIT.search(between)


def _overrides(text: str, mark: Label, box: MarkedAnswer, end: int, *, named: bool) -> bool:
    """Whether a label after a box counts in its place without a correction.

    ``named``: the box has a label of its own.
    """
    line = max(box.end, text.rfind("\n", box.end, mark.start) + 1)
    if locate.is_remark(text, line, mark.start):
        return False
    rest = locate.sentence_end(text, mark.end, end)
    is_last = not named and _DIGIT.search(text, rest, end) is None
    plain_value = mark.colon and states_value(text, mark, end)
    return is_last or (plain_value and mark.heads_line(text))


def in_order(text: str, marks: Iterator[Label]) -> Iterator[Label]:
    """Yield labels, given last first, in the order in which they count.

    Those with a colon have priority, unless a correction stands before the last one.

    >>> text = "Answer: 5. So the answer is four."
    >>> [mark.start for mark in in_order(text, iter([Label(18, 27, False), Label(0, 7, True)]))]
    [0, 18]
    """
    without: list[Label] = []
    colon = None
    for mark in marks:
        if mark.colon:
            colon = mark
            break
        without.append(mark)
    if colon and without and not locate.corrected_between(text, colon.end, without[0].start):
        yield colon
        for mark in marks:
            if mark.colon:
                yield mark
            else:
                without.append(mark)
        colon = None
    yield from without
    if colon:
        yield colon
        yield from marks
