"""The last sentences of long texts, of which only the tail is read where it suffices."""

from hypothesis import given, settings
from hypothesis import strategies as st

from clc.answers import extract_answer
from clc.answers.locate import _WINDOW, LastSentences, _Remarks, _sentences, is_remark

SENTENCES = [
    "So she has 15 mice and they cost 30 in all.", "Then 5 more come to the house.",
    "(That makes 12.)", "(As she said)", "No number is in this sentence at all, is there?",
    "Let me check: 3 + 4 = 7.", "Note: prices rise.", "Confidence: 95%", "- To verify, 7 - 4 = 3",
    "Therefore 18 are left.", "因此有18个。", "我有信心。", "p. m. at 9:15", "P.S. I like mice", "5! ways",
    "Ich hoffe, das hilft!", "1.Note: x", "- - - Check it", "\n", "\n\n1. ", "Notebooks cost 12.", "...", "3.5", "।",
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=30), st.integers(1, 8))
def test_the_tail_has_the_last_sentences_of_the_text(parts, times):
    text = " ".join(parts * times)
    low = max(0, len(text) - _WINDOW)
    spans = _sentences(text, low, len(text), _Remarks(text, low, len(text))) or [(low, len(text))]
    last = LastSentences(text, 0, len(text))
    numbered = [span for span in spans[-64:] if any(map(str.isdecimal, text[slice(*span)]))]
    assert list(last.numbered()) == numbered[:-9:-1]
    worded = [span for span in spans[-64:] if any(one.isalnum() for one in text[slice(*span)])]
    assert list(last.worded()) == worded[:-9:-1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=20))
def test_remarks_are_found_where_a_sentence_is_one(parts):
    text = " ".join(parts)
    remarks = _Remarks(text, 0, len(text))
    begin = 0
    for end in [at for at, one in enumerate(text) if one in ".!?\n"]:
        assert ((begin, end) in remarks) == is_remark(text, begin, end)
        begin = end + 1


def test_a_conclusion_far_before_a_long_check_counts():
    check = "\nCheck: 3 + 4 = 7. " + "Here 3 + 4 are 7 again. " * 100
    text = "She had 12 mice. " * 80 + "So 18 mice are left." + check
    assert extract_answer(text).value == "18"
