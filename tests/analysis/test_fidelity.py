"""Which language a path is written in, from our own texts and from recorded ones."""

import json
from pathlib import Path

import pytest

from clc.analysis.fidelity import Fidelity, fidelity
from clc.languages.codes import MGSM_LANGUAGES
from clc.languages.identification import written_language

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "recorded"

PATHS = {
    "en": "The baker makes 12 loaves each hour and works for 5 hours, so she makes 12 × 5 = 60 loaves. She gives 8 away. Answer: 52",
    "de": "Die Bäckerin backt 12 Brote pro Stunde und arbeitet 5 Stunden, also backt sie 12 × 5 = 60 Brote. Davon verschenkt sie 8. Antwort: 52",
    "es": "La panadera hace 12 panes por hora y trabaja 5 horas, así que hace 12 × 5 = 60 panes. De ellos regala 8. Respuesta: 52",
    "fr": "La boulangère fait 12 pains par heure et travaille 5 heures, donc elle fait 12 × 5 = 60 pains. Elle en offre 8. Réponse : 52",
    "ja": "パン屋さんは1時間に12個のパンを焼き、5時間働くので、12 × 5 = 60個です。そのうち8個を人にあげます。答え：52",
    "ru": "Пекарь печёт 12 хлебов в час и работает 5 часов, значит, всего 12 × 5 = 60 хлебов. Восемь из них она дарит. Ответ: 52",
    "zh": "面包师每小时做12个面包，工作5小时，所以一共做了12 × 5 = 60个面包。她送出了其中的8个。答案：52",
    "bn": "রুটিওয়ালা প্রতি ঘণ্টায় ১২টি রুটি বানায় এবং ৫ ঘণ্টা কাজ করে, তাই মোট ১২ × ৫ = ৬০টি রুটি হয়। সে ৮টি বিলিয়ে দেয়। উত্তর: ৫২",
    "sw": "Mwokaji anaoka mikate 12 kila saa na anafanya kazi kwa saa 5, kwa hiyo anaoka mikate 12 × 5 = 60. Kati ya hiyo anagawa 8. Jibu: 52",
    "te": "రొట్టెలు చేసే ఆమె గంటకు 12 రొట్టెలు చేస్తుంది, 5 గంటలు పని చేస్తుంది, కాబట్టి మొత్తం 12 × 5 = 60. వాటిలో 8 ఇచ్చేస్తుంది. సమాధానం: 52",
    "th": "คนทำขนมปังอบขนมปังชั่วโมงละ 12 ก้อนและทำงาน 5 ชั่วโมง จึงได้ทั้งหมด 12 × 5 = 60 ก้อน แล้วเธอแจกไป 8 ก้อน คำตอบ: 52",
}


@pytest.mark.parametrize("expected", MGSM_LANGUAGES)
@pytest.mark.parametrize(("language", "text"), PATHS.items(), ids=PATHS)
def test_a_path_is_in_its_language_whatever_was_asked_for(language, text, expected):
    assert written_language(text, expected) == language
    assert written_language(text, expected, MGSM_LANGUAGES) == language


@pytest.mark.parametrize("language", [code for code in PATHS if code != "en"])
def test_an_english_opening_does_not_decide(language):
    text = f"Sure, here is the solution:\n\n{PATHS[language]}"
    assert written_language(text, language) == language


@pytest.mark.parametrize("language", [code for code in PATHS if code != "en"])
def test_a_label_in_the_language_does_not_decide(language):
    label = PATHS[language].split()[-2]
    assert written_language(f"{PATHS['en']} {label} 52", language) == "en"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "52",
        "12 × 5 = 60\n60 - 8 = 52",
        "Answer: 52",
        "答案：52",
        r"\[ \text{the number of loaves made} = 12 \times 5 \]",
        r"$\mathrm{loaves} \cdot \mathrm{hours} = 60$ and so",
        "```python\nloaves_made = per_hour * hours_worked\nprint(loaves_made - given_away)\n```",
        "x + y = z, a = b, c = d, e = f, g = h, k = m, n = p, q = r, s = t",
    ],
)
def test_nothing_to_tell_by(text):
    assert written_language(text, "en") is None


def test_code_and_formulas_do_not_speak_english():
    code = "\n```python\ntotal = loaves_per_hour * hours_worked\nremaining = total - given_away\nprint(remaining)\n```\n"
    formula = r" $$\text{remaining loaves} = \text{total} - \text{given away to the neighbours}$$ "
    assert written_language(code + formula + "\n焼いたパンは全部で60個です。", "en") == "ja"


def test_prices_are_no_formula():
    text = "She pays $12 for the bread and he pays $5"
    assert written_language(text, "de") == "en"


def test_expected_decides_between_two_scripts_in_equal_parts_and_nothing_else():
    mixed = f"{PATHS['ru']} {PATHS['en']}"
    assert written_language(mixed, "ru") == "ru"
    assert written_language(mixed, "en") == "en"
    assert written_language(mixed, "fr") is None
    assert written_language(PATHS["en"] * 3 + PATHS["ru"], "ru") == "en"


def test_expected_decides_between_languages_that_a_short_text_does_not_tell_apart():
    text = "Gana cinco por semana"
    assert written_language(text, "es") == "es"
    assert written_language(text, "pt") == "pt"
    assert written_language(text, "ja") is None


def test_kana_in_a_chinese_path_does_not_make_it_japanese():
    assert written_language(PATHS["zh"] + "答えは52", "zh") == "zh"
    assert written_language(PATHS["zh"] + "答えは52", "ja") == "zh"


def test_region_and_script_are_taken_on_trust():
    text = "A padeira faz doze pães por hora e trabalha cinco horas, então ela faz sessenta pães."
    assert written_language(text, "pt-BR") == "pt-BR"
    assert written_language(PATHS["zh"], "zh-Hant") == "zh-Hant"
    assert written_language(text, "zh-Hant") == "pt"
    norwegian = "Bakeren lager tolv brød i timen og jobber i fem timer, så hun lager seksti brød."
    assert written_language(norwegian, "nb") == "nb"
    assert written_language(norwegian, "en") == "no"


def test_candidates_narrow_what_the_detector_chooses_from():
    danish = "Bageren bager tolv brød i timen og arbejder i fem timer, så hun bager tres brød."
    assert written_language(danish, "en") == "da"
    assert written_language(danish, "sv", ["sv", "en"]) == "sv"
    assert written_language(PATHS["th"], "en", ["en", "de"]) == "th"  # its script decides


def test_a_language_that_the_detector_does_not_know_is_not_called_another():
    assert written_language(PATHS["en"], "tlh") is None


def test_fidelity_counts_by_arm():
    rows = [
        ("sw", PATHS["sw"]),
        ("sw", PATHS["en"]),
        ("sw", PATHS["en"]),
        ("sw", "52"),
        ("ja", ""),
    ]
    found = fidelity(iter(rows))
    assert found["sw"] == Fidelity(4, faithful=1, unknown=1, written={"en": 2, "sw": 1})
    assert list(found["sw"].written) == ["en", "sw"]
    assert found["sw"].share == pytest.approx(1 / 3)
    assert found["ja"] == Fidelity(1, faithful=0, unknown=1, written={})
    assert found["ja"].share is None
    assert fidelity([]) == {}


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"needs the recorded data in {RECORDED}")
@pytest.mark.slow
def test_recorded_paths():
    """As read by eye: nearly all European arms are kept, a quarter of ja and ru is not."""
    rows = [
        json.loads(line)
        for file in sorted(RECORDED.glob("*.clsp.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]
    found = fidelity((row["language"], row["response"]) for row in rows)
    asked = {"de", "en", "es", "fr", "ja", "ru", "zh"}
    for language, seen in found.items():
        assert seen.unknown <= 0.01 * seen.paths, language
        assert set(seen.written) <= asked | {"sw"}, language  # sw: some restate the question
    assert found["en"].share == 1.0
    assert all(found[language].share >= 0.95 for language in ("de", "es", "fr"))
    assert 0.70 <= found["ja"].share <= 0.85
    assert 0.70 <= found["ru"].share <= 0.85
    assert 0.75 <= found["zh"].share <= 0.90
    assert list(found["ja"].written)[:2] == ["ja", "en"]
