"""Stop strings end an answer, never a thought."""

import pytest

from clc.engines.deltas import DeltaStream, find_stop
from clc.thoughts import load_marks

MARKS = load_marks()


@pytest.mark.parametrize(
    ("text", "stops", "opened", "kept"),
    [
        ("so it is 7. Q: 5", ["Q:"], False, "so it is 7. "),
        ("so it is 7.", ["Q:"], False, None),
        ("<think>Q: 5</think>so 7. Q: 5", ["Q:"], False, "<think>Q: 5</think>so 7. "),
        ("Q: 5</think>so 7. Q: 5", ["Q:"], True, "Q: 5</think>so 7. "),
        ("Q: 5</think>so 7. Q: 5", ["Q:"], False, ""),  # the prompt opened no thought
        ("<think>one\n\ntwo", ["\n\n"], False, None),
        ("<think>one</think>\n\nIt is 7.\n\nBye", ["\n\n"], False,
         "<think>one</think>\n\nIt is 7."),
        ("<think>one</think>\n\n7", ["\n"], False, None),
        ("It is 7.\n\n<think>one</think>8", ["\n\n"], False, "It is 7."),
        ("<think>a</think>b. <think>c\nd</think>e\nf", ["\n"], False,
         "<think>a</think>b. <think>c\nd</think>e"),
        ("<think>a</think>7", ["</think>", "<"], False, None),  # a mark is no text
        ("<|channel|>analysis<|message|>a b<|end|><|start|>assistant<|channel|>final<|message|>c d",
         [" "], False,
         "<|channel|>analysis<|message|>a b<|end|><|start|>assistant<|channel|>final<|message|>c"),
        ("analysisWe add. Done.assistantfinalIt is 7. Done.", ["Done."], False,
         "analysisWe add. Done.assistantfinalIt is 7. "),
        ("aaab", ["ab", "aab"], False, "a"),
    ],
)  # fmt: skip
def test_where_a_stop_string_counts(text, stops, opened, kept):
    end = find_stop(text, stops, MARKS, opened=opened)
    assert (None if end is None else text[:end]) == kept


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stream_ends_where_the_text_does(size):
    text = "<think>Q: 3 + 4. Q: so?</think>\n\nIt is 7. Quite. Q: 5 + 6? Q:"
    pieces: list[str] = []
    thoughts: list[str] = []
    stream = DeltaStream(MARKS, on_text=pieces.append, on_thought=thoughts.append, stops=["Q:"])
    for at in range(0, len(text), size):
        stream.add(text[at : at + size])
    assert "".join(pieces) == "It is 7. Quite. "
    assert "".join(thoughts) == "Q: 3 + 4. Q: so?"
    assert stream.stopped
    assert stream.thought_seen
