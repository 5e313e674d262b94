"""No answer comes from a thought (thoughts.toml: our own texts)."""

import json
import tomllib
from pathlib import Path

import pytest

from clc.answers import canonical, extract_answer
from clc.records import Answer

CASES = tomllib.loads((Path(__file__).parent / "thoughts.toml").read_text(encoding="utf-8"))
ROWS = [(kind, *row) for kind, rows in CASES.items() for row in rows]
SHARED = Path(__file__).parents[3] / "shared"
RECORDED = SHARED / "data/recorded"


def outcome(text, language, **arguments):
    """Value or !reason."""
    result = extract_answer(text, language, **arguments)
    return result.value if isinstance(result, Answer) else f"!{result.reason}"


@pytest.mark.parametrize("kind", CASES)
def test_enough_cases_in_enough_languages(kind):
    assert len(CASES[kind]) >= 25
    assert len({row[0] for row in CASES[kind]}) >= 6


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[2][:30]}")
def test_reads_what_is_said(row):
    _, language, text, wanted, finish_reason = (*row, None)[:5]
    assert outcome(text, language, finish_reason=finish_reason) == wanted


@pytest.mark.parametrize("row", CASES["thinking_marks"], ids=lambda row: row[1][:30])
def test_spans_are_within_the_whole_text(row):
    language, text, wanted = row
    result = extract_answer(text, language)
    assert canonical(text[slice(*result.span)], language) == wanted


@pytest.mark.parametrize("reason", [None, "stop", "length"])
def test_the_prompt_may_have_started_the_thought(reason):
    text = "The answer is 9. But let me see"
    assert outcome(text, "en", finish_reason=reason, opened=True) == "!truncated"
    assert outcome(f"{text}</think>Answer: 8", "en", opened=True) == "8"


def test_a_path_whose_thought_was_taken_off():
    assert outcome("Answer: 9", "en", closed=True) == "9"
    assert outcome("", "en", closed=True, finish_reason="stop") == "!empty"
    assert outcome("", "en", closed=True, finish_reason="length") == "!truncated"
    assert outcome("", "en", closed=False, finish_reason="stop") == "!truncated"
    assert outcome("Answer: 9", "en", closed=False) == "!truncated"


def test_cases_of_the_issue():
    file = SHARED / "cases/answers.jsonl"
    if not file.is_file():
        pytest.skip(f"needs {file}")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["kind"] in CASES]
    assert rows
    for row in rows:
        result = outcome(row["response"], row["language"], finish_reason=row.get("finish_reason"))
        assert result == row["expect"].replace("~", "!"), row["id"]


def recorded(name):
    file = RECORDED / name
    if not file.is_file():
        pytest.skip(f"needs {file}")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def votes(rows):
    """The rows that vote and whether they are right."""
    results = [
        (row, extract_answer(row["response"], row["language"], row.get("question"))) for row in rows
    ]
    return [
        (row, result.value == canonical(row["gold"]))
        for row, result in results
        if isinstance(result, Answer)
    ]


@pytest.mark.parametrize(
    ("name", "opening", "closing", "share", "cast"),
    [
        # Read with the thought: 386 of 535 votes right, 378 of them from open thoughts.
        ("mgsm_en-bn.qwen3.think.jsonl", "<think>", "</think>", 386 / 535, 8),
        # Read with the transcript's question: no vote of 30 right.
        ("mgsm_de-th-bn-fr.s1.think.jsonl", "<|im_start|>think", "answer\n", 0.75, 75),
    ],
)
def test_recorded_thoughts(name, opening, closing, share, cast):
    rows = recorded(name)
    cast_votes = votes(rows)
    assert len(cast_votes) >= cast
    assert sum(right for _, right in cast_votes) / len(cast_votes) >= share
    for row, _ in cast_votes:
        assert row["response"].rfind(closing) > row["response"].find(opening) >= 0, row["id"]
