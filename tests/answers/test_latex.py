"""LaTeX answers, and the process that simplifies them."""

import sys

import pytest

from clc.answers import canonical, extract_answer
from clc.answers.latex import normal_latex, plain
from clc.answers.latex_canonical import Simplifier, canonical_latex
from clc.records import AbstainReason

sympy = pytest.importorskip("sympy")
pytest.importorskip("math_verify")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (r"2\sqrt{3}", r"\sqrt{12}"),
        ("x+1", "1 + x"),
        (r"(x+1)^2", "x^2+2x+1"),
        (r"\frac{\pi}{2}", r"\dfrac{1}{2}\pi"),
        (r"\{1, 2, 3\}", r"\{3,2,1\}"),
        (r"[0,\infty)", r"\left[0, \infty\right)"),
        ("0.5", r"\frac{1}{2}"),
        ("x = 5", "5"),
        ("12:30", r"\frac{25}{2}"),
        ("2:3", r"\frac{2}{3}"),
        (r"\binom{5}{2} = 10", "10"),
        ("x = 2 + 3 = 5", "5"),
        (r"0.\overline{3}", r"\frac13"),
        (r"2\text{ hours }30\text{ min}", "2.5"),
        (r"13\text{ m}^2", "13"),
        (r"12\,500", "12500"),
        (r"A = \pi r^2", r"\pi r^2"),
        (r"\theta = 30^\circ", "30"),
        (r"x=1 \text{ or } x=2", r"x=2 \text{ or } x=1"),
    ],
)
def test_equal_expressions_are_equal_strings(a, b):
    assert canonical_latex(a) == canonical_latex(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("(1,2)", "[1,2]"),
        ("x+1", "x-1"),
        (r"\sqrt{2}", r"\sqrt{3}"),
        (r"\{1,2\}", "(1,2)"),
        ("12:00", "1:00"),
        ("12:30", "0.4"),
        ("1:2:3", "1/6"),
        ("A", "a"),
        ("AB", "BA"),
        ("hello", "oellh"),
        ("2 3", "23"),
        ("2 3", "2"),
        (r"2\,3", "5"),
        ("1e5", "5e"),
        ("0.1", "0.10000000000001"),
        ("5'6''", "56"),
        ("x < 5", "5"),
        ("x^2+y^2=25", "25"),
        ("f(x)=2x", "2x"),
        (r"10 \bmod 3", "10"),
        (r"3 \pmod 7", r"3 \pmod 5"),
        (r"2\text{ hours }30\text{ min}", "60"),
        (r"\text{no}", r"\text{on}"),
        ("10:30 PM", "10:30"),
        (r"2^{100}", r"2^{101}"),
    ],
)
def test_different_expressions_stay_different(a, b):
    assert canonical_latex(a) != canonical_latex(b)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"The length is $\boxed{2\sqrt{3}}$.", r"2 \sqrt{3}"),
        (r"Thus $x \in \boxed{(-\infty, 2)}$", r"\left(-\infty, 2\right)"),
        (r"Answer: $\frac{\pi}{4}$", r"\frac{\pi}{4}"),
    ],
)
def test_latex_is_inferred(text, value):
    outcome = extract_answer(text)
    assert (outcome.value, outcome.kind) == (value, "latex")


def test_kind_latex_keeps_variables():
    assert extract_answer(r"\boxed{3x+24}", kind="latex").value == canonical("24+3x", kind="latex")
    assert extract_answer(r"\boxed{3x+24}").reason is AbstainReason.UNRESOLVED


HANG = "import sys, time\nsys.stdout.write('ready\\n'); sys.stdout.flush()\ntime.sleep(60)"
CRASH = "import sys, os\nsys.stdout.write('ready\\n'); sys.stdout.flush()\nsys.stdin.readline()\nos._exit(11)"


@pytest.mark.parametrize("program", [HANG, CRASH])
def test_hang_and_crash_lose_one_expression(program):
    worker = Simplifier(seconds=0.3, command=(sys.executable, "-c", program))
    assert worker.canonical("x") is None
    assert worker.canonical("y") is None  # a fresh process was asked
    worker.close()


def test_without_sympy_the_normal_text_stands():
    worker = Simplifier()
    worker._available = False
    assert worker.canonical("x+1") is None
    assert normal_latex(r"$\left( x \right) $.") == "(x)"


def test_plain_markup():
    assert plain(r"\text{about } 12\,500 \text{ km}").split() == [
        "about",
        ["12", "500"][0],
        ["12", "500"][1],
        "km",
    ]
