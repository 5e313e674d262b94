"""Conformance of expressions: our own rows by kind (expressions/KIND.toml), in many languages."""

import sys
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clc.answers import canonical, extract_answer, numbers_in
from clc.answers.canonical import canonical_gold
from clc.answers.powers import is_writable
from clc.records import AbstainReason, Abstention, Answer

FOLDER = Path(__file__).parent / "expressions"
KINDS = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["cases"]
    for path in sorted(FOLDER.glob("*.toml"))
}
FRAMES = ["Answer: {}", "\\boxed{{{}}}", "Answer: ${}$.", "The answer is {}."]
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


GOLDS = {
    "2:3": ["2 : 3", "$2 \\colon 3$", "\\frac{2}{3}", "4:6", "2∶3"],
    "12:30 PM": ["12:30", "12:30 p.m.", "12.30 Uhr", "下午12:30"],
    "7:45 PM": ["19:45", "7:45 p.m.", "19.45 Uhr", "下午7:45"],
    "3 hours 20 minutes": ["3 h 20 min", "$3\\text{ h }20\\text{ min}$", "3:20", "10/3 hours"],
    "1/3": ["0.(3)", "$0.\\overline{3}$", "0.333...", "2/6"],
    "0.(6)": ["2/3", "0,(6)", "$\\frac{2}{3}$"],
    "5!": ["120", "$5!$", "5! = 120"],
    "2^10": ["1024", "$2^{10}$", "2**10", "pow(2, 10)"],
    "5 1/2": ["5.5", "5 and 1/2", "11/2", "$5\\frac{1}{2}$"],
    "5'6\"": ["5 feet 6 inches", "5.5", "5′6″"],
    "$12.50": ["12.5", "US$12.50", "12 dollars and 50 cents"],
    "\\sqrt{16}": ["4", "sqrt(16)", "$\\sqrt{16}$"],
    "\\binom{5}{2}": ["10", "5C2", "$\\binom{5}{2} = 10$"],
}


@pytest.mark.parametrize(
    ("gold", "written"), [(gold, one) for gold, forms in GOLDS.items() for one in forms]
)
def test_a_gold_agrees_with_its_value_written_otherwise(gold, written):
    assert canonical_gold(gold) == read("en", f"Answer: {written}")


@pytest.mark.parametrize("gold", GOLDS)
def test_a_gold_agrees_with_itself_as_a_reply(gold):
    assert canonical_gold(gold) == read("en", gold) == read("en", f"\\boxed{{{gold}}}")


@pytest.mark.parametrize(
    "tower", ["9^9^9", "10^(10^9)", "5000!", "(500!)!", "9!!!!", "2^{3^{4^{5}}}", "99999C50000"]
)
def test_a_value_too_long_to_write_is_unresolved(tower):
    outcome = extract_answer(f"\\boxed{{{tower}}}", "en")
    assert outcome == Abstention(AbstainReason.UNRESOLVED)


PIECES = st.sampled_from(
    [
        "2", "10", "3.5", "0.", "1,5", "999", "^", "**", "!", "！", "!!", "(", ")", "{", "}", "[", "]", "|", "$", "\\(", "\\)",
        "\\sqrt", "√", "log_", "\\log_2", "mod", "pow(", "C", "P", "\\binom{5}{2}", ",", ".", "...", "=", ":", "∶", " : ", "比",
        "3:30", " PM", "下午", " hours ", " minutes", "'", '"', "又", "二分之一", "分", "/", " and ", "\\overline{3}", "\\dot{1}",
        "\\text{ m}^2", "%", "°", "Rp", "x", "n", "-", "+", "×10^", "e", "E-", "⁻", "²", "₂", "⌊", "⌋", "\\pmod 7", "Answer: ",
        "\\boxed{", " ", "\n", "½", "\ue021", "⟨", "⟩", "1/2", "ratio", "factorial",
    ]
)  # fmt: skip
EXPRESSIONS = st.lists(PIECES, max_size=25).map("".join)


@settings(max_examples=1000, deadline=None)
@given(text=EXPRESSIONS, question=st.none() | EXPRESSIONS, frame=st.sampled_from(FRAMES))
@pytest.mark.slow
def test_every_expression_has_an_outcome(text, question, frame):
    outcome = extract_answer(frame.format(text), "en", question, kind="number")
    assert isinstance(outcome, Answer | Abstention)
    if isinstance(outcome, Answer):
        value = Fraction(outcome.value)
        assert str(value) == outcome.value
        assert is_writable(value)


@settings(max_examples=1000, deadline=None)
@given(text=EXPRESSIONS)
@pytest.mark.slow
def test_a_gold_is_canonical_once(text):
    value = canonical(text, "en", "number")
    assert value is None or canonical(value, "en", "number") == value


@settings(max_examples=300, deadline=None)
@given(
    base=st.fractions(-9, 9, max_denominator=9),
    power=st.integers(-6, 12),
    frame=st.sampled_from(FRAMES),
)
def test_a_power_in_brackets_is_exact(base, power, frame):
    assume(base or power > 0)
    written = f"({base})^{{{power}}}"
    assert read("en", frame.format(written)) == str(base**power)


@settings(max_examples=200, deadline=None)
@given(value=st.fractions(0, 50, max_denominator=500))
def test_a_repeating_decimal_is_the_fraction(value):
    """The digits of long division, with the period in brackets."""
    rest, digits, seen = value.numerator % value.denominator, "", {}
    while rest and rest not in seen:
        seen[rest] = len(digits)
        digit, rest = divmod(rest * 10, value.denominator)
        digits += str(digit)
    assume(len(digits) <= 60)
    start = seen.get(rest, len(digits))
    period = f"({digits[start:]})" if rest else ""
    written = f"{value.numerator // value.denominator}.{digits[:start]}{period}".rstrip(".")
    assert read("en", f"Answer: {written}", "1.5 of 2.25") == str(value)


def calls(text, question):
    """Return the number of calls, of Python and C functions, that reading a text takes."""
    count = 0

    def profile(_frame, event, _argument):
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(profile)
    try:
        extract_answer(text, "en", question)
        numbers_in(text, "en")
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "piece",
    ["(3!)!", "5 !", "2^{", "|-2|", "log_2 ", "pow(2,", "0.(3) ", "1:2:", "3:30 PM ", "3 and 1/2 ", "5'6\" ", "x=5, ", "Rp75.000 "],
)  # fmt: skip
@pytest.mark.slow
def test_calls_grow_with_the_length(piece):
    read("en", f"Answer: {piece}", "2 : 3")  # loads the words of units
    short, long = (
        calls(f"Answer: {piece * (size // len(piece))}", piece * 20) for size in (20_000, 80_000)
    )
    assert long < 5 * short
