from fractions import Fraction

import pytest

from clc.answers import canonical, numbers_in


@pytest.mark.parametrize(
    ("text", "language", "values"),
    [
        ("three sheep", "en", ["3"]),
        ("drei Schafe", "de", ["3"]),
        ("tres ovejas", "es", ["3"]),
        ("trois moutons", "fr", ["3"]),
        ("три овцы", "ru", ["3"]),
        ("kondoo mitatu", "sw", ["3"]),
        ("แกะสามตัว", "th", ["3"]),
        ("তিনটি ভেড়া", "bn", ["3"]),
        ("మూడు గొర్రెలు", "te", ["3"]),
        ("三只羊", "zh", ["3"]),
        ("羊が三匹", "ja", ["3"]),
        ("৩টি ভেড়া", "bn", ["3"]),
        ("from 10-15 to 20", "en", ["10", "15", "20"]),
        ("2/5 of 1,250", "en", ["2/5", "1250"]),
        ("a ratio of 7:11", "en", ["7", "11"]),
        ("at 8:30", "en", ["17/2"]),
        ("half of them, twice a week", "en", ["1/2", "2"]),
        ("1万2千と三分の二", "ja", ["12000", "2/3"]),
        ("A1 and B2", "en", []),
        ("สามารถทำได้", "th", []),
        ("我们一起走", "zh", []),
    ],
)  # fmt: skip
def test_numbers_by_value(text, language, values):
    assert [str(mention.value) for mention in numbers_in(text, language)] == values


@pytest.mark.parametrize(
    ("text", "language"),
    [
        *((word, "en") for word in ["seventeen", "XVII"][:1]),
        ("siebzehn", "de"), ("diecisiete", "es"), ("dix-sept", "fr"), ("семнадцать", "ru"), ("kumi na saba", "sw"),
        ("สิบเจ็ด", "th"), ("সতেরো", "bn"), ("పదిహేడు", "te"), ("十七", "zh"), ("十七", "ja"),
    ],
)  # fmt: skip
def test_seventeen(text, language):
    assert [mention.value for mention in numbers_in(text, language)] == [Fraction(17)]


@pytest.mark.parametrize(
    ("gold", "value"),
    [
        ("114,200", "114200"), ("2/6", "1/3"), ("18.00", "18"), ("-3", "-3"), ("0", "0"), ("12.5%", "25/2"), ("$5", "5"),
        ("B", "B"), ("(c)", "C"), ("", None), ("no idea", None), ("1/0", None), (r"\frac{3}{6}", "1/2"), ("007", "7"),
    ],
)  # fmt: skip
def test_canonical_gold(gold, value):
    assert canonical(gold) == value
