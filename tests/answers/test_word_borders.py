"""Words of one language within words of another, and words with two meanings."""

import re

import pytest

from clc.answers import extract_answer
from clc.answers.unit_words import unit_words
from clc.answers.vocabulary import vocabulary
from clc.answers.words import expanded

LISTS = ("answer", "remark", "pause", "problem", "user", "so", "total", "undetermined")
TEXTS = ("{} cost 12 coins.", "Sara has 3 pens. {} cost 12 coins. All cost 36 coins.")
PLAIN = re.compile(r"[^\W\d_]{2,}")


def value(text):
    return getattr(extract_answer(text), "value", None)


def stems():
    """Beginnings of words that take any ending, in any language."""
    entries = (word for name in LISTS for word in vocabulary().listed("answers", name))
    return tuple(
        one[:-1].lower() for entry in entries for one in expanded(entry) if one[-1:] == "*"
    )


def words_of(code):
    """Words in an alphabet with cases, which have borders."""
    any_ending = stems()
    answers = vocabulary().languages[code].get("answers", {})
    for name in LISTS:
        for entry in answers.get(name, ()):
            for word in expanded(entry):
                cased = word[0].lower() != word[0].upper()
                if PLAIN.fullmatch(word) and cased and not word.lower().startswith(any_ending):
                    yield word


@pytest.mark.parametrize("code", sorted(vocabulary().languages))
def test_a_word_within_another_one_is_none(code):
    for word in words_of(code):
        for longer in (f"{word}qz", f"qz{word}", f"{word}qz".capitalize()):
            for text in TEXTS:
                assert value(text.format(longer)) == value(text.format("Qvqv")), longer


def test_a_label_that_is_a_unit_labels_nothing_after_a_number():
    labels = {word.lower() for word in vocabulary().listed("answers", "answer")}
    units = {word for word in labels if unit_words().is_unit(word)}
    assert "ans" in units
    for word in units:
        assert value(f"34 {word} - 23 {word} = 11 {word}. La réponse est 44.") == "44", word


def test_a_border_is_seen_where_two_scripts_meet():
    assert value("3 + 4 = 7。Answer是8") == "8"
    assert value("नोटबुक 12 सिक्कों के हैं।") == "12"
