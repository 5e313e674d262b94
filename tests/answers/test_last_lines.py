"""A short last line "words: number" states the answer in any language, listed or not."""

import pytest

from clc.answers import extract_answer

CHECKS = [
    "12 - 8 = 5, no, 12 - 8 = 4.\nCheck: 4 + 8 = 12.\n",
    "She had 12 and gave 8 away.\n12 - 8 = 4\n4 + 8 = 12, so it fits.\n\n",
    "Controle: 12 = 8 + 4\n",
]
LINES = [
    "Resultaat: 4", "**Resultaat:** 4", "Resultaat: **4**", "Mhinduro ndeyekuti: 4",
    "Impendulo ithi: 4", "መልስ ነው: 4", "መልሱ፡ 4", "Idahun si jẹ: 4", "Rezultāts: 4.", "Tulos : 4",
    "Atsakymas: 4 eurai", "Phetolo ke: $4", "Qhapaq yupay: 4 runa", "النتيجة: 4", "Wynik: 4 zł",
    "पक्का फल: 4", "နောက်ဆုံး： 4", "ผลที่ได้: 4 ตัว",
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("line", LINES)
def test_it_counts_after_a_check_of_an_equation(check, line):
    assert extract_answer(check + line).value == "4"
    assert extract_answer(check + line + "\n").value == "4"


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("34 ans - 23 ans = 11 ans. La réponse est 44.", "fr", "44"),  # years, and no "Ans"
        ("34 ans - 23 ans = 11 ans. La réponse est 44.", None, "44"),
        ("Ans: 44", None, "44"),
        ("5 + 3 = 8\n8 checkers remain.", "en", "8"),  # no check
        ("2 + 2 = 4\nNotebooks left: 4", "en", "4"),  # no note
        ("3 × 4 = 12\n12 soldiers stay.", "en", "12"),  # no "so"
        ("3 + 4 = 7\nSicherheitsnadeln: 7", "de", "7"),  # no certainty
        ("3 + 4 = 7\n7 Probenräume sind frei.", "de", "7"),  # no check
        ("5 - 1 = 4\nTotalizador: 4", "es", "4"),
        ("3 + 4 = 7\n७ उपयोगी चीज़ें हैं।", "hi", "7"),  # no sum
    ],
)
def test_words_that_begin_or_end_like_a_listed_one_are_others(text, language, wanted):
    assert extract_answer(text, language).value == wanted


def test_a_sentence_about_notebooks_is_no_note():
    text = "4 notebooks cost 12 coins."
    assert extract_answer(text, "en", "What do 4 notebooks cost?").value == "12"
