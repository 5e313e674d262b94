"""Any text: never an exception, parts of the text, in time proportional to its length."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clc.thoughts import ThoughtStream, load_marks, split

MARKS = load_marks()
LITERALS = [mark.text for mark in MARKS.table] + list(MARKS.bare_words)
PIECES = st.one_of(
    st.sampled_from([
        *LITERALS, "<think>", "</think>", "<think>", "</think>", "\nanswer\n", "assistantfinal", " ", "\n", "`", "```\n", "\n```\n",
        '"', "«", " »", "(", ")", "a", "word ", "17", ". ", "Answer: 17", "答案：17", "উত্তর: ১৭", "<", "</", "<|", "[", "◁", "<thi", "ink>",
        "<|im_start|>user\n", "<|im_end|>",
    ]),
    st.text(max_size=6),
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join)
REASONS = st.sampled_from([None, "stop", "length"])


@settings(max_examples=1500, deadline=None)
@given(text=TEXTS, opened=st.booleans(), reason=REASONS)
@pytest.mark.slow
def test_every_text_is_split_into_parts_of_it(text, opened, reason):
    thought, said, closed = split(text, opened=opened, finish_reason=reason)
    assert thought in text
    assert said in text
    assert closed is not None or (thought == "" and not opened)
    if said.lstrip().startswith(MARKS.bare_words):  # a mark at the start of a text alone
        return
    again = split(said, finish_reason="stop")
    assert (again.visible.strip(), again.thought, again.closed) == (said.strip(), "", None)


@settings(max_examples=1000, deadline=None)
@given(
    text=TEXTS, opened=st.booleans(), reason=REASONS, cuts=st.lists(st.integers(1, 9), min_size=1)
)
@pytest.mark.slow
def test_a_stream_does_not_depend_on_its_deltas(text, opened, reason, cuts):
    def read(deltas):
        stream = ThoughtStream(opened=opened)
        parts = [stream.feed(delta) for delta in deltas]
        parts.append(stream.finish(reason))
        return "".join(p.thought for p in parts), "".join(p.visible for p in parts), stream.closed

    deltas, position = [], 0
    while position < len(text):
        size = cuts[len(deltas) % len(cuts)]
        deltas.append(text[position : position + size])
        position += size
    assert read(deltas) == read([text]) == read(list(text))


WORDS = st.text(alphabet="ab 12.:=+\\{}আগে数はñж\n", min_size=1, max_size=60).filter(
    lambda text: text.strip()
)
FAMILIES = [one for one in MARKS.families if one.open and one.close]


@settings(max_examples=500, deadline=None)
@given(
    family=st.sampled_from(FAMILIES),
    thought=WORDS,
    said=WORDS,
    size=st.integers(1, 12),
    open_=st.booleans(),
)
def test_a_stream_and_the_whole_text_agree(family, thought, said, size, open_):
    text = f"{family.open[0]}{thought}" + ("" if open_ else f"{family.close[0]}{said}")
    stream = ThoughtStream()
    parts = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
    parts.append(stream.finish())
    whole = split(text)
    assert "".join(part.thought for part in parts) == whole.thought == thought
    assert "".join(part.visible for part in parts) == whole.visible == ("" if open_ else said)
    assert stream.closed is whole.closed is (not open_)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@settings(max_examples=20, deadline=None)
@given(thought=WORDS, data=st.data())
def test_no_delta_holds_a_part_of_a_mark(family, thought, data):
    text = f"{family.open[-1]}{thought}{family.close[-1]}\n17"
    stream = ThoughtStream()
    out = ""
    while text:
        size = data.draw(st.integers(1, len(text)))
        thought_delta, said_delta = stream.feed(text[:size])
        out += thought_delta + said_delta
        assert not re.search(r"[<>\[\]◁▷|]", out)
        text = text[size:]


HARD = [
    "<", "</", "</think", "`", "```\n", "\n", " ", ".", "word <think> word ", "<think> and </think> ", "x <think>", "'<think>' ",
    "`<think>` ", "<think>a</think>", "</think>.", "<|im_start|>user\n<|im_start|>assistant\n", "\nanswer\n", "« ",
    "<|start|>assistant<|channel|>analysis<|message|>", "[THINK]", "<|channel|>", "<response>.",
]  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", HARD)
@pytest.mark.slow
def test_a_long_text_takes_no_minutes(piece):
    """Half a second on an idle machine; anything quadratic runs into the time limit."""
    for prefix in ("", "<think>", "." * 50_000):
        text = prefix + piece * (250_000 // len(piece))
        thought, said, _ = split(text)
        assert len(thought) + len(said) <= len(text)
