"""Completions in the shapes of many models: their thought, what is visible, and the answer."""

import tomllib
from pathlib import Path

import pytest

from clc.answers import extract_answer
from clc.records import Answer
from clc.thoughts import ThoughtStream, split

FILE = Path(__file__).parent / "completions.toml"
ROWS = tomllib.loads(FILE.read_text(encoding="utf-8"))["completions"]
CLOSED = {"closed": True, "open": False, "none": None}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_thought_visible_and_answered(row):
    _, language, text, visible, closed, answer, *more = row
    reason, opened = more[0] if more else "stop", "opened" in more
    found = split(text, opened=opened, finish_reason=reason)
    assert (found.visible.strip(), found.closed) == (visible, CLOSED[closed])
    assert found.thought in text
    assert found.visible in text
    read = extract_answer(text, language, opened=opened, finish_reason=reason)
    assert answer == (read.value if isinstance(read, Answer) else f"!{read.reason}")


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_stream_holds_back_no_answer_and_gives_out_no_thought(row, size):
    """Where the text's end does not change how its beginning is read."""
    name, _, text, visible, closed, _, *more = row
    reason, opened = more[0] if more else "stop", "opened" in more
    stream = ThoughtStream(opened=opened)
    pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
    pieces.append(stream.finish(reason))
    seen = "".join(piece.visible for piece in pieces)
    if visible:
        assert visible in seen
    if closed == "open" and not visible:
        assert not seen.strip(), name
