"""Inputs that other tools read wrong (the list that clc must get right)."""

import pytest

from clc.answers import canonical, extract_answer
from clc.records import AbstainReason, Abstention

READ = [
    ("答案是18", "18"),
    ("答案：18", "18"),
    ("答え：18", "18"),
    ("คำตอบ:18", "18"),
    ("উত্তর: ১৮।", "18"),
    ("Antwort: 70.000", "70000"),
    ("Réponse : 70 000", "70000"),
    ("Réponse : 70\u00a0000", "70000"),
    ("Réponse : 70\u202f000", "70000"),
    ("Réponse : 70\u2009000", "70000"),
    ("Respuesta: 12,5", "25/2"),
    ("Answer: 1,00,000", "100000"),
    ("उत्तर: १,००,०००", "100000"),
    ("答案：１８", "18"),
    ("答案：十八", "18"),
    ("答案：7万", "70000"),
    ("答え：8万ドル", "80000"),
    (r"So it is \boxed{\frac{1}{2}}.", "1/2"),
    (r"Thus, she needs \boxed{18} cups over 4 days.", "18"),
    (r"\boxed{18元}", "18"),
    ("Answer: 18 (that is 9 × 2)", "18"),
    ("答案是3吗？不，答案是18。", "18"),
    ("Answer: 0,04", "1/25"),
    ("Answer: -15", "-15"),
    ("Answer: 1.5", "3/2"),
    ("The answer is 114203.", "114203"),
]

NOTHING = [
    ("I'm sorry, but I cannot help with this task.", AbstainReason.REFUSAL),
    ("Answer: cannot be determined", AbstainReason.UNDETERMINED),
    ("Answer: N/A", AbstainReason.UNDETERMINED),
    ("Answer: 160 - x", AbstainReason.UNRESOLVED),
    ("", AbstainReason.EMPTY),
    (" \n\t ", AbstainReason.EMPTY),
]


@pytest.mark.parametrize(("text", "value"), READ)
def test_reads_what_peers_misread(text, value):
    assert extract_answer(text).value == value


@pytest.mark.parametrize(("text", "reason"), NOTHING)
def test_no_answer_is_none(text, reason):
    assert extract_answer(text) == Abstention(reason, extract_answer(text).detail)


def test_truncated_path_has_no_answer():
    text = "First we add 12 and 6 to get 18, then we multiply by"
    assert extract_answer(text, finish_reason="length").reason is AbstainReason.TRUNCATED


def test_truncated_path_with_a_complete_box_counts():
    assert extract_answer(r"\boxed{18}. To verify, note", finish_reason="length").value == "18"


def test_number_cut_at_the_limit_is_truncated():
    outcome = extract_answer("Answer: 1", finish_reason="length")
    assert outcome.reason is AbstainReason.TRUNCATED


@pytest.mark.parametrize(
    ("a", "b"),
    [("18.00", "18"), ("2/6", "1/3"), ("114,200", "114200"), ("$18$", "18"), ("18.0", "18")],
)
def test_equal_values_are_equal_strings(a, b):
    assert canonical(a) == canonical(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [("114203", "114,200"), ("276004", "276,000"), ("-15", "15"), ("1.5", "15"), ("0,04", "4")],
)
def test_different_values_stay_different(a, b):
    assert canonical(a) != canonical(b)
