"""The words of all languages by which answers are read.

A path's words do not follow its language, so the lists of all languages are searched in every text.
The vocabulary in effect is that of the bundled files of languages, or one that a reader puts in
effect for its own call; what is compiled from it is cached for each vocabulary.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from clc.language_files import language_files
from clc.prompt_files import bundled_prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Function = TypeVar("Function", bound=Callable[..., Any])

_LATIN = "ABCDEFGHIJ"

__all__ = ["Vocabulary", "per_vocabulary", "use_vocabulary", "vocabulary"]


class Vocabulary:
    """The tables of the files of languages, by BCP-47 code."""

    def __init__(self, languages: Mapping[str, Mapping[str, Any]]) -> None:
        self.languages = languages

    def listed(self, table: str, key: str) -> list[str]:
        """Return the words of a list, of all languages, each once.

        >>> "woche*" in vocabulary().listed("units.time", "week")
        True
        """
        words: dict[str, None] = {}
        for tables in self.languages.values():
            part = tables
            for name in table.split("."):
                part = part.get(name, {})
            words.update(dict.fromkeys(part.get(key, ())))
        return list(words)

    def option_letters(self) -> dict[str, str]:
        """Return the letters of options, and their names, with the Latin letters for them."""
        letters: dict[str, str] = {}
        for tables in self.languages.values():
            own = tables.get("options", {}).get("letters", ())
            letters |= dict(zip(own, _LATIN, strict=False))
        for latin in _LATIN:
            called = self.listed("options", f"called_{latin.lower()}")
            letters |= dict.fromkeys(called, latin)
        return letters


@lru_cache(maxsize=1)
def _bundled() -> Vocabulary:
    return Vocabulary({file.code: file.tables for file in language_files(bundled_prompts())})


_current: ContextVar[Vocabulary | None] = ContextVar("vocabulary", default=None)


def vocabulary() -> Vocabulary:
    """Return the vocabulary in effect."""
    return _current.get() or _bundled()


@contextmanager
def use_vocabulary(chosen: Vocabulary | None) -> Iterator[None]:
    """Put a vocabulary in effect; None is the bundled one."""
    token = _current.set(chosen)
    try:
        yield
    finally:
        _current.reset(token)


def per_vocabulary(function: Function) -> Function:
    """Cache a function's results for each vocabulary and each set of arguments."""

    @lru_cache(maxsize=64)
    def cached(_: Vocabulary | None, *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        return cached(_current.get(), *arguments, **named)

    return cast("Function", call)
