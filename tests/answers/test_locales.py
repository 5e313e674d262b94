"""Numbers as CLDR formats them, in every locale and digit system, read back to their value."""

import unicodedata
from fractions import Fraction

import pytest
from babel import Locale, localedata
from babel.numbers import format_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

from clc.answers import extract_answer, numbers_in

REGIONS = [
    "de_AT",
    "de_CH",
    "en_IN",
    "en_ZA",
    "es_MX",
    "fr_CA",
    "fr_CH",
    "pt_PT",
    "ar_EG",
    "it_CH",
    "zh_Hant",
    "es_CR",
    "nl_BE",
]
# Toki Pona's locale groups digits in twos, as nobody writes an amount.
LOCALES = REGIONS + sorted(
    name
    for name in localedata.locale_identifiers()
    if "_" not in name and name not in {"root", "tok"} and Locale.parse(name).number_symbols
)
SYSTEMS = sorted(
    character
    for character in map(chr, range(0x110000))
    if character.isdecimal() and unicodedata.decimal(character) == 0
)
DIGITS = {zero: [chr(ord(zero) + i) for i in range(10)] for zero in SYSTEMS}
VALUES = st.one_of(
    st.integers(-(10**9), 10**9),
    st.integers(-(10**8), 10**8).map(lambda n: Fraction(n, 100)),
    st.integers(-(10**7), 10**7).map(lambda n: Fraction(n, 1000)),
)
SENTENCES = ["Answer: {}", "Answer: {}.", "Answer: {} kg", "The answer is {}."]


def decimal(value):
    from decimal import Decimal

    return Decimal(Fraction(value).numerator) / Decimal(Fraction(value).denominator)


def test_many_locales():
    assert len(LOCALES) >= 60
    assert len(SYSTEMS) >= 60


@pytest.mark.parametrize("locale", LOCALES)
@settings(max_examples=20, deadline=None)
@given(value=VALUES, sentence=st.sampled_from(SENTENCES))
@pytest.mark.slow
def test_formatted_by_the_locale(locale, value, sentence):
    for system in {"latn", Locale.parse(locale).default_numbering_system}:
        try:
            written = format_decimal(decimal(value), locale=locale, numbering_system=system)  # type: ignore[call-arg]
        except Exception:  # noqa: BLE001  a system that CLDR has no symbols for
            continue
        outcome = extract_answer(sentence.format(written), locale.replace("_", "-"))
        assert getattr(outcome, "value", outcome) == str(Fraction(value)), (written, outcome)


@pytest.mark.parametrize("zero", SYSTEMS, ids=[unicodedata.name(zero) for zero in SYSTEMS])
@settings(max_examples=10, deadline=None)
@given(value=st.integers(0, 10**12), sentence=st.sampled_from(SENTENCES))
def test_every_digit_system(zero, value, sentence):
    written = "".join(DIGITS[zero][int(digit)] for digit in str(value))
    assert extract_answer(sentence.format(written)).value == str(value)
    assert [mention.value for mention in numbers_in(written)] == [value]
