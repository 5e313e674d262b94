"""Language identification on our own sentences."""

import pytest

from clc.datasets import detect_language
from clc.languages.identification import written_language

SENTENCES = {
    "en": "Tom has 3 apples and buys 4 more. How many apples does he have now?",
    "de": "Tom hat 3 Äpfel und kauft noch 4. Wie viele Äpfel hat er jetzt?",
    "es": "Tomás tiene 3 manzanas y compra 4 más. ¿Cuántas manzanas tiene ahora?",
    "fr": "Tom a 3 pommes et en achète encore 4. Combien de pommes a-t-il maintenant ?",
    "ja": "太郎はりんごを3個持っていて、さらに4個買いました。今いくつありますか？",
    "ru": "У Тома 3 яблока, и он покупает ещё 4. Сколько яблок у него теперь?",
    "zh": "小明有3个苹果，又买了4个。他现在有多少个苹果？",
    "bn": "টমের ৩টি আপেল আছে এবং সে আরও ৪টি কিনল। এখন তার কয়টি আপেল আছে?",
    "sw": "Tom ana matofaa 3 na ananunua mengine 4. Sasa ana matofaa mangapi?",
    "te": "టామ్ వద్ద 3 ఆపిల్స్ ఉన్నాయి, మరో 4 కొన్నాడు. ఇప్పుడు ఎన్ని ఉన్నాయి?",
    "th": "ทอมมีแอปเปิล 3 ลูกและซื้อเพิ่มอีก 4 ลูก ตอนนี้เขามีกี่ลูก",
    "ko": "톰은 사과 3개를 가지고 있고 4개를 더 샀습니다. 모두 몇 개입니까?",
    "hi": "टॉम के पास 3 सेब हैं और वह 4 और खरीदता है। अब उसके पास कितने सेब हैं?",
    "ar": "لدى توم 3 تفاحات واشترى 4 أخرى. كم تفاحة لديه الآن؟",
    "uk": "У Тома 3 яблука, і він купує ще 4. Скільки яблук у нього тепер?",
}


@pytest.mark.parametrize(("language", "sentence"), SENTENCES.items(), ids=SENTENCES)
def test_sentences(language, sentence):
    assert detect_language(sentence) == language


@pytest.mark.parametrize("text", ["", "3 + 4 = ?", "٣ + ٤", "🙂"])
def test_nothing_to_tell_by(text):
    assert detect_language(text) is None


def test_a_name_in_another_script_does_not_decide():
    assert detect_language("Alice 有三个苹果，又买了两个，一共有几个？") == "zh"


@pytest.mark.parametrize(
    "text",
    ["Find $x$.", "Evaluate $i^5$.", "Solve for x: 2x + 3 = 7", "Let $a = 3$.", "Convert $4$ meters.",
     "Compute $\\dbinom{5}{1}$.", "Which?", "Factor $x^2 - 1$."],
)  # fmt: skip
def test_a_few_words_that_may_be_english_are(text):
    assert detect_language(text) == "en"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Berechne $3^4$.", "de"),
        ("Wie viel ist 3 + 5?", "de"),
        ("Quanto fa 3 + 5?", "it"),
        ("Cuánto es 3 + 5?", "es"),
        ("Ni ngapi?", "sw"),
        ("Tính 3 + 5.", "vi"),
        ("Oblicz 3 + 5.", "pl"),
        ("$x + y$", None),
    ],
)
def test_a_few_words_of_another_language_are_of_that(text, code):
    assert detect_language(text) == code


def test_formulas_that_do_not_end_are_read_in_time_that_does_not_grow():
    text = "Wir zählen alle Äpfel im Korb, es sind \\( 3 + 4 und \\[ 7 dazu. " * 60_000
    assert written_language(text, "en") == detect_language(text) == "de"


@pytest.mark.parametrize(
    ("code", "script", "text"),
    [
        ("nqo", "Nkoo", "\u07d3\u07ca\u07eb \u07de\u07cf\u07e3\u07d0"),
        ("iu", "Cans", "\u1403\u14c4\u1483\u144e\u1450\u1466"),
        ("mni", "Mtei", "\uabc3\uabe4\uabc7\uabe9"),
        ("lis", "Lisu", "\ua4e1\ua4f2\ua4e2\ua4f4"),
        ("syr", "Syrc", "\u0710\u0720\u0726 \u0712\u071d\u072c"),
        ("chr", "Cher", "\u13e3\u13b3\u13a9"),
    ],
)
def test_a_language_that_alone_has_its_script_is_detected(code, script, text):
    assert detect_language(text) != code
    assert detect_language(text, {code: script}) == code
    assert detect_language("كم تفاحة لدى سارة؟", {code: script}) == "ar"
