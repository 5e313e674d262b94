"""Replies to planning prompts: the forms in which models name languages, weights and a response."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.prompts.replies import parse_choice, parse_selection, parse_weights

CANDIDATES = ("en", "ru", "de", "ja", "zh", "fr", "es", "pt", "it", "pl", "nl", "cs", "vi")


@pytest.mark.parametrize(
    "text",
    [
        "Languages: en, de, ja",
        "languages = EN; De; JA.",
        "It should be read well, so no Italian.\n\nLanguages: en, de, ja",
        "**Languages:** **English**, *German* and `Japanese`",
        "Selected languages: English (Indo-European, Germanic), Deutsch (de), 日本語. Italian lost.",
        "Languages：en、de、ja",
        "Languages: 1. en, 2. de, 3. ja",
        "Languages:\n1. **English** – large, like Russian\n2. German: near to Dutch\n3) Japanese (ja)",
        "Languages:\n\n- en\n- de\n- ja\n\nFrench and Spanish were close.",
        "Languages: zh, fr, es\nOn second thoughts:\nLanguages: en, de, ja",
        "<think>Languages: zh, fr, es</think>\nLanguages: en | de | ja",
        '```json\n{"languages": ["en", "de", "ja"]}\n```',
        '["English", "German", "Japanese"]',
        "['en', 'de', 'ja'] is my choice",
        'Target Language=[{"language": "English"}, {"language": "German"}, {"language": "Japanese"}]',
        '[{"rank": 1, "code": "en"},\n {"rank": 2, "code": "de"},\n {"rank": 3, "code": "ja"}]',
        "[en, de, ja]",
        "en, de, ja",
        "Sure!\n\n1. English\n2. German\n3. Japanese\n\nGood luck!",
        "I would take English first, then German, and Japanese for its distance.",
    ],
)
def test_selections(text):
    assert parse_selection(text, CANDIDATES, 3) == (("en", "de", "ja"), None)


@pytest.mark.parametrize(
    ("text", "codes", "fault"),
    [
        ("", (), "0 named, 3 asked for"),
        ("I cannot help with that.", (), "0 named, 3 asked for"),
        ("Languages: code, code, ...", (), "0 named, 3 asked for"),
        ("Languages: en, de", ("en", "de"), "2 named, 3 asked for"),
        ("Languages: en, de, ja, fr, es", ("en", "de", "ja"), "5 named, 3 asked for"),
        ("Languages: en, German, de, fr", ("en", "de", "fr"), "'de' is named twice"),
        ("Languages: en, sw, de, fr", ("en", "de", "fr"), "'sw' is none of the candidates"),
        (
            "Languages: en, Klingon",
            ("en",),
            "'Klingon' is none of the candidates; 1 named, 3 asked for",
        ),
    ],
)
def test_selections_with_faults(text, codes, fault):
    assert parse_selection(text, CANDIDATES, 3) == (codes, fault)


def test_words_that_are_also_codes_choose_nothing():
    assert parse_selection("Is it so? No, it is not.", ["it", "no", "is"], 1)[0] == ()
    assert parse_selection("Languages: it, no", ["it", "no", "is"], 2)[0] == ("it", "no")


def test_names_of_a_language_beside_its_cldr_name():
    assert parse_selection("Languages: Bengali, Mandarin Chinese", ["bn", "zh"], 2)[1] is None
    chosen, _ = parse_selection("Languages: zh-Hant, sr-Latn", ["sr-Latn", "zh-Hant"], 2)
    assert chosen == ("zh-Hant", "sr-Latn")


@given(
    st.text(alphabet=st.sampled_from('enditja ,:;.\n[]{}"|-*123\u4e2d\u6587')), st.integers(0, 3)
)
def test_any_text_selects_distinct_candidates(text, choose):
    chosen, fault = parse_selection(text, CANDIDATES, choose)
    assert len(chosen) == len(set(chosen)) <= choose
    assert set(chosen) <= set(CANDIDATES)
    assert fault is not None or len(chosen) == choose


WEIGHED = ("en", "de", "it")
RIGHT = {"en": 0.9, "de": 0.8, "it": 0.25}


@pytest.mark.parametrize(
    "text",
    [
        "Weights: en=0.9, de=0.8, it=0.25",
        "weights: en: 0.9; de: .8; it: 0.25",
        "**Weights:** **en** = **0.9**, German = 80 %, it → 0,25",
        "Weights: en-0.9, de - 0.8, it 0.25",
        "English was 0.1 at first.\n\nWeights: English=0.9, Deutsch=0.8, italiano=0.25",
        "<think>Weights: en=0, de=0, it=0</think>Weights: en=0.9, de=0.8, it=0.25",
        "1. English: 0.9\n2. German: 0.8\n3. Italian: 0.25",
        "- English (41.7 %): 0.9\n- German (6.0 %): 8/10\n- Italian (2.4 %): 25%",
        "- en: English (Indo-European, Germanic), 41.7 % of web text: 0.9\n- de: 0.8\n- it: 0.25",
        "English (90%), German (80%), Italian (25%)",
        '{"en": 0.9, "de": 0.8, "it": 0.25}',
        """[{"language": "English", "alignment score": 0.9},
            {"language": "German", "alignment score": 0.8},
            {"language": "Italian", "alignment score": 0.25}]""",
        "| language | weight |\n|---|---|\n| English | 0.9 |\n| de | 0.8 |\n| Italian (it) | 0.25 |",
        "English gets ০.৯, German ০.৮ and Italian ০.২৫.",
    ],
)
def test_weights(text):
    assert parse_weights(text, WEIGHED) == (RIGHT, None)


@pytest.mark.parametrize(
    ("text", "weights", "fault"),
    [
        ("", {}, "no weight of 'en'; no weight of 'de'; no weight of 'it'"),
        ("Weights: en=0.9, de=0.8", {"en": 0.9, "de": 0.8}, "no weight of 'it'"),
        (
            "Weights: en=9, de=-0.8, it=150 %",
            {},
            "weight of 'en' is 9, not from 0 to 1; weight of 'de' is -0.8, not from 0 to 1; weight of 'it' is 150 %, not from 0 to 1",
        ),
        (
            "It is 5 o'clock. German and English: 0.8",
            {"en": 0.8},
            "no weight of 'de'; no weight of 'it'",
        ),
        ("Weights: en=1, de=0, it=high", {"en": 1.0, "de": 0.0}, "no weight of 'it'"),
    ],
)
def test_weights_with_faults(text, weights, fault):
    assert parse_weights(text, WEIGHED) == (weights, fault)


def test_of_two_weights_the_last_counts_and_order_is_that_of_the_languages():
    weights, fault = parse_weights("de: 0.1, en: 0.2. No: en: 0.9, de: 0.8, it: 0.3", WEIGHED)
    assert list(weights.items()) == [("en", 0.9), ("de", 0.8), ("it", 0.3)]
    assert fault is None
    assert parse_weights("Weights: zh-Hans=1, zh=0.5", ["zh", "zh-Hans"])[0] == {
        "zh": 0.5,
        "zh-Hans": 1.0,
    }


@given(st.text(alphabet=st.sampled_from('endit =:.,%/-−0189০৯|\n"W')))
def test_any_text_gives_weights_from_0_to_1(text):
    weights, fault = parse_weights(text, WEIGHED)
    assert all(math.isfinite(weight) and 0 <= weight <= 1 for weight in weights.values())
    assert (fault is None) == (set(weights) == set(WEIGHED))


@pytest.mark.parametrize(
    "text",
    [
        "The most consistent response is Response 3",
        "Responses 1 and 2 differ.\nThe most consistent response is **Response 3**.",
        "The most consistent response is Response (3), as 1 and 2 are wrong.",
        "The most consistent response is:\n\n# Response 3",
        "The most consistent response is No. 3",
        "Most Consistent Response: ３",
        "The most consistent response is Response ৩",
        "Response 3 is the most consistent. Response 1 is not.",
        "Response 3 appears to be the most consistent.",
        "The most consistent response is Response 1. Wait.\nThe most consistent response is Response 3",
        "<think>The most consistent response is Response 1</think>The most consistent response is 3",
        "I choose response #3.",
        "Two of them agree.\n\n**3**",
        "Option 3",
    ],
)
def test_choices(text):
    assert parse_choice(text, 5) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None of them.",
        "The most consistent response is Response N",
        "The most consistent response is Response 6",
        "The most consistent response is Response 0",
        "Response 1 and Response 2 differ.",
        "The answer is 3",
        "3.5",
        "6",
    ],
)
def test_no_choice(text):
    assert parse_choice(text, 5) is None


@given(st.text(alphabet=st.sampled_from("most consient rp0129০৯.\n*")), st.integers(0, 4))
def test_any_text_chooses_what_is_there(text, count):
    choice = parse_choice(text, count)
    assert choice is None or 0 <= choice < count
