"""LaTeX: boxes in a text, numbers in markup, and a normal form of expressions."""

from __future__ import annotations

import re
from fractions import Fraction

from clc.answers.compounds import evaluate
from clc.answers.powers import raised
from clc.answers.repeating import write_repeating
from clc.deferred_patterns import deferred_pattern

__all__ = [
    "boxes",
    "is_latex",
    "is_tuple",
    "last_side",
    "may_have_formula",
    "normal_latex",
    "plain",
]

_TEXT = re.compile(
    r"\\(?:text|mathrm|textbf|mathbf|textit|mbox|operatorname|boldsymbol|textrm|mathit|mathsf|hbox|textsf)\s?\{([^{}]{0,400})\}"
)
# 13 \text{ m}^2: the exponent of a unit
_UNIT_POWER = deferred_pattern(
    r"(?<=[\d{},.)\s])([ ~]?)\\(?:text|textrm|mbox|mathrm|operatorname|rm)\s?\{([^{}\d]{1,40})\}"
    r"\s?\^\s?\{?\s?[-−]?[1-4]\s?\}?"
)
_BRACED = re.compile(r"(?<=\d)\{([.,:])\}")  # 1{,}250 and 3{:}30 without space
_FRACTION = re.compile(r"\\[dtc]?frac\s?\{([^{}]{1,200})\}\s?\{([^{}]{1,200})\}")
_TERM = r"\s*(\d{1,60})(?:\s?\^\s?(?:\{\s?(-?\d{1,4})\s?\}|(\d{1,4})))?\s*"
_FRACTION_OF_POWERS = deferred_pattern(rf"\\[dtc]?frac\s?\{{{_TERM}\}}\s?\{{{_TERM}\}}")
_MOST_DIGITS = 120  # of a denominator in plain text
_SHORT_FRACTION = re.compile(r"\\[dtc]?frac\s?(\d)\s?(\d)")
_NUMERIC = re.compile(r"\s*\d{1,18}\s*")
_SIGNED = re.compile(r"\s*[-−]?\s?\d{1,18}(?:,\d{3}){0,4}(?:[.,]\d{1,9})?\s*")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_REPLACE = (
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])"), "×"),
    (re.compile(r"\\div(?![a-zA-Z])"), "÷"),
    (re.compile(r"\\(?:approx|simeq|thickapprox)(?![a-zA-Z])"), "≈"),
    (re.compile(r"\\(?:left|right|displaystyle|bigl?|bigr|Bigl?|Bigr|quad|qquad|hline|limits|boxed|fbox)(?![a-zA-Z])"), " "),  # noqa: E501
    (re.compile(r"\\(?:euro|EUR|texteuro)(?![a-zA-Z])"), "€"),
    (re.compile(r"\\(?:pounds)(?![a-zA-Z])"), "£"),
    (re.compile(r"\\(?:pm)(?![a-zA-Z])"), "±"),
    (re.compile(r"[ ]?\\colon(?![a-zA-Z])[ ]?"), ":"),
    (re.compile(r"[({\s]*\\pmod\s?\{?\s?\d{1,18}\s?\}?[)}]?"), " "),
    (re.compile(r"\\l(?:vert|\|)|\\r(?:vert|\|)|\\mid(?![a-zA-Z])"), "|"),
    (re.compile(r"\\lfloor(?![a-zA-Z])[ ]?"), "⌊"),
    (re.compile(r"[ ]?\\rfloor(?![a-zA-Z])"), "⌋"),
    (re.compile(r"\\lceil(?![a-zA-Z])[ ]?"), "⌈"),
    (re.compile(r"[ ]?\\rceil(?![a-zA-Z])"), "⌉"),
    (re.compile(r"\\(?:prime)(?![a-zA-Z])"), "′"),
    (re.compile(r"\^\s?\{?\s?\\(?:circ|degree)\}?|\\degree"), "°"),
    (re.compile(r"\\,"), "\u2009"),
    (re.compile(r"\\[!]"), ""),
    (re.compile(r"\\[;:>() \[\]]"), " "),
    (re.compile(r"\\([%$#&_€£{}])"), r"\1"),
)  # fmt: skip
_BOX = re.compile(r"(?<![a-zA-Z])(?:b?oxed|fbox)\s{0,2}(?:\{|(?=\d))")
_BOX_PARTS = ("oxed", "fbox")
_MOST_BOXES = 20
_BARE = re.compile(r"[\d.,]{1,30}")
_LONGEST = 2000
_DEGREES = re.compile(r"\^\s?\{?\s?\\(?:circ|degree)\s?\}?")
_MATHS = deferred_pattern(
    r"\\(?:sqrt|pi|infty|sin|cos|tan|log|ln|e\b|cup|cap|in\b|mathbb|emptyset|varnothing|alpha|beta|theta|leq?|geq?|pm|binom|sum|prod|int|lim|begin|overline|vec)(?![a-zA-Z])|\\circ(?![a-zA-Z])|[\u03c0\u03b8∞√∪∩≤≥∈]"
)
_TUPLE = deferred_pattern(
    r"\s*(?:\\left)?[(\[{](?:[^()\[\]{}]|\{[^{}]*\}){0,200},(?:[^()\[\]{}]|\{[^{}]*\}){0,200}(?:\\right)?\\?[)\]}]\s*|\s*\\\{.{1,300}\\\}\s*"
)


def boxes(text: str, start: int, end: int) -> list[tuple[int, int]]:
    r"""Return the spans of contents of complete ``\boxed{...}``, in order; the last twenty.

    >>> text = r"so \boxed{\frac{1}{2}} metres"
    >>> [text[a:b] for a, b in boxes(text, 0, len(text))]
    ['\\frac{1}{2}']
    """
    spans: list[tuple[int, int]] = []
    for mark in _box_marks(text, start, end):
        begin = mark.end()
        if mark[0][-1] != "{":
            bare = _BARE.match(text, begin, end)
            if bare:
                spans.append((begin, begin + len(bare[0].rstrip(".,"))))
            continue
        depth = 1
        for index in range(begin, min(end, begin + _LONGEST)):
            character = text[index]
            if character == "{":
                depth += 1
            elif character == "}":
                depth -= 1
                if depth == 0:
                    spans.append((begin, index))
                    break
    return spans


def _box_marks(text: str, start: int, end: int) -> list[re.Match[str]]:
    """Return where the last boxes begin, in order.

    It searches for literals first: a pattern takes ten times as long.
    """
    marks: list[re.Match[str]] = []
    for part in _BOX_PARTS:
        found = 0
        position = text.rfind(part, start, end)
        while position >= 0 and found < _MOST_BOXES:
            boxed = part == "oxed" and position > start and text[position - 1] == "b"
            mark = _BOX.match(text, position - boxed, end)
            if mark:
                marks.append(mark)
                found += 1
            position = text.rfind(part, start, position)
    return sorted(marks, key=re.Match.start)[-_MOST_BOXES:]


def plain(markup: str) -> str:
    r"""Convert LaTeX markup to plain characters, as far as numbers need it.

    >>> plain(r"\$1{,}250 \text{ dollars}"), plain(r"3\frac{1}{2}"), plain(r"12\%")
    ('$1,250   dollars ', '3 1/2', '12%')
    """
    if "\\" not in markup and "{" not in markup:
        return markup if markup.isascii() else write_repeating(markup)
    markup = _UNIT_POWER.sub(r"\1 \2 ", write_repeating(_BRACED.sub(r"\1", markup)))
    for _ in range(3):
        shorter = _TEXT.sub(r" \1 ", markup)
        if shorter == markup:
            break
        markup = shorter
    markup = _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", markup)
    if "^" in markup:
        markup = _FRACTION_OF_POWERS.sub(_over_powers, markup)
    for _ in range(3):
        shorter = _FRACTION.sub(_over, markup)
        if shorter == markup:
            break
        markup = shorter
    for pattern, replacement in _REPLACE:
        markup = pattern.sub(replacement, markup)
    return markup


def _over(match: re.Match[str]) -> str:
    above, below = match[1], match[2]
    if _NUMERIC.fullmatch(above) and _NUMERIC.fullmatch(below):
        begin = match.start()
        mixed = begin > 0 and match.string[begin - 1].isdecimal()
        return f"{' ' if mixed else ''}{above.strip()}/{below.strip()}"
    if _SIGNED.fullmatch(above) and _SIGNED.fullmatch(below):
        value = _exact(below) and _exact(above) / _exact(below)
        if value:
            return f"{value.numerator}/{value.denominator}"
    return f"({above})/({below})"


def _over_powers(match: re.Match[str]) -> str:
    """Return the value of a fraction of powers; the markup if it is too long to write."""
    parts = [
        raised(
            Fraction(int(match[first])), Fraction(int(match[first + 1] or match[first + 2] or 1))
        )
        for first in (1, 4)
    ]
    if parts[0] is None or not parts[1]:
        return f"({match[1]}^n)/({match[4]})"  # read as unresolved
    value = parts[0] / parts[1]
    if len(str(value.denominator)) > _MOST_DIGITS:
        return f"({match[1]}^n)/({match[4]})"
    return f"{value.numerator}/{value.denominator}"


def _exact(digits: str) -> Fraction:
    """Return the value of a numerator such as -3, 1.5 or 1,250."""
    digits = digits.replace("−", "-").replace(" ", "")
    if _THOUSANDS.fullmatch(digits):
        digits = digits.replace(",", "")
    return Fraction(digits.replace(",", "."))


def is_latex(markup: str) -> bool:
    r"""Whether an answer is an expression beyond numbers: a constant, set or interval.

    >>> is_latex(r"2\sqrt{3}"), is_latex(r"(1, 2]"), is_latex(r"\frac{1}{2}")
    (True, True, False)
    >>> is_latex(r"\sqrt{16}"), is_latex(r"\binom{5}{2} = 10"), is_latex(r"90^\circ")
    (False, False, False)
    """
    if is_tuple(markup):
        return True
    side = _DEGREES.sub("°", last_side(write_repeating(_BRACED.sub(r"\1", markup))))
    return _MATHS.search(side) is not None and evaluate(plain(side)) is None


def may_have_formula(text: str, kind: str | None) -> bool:
    r"""Whether the answer of a text may be an expression, which takes a process to simplify.

    >>> may_have_formula(r"so \boxed{\pi}", None), may_have_formula("Answer: 18", None)
    (True, False)
    """
    return kind == "latex" or (kind is None and ("\\" in text or "oxed" in text))


def is_tuple(markup: str) -> bool:
    """Whether an answer is a tuple, an interval or a set.

    >>> is_tuple("(1, 2]"), is_tuple("(1 + 2)")
    (True, False)
    """
    return _TUPLE.fullmatch(markup) is not None


def last_side(markup: str) -> str:
    r"""Return the last side of an equation, the markup itself if it is none.

    >>> last_side(r"\binom{5}{2} = 10"), last_side("x \\ge 5")
    (' 10', 'x \\ge 5')
    """
    side = markup[markup.rfind("=") + 1 :]
    return side if any(map(str.isalnum, side)) and side.count("{") == side.count("}") else markup


_STYLE = re.compile(
    r"\\(?:left|right|displaystyle|,|;|:|!|quad|qquad|big|Big|bigl|bigr|limits)(?![a-zA-Z])|[$~]"
)
_DFRAC = re.compile(r"\\[dtc]frac(?![a-zA-Z])")
_TRAILING = deferred_pattern(r"[\s.。,;]+\Z")
_APART = re.compile(r"(?<=\d)\s+(?=\d{1,2}(?!\d)|\d{4})")  # 2 3 is not 23
_ASSIGNED = re.compile(r"\s*[a-zA-Z](?:\([a-z]\))?\s*(?:=|\\in)\s*")


def normal_latex(markup: str) -> str | None:
    r"""Normalize an expression without sympy: remove spaces, styles and delimiters.

    >>> normal_latex(r"$x = \dfrac{1}{2}\sqrt{3}$."), normal_latex("  ")
    ('\\frac{1}{2}\\sqrt{3}', None)
    """
    markup = _STYLE.sub("", markup.strip().removeprefix("\\(").removesuffix("\\)"))
    markup = _TRAILING.sub("", _DFRAC.sub(r"\\frac", markup))
    assigned = _ASSIGNED.match(markup)
    if assigned:
        markup = markup[assigned.end() :]
    markup = re.sub(r"\\(?:text|mathrm)\{([^{}]{0,100})\}", r"\1", markup)
    markup = re.sub(r"\\sqrt(\d)", r"\\sqrt{\1}", markup)
    markup = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", markup)
    return re.sub(r"\s+", "", _APART.sub("~", markup)) or None
