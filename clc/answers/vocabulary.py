"""The words of all languages by which answers are read.

A path's words do not follow its language, so the lists of all languages are searched in every text.
The vocabulary in effect is that of the bundled files of languages, or one that a reader puts in
effect for its own call; what is compiled from it is cached for each vocabulary.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache, wraps
from inspect import CO_VARARGS
from typing import TYPE_CHECKING, Any, TypeVar, cast

import orjson

from clc.languages.files import language_files, read_language_files
from clc.prompt_files import bundled_prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    Function = TypeVar("Function", bound=Callable[..., Any])

_LATIN = "ABCDEFGHIJ"
_NOT_READ = frozenset({"script", "locale", "sources", "readers", "prompt", "demonstrations"})

__all__ = [
    "Vocabulary",
    "folder_vocabulary",
    "merged",
    "own_vocabulary",
    "per_vocabulary",
    "use_vocabulary",
    "vocabulary",
]


class Vocabulary:
    """The tables of the files of languages, by BCP-47 code.

    Args:
        languages: all tables.
        own: those of a user's folder, which have priority in ``languages`` entry by entry.
    """

    def __init__(
        self, languages: Mapping[str, Mapping[str, Any]], own: Mapping[str, Any] | None = None
    ) -> None:
        self.languages = languages
        self.own = own or {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as the user's tables; there, equal ones are one vocabulary."""
        return own_vocabulary, (self.own,)

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


def folder_vocabulary(folder: Path) -> Vocabulary | None:
    """Return the vocabulary with the words of a user's folder; None where it has none.

    Raises:
        TemplateError: a file of a language is broken.
    """
    from clc.answers.word_checks import check_patterns  # it needs the words of this module

    own: dict[str, dict[str, Any]] = {}
    for file in read_language_files(folder):
        check_patterns(file.path, file.tables)
        tables = {name: table for name, table in file.tables.items() if name not in _NOT_READ}
        label = file.tables.get("prompt", {}).get("label", "").rstrip(" :：")
        if label:
            known = tables.get("answers", {})
            bundled = _bundled().languages.get(file.code, {}).get("answers", {})
            labels = known.get("answer", bundled.get("answer", ()))
            answer = list(dict.fromkeys([*labels, label.lower()]))
            tables["answers"] = {**known, "answer": answer}
        if tables:
            own[file.code] = tables
    return own_vocabulary(own) if own else None


def own_vocabulary(own: Mapping[str, Any]) -> Vocabulary:
    """Return the vocabulary with a user's tables; equal ones are one object."""
    return _own(orjson.dumps(own, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=8)
def _own(tables: bytes) -> Vocabulary:
    own = orjson.loads(tables)
    return Vocabulary(merged(_bundled().languages, own), own)


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables with others over them, entry by entry."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


_current: ContextVar[Vocabulary | None] = ContextVar("vocabulary", default=None)


def vocabulary() -> Vocabulary:
    """Return the vocabulary in effect."""
    return _current.get() or _bundled()


def use_vocabulary(chosen: Vocabulary | None) -> AbstractContextManager[None]:
    """Put a vocabulary in effect; None leaves the one that is."""
    return _InEffect(chosen)


class _InEffect:
    """The block in which a vocabulary is in effect: a run enters two for each path."""

    __slots__ = ("_chosen", "_token")

    def __init__(self, chosen: Vocabulary | None) -> None:
        self._chosen = chosen

    def __enter__(self) -> None:
        self._token = _current.set(self._chosen or _current.get())

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def per_vocabulary(function: Function) -> Function:
    """Cache a function's results for each vocabulary and each set of arguments."""

    @lru_cache(maxsize=64)
    def cached(_: Vocabulary | None, *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        return cached(_current.get(), *arguments, **named)

    @wraps(function)
    def call_plain() -> Any:  # called several times for each text: it takes two thirds of the time
        return cached(_current.get())

    code = function.__code__
    plain = not (code.co_argcount or code.co_kwonlyargcount or code.co_flags & CO_VARARGS)
    return cast("Function", call_plain if plain else call)
