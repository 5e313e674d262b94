r"""Exact values of powers, factorials and functions: ``2^{2^3}``, ``(3!)!``, ``log_2 8``.

A value is read up to ``powers.LARGEST``, and is otherwise unresolved: never a base, and never a
part of an exponent or an argument. Roots and logarithms have a value where they are exact. Sums,
products and quotients outside an exponent have none: a calculation without its result is no answer.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil, floor, gcd, lcm
from typing import TYPE_CHECKING

from clc.answers.factorials import SIGN
from clc.answers.power_words import power_words
from clc.answers.powers import choose, factorial_of, logarithm, raised, root_of
from clc.answers.vocabulary import per_vocabulary
from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_power", "read_factorial", "read_power", "read_signed"]

_DEEPEST = 8  # brackets and exponents of exponents
_MOST_ARGUMENTS = 8
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀₁₂₃₄₅₆₇₈₉", "0123456789-+0123456789")
_SUP = "⁰¹²³⁴⁵⁶⁷⁸⁹"
# A spaced ** may open or close bold text.
_MARK = deferred_pattern(
    r"[ ]{0,2}\\?[\^↑\u02c6˄＾][ ]?|\*\*[ ]?(?=[-−–+\d({])|[ ]\*\*[ ](?=[-−–+]?\d)|<sup>[ ]?"
)
_FIRST = frozenset("\\^*<")  # ASCII signs with which a power may begin
_AFTER_SPACE = frozenset("\\^↑\u02c6˄＾*")
_RAISED = deferred_pattern(
    rf"⁽?([⁻⁺]?[{_SUP}]{{1,9}})⁾?(?P<more>[{_SUP}])?|[\u207f\u02e3\u02b8\u1d4f]"
)
_NUMBER = deferred_pattern(
    r"(\d{1,3}(?:[,_]\d{3}){1,2}(?![\d,_])|\d{1,60})(?:[.,](\d{1,60}))?(?![\d_])(?!,\d)"
    r"|(\d{1,60}),(?!\d)"
)
_ARGUMENT = re.compile(r"(\d{1,60})(?:\.(\d{1,60}))?(?!\d)")  # before the comma of the next one
_OVER = re.compile(r"[ ]?[/⁄∕][ ]?(?=[\d({])|\)/\(")
_VARIABLE = re.compile(r"[xyznXYZ](?![a-zA-Z\u00c0-\u024f])")
_CLOSED = {"(": ")", "[": "]", "{": "}", "|": "|", "⌊": "⌋", "⌈": "⌉"}
_ROUNDED: dict[str, Callable[[Fraction], Fraction | int]] = {"|": abs, "⌊": floor, "⌈": ceil}
_PART = deferred_pattern(
    r"[ ]?(?:[×÷·⋅/+]|\*(?!\*))[ ]?[\d(√]|[-−–][\d(]|[ ][-−–][ ][\d(]|[\^↑\u02c6˄＾⁰¹²³⁴-⁹]"
)
_MORE = re.compile(r"[ ]?(?:[-+−×÷·⋅*/][ ]?[\d(]|[(\d])")
_NAMES = "log|pow|sqrt|cbrt|gcd|lcm|max|min|abs|factorial|[dt]?binom"
_FUNCTION = re.compile(rf"\\?(?P<name>{_NAMES})(?![a-zA-Z])|[√∛∜]|[CP](?=[ ]?\()")
_COUNTED = re.compile(r"(\d{1,4})[ ]?_?\{?([CP])_?\{?(\d{1,4})\}?(?![\w.,]\d)")  # 5C2
_COUNTED_LOW = re.compile(r"([CAP])[ ]?_[ ]?\{?(\d{1,4})\}?[ ]?\^[ ]?\{?(\d{1,4})\}?")  # C_5^2
_BASE = re.compile(r"[ ]?_?\{?[ ]?(\d{1,9}|[₀-₉]{1,9})[ ]?\}?")
_DEGREE = re.compile(r"\[[ ]?(\d{1,4})[ ]?\]")


@per_vocabulary
def _no_power() -> re.Pattern[str]:
    """Signs after a mark of no power: an ordinal or a note, as in 5^th, 2^{nd}, 18^[1], 18^*."""
    return re.compile(
        rf"[{{(]?\s?(?:{power_words().ordinal}|[oa\u00ba°\u00aa](?![a-zA-Z]))\b\s?[}})]?"
        r"|\{\s?[^\w{}\\(]{0,8}\}|\[|[^\w\s({\[\\+−–√^↑.,;-]"
    )


def is_power(text: str, end: int) -> bool:
    """Whether the signs after ``end`` raise what stands before it to a power."""
    return _RAISED.match(text, end) is not None or (
        (mark := _MARK.match(text, end)) is not None
        and not _is_bold(text, mark)
        and _no_power().match(text, mark.end()) is None
    )


def read_power(text: str, base: Fraction, end: int) -> tuple[Fraction | None, int] | None:
    """Read the exponent after a base that ends at ``end``.

    Returns:
        The value and the end of the power, None for one that has no value to write; None if there
        is no power.

    >>> read_power("2^{2^3}", Fraction(2), 1), read_power("5^{th}", Fraction(5), 1)
    ((Fraction(256, 1), 7), None)
    """
    if not _may_follow(text, end):
        return None
    power = _raise(text, base, end, 0)
    if power is None:
        return _in_words(text, base, end)
    value, stop = power
    part = _VARIABLE.match(text, stop) or _PART.match(text, stop) or text.startswith(SIGN, stop)
    return (None if part else value), stop


def _may_follow(text: str, end: int) -> bool:
    """Whether a power may begin at ``end``, by its first character."""
    sign = text[end : end + 1]
    if sign == " ":
        sign = text[end + 1 : end + 2]
        return sign in _AFTER_SPACE or sign in power_words().firsts
    return sign in _FIRST or not sign.isascii() or sign in power_words().firsts


def _raise(
    text: str, base: Fraction | None, end: int, depth: int
) -> tuple[Fraction | None, int] | None:
    """Raise a base to the exponent after it; None without one."""
    high = _RAISED.match(text, end)
    if high:
        power = None if high["more"] or not high[1] else int(high[1].translate(_SUPERSCRIPT))
        value = None if power is None or base is None else raised(base, Fraction(power))
        return value, high.end()
    mark = _MARK.match(text, end)
    if mark is None or _no_power().match(text, mark.end()) or (not depth and _is_bold(text, mark)):
        return None
    exponent, stop = _signed(text, mark.end(), depth + 1)
    if text.startswith("</sup>", stop) and mark[0].startswith("<"):
        stop += len("</sup>")
    return (None if exponent is None or base is None else raised(base, exponent)), stop


def _is_bold(text: str, mark: re.Match[str]) -> bool:
    """Whether the ``**`` after a number closes bold text: it does if one is open in its line."""
    if "*" not in mark[0]:
        return False
    start = text.rfind("\n", 0, mark.start()) + 1
    stop = text.find("\n", mark.end())
    before = text.count("**", start, mark.start())
    whole = text.count("**", start, len(text) if stop < 0 else stop)
    return before % 2 == 1 and whole % 2 == 0


def _signed(
    text: str, start: int, depth: int, *, number: re.Pattern[str] = _NUMBER
) -> tuple[Fraction | None, int]:
    """Read a number or bracket with its sign, powers and factorials; None for anything else.

    The value is None, with the end of what was read, if it is undefined or no number.
    """
    start = _after_spaces(text, start)
    negative = text[start : start + 1] in {"-", "−", "–"}
    if negative or text[start : start + 1] == "+":
        start = _after_spaces(text, start + 1)
    if depth > _DEEPEST:
        return None, start
    value, end = _primary(text, start, depth, number)
    if end > start:
        value, end = _postfixes(text, value, end, depth)
    return (-value if negative and value is not None else value), end


def _postfixes(
    text: str, value: Fraction | None, end: int, depth: int
) -> tuple[Fraction | None, int]:
    """Apply the exponents and factorial signs after a value."""
    while True:
        power = _raise(text, value, end, depth)
        if power:
            value, end = power
            if text[end : end + 1] == SIGN and text[end - 1].isdecimal():
                return None, end + 1  # 2^3! has two readings
            continue
        run = 0
        while text[end + run : end + run + 1] == SIGN:
            run += 1
        if not run:
            return value, end
        value = None if value is None or run > 2 else factorial_of(value, run)  # noqa: PLR2004
        end += run


def _primary(
    text: str, start: int, depth: int, pattern: re.Pattern[str]
) -> tuple[Fraction | None, int]:
    """Read a number, an expression in brackets, or a function of numbers."""
    opening = text[start : start + 1]
    if opening in _CLOSED:
        value, end = _bracket(text, start, depth)
        change = _ROUNDED.get(opening)
        return (Fraction(change(value)) if change and value is not None else value), end
    counted = _COUNTED.match(text, start)
    if counted:
        total, letter, chosen = counted.groups()
        return choose(int(total), int(chosen), ordered=letter == "P"), counted.end()
    counted = _COUNTED_LOW.match(text, start)
    if counted:
        letter, total, chosen = counted.groups()
        return choose(int(total), int(chosen), ordered=letter != "C"), counted.end()
    digits = pattern.match(text, start)
    if digits:
        if pattern is _NUMBER and digits[3]:  # a comma of the sentence
            return Fraction(int(digits[3])), digits.end(3)
        whole, decimals = digits[1].replace(",", "").replace("_", ""), digits[2] or ""
        return Fraction(int(whole + decimals), 10 ** len(decimals)), digits.end()
    function = _FUNCTION.match(text, start)
    return _function(text, function, depth + 1) if function else (None, start)


def _bracket(text: str, start: int, depth: int) -> tuple[Fraction | None, int]:
    """Read a value or a fraction in brackets."""
    if depth >= _DEEPEST:
        return None, start
    value, position = _signed(text, start + 1, depth + 1)
    over = None if value is None else _OVER.match(text, position)
    if over and value is not None:
        below, position = _signed(text, over.end(), depth + 1)
        value = value / below if below else None
    position = _after_spaces(text, position)
    if text[position : position + 1] != _CLOSED[text[start]]:
        return None, position
    return value, position + 1


def _after_spaces(text: str, position: int) -> int:
    while text[position : position + 1] in {" ", "\u2009"}:
        position += 1
    return position


def _function(text: str, match: re.Match[str], depth: int) -> tuple[Fraction | None, int]:
    """Read a root, a logarithm, or a function of numbers in brackets."""
    name, end = match["name"] or match[0], match.end()
    if name in _ROOTS:
        index = _DEGREE.match(text, end)
        degree = int(index[1]) if index else _ROOTS[name]
        value, end = _signed(text, index.end() if index else end, depth)
        return (None if value is None or not degree else root_of(value, degree)), end
    if name == "log":
        base = _BASE.match(text, end)
        if base is None:
            return None, end
        value, end = _signed(text, base.end(), depth)
        below = Fraction(int(base[1].translate(_SUPERSCRIPT)))
        return (None if value is None else logarithm(below, value)), end
    values, end = _arguments(text, end, depth)
    return (_applied(name, values) if values else None), end


_ROOTS = {"sqrt": 2, "cbrt": 3, "√": 2, "∛": 3, "∜": 4}


def _arguments(text: str, start: int, depth: int) -> tuple[list[Fraction], int]:
    """Read the arguments in (5, 2) or {5}{2}; an empty list if one is no number."""
    start = _after_spaces(text, start)
    values: list[Fraction] = []
    braces = text[start : start + 1] == "{"
    if not braces and text[start : start + 1] != "(":
        return values, start
    while len(values) < _MOST_ARGUMENTS:
        value, position = _signed(text, start + 1, depth, number=_ARGUMENT)
        if value is None:
            return [], position
        values.append(value)
        position = _after_spaces(text, position)
        following = text[position : position + 1]
        if braces and following == "}":
            start = _after_spaces(text, position + 1)
            if text[start : start + 1] != "{":
                return values, position + 1
        elif not braces and following == ")":
            return values, position + 1
        elif not braces and following in {",", ";"}:
            start = position
        else:
            return [], position
    return [], start


_OF_MANY: dict[str, Callable[..., int]] = {
    "max": lambda *values: max(values),
    "min": lambda *values: min(values),
    "gcd": gcd,
    "lcm": lcm,
}


def _applied(name: str, values: list[Fraction]) -> Fraction | None:
    """Apply a function to its arguments; None where it is undefined."""
    whole = [value.numerator for value in values if value.denominator == 1]
    if name in _OF_MANY:
        return Fraction(_OF_MANY[name](*whole)) if whole == values else None
    if len(values) == 1 and name in {"abs", "factorial"}:
        return abs(values[0]) if name == "abs" else factorial_of(values[0])
    if len(values) != 2 or name in {"abs", "factorial"}:  # noqa: PLR2004
        return None
    if name == "pow":
        return raised(*values)
    return choose(*whole, ordered=name == "P") if whole == values else None


def read_signed(text: str, start: int) -> tuple[Fraction | None, int]:
    """Read the expression that begins at ``start``, with the end of what was read.

    >>> read_signed("(3!)!".replace("!", SIGN), 0), read_signed("pow(2, 10)", 0)
    ((Fraction(720, 1), 5), (Fraction(1024, 1), 10))
    >>> read_signed("(4-1)^2", 0)
    (None, 2)
    """
    return _signed(text, start, 0)


def _in_words(text: str, base: Fraction, end: int) -> tuple[Fraction | None, int] | None:
    words = power_words().after.match(text, end)
    if words is None:
        return None
    kind = words.lastgroup
    if kind == "factorial":
        return factorial_of(base), words.end()
    if kind is None:
        return None, words.end()
    power = {"square": 2, "cube": 3}.get(kind) or int(words[kind])
    return raised(base, Fraction(power)), words.end()


def read_factorial(text: str, value: Fraction, end: int) -> tuple[Fraction | None, int]:
    """Read the factorial of a number that ends at ``end``, and what is done with it.

    >>> read_factorial("5!".replace("!", SIGN), Fraction(5), 1)
    (Fraction(120, 1), 2)
    """
    result, stop = _postfixes(text, value, end, 0)
    return (None if _MORE.match(text, stop) else result), stop
