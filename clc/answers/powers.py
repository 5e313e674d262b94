r"""Powers and factorials after a number: ``2^64``, ``2**10``, ``10²⁰``, ``2^{1/2}``, ``5!``.

A power is read as its value up to ``LARGEST``, and is otherwise unresolved: never its base, and
never a part of its exponent. Roots have a value where they are exact (``8^(2/3)`` is 4). An
exclamation mark at the end of a sentence is no factorial.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import factorial, isqrt

__all__ = ["LARGEST", "MOST_DIGITS", "POWER_OF", "POWER_WORDS", "is_power", "is_writable", "raised",
           "read_factorial", "read_power"]  # fmt: skip

LARGEST = 10**1000
"""The largest number that is read; also the largest numerator and denominator."""
MOST_DIGITS = 1001
"""Digits of ``LARGEST``."""

_LARGEST_BITS = LARGEST.bit_length()
_MOST_FACTORIAL = 449  # 450! is above LARGEST
_DEEPEST = 8  # brackets and exponents of exponents
_LONGEST = 200  # characters of an exponent in brackets
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUP = "⁰¹²³⁴⁵⁶⁷⁸⁹"
# A spaced ** may open or close bold text.
_MARK = re.compile(
    r"[ ]{0,2}\\?[\^↑ˆ˄＾][ ]?|\*\*[ ]?(?=[-−–+\d({])|[ ]\*\*[ ](?=[-−–+]?\d)|<sup>[ ]?"
)
_FIRST = frozenset("\\^*<trshaep")  # ASCII signs with which a power may begin
_AFTER_SPACE = frozenset("\\^↑ˆ˄＾*trshaepvcfFвàk的のยঘట")
_RAISED = re.compile(rf"⁽?([⁻⁺]?[{_SUP}]{{1,9}})⁾?(?P<more>[{_SUP}])?|[ⁿˣʸᵏ]")
_NUMBER = re.compile(
    r"(\d{1,3}(?:[,_]\d{3}){1,2}|\d{1,60})(?:[.,](\d{1,60}))?(?![\d,_])|(\d{1,60}),(?!\d)"
)
_OVER = re.compile(r"[ ]?[/⁄∕][ ]?(?=[\d({])|\)/\(")
_VARIABLE = re.compile(r"[xyznXYZ](?![a-zA-ZÀ-ɏ])")
# 5^th, 2^{nd}, 1^{er}, 18^[1], 18^*: an ordinal or a note, no power.
_NO_POWER = re.compile(
    r"[{(]?\s?(?:st|nd|rd|th|er|re|de|ème|eme|ième|[oaº°ª](?![a-zA-Z])|e(?=\s[a-zà-ÿ]{2}))\b\s?[})]?"
    r"|\{\s?[^\w{}\\]{0,8}\}|\[|[^\w\s({\[\\+−–√^↑.,;-]"
)
_FLAT = r"(?![ ](?:m|f|k|c|in|y|unit))"  # 5 squared metres is no power
_SQUARED = (
    rf"squared{_FLAT}|al[ ]cuadrado|au[ ]carré|в[ ]квадрате|im[ ]Quadrat|的平方(?![根米公厘千分])"
)
_CUBED = rf"cubed{_FLAT}|al[ ]cubo|au[ ]cube|в[ ]кубе|的立方(?![根米公厘千分])"
POWER_WORDS = re.compile(
    r"[ \u00a0]?(?:"
    r"raised[ ]to[ ](?:the[ ])?(?P<raised>-?\d{1,9})(?!\w)"
    r"|(?:raised[ ])?to[ ]the[ ](?:power(?:[ ]of)?[ ]?(?P<en>-?\d{1,9})?"
    r"|(?P<nth>\d{1,9})(?:st|nd|rd|th)[ ]power|(?:minus|negative)[ ]\d|\w{1,20}[ ]power\b"
    r"|\d{1,9}(?:st|nd|rd|th)?(?=[ ]?(?:[.,;:=)]|\Z|is\b|equals)))"
    rf"|raised[ ]to\b|(?P<square>{_SQUARED})|(?P<cube>{_CUBED})|[的の](?:平方|立方)根"
    r"|hoch[ ](?P<de>-?\d{1,9})"
    r"|elevado[ ]a(?:[ ]la)?(?:[ ]potencia(?:[ ]de)?)?[ ](?P<es>-?\d{1,9})?"
    r"|(?:à[ ]la[ ])?puissance[ ](?P<fr>-?\d{1,9})"
    r"|в[ ]степени[ ](?P<ru>-?\d{1,9})?|в[ ](?P<ru_nth>\d{1,9})-?[а-я]{0,3}[ ]степени"
    r"|的[ ]?(?P<zh>\d{1,9})?[ ]?[一二三四五六七八九十百n]{0,4}次[方幂冪]"
    r"|の(?P<ja>\d{1,9})[乗乘](?!根)"
    r"|ยกกำลัง[ ]?(?P<th>-?\d{1,9})?|kwa[ ]kipeo[ ]cha[ ](?P<sw>\d{1,9})?"
    r"|(?:-?এর )?ঘাত (?P<bn>\d{1,9})|టు ది పవర్ (?P<te>\d{1,9})?"
    r"|(?P<factorial>factorial\b|Fakultät\b|factorielle\b|的阶乘|的階乘|の階乗)"
    r")"
)
"""Words after a base that make it a power, a root or a factorial."""

POWER_OF = (
    "power of", "raised to", "raised to the", "elevado a", "elevado a la", "puissance",
    "в степени", "factorial of", "factorial de", "factorielle de", "fakultät von", "факториал",
    "root of", "wurzel aus", "raíz cuadrada de", "racine carrée de", "корень из",
)  # fmt: skip
"""Words before an exponent, or before the argument of a factorial or a root, in lower case."""

# Signs after 5! that no exclamation has, and words of counting.
_FACTORIAL = re.compile(
    r"!(?:[ ]?(?:=(?!=)|[/×÷·⋅^<≈]|[-+*−][ ]?[\d(])|[.,;:](?!\.)|\$"
    r"|[ ](?:ways|different|possible|distinct|arrangement|permutation|ordering|orders|\\)"
    r"|[ ]?\\(?:times|cdot|div|\)|\]))"
)
_CLOSED = {"(": ")", "[": "]", "{": "}", "$": "$"}
_MONEY = frozenset("$€£¥₹₽฿")
_PART = re.compile(
    r"[ ]?(?:[×÷·⋅/+]|\*(?!\*))[ ]?[\d(√]|[-−–][\d(]|[ ][-−–][ ][\d(]|[\^↑ˆ˄＾⁰¹²³⁴-⁹]"
)
_MORE = re.compile(r"[ ]?(?:[-+−×÷·⋅*/][ ]?[\d(]|[(\d])")


def is_writable(value: Fraction) -> bool:
    """Whether numerator and denominator of a value are at most ``LARGEST``."""
    return abs(value.numerator) <= LARGEST and value.denominator <= LARGEST


def raised(base: Fraction, exponent: Fraction) -> Fraction | None:
    """Return a power, None if it is undefined, irrational or too long to write.

    >>> raised(Fraction(2), Fraction(-3)), raised(Fraction(8), Fraction(2, 3))
    (Fraction(1, 8), Fraction(4, 1))
    >>> raised(Fraction(10), Fraction(10**9)), raised(Fraction(2), Fraction(1, 2))
    (None, None)
    """
    if exponent.denominator != 1:
        root = _root(base, exponent.denominator)
        return None if root is None else raised(root, Fraction(exponent.numerator))
    power = exponent.numerator
    if base == 0:
        return None if power < 0 else Fraction(int(power == 0))
    if abs(base) == 1:
        return base if power % 2 else Fraction(1)
    bits = max(abs(base.numerator).bit_length(), base.denominator.bit_length()) - 1
    if abs(power) * bits > _LARGEST_BITS:
        return None
    value = base**power
    return value if is_writable(value) else None


def _root(base: Fraction, degree: int) -> Fraction | None:
    if base < 0 or degree > _LARGEST_BITS:
        return None
    above, below = _whole_root(base.numerator, degree), _whole_root(base.denominator, degree)
    return None if above is None or below is None else Fraction(above, below)


def _whole_root(number: int, degree: int) -> int | None:
    """Return the exact root of a number from 0 up, None if it is irrational."""
    if degree == 2:  # noqa: PLR2004
        root = isqrt(number)
        return root if root * root == number else None
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while low < high:
        middle = (low + high) // 2
        if middle**degree < number:
            low = middle + 1
        else:
            high = middle
    return low if low**degree == number else None


def is_power(text: str, end: int) -> bool:
    """Whether the signs after ``end`` raise what stands before it to a power."""
    return _RAISED.match(text, end) is not None or (
        (mark := _MARK.match(text, end)) is not None
        and not _is_bold(text, mark)
        and _NO_POWER.match(text, mark.end()) is None
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
    high = _RAISED.match(text, end)
    if high:
        power = None if high["more"] or not high[1] else int(high[1].translate(_SUPERSCRIPT))
        value = None if power is None else raised(base, Fraction(power))
        return _checked(text, value, high.end())
    mark = _MARK.match(text, end)
    if mark is None:
        return _in_words(text, base, end)
    if _is_bold(text, mark) or _NO_POWER.match(text, mark.end()):
        return None
    exponent, stop = _exponent(text, mark.end(), 0)
    if exponent is None:
        return None, stop
    if mark[0].startswith("<"):
        stop += 6 if text.startswith("</sup>", stop) else 0
    return _checked(text, raised(base, exponent), stop)


def _may_follow(text: str, end: int) -> bool:
    """Whether a power may begin at ``end``, by its first character."""
    sign = text[end : end + 1]
    if sign == " ":
        return text[end + 1 : end + 2] in _AFTER_SPACE
    return sign in _FIRST or not sign.isascii()


def _checked(text: str, value: Fraction | None, end: int) -> tuple[Fraction | None, int]:
    """Return a power without its value if it is only a part of an expression."""
    part = _VARIABLE.match(text, end) or _PART.match(text, end) or _FACTORIAL.match(text, end)
    return (None if part else value), end


def _is_bold(text: str, mark: re.Match[str]) -> bool:
    """Whether the ``**`` after a number closes bold text: it does if one is open in its line."""
    if "*" not in mark[0]:
        return False
    start = text.rfind("\n", 0, mark.start()) + 1
    stop = text.find("\n", mark.end())
    before = text.count("**", start, mark.start())
    whole = text.count("**", start, len(text) if stop < 0 else stop)
    return before % 2 == 1 and whole % 2 == 0


def _exponent(text: str, start: int, depth: int) -> tuple[Fraction | None, int]:
    """Read an exponent; None if it is no number, with the end of what was read."""
    negative = text[start : start + 1] in {"-", "−", "–"}
    if negative or text[start : start + 1] == "+":
        start += 1
    value, end = _primary(text, start, depth)
    if value is None or depth >= _DEEPEST:
        return None, end
    high = _RAISED.match(text, end)
    mark = None if high else _MARK.match(text, end)
    if high:
        above = int(high[1].translate(_SUPERSCRIPT)) if high[1] and not high["more"] else None
        value, end = None if above is None else raised(value, Fraction(above)), high.end()
    elif mark and not mark[0].startswith("<"):
        upper, end = _exponent(text, mark.end(), depth + 1)
        value = None if upper is None else raised(value, upper)
    elif text[end : end + 1] == "!" and text[end + 1 : end + 2] in {")", "}", "!"}:
        value, end = _factorial(value) if text[end + 1] != "!" else None, end + 1
    if value is None:
        return None, end
    return (-value if negative else value), end


def _primary(text: str, start: int, depth: int) -> tuple[Fraction | None, int]:
    """Read a number, or an exponent or fraction in brackets."""
    opening = text[start : start + 1]
    if opening not in {"(", "{"}:
        number = _NUMBER.match(text, start)
        if number is None:
            return None, start
        if number[3]:  # a comma of the sentence
            return Fraction(int(number[3])), number.end(3)
        whole, decimals = number[1].replace(",", "").replace("_", ""), number[2] or ""
        return Fraction(int(whole + decimals), 10 ** len(decimals)), number.end()
    if depth >= _DEEPEST:
        return None, start
    stop = start + _LONGEST
    position = _after_spaces(text, start + 1)
    value, position = _exponent(text, position, depth + 1)
    over = None if value is None else _OVER.match(text, position, stop)
    if over and value is not None:
        below, position = _exponent(text, over.end(), depth + 1)
        value = value / below if below else None
    position = _after_spaces(text, position)
    if text[position : position + 1] != _CLOSED[opening]:
        return None, position
    return value, position + 1


def _after_spaces(text: str, position: int) -> int:
    while text[position : position + 1] == " ":
        position += 1
    return position


def _in_words(text: str, base: Fraction, end: int) -> tuple[Fraction | None, int] | None:
    words = POWER_WORDS.match(text, end)
    if words is None:
        return None
    kind = words.lastgroup
    if kind == "factorial":
        return _factorial(base), words.end()
    if kind is None:
        return None, words.end()
    power = {"square": 2, "cube": 3}.get(kind) or int(words[kind])
    return raised(base, Fraction(power)), words.end()


def read_factorial(
    text: str, value: Fraction, start: int, end: int
) -> tuple[Fraction | None, int] | None:
    """Read the factorial of a whole number in ``text[start:end]``; None for an exclamation.

    >>> read_factorial("5! = 120", Fraction(5), 0, 1)
    (Fraction(120, 1), 2)
    >>> read_factorial("It is 5!", Fraction(5), 6, 7) is None
    True
    """
    before = text[start - 1 : start] if start else ""
    after = text[end + 1 : end + 2]
    enclosed = bool(after) and (_CLOSED.get(before) == after or (not before and after == ")"))
    if not enclosed and (
        before in _MONEY or _FACTORIAL.match(text, end) is None or "¡" in text[:start]
    ):
        return None
    result = _factorial(value)
    more = _MORE.match(text, end + 1)
    return (None if more else result), end + 1


def _factorial(value: Fraction) -> Fraction | None:
    if value.denominator != 1 or not 0 <= value <= _MOST_FACTORIAL:
        return None
    return Fraction(factorial(value.numerator))
