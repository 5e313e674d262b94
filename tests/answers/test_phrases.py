"""Conformance of the languages without cases of their own: our sentences, with many numbers."""

import tomllib
from pathlib import Path

import pytest
from babel.numbers import format_decimal

from clc.answers import extract_answer
from clc.records import Answer

PHRASES = tomllib.loads((Path(__file__).parent / "phrases.toml").read_text(encoding="utf-8"))


def formatted(number, language, system="default"):
    """Format a number as CLDR does; in Latin digits where it does not know the language."""
    locale = language.replace("-", "_")
    return format_decimal(number, locale=locale, numbering_system=system)  # type: ignore[call-arg]


def cases(language):
    """Return (text, answer or ``!reason``), as far as there are phrases."""
    words = PHRASES[language]
    label, things = words["label"], words["things"].format
    number = lambda value: formatted(value, language)  # noqa: E731
    yield f"{label}: 42", "42"
    yield f"{label}: 42.", "42"
    yield f"**{label}:** 42", "42"
    yield f"{label}:\n42", "42"
    yield f"{label}: {things(16)}", "16"
    yield f"{label}: {number(42)}", "42"
    yield f"{label}: {number(1250)}", "1250"
    yield f"{label}: {things(number(12500))}", "12500"
    yield f"{label}: {number(12.5)}", "25/2"
    yield f"{label}: {number(1234.75)}", "4939/4"
    yield f"{label}: {formatted(3500000, language, 'latn')}", "3500000"
    yield f"{label}: -7", "-7"
    yield f"{label}: 3/4", "3/4"
    yield f"{label}: 35 %", "35"
    yield f"{label}: $18", "18"
    yield f"8 × 4 = 32\n32 - 6 = 26\n{label}: 44", "44"
    yield f"{label}: x = 12", "12"
    yield f"{label}: 4 + 5 = 9", "9"
    yield words["is"].format(57), "57"
    yield f"12 + 2 = 14\n{words['is'].format(14)}", "14"
    yield f"{label}: 7\n\n{words['question']}: {words['other']}\n{label}: 8", "7"
    yield f"{label}: \\boxed{{36}}", "36"
    if "or" in words:
        yield f"{label}: 3 {words['or']} 4", "!undetermined"
    if "so" in words:
        yield f"4 × 9 = 36\n{words['so'].format(36)}", "36"
        yield words["so"].format(number(1250)), "1250"
    if "wrong" in words:
        yield f"{label}: 9. {words['wrong']} {label}: 11.", "11"
        yield f"{words['is'].format(9)} {words['wrong']} {words['is'].format(11)}", "11"
    if "undetermined" in words:
        yield words["undetermined"], "!undetermined"
        yield f"{label}: {words['undetermined']}", "!undetermined"
    if "refusal" in words:
        yield words["refusal"], "!refusal"


@pytest.mark.parametrize("language", PHRASES)
def test_reads_as_a_person_would(language):
    made = list(cases(language))
    assert len(made) >= 20
    wrong = []
    for text, wanted in made:
        outcome = extract_answer(text, language)
        read = outcome.value if isinstance(outcome, Answer) else f"!{outcome.reason}"
        if read != wanted:
            wrong.append((text, wanted, read))
    assert wrong == []
