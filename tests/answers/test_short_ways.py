"""The short ways to an answer give what the reader of all texts and of all regions gives."""

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clc.answers import extract_answer, region
from clc.answers.body import find_body, is_blank
from clc.answers.context import TextContext
from clc.answers.plain_regions import is_changed, read_plain_region
from clc.answers.reader import AnswerReader
from clc.answers.scan import Scan
from clc.answers.separators import TOKEN, Evidence
from clc.answers.vocabulary import vocabulary
from clc.records import Answer

LINES = [
    "3 + 4 = 7", "So she has 12 apples.", "Answer: 18", "The answer is 18.", "Answer: 18 apples",
    "Antwort: Sie hat 18 Äpfel.", "答案：18", "Answer: 1,250", "Réponse : 27.000 $",
    "Final Answer: \\boxed{18}", "so \\(\\boxed{7}\\) dollars.", "\\[\n\\boxed{5}\n\\]",
    "\\boxed{6}, no: 7", "Question: What is 2 + 2?", "Q: 5?", "So 4. Q: 1 + 1?", "Problem 2: x",
    "## Question 3", "**Problem:** 9 apples", "Note: the answer: it is 12", "Confidence: 95%",
    "Check: 4 + 3 = 7.", "Resultaat: 42", "Wait, that's wrong.", "No, actually 19.", "user",
    "assistant", "#### 18", "{x}", "<b>5</b>",
    "The answer cannot be determined.", "Answer: it is unknown", "Answer: 12 ans",
    "Answer: is it 5?", "(about 3 kg)", "Therefore 18 are left.", "", "Answer: -5", "Answer: B",
    "Answer: 3 or 4", "Answer: 5 hours and 30 minutes", "Answer: 2 million", "Answer: 18\nAnswer: 1",
    "The answer to question 2 is: 8", "I hope this helps!", "উত্তর: ১৮", "Answer: $18.50.",
]  # fmt: skip
QUESTIONS = [None, "How many of the 12 apples?", "How many hours?"]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(LINES), min_size=1, max_size=4),
    st.integers(1, 2),
    st.integers(0, 4),
    st.sampled_from(QUESTIONS),
    st.sampled_from([None, "de", "en"]),
)
def test_a_usual_ending_is_read_as_by_the_reader_of_all_texts(
    lines, times, cut, question, language
):
    text = "\n".join(lines * times)
    text = text[: len(text) - cut]
    if is_blank(text, 0, len(text)):
        return
    scan = Scan(text)
    reader = AnswerReader(scan, find_body(scan), language, question, None, cut=False)
    short, usual = extract_answer(text, language, question, closed=True), reader.read()
    # Not the span: that of a number with a sign begins with the sign only where it stands alone.
    assert _stated(short) == _stated(usual)


def _stated(outcome):
    is_answer = isinstance(outcome, Answer)
    return (outcome.kind, outcome.value) if is_answer else outcome.reason


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


LANGUAGES = ["de", "en", "fr", "sw", "th", "zh"]
LISTED = [
    " ".join(re.sub(r"[()|?*+\\…\[\]{}.]", " ", word).split())
    for code in LANGUAGES
    for table in ("answers", "numbers", "mixed", "clock", "powers", "units", "ratio", "money")
    for word in _texts(vocabulary().languages[code].get(table, {}))
]
WORDS = ["apples", "US-Dollar", "per week", "x", "k", "个苹果", "hours", "He has", "miles", "Ví dụ"]
NUMBERS = ["5", "0", "100", "1,000", "2.50", "3,5", "1.250", "1,250.75", "12 000", "15.30", "-7"]


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from(LISTED) | st.sampled_from(WORDS), max_size=2),
    st.sampled_from(["", "$", "[", "("]),
    st.sampled_from(NUMBERS),
    st.sampled_from(["", "%", " %", "]", ")"]),
    st.lists(st.sampled_from(LISTED) | st.sampled_from(WORDS), max_size=2),
    st.sampled_from(["", ".", " = 12", " and 1/2", " of 40."]),
    st.sampled_from([" ", " ", ""]),
    st.sampled_from([None, *LANGUAGES]),
    st.sampled_from(QUESTIONS),
)
def test_a_region_without_words_that_change_it_is_read_as_one_that_has_some(  # noqa: PLR0917
    before, opening, number, closing, after, end, space, language, question
):
    words = "".join(word + space for word in before) + opening + number + closing
    text = " " + words + "".join(space + word for word in after) + end
    if is_changed(text):
        return
    short = region.read_region(text, TextContext(text, language, question))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region, "is_changed", lambda _: True)
        assert region.read_region(text, TextContext(text, language, question)) == short


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Jedes Aquarium hat 7 Fische.", 7), ("$27,000", 27000), ("41.67%。", Fraction(4167, 100)),
        ("198 155,40", Fraction(1981554, 10)), ("「260」となります。", 260), ("-10,000", -10000),
        ("92 millas", 92),
    ],
)  # fmt: skip
def test_words_and_a_plain_number_are_read_at_once(text, value):
    assert not is_changed(text)
    assert read_plain_region(text, TextContext(text, "en", None), 0).value == value


@pytest.mark.parametrize(
    "text",
    ["3 + 4", "5, 6", "[3,5]", "5x", "20k", "5!", "- 15", "half past 3", "x-7", "18 squared"],
)
def test_other_regions_are_left_to_the_rules_for_them(text):
    assert read_plain_region(text, TextContext(text, "en", None), 0) is None


def test_words_that_change_a_number_are_found_in_every_language():
    for code, tables in vocabulary().languages.items():
        numbers = tables.get("numbers", {})
        for form in [*numbers.get("half", ()), *(one for forms in numbers.get("parts", {}).values()
                                                 for one in forms)]:  # fmt: skip
            assert is_changed(f"5 {form.rstrip('*')}"), (code, form)


@given(st.text(alphabet="0123.,' \u00a0$x_", max_size=24))
def test_evidence_is_what_the_tokens_of_a_text_hold(text):
    evidence = Evidence(text)
    evidence.groups("1", ".", "234", money=False)
    tokens = [match[0] for match in TOKEN.finditer(text) if len(match[0]) <= 60]
    assert evidence._values >= {int(one) for one in tokens if one.isdecimal() and len(one) > 3}
    assert not {int(one) for one in tokens if len(one) < 4 and one.isdecimal()} & evidence._values
