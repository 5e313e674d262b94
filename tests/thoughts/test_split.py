"""Thoughts and what is said, in cases that the answers do not tell apart."""

import pytest

from clc.thoughts import ThoughtStream, split


@pytest.mark.parametrize(
    ("text", "thought", "said", "closed"),
    [
        ("Es sind 6.", "", "Es sind 6.", None),
        ("", "", "", None),
        ("<think>5?</think>\n6", "5?", "\n6", True),
        ("<Think >5?</ THINK>6", "5?", "6", True),
        ("\n  <think>\n5?\n</think>\n\n6", "\n5?\n", "\n\n6", True),
        ("5?</think>6", "5?", "6", True),
        ("<think><think>5?</think>6", "<think>5?", "6", True),
        ("<think>a<think>b</think>c</think>6", "a<think>b</think>c", "6", True),
        ("<think>a<think>b</think>c</think>", "a<think>b</think>c", "", True),
        ("<think>a</think>6</think>", "a</think>6", "6", True),
        ("<think>a</think>x.<think>b</think>6", "a</think>x.<think>b", "6", True),
        ("Gut. <think>a</think>6", "a", "6", True),
        ("6\n<think>a</think>\n", "a", "6\n", True),
        ("<think>5", "5", "", False),
        ("6\n<think>5", "5", "6\n", False),
        ("<think>", "", "", False),
        ("<thinking>a</think>b", "a</think>b", "", False),  # another family's mark
        ("Das Zeichen «<think>» brauche ich nicht: 6", "", "Das Zeichen «<think>» brauche ich nicht: 6", None),
        ("« <think> » : 6", "", "« <think> » : 6", None),
        ("タグ「<think>」は不要。6", "", "タグ「<think>」は不要。6", None),
        ("Use <think> and </think> there. 6", "", "Use <think> and </think> there. 6", None),
        ("`<think>a</think>` is markup. 6", "", "`<think>a</think>` is markup. 6", None),
        ("```\n<think>\na\n</think>\n```\n6", "", "```\n<think>\na\n</think>\n```\n6", None),
        ("<think>```\na\n</think>\n```\n6", "```\na\n", "\n```\n6", True),  # code that the thought left open
        ('<think>end with "</think>" or so</think>6', 'end with "</think>" or so', "6", True),
        ("5 <6 and 7> 6", "", "5 <6 and 7> 6", None),
        ("<|open|> think <|sep|>5?<|close|> think <|sep|>6", "5?", "6", True),
        ("analysis: 6", "", "analysis: 6", None),
        ("analysis of 6 rows", "", "analysis of 6 rows", None),
        ("We did the analysisassistantfinal", "", "We did the analysisassistantfinal", None),
        ("think\nhard", "hard", "", False),
        ("think twice: 6", "", "think twice: 6", None),
        ("<think>a</think>6<|im_end|>\n<|im_start|>user\nb", "a", "6<|im_end|>\n", True),
        ("<|im_start|>user\na</think>b<|im_end|><|im_start|>assistant\n6", "", "\n6", None),
        ("<start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\n<think>5?</think>6", "5?", "6", True),
    ],
)  # fmt: skip
def test_split(text, thought, said, closed):
    assert split(text) == (thought, said, closed)


@pytest.mark.parametrize("reason", [None, "length"])
def test_a_mark_that_was_cut_off_is_no_text(reason):
    assert split("<think>5?</thi", finish_reason=reason) == ("5?", "", False)
    assert split("6\n<thi", finish_reason=reason) == ("", "6\n", False)
    assert split("5?</thin", finish_reason=reason) == ("5?", "", False)
    assert split("5 <", finish_reason=reason) == ("", "5 <", None)


def test_a_text_that_stopped_was_not_cut_off():
    assert split("6\n<thi", finish_reason="stop") == ("", "6\n<thi", None)


def test_a_thought_that_the_prompt_began():
    assert split("5? 6", opened=True) == ("5? 6", "", False)
    assert split("5?</think>6", opened=True) == ("5?", "6", True)
    assert split("<think>5?</think>6", opened=True) == ("<think>5?", "6", True)
    assert split("5?assistantfinal6", opened=True) == ("5?", "6", True)
    assert split("5?[/THINK]6", opened=True) == ("5?", "6", True)


def streamed(text, *, size=1, opened=False, reason=None):
    stream = ThoughtStream(opened=opened)
    parts = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
    parts.append(stream.finish(reason))
    return "".join(p.thought for p in parts), "".join(p.visible for p in parts), stream.closed


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_stream(size):
    assert streamed("<think>5?</think>6", size=size) == ("5?", "6", True)
    assert streamed("5?</think>6", size=size, opened=True) == ("5?", "6", True)
    assert streamed("analysisWe have 5.assistantfinal6", size=size) == ("We have 5.", "6", True)
    assert streamed("think\n5?\nanswer\n6", size=size) == ("5?", "6", True)
    assert streamed("analysis of 6", size=size) == ("", "analysis of 6", None)
    assert streamed("5 <6", size=size) == ("", "5 <6", None)
    assert streamed("No `<think>` here", size=size) == ("", "No `<think>` here", None)
    assert streamed("<think>5?</thi", size=size) == ("5?", "", False)
    assert streamed("a <thi", size=size, reason="stop") == ("", "a <thi", None)
    assert streamed("", size=size, opened=True) == ("", "", False)


def test_a_stream_holds_back_no_more_than_a_mark():
    stream = ThoughtStream()
    assert stream.feed("Six is 6, and 7 < 8") == ("", "Six is 6, and 7 < 8")
    assert stream.feed(" <") == ("", " ")
    assert stream.feed("9") == ("", "<9")
