"""Any text: never an exception, and time in proportion to length."""

import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clc.answers import canonical, extract_answer, numbers_in
from clc.records import Abstention, Answer

PIECES = st.sampled_from(
    [
        "Answer:", "答案是", "the answer is ", "\\boxed{", "}", "{", "\\frac{1}{2}", "1.234", "1,234", " ",
        "\n", "$", "-", "−", "=", "x", "(", ")", "[num]", "**", "三分之二", "7万", "½", "/", ":", "0", "9" * 30,
        "\\text{", "<|im_end|>", "</think>", "?", "吗", "。", "cannot be determined", "I'm sorry", "or", "twenty-five",
        "৯", "౯", "สิบ", "\u202f", "\u200f", "e5", "× 10^6", "%", "^", "not ", " but ", "#### ", "Question:",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=60).map("".join))
LANGUAGES = st.sampled_from(
    [None, "en", "de", "fr", "ru", "sw", "th", "bn", "te", "zh", "ja", "ar", "xx", "zh-Hant"]
)
KINDS = st.sampled_from([None, "number", "choice"])


@settings(max_examples=1500, deadline=None)
@given(
    text=TEXTS,
    language=LANGUAGES,
    question=st.none() | TEXTS,
    kind=KINDS,
    reason=st.sampled_from([None, "stop", "length"]),
)
@pytest.mark.slow
def test_every_text_has_an_outcome(text, language, question, kind, reason):
    outcome = extract_answer(text, language, question, kind=kind, finish_reason=reason)
    assert isinstance(outcome, Answer | Abstention)
    if isinstance(outcome, Answer):
        assert outcome.value
        start, end = outcome.span
        assert 0 <= start <= end <= len(text)
        if outcome.kind == "number":
            assert str(Fraction(outcome.value)) == outcome.value


@settings(max_examples=500, deadline=None)
@given(text=TEXTS, language=LANGUAGES)
def test_numbers_are_in_order_and_apart(text, language):
    spans = [mention.span for mention in numbers_in(text, language)]
    assert spans == sorted(spans)
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:], strict=False))  # noqa: RUF007


@settings(max_examples=500, deadline=None)
@given(text=TEXTS)
def test_canonical_is_idempotent(text):
    value = canonical(text)
    assert value is None or value == canonical(value)


HARD = [
    "9", "9 ", "9.", "9,", "1 000 ", "answer ", "Answer: ", "Answer: 5\n", "\\boxed{", "\\boxed{5}", "{", "}", "(", "$", "-", "- ",
    "=", "= 5 ", "5/", "½", "三分之二", "三", "一万", "สิบ", "twenty ", "ten and ", "not ", "but ", "wait ", "kann ", "können a ",
    "<|a|>", "\nQuestion: ", "?", "。", "a. ", "**", "**5", "[num]", "\\text{", "\\frac{", "x+", "5x ", " or ", "\u200f", "sorry ", "#### 5\n",
    "答案是", "1:", "e5", "^", "\n", "-5", "a", " ", "1.234 ", "万", "分之", "ne peut ", "Answer (",
]  # fmt: skip


@pytest.mark.parametrize("piece", HARD)
@pytest.mark.slow
def test_time_is_linear(piece):
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    extract_answer(text, "fr", text[:2000])
    numbers_in(text, "en")
    canonical(text[:5000])
    assert (
        time.process_time() - began < 5
    )  # a second at most on an idle machine; anything quadratic takes minutes
