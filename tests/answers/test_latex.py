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
    ],
)
def test_equal_expressions_are_equal_strings(a, b):
    assert canonical_latex(a) == canonical_latex(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [("(1,2)", "[1,2]"), ("x+1", "x-1"), (r"\sqrt{2}", r"\sqrt{3}"), (r"\{1,2\}", "(1,2)")],
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
