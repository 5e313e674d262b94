"""Choices, where an answer stands, and texts without one (statements.toml: our own texts)."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clc.answers import extract_answer
from clc.records import Abstention, Answer

CASES = tomllib.loads((Path(__file__).parent / "statements.toml").read_text(encoding="utf-8"))
ROWS = [(name, *row) for name, rows in CASES.items() for row in rows]
SHARED = Path(__file__).parents[3] / "shared"
KINDS = {  # of ../shared/cases/answers.jsonl
    "choice", "answer_tags", "box_then_label", "run_on", "word_that_begins_like_a_remark",
    "label_of_another_language", "unknown_label",
}  # fmt: skip


def outcome(text, language, kind=None, options=None):
    """Value or !reason."""
    result = extract_answer(text, language, kind=kind, options=options)
    return result.value if isinstance(result, Answer) else f"!{result.reason}"


@pytest.mark.parametrize("name", CASES)
def test_enough_cases_in_enough_languages(name):
    assert len(CASES[name]) >= 25
    assert len({row[0] for row in CASES[name]}) >= 6


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}-{row[2][:40]}")
def test_reads_what_is_stated(row):
    _, language, text, wanted, *rest = row
    read = outcome(text, language, *rest)
    assert read == wanted or (wanted == "!" and read.startswith("!"))


def test_cases_of_the_issue():
    file = SHARED / "cases/answers.jsonl"
    if not file.is_file():
        pytest.skip(f"needs {file}")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["kind"] in KINDS]
    assert rows
    for row in rows:
        read = outcome(row["response"], row["language"])
        wanted = row["expect"]
        assert read == wanted or (wanted[0] == "~" and read[0] == "!"), row["id"]


LETTERS = [
    *"ABCDEIJ",
    *"АБВГ",
    *"কখগঘ",
    *"กขคง",
    *"甲乙丙丁",
    *"アイウエ",
    *"أبجد",
    *"abc",
    "Ａ",
    "가",
]
PIECES = st.sampled_from(
    [
        *LETTERS, "Answer: ", "答案：", "উত্তর: ", "Ответ: ", "คำตอบ: ", "(", ")", "**", " ", ", ", ". ", "\n", " and ", " or ",
        " because ", " weil ", "因为", " not ", "ではなく", " is correct", " option ", "选", " und ", "18", "\\boxed{", "}", "I don't know",
    ]
)  # fmt: skip
TURNS = st.sampled_from(
    [
        "user\n", "assistant\n", "assistant", "\nHuman: ", "\nAssistant: ", "Human: ", "User:", "### Response:\n", "[INST] ", " [/INST]",
        "<s>", "</s>", "<|im_start|>user\n", "<|im_end|>\n", "<|im_start|>assistant\n", "\nQuestion: ", "\nQ: ", "#### 5\n", "Answer: 5",
        "<answer>", "</answer>", "<confidence>", '{"answer": ', "17", ", ", "}", '"', "null", "| Total | 5 |\n", "|", "\n", ". ", " Wait, ",
        "that is wrong. ", "Confidence: 95%", "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "So ", "Note: ", "Resultaat: 4", "\\boxed{4}",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(PIECES, max_size=30).map("".join),
    st.lists(TURNS, max_size=40).map("".join),
    st.lists(st.one_of(PIECES, TURNS, st.text(max_size=5)), max_size=40).map("".join),
)


@settings(max_examples=1500, deadline=None)
@given(
    text=TEXTS,
    kind=st.sampled_from([None, "number", "choice", "latex"]),
    options=st.none() | st.lists(st.text(max_size=8) | PIECES, min_size=1, max_size=30),
    reason=st.sampled_from([None, "stop", "length"]),
)
@pytest.mark.slow
def test_every_text_has_an_outcome(text, kind, options, reason):
    result = extract_answer(text, None, kind=kind, options=options, finish_reason=reason)
    assert isinstance(result, Answer | Abstention)
    if isinstance(result, Answer):
        start, end = result.span
        assert 0 <= start <= end <= len(text)
        if options:
            assert "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(result.value) < len(options)


@pytest.mark.parametrize(
    "text", ["a {} b\nAnswer: 3", "The {} answer is 3 km", "{}\n3", "\\boxed{{3}} {}"]
)
def test_half_a_surrogate_pair_is_a_character_as_any_other(text):
    answer = extract_answer(text.format("\ud800"), "en", "How many \ud800 km?")
    assert answer.value == "3"
    chosen = extract_answer("3 \udc00", "en", options=["4 \ud800", "3 \ud800"])
    assert chosen.value == "B"
