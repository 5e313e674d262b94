"""A text's thought and what it says, apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.thoughts.mark_files import load_marks
from clc.thoughts.spans import find_spans

if TYPE_CHECKING:
    from clc.thoughts.marks import Marks

__all__ = ["Split", "split"]


class Split(NamedTuple):
    """A thought and what follows it; both are parts of one text, as they stand in it.

    ``closed`` is True where a thought has ended, False where the text ends inside it, None where
    there is none.
    """

    thought: str
    visible: str
    closed: bool | None


def split(
    text: str,
    marks: Marks | None = None,
    *,
    opened: bool = False,
    finish_reason: str | None = None,
) -> Split:
    """Split what a model wrote into its thought and its answer.

    Several thoughts are one, from the first mark to the last. What is visible is the part after it;
    where that is empty, the part before. A closing mark alone ends a thought that the prompt
    began. Marks that are quoted, within code or named in a sentence do not count. A chat
    transcript is read from its last reply.

    Args:
        text: a completion.
        marks: the bundled ones when None.
        opened: the prompt ended inside a thought.
        finish_reason: the engine's; unless it is ``stop``, a mark may be cut off at the end.

    >>> split("<think>12 + 5 = 16? No, 17.</think>Answer: 17")
    Split(thought='12 + 5 = 16? No, 17.', visible='Answer: 17', closed=True)
    >>> split("So 16. But wait", opened=True)
    Split(thought='So 16. But wait', visible='', closed=False)
    >>> split("Answer: 17").closed is None
    True
    """
    spans = find_spans(text, marks or load_marks(), opened=opened, finish_reason=finish_reason)
    thought = "" if spans.thought is None else text[slice(*spans.thought)]
    return Split(thought, text[slice(*spans.visible)], spans.closed)
