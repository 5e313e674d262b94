"""Regular expressions that are compiled when they are first used.

Compiling takes 0.1 to 2 ms for each, and the first text that a process reads needs few of them.
"""

from __future__ import annotations

import re
from typing import Any, cast

__all__ = ["deferred_pattern"]

_NAMES = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")


def deferred_pattern(expression: str, flags: int = 0) -> re.Pattern[str]:
    """Return what ``re.compile`` does, for use by its methods and its ``pattern`` alone.

    It raises at the first use where the expression is wrong.

    >>> deferred_pattern(r"[a-z]+").fullmatch("abc").span()
    (0, 3)
    """
    return cast("re.Pattern[str]", _Deferred(expression, flags))


class _Compiled:
    """A pattern with the methods of the compiled one as attributes."""

    pattern: str


class _Deferred(_Compiled):
    """A pattern that compiles itself for the first method asked for, and then is ``_Compiled``.

    ``__getattr__`` of a class slows down all its attributes, so the class is changed.
    """

    def __init__(self, expression: str, flags: int) -> None:
        self.pattern = expression
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        if name not in _NAMES:
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._flags)
        for one in _NAMES:
            setattr(self, one, getattr(compiled, one))
        self.__class__ = _Compiled  # type: ignore[assignment]
        return getattr(self, name)
