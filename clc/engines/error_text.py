"""The texts of other libraries' errors."""

from __future__ import annotations

__all__ = ["first_line"]


def first_line(error: BaseException) -> str:
    r"""Return the first line of an error's message, or its class's name where it has none.

    >>> first_line(ValueError("too long\nby far")), first_line(KeyboardInterrupt())
    ('too long', 'KeyboardInterrupt')
    """
    return next(iter(str(error).splitlines()), type(error).__name__)
