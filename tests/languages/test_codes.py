"""Language codes in, BCP-47 out."""

import pytest

from clc.errors import LanguageError
from clc.languages.codes import (
    COMMON_LANGUAGES,
    MGSM_LANGUAGES,
    english_name,
    native_name,
    normalize_language,
    read_language,
)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("de", "de"),
        (" DE ", "de"),
        ("ZH_hant", "zh-Hant"),
        ("zh-cn", "zh-Hans-CN"),
        ("de_de", "de-DE"),
        ("pt-BR", "pt-BR"),
        ("deu", "de"),  # three letters and old codes: the code of today, and no region added
        ("swa", "sw"),
        ("iw", "he"),
        ("cmn", "zh"),
    ],
)
def test_codes_are_written_as_bcp47_does(given, wanted):
    assert normalize_language(given) == wanted
    assert normalize_language(wanted) == wanted


@pytest.mark.parametrize(
    "code", ["", " ", "xx", "und", "english", "de.UTF-8", "en@x", "../de", "en-", "-", "de--DE",
             "a" * 90, "日本"]
)  # fmt: skip
def test_what_is_no_language_is_named_with_advice(code):
    with pytest.raises(LanguageError, match=r"unknown language .*give a BCP-47 code") as caught:
        normalize_language(code)
    assert repr(code)[:20] in str(caught.value)
    assert len(str(caught.value)) < 140


@pytest.mark.parametrize("code", MGSM_LANGUAGES)
def test_names_of_the_languages_of_mgsm(code):
    assert english_name(code)
    assert native_name(code)


def test_common_languages_are_codes_as_they_are_written():
    # In capitals, because as they are they take a way without Babel.
    for code in COMMON_LANGUAGES:
        assert normalize_language(code.upper()) == read_language(code.upper()) == code
    assert set(MGSM_LANGUAGES) <= COMMON_LANGUAGES


def test_names():
    assert english_name("ta") == "Tamil"
    assert native_name("ta") == "தமிழ்"
    assert english_name("zh-Hant") == "Chinese (Traditional)"
