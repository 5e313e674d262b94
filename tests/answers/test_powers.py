"""Powers and factorials have their value, or none: never that of a base or of a prefix."""

import pytest

from clc.answers import canonical, extract_answer
from clc.answers.powers import LARGEST
from clc.records import AbstainReason, Abstention, Answer

VALUES = {
    "2^64": 2**64, "10^30": 10**30, "10^100": 10**100, "10^1000": 10**1000, "2^2^3": 256,
    "2**10": 1024, "9**0.5": 3, "2^-3": "1/8", "2^−3": "1/8", "4^(1/2)": 2, "8^(2/3)": 4,
    "16^{-1/2}": "1/4", "27^{\\frac{1}{3}}": 3, "4^0.5": 2, "1.5^2": "9/4", "1,000^2": 10**6,
    "10²⁰": 10**20, "2⁻³": "1/8", "2⁽¹⁰⁾": 1024, "३²": 9, "2 ^ 10": 1024, "2 ** 3 ** 2": 512,
    "1e30": 10**30, "1.2e+30": 12 * 10**29, "1E+05": 10**5, "5e-3": "1/200", "1e1000": 10**1000,
    "3 × 10^{23}": 3 * 10**23, "3*10**8": 3 * 10**8, "3 × 10⁸": 3 * 10**8, "10^6 million": 10**12,
    "10^{1{,}000}": 10**1000, "2<sup>10</sup>": 1024, "2\\^{10}": 1024, "2↑10": 1024, "2＾10": 1024,
    "2 to the power of 10": 1024, "2 to the 10th power": 1024, "2 raised to the 10": 1024,
    "5 squared": 25, "5 cubed": 125, "2 hoch 10": 1024, "2 elevado a 10": 1024,
    "2 à la puissance 10": 1024, "2 в степени 10": 1024, "2的10次方": 1024, "2の10乗": 1024,
    "2 ยกกำลัง 10": 1024, "5! = 120": 120, "$5!$": 120, "(5!)": 120, "5! ways": 120,
    "5 factorial": 120, "(-2)^3": -8, "-2^2": -4, "(1/2)^3": "1/8", "(1.5)²": "9/4",
    "1/2^3": "1/8", "\\frac{1}{2^{99}}": f"1/{2**99}", "2^{10} = 1024": 1024, "0^0": 1,
    "1^999999999": 1, "2^{3!}": 64, "7^{{2}}": 49, "10^6 dollars": 10**6, "5^2 apples": 25,
}  # fmt: skip
NONE = (
    "10^1001", "1e1001", "1e1000000", "1e-1001", "2^10000", "9^9^9", "2^2^2^2^2", "2^(2^(2^(2^2)))",
    "2^0.5", "2^{1/2}", "2**0.5", "2^99999999999999999999", "10⁹⁹⁹⁹⁹⁹⁹⁹⁹⁹⁹", "99999999^99999999",
    "2^n", "2ⁿ", "2^{n+1}", "2^(3+4)", "2^10n", "2^{10}x", "2^^3", "2²^3", "2^", "0^-1", "2^(1/0)",
    "(1 + 0.1)^3", "(see 3)^2", "2^31 − 1", "2^31−1", "2^{31}-1", "2^3/4", "2·3^4", "10!/3!", "3! × 2",
    "10!/(3!7!)",  "450! ways", "2.5 million^2", "½^2", "3×10^1001", "two to the power of 10",
    "10 to the power of two", "four cubed", "五的平方", "the square root of 16", "mc^2",
    "\\frac{1}{2^{5000}}", "2" + "^{2" * 50 + "}" * 50, "2" + "^(" * 500 + "2" + ")" * 500,
)  # fmt: skip
NO_POWERS = {
    "18^{th}": 18, "the 5^th": 5, "18^[1]": 18, "18^*": 18, "24 m^2": 24, "24 cm²": 24,
    "**18**": 18, "20^\\circ": 20, "5 squared metres": 5, "18^{\\circ}": 18,
}  # fmt: skip
EXCLAMATIONS = (
    "9 + 9 = 18. So the answer is 18!", "¡La respuesta es $18! Espero que ayude.",
    "Answer: 18!\n\nGreat work!", "We get $18!", "Great! It is 18!!", "Antwort: 18 !",
    "**Answer: 9 + 9 = 18!**",
)  # fmt: skip
EITHER = (
    "So the answer is 18!", "**Answer: 18!**", "The answer is 5!.", "Antwort: 6!", "答案：5！",
    "Respuesta: 7!", "<answer>12!</answer>", "Ответ: 10!", "#### 4!", "The answer is 9!, I think.",
)  # fmt: skip


def read(text):
    outcome = extract_answer(text, "en")
    return outcome.value if isinstance(outcome, Answer) else outcome.reason


@pytest.mark.parametrize(
    "frame", ["The answer is {}.", "Answer: {}.", "\\boxed{{{}}}", "So it is {}."]
)
@pytest.mark.parametrize("written", VALUES)
def test_a_power_has_its_value(written, frame):
    text = written.strip("$()") if "boxed" in frame and written in ("$5!$", "(5!)") else written
    assert read(frame.format(text)) == str(VALUES[written])


@pytest.mark.parametrize("frame", ["The answer is {}.", "Answer: {}", "\\boxed{{{}}}"])
@pytest.mark.parametrize("written", NONE)
def test_a_power_without_a_value_to_write_has_no_vote(written, frame):
    outcome = extract_answer(frame.format(written), "en")
    assert isinstance(outcome, Abstention)
    assert outcome.reason in (
        AbstainReason.UNRESOLVED,
        AbstainReason.UNDETERMINED,
        AbstainReason.TRUNCATED,
    )


@pytest.mark.parametrize("written", NO_POWERS)
def test_what_only_looks_like_a_power_is_none(written):
    assert read(f"The answer is {written}.") == str(NO_POWERS[written])


@pytest.mark.parametrize("text", EXCLAMATIONS)
def test_an_exclamation_is_no_factorial(text):
    assert read(text) == "18"


@pytest.mark.parametrize("text", EITHER)
def test_what_may_be_a_factorial_or_an_exclamation_has_no_vote(text):
    assert read(text) == AbstainReason.UNRESOLVED


@pytest.mark.parametrize("power", [60, 61, 100, 999, 1000])
def test_equal_values_are_equal_strings_however_they_are_written(power):
    digits = str(10**power)
    grouped = f"{10**power:,}"
    for text in (f"10^{power}", f"10^{{{power}}}", f"1e{power}", f"10**{power}", digits, grouped):
        assert read(f"Answer: {text}") == digits
        assert canonical(text) == digits


def test_nothing_above_the_largest_number_is_read():
    assert read(f"Answer: {LARGEST}") == str(LARGEST)
    assert canonical(str(LARGEST) + "0") is None
    assert isinstance(extract_answer("Answer: " + "9" * 5000), Abstention)
