"""The texts of other libraries' errors."""

from __future__ import annotations

__all__ = ["first_line", "first_lines"]


def first_line(error: BaseException) -> str:
    r"""Return the first line of an error's message, or its class's name where it has none.

    >>> first_line(ValueError("too long\nby far")), first_line(KeyboardInterrupt())
    ('too long', 'KeyboardInterrupt')
    """
    return next(iter(str(error).splitlines()), type(error).__name__)


def first_lines(error: BaseException) -> str:
    r"""Return the first four lines of an error's message that are not blank, in one.

    >>> first_lines(ValueError("no memory\n\n  for the cache")), first_lines(KeyboardInterrupt())
    ('no memory; for the cache', 'KeyboardInterrupt')
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(lines[:4]) or type(error).__name__
