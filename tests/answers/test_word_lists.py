"""Words of all languages, found in one pass: what the plain patterns of all words find."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clc.answers.literals import required_parts
from clc.answers.scan import Scan
from clc.answers.vocabulary import Vocabulary, use_vocabulary, vocabulary
from clc.answers.word_lists import WordList, automaton, fold, lists_in, word_list
from clc.answers.words import compile_words, listed

LISTS = sorted({name for one in vocabulary().languages.values() for name in one.get("answers", {})})
SEARCHED = ("pause", "error", "undetermined", "sorry", "unable", "remark", "so", "denial", "only")
# Entries as texts: alternatives and optional parts of the syntax are left out or in, at random.
ENTRIES = [entry for name in SEARCHED for entry in listed(name)]
FILLERS = [
    "She has 5 mice",
    "12",
    "। ",
    "。",
    "\n",
    " ",
    ", ",
    "x",
    "no",
    "в",
    "이",
    "ا",
    "ſo",
    "İ",
]


def spoken(entry, chosen):
    """A text that an entry is meant for, or nearly so."""
    text = (
        entry.replace(" … ", " it all ").replace("[.]?", ".").replace(" ?", " ").replace("*", "en")
    )
    while group := re.search(r"\(([^()]*)\)\??", text):
        options = group[1].removeprefix("?:").split("|")
        text = text[: group.start()] + options[chosen % len(options)] + text[group.end() :]
    return text


texts = st.lists(
    st.one_of(
        st.sampled_from(FILLERS),
        st.builds(spoken, st.sampled_from(ENTRIES), st.integers(0, 9)),
        st.builds(lambda *of: spoken(*of).upper(), st.sampled_from(ENTRIES), st.integers(0, 9)),
    ),
    max_size=6,
).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from(SEARCHED), st.integers(0, 30))
def test_a_search_in_one_pass_finds_what_the_pattern_of_all_words_finds(text, name, start):
    words, pattern = word_list(name), compile_words(name)
    plain, found = pattern.search(text, start), words.search(text, start)
    assert (found and found.start()) == (plain and plain.start())
    assert words.found(text, start) == (plain is not None)
    assert (name in lists_in(text[start:], *SEARCHED)) or pattern.search(text[start:]) is None
    for position in {start, *(match.start() for match in pattern.finditer(text))}:
        at = words.match(text, position)
        plain = pattern.match(text, position)
        assert (at and at.span()) == (plain and plain.span())


@pytest.mark.parametrize("name", LISTS)
def test_every_entry_has_literals_to_be_found_by(name):
    for entry in listed(name):
        assert required_parts(entry), entry


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ("wait", ["wait"]),
        ("wait a moment", ["moment"]),
        ("(no|not) really", ["really"]),
        ("ab|cd", ["ab", "cd"]),
        ("a(b|cde)?f", ["a"]),
        ("a(bc)+d", ["bc"]),
        ("x{2}yz", ["yz"]),
        ("n[.]b[.]?", ["n.b"]),
        ("cat(?! food)s", ["cat"]),
        ("[ab]cd", ["cd"]),
        (r"so\\.long", ["long"]),
        ("[a|b", []),  # no class, and nothing to be found by
        ("ab{", ["a"]),
        ("ab\\", ["ab"]),
    ],
)
def test_literals_that_an_entry_needs(entry, wanted):
    assert list(required_parts(entry)) == wanted


def test_only_words_that_may_stand_in_a_text_are_tried():
    """The cost of a search does not grow with the words of other languages."""
    other = [f"{letter}zq{index}" for letter in "abcdefgh" for index in range(500)]
    words = WordList([*other, "wait"])
    assert words.search("a long text about cats and dogs, the answer of which is 5") is None
    assert not words._patterns
    assert words.search("no, wait").start() == 4
    assert len(words._patterns) == 1


def test_folding_keeps_positions():
    for text in ("İSTANBUL", "ΛΌΓΟΣ ςσ", "ſtraße", "ÄÖÜ ẞ", "ǅ"):
        assert len(fold(text)) == len(text)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("remark", "notebooks cost 12", None),  # no note
        ("remark", "Notes: 12", "Notes"),
        ("total", "उपयोग 5", None),  # use, which ends like sum
        ("total", "योग 5", "योग"),
        ("total", "3।योग", "योग"),  # after the sign that ends a sentence
        ("so", "Sofa", None),
        ("so", "so", "so"),
        ("unable", "సహాయం చేయలేను", "చేయలేను"),  # in Telugu the end of a verb
    ],
)
def test_words_have_the_borders_of_their_script(name, text, wanted):
    found = word_list(name).search(text)
    assert (found and found[0]) == wanted


def test_a_label_is_the_longest_word_and_stands_alone():
    text = "Correct option: B. The ANSWER is 3, उपउत्तर 4"
    assert [text[slice(*noun)] for noun in Scan(text).nouns(0, len(text))] == [
        "Correct option", "ANSWER", "उत्तर",
    ]  # fmt: skip


def test_a_vocabulary_has_words_of_its_own():
    own = Vocabulary({"x-a": {"answers": {"answer": ["kutichiy"], "pause": ["suyay"]}}})
    text = "Kutichiy: 3. Suyay, 4"
    assert not Scan(text).nouns(0, len(text))
    with use_vocabulary(own):
        assert Scan(text).nouns(0, len(text)) == [(0, 8)]
        assert word_list("pause").search(text).start() == 13
    assert word_list("pause").search(text) is None


def test_an_automaton_finds_parts_within_parts():
    assert automaton(["abc", "bc", "d"])("xabcd") == [(0, 1, 4), (1, 2, 4), (2, 4, 5)]
