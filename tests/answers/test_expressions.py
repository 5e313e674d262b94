"""Conformance of expressions: our own rows by kind (expressions/KIND.toml), in many languages."""

import tomllib
from pathlib import Path

import pytest

from clc.answers import extract_answer
from clc.records import Answer

FOLDER = Path(__file__).parent / "expressions"
KINDS = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["cases"]
    for path in sorted(FOLDER.glob("*.toml"))
}
ROWS = [(kind, *row) for kind, rows in KINDS.items() for row in rows]


def read(language, text, question=None, **options):
    outcome = extract_answer(text, language, question, **options)
    return outcome.value if isinstance(outcome, Answer) else "!"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_rows_in_six_languages(kind):
    assert len({row[1] for row in KINDS[kind]}) >= 25
    assert len({row[0] for row in KINDS[kind]}) >= 6


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}-{row[2][:30]}")
def test_reads_as_a_person_would(row):
    _, language, text, wanted, question = (*row, None)[:5]
    assert read(language, text, question) == wanted
