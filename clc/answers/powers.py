r"""Exact powers, roots, factorials and logarithms, bounded by the largest number that is read."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial, isqrt, perm

__all__ = ["LARGEST", "MOST_DIGITS", "choose", "factorial_of", "is_writable", "logarithm", "raised",
           "root_of"]  # fmt: skip

LARGEST = 10**1000
"""The largest number that is read; also the largest numerator and denominator."""
MOST_DIGITS = 1001
"""Digits of ``LARGEST``."""

_LARGEST_BITS = LARGEST.bit_length()
_MOST_FACTORIAL = (449, 769)  # 450! and 770!! are above LARGEST


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
        root = root_of(base, exponent.denominator)
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


def root_of(base: Fraction, degree: int) -> Fraction | None:
    """Return the exact root of a number from 0 up, None if it is irrational or of high degree.

    >>> root_of(Fraction(4, 9), 2), root_of(Fraction(2), 2)
    (Fraction(2, 3), None)
    """
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


def factorial_of(value: Fraction, step: int = 1) -> Fraction | None:
    """Return n!, or n!! with ``step`` 2; None if it is undefined or too long to write.

    >>> factorial_of(Fraction(5)), factorial_of(Fraction(7), 2), factorial_of(Fraction(5000))
    (Fraction(120, 1), Fraction(105, 1), None)
    """
    if value.denominator != 1 or not 0 <= value <= _MOST_FACTORIAL[step - 1]:
        return None
    if step == 1:
        return Fraction(factorial(value.numerator))
    product = 1
    for factor in range(value.numerator, 1, -step):
        product *= factor
    return Fraction(product)


def choose(total: int, chosen: int, *, ordered: bool = False) -> Fraction | None:
    """Return the number of combinations, or of permutations if ``ordered``; None if undefined.

    >>> choose(5, 2), choose(5, 2, ordered=True)
    (Fraction(10, 1), Fraction(20, 1))
    """
    if not 0 <= chosen <= total or total > _LARGEST_BITS:  # for the time that it takes
        return None
    count = (perm if ordered else comb)(total, chosen)
    return Fraction(count) if count <= LARGEST else None


def logarithm(base: Fraction, value: Fraction) -> Fraction | None:
    """Return an exact logarithm, None if it is irrational or undefined.

    >>> logarithm(Fraction(2), Fraction(8)), logarithm(Fraction(4), Fraction(8))
    (Fraction(3, 1), Fraction(3, 2))
    """
    if base <= 0 or base == 1 or value <= 0 or base.denominator != 1 or base < 1:
        return None
    sign = 1
    if value < 1:
        sign, value = -1, 1 / value
    if value.denominator != 1:
        return None
    number, exponent = value.numerator, 0
    while number % base.numerator == 0:
        number, exponent = number // base.numerator, exponent + 1
    if number == 1:
        return Fraction(sign * exponent)
    for degree in (2, 3, 4, 5, 6):  # log_4 8: 4 is 2^2
        root = _whole_root(base.numerator, degree)
        if root is not None:
            inner = logarithm(Fraction(root), value)
            return None if inner is None else sign * inner / degree
    return None
