"""Conformance: our own sentences in eleven languages (cases/LANGUAGE.toml)."""

import tomllib
from pathlib import Path

import pytest

from clc.answers import extract_answer
from clc.languages.codes import MGSM_LANGUAGES
from clc.records import Answer

FOLDER = Path(__file__).parent / "cases"
CASES = [
    (path.stem, *case)
    for path in sorted(FOLDER.glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["cases"]
]


@pytest.mark.parametrize("language", MGSM_LANGUAGES)
def test_forty_cases_each(language):
    assert len({case[1] for case in CASES if case[0] == language}) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1][:30]}")
def test_reads_as_a_person_would(case):
    language, text, wanted, question = (*case, None)[:4]
    outcome = extract_answer(text, language, question)
    assert (outcome.value if isinstance(outcome, Answer) else f"!{outcome.reason}") == wanted


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case[2].isdecimal()],
    ids=lambda case: f"{case[0]}-{case[1][:30]}",
)
def test_labels_do_not_depend_on_the_language(case):
    """Whole numbers read alike whatever language the path was asked to be in."""
    if any(mark in case[1] for mark in ".,") or not any(map(str.isdecimal, case[1])):
        return
    for language in ("ja", "fr", None):
        assert extract_answer(case[1], language, (*case, None)[3]).value == case[2]
