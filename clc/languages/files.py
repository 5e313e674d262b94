"""The files of languages: ``languages/CODE.toml`` in a folder of prompt files.

All that is known of a language stands in its file: cue words for prompts, words by which answers
are read, units, number words, solved problems. ``und.toml`` holds the words of no one language, and
the English instructions for languages without cue words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.bounds import abbreviate
from clc.errors import LanguageError, TemplateError
from clc.input_files import parse_toml, read_regular
from clc.languages.codes import UNKNOWN_LANGUAGE, normalize_language
from clc.prompt_files import bundled_prompts, read_compiled, read_layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "ANSWER_LISTS",
    "FOLDER",
    "QUANTITIES",
    "LanguageFile",
    "check_keys",
    "check_lists",
    "check_placeholders",
    "check_words",
    "language_files",
    "prompt_language",
    "quantities",
    "read_language_files",
]

FOLDER = "languages"
QUANTITIES = "units.toml"
ANSWER_LISTS = (
    "answer", "pause", "error", "rethink", "undetermined", "denial", "denial_after", "circumstance",
    "circumstance_after", "only", "sorry", "unable", "remark", "total", "so", "problem", "user",
    "assistant", "because", "contrast", "and", "not", "not_after", "none", "right", "option",
    "copula", "question", "placeholder", "premise", "not_but", "join", "alternative", "range",
    "between", "copula_after", "of_numbered", "numbered", "derived", "sum", "sum_after", "negative",
    "below_zero", "ways",
)  # fmt: skip
_TEXTS = {
    "": ("script", "locale", "sources", "readers"),
    "prompt": ("label", "think", "final", "reason_in", "only"),
}
_LISTS = {
    "answers": ANSWER_LISTS,
    "clock": (
        "before_noon", "after_noon", "at", "of", "hour", "dotted_before", "dotted_after", "past",
        "joint",
    ),
    "ratio": ("names", "between", "glued", "compared", "alone", "sure"),
    "mixed": ("joiners", "counters", "half_before", "quarter_before", "quarter_less_before",
              "half_of_scale", "not_variables"),
    "money": ("codes", "names"),
    "options": (
        "letters", "called_a", "called_b", "called_c", "called_d", "called_e", "words", "nouns",
        "articles", "endings",
    ),
    "powers": ("power", "squared", "cubed", "factorial", "factorials", "of", "ordinal"),
}  # fmt: skip
_PLACEHOLDER = re.compile(r"\{[^{}]*\}?|\}")
_UNITS = ("units", "unit_signs")
_FREE = ("numbers", "demonstrations")  # checked where they are read


class LanguageFile(NamedTuple):
    """A file of a language: its BCP-47 code, its path and its tables."""

    code: str
    path: Path
    tables: dict[str, Any]


def read_language_files(folder: Path) -> list[LanguageFile]:
    """Read the files of languages in ``folder``, sorted by their names.

    Raises:
        TemplateError: a file cannot be read, is not TOML, is not named after a language, or holds
            an unknown table or key, or a value of the wrong type.
    """
    files = []
    codes: dict[str, Path] = {}
    for path in sorted((folder / FOLDER).glob("*.toml")):
        data = read_regular(path, TemplateError)
        if data is None:
            continue
        code = path.stem
        if code != UNKNOWN_LANGUAGE:
            code = prompt_language(code, str(path))
        if (other := codes.setdefault(code, path)) != path:
            raise TemplateError(f"{path}: {other.name} is of the same language, {code!r}")
        tables = parse_toml(data, path, TemplateError)
        _check(path, tables)
        if code == UNKNOWN_LANGUAGE:
            for key, text in tables.get("prompt", {}).items():
                check_placeholders(f"{path}: [prompt] {key}", text)
        files.append(LanguageFile(code, path, tables))
    return files


def language_files(folder: Path) -> Sequence[LanguageFile]:
    """Return the files of languages in ``folder``; the bundled ones are read once.

    Raises:
        TemplateError: as for ``read_language_files``.
    """
    return _bundled() if folder == bundled_prompts() else read_language_files(folder)


@lru_cache(maxsize=1)
def _bundled() -> tuple[LanguageFile, ...]:
    """Read the bundled files, from their compiled form where that is no older."""
    folder = bundled_prompts()
    paths = sorted((folder / FOLDER).glob("*.toml"))

    def read() -> list[tuple[str, dict[str, Any]]]:
        return [(file.code, file.tables) for file in read_language_files(folder)]

    named = zip(paths, read_compiled("languages", paths, read), strict=True)
    return tuple(LanguageFile(code, path, tables) for path, (code, tables) in named)


@lru_cache(maxsize=1)
def quantities() -> dict[str, dict[str, int]]:
    """Return the quantities with the sizes of their units, in the smallest unit of each."""
    path = bundled_prompts() / QUANTITIES
    if not path.exists():
        raise TemplateError(f"{path} is missing")
    read: dict[str, dict[str, int]] = read_compiled(
        "units", [path], lambda: read_layers([path.parent], QUANTITIES)[0].tables
    )
    return read


def _check(path: Path, tables: Mapping[str, Any]) -> None:
    top = _TEXTS[""]
    names = (*_TEXTS, *_LISTS, *_UNITS, *_FREE)
    for name, value in tables.items():
        if name in top:
            _check_text(f"{path}: {name}", value)
            _check_known(f"{path}: {name}", name, value)
        elif not isinstance(value, dict):
            known = name in {*names, *_FREE}
            hint = f"; write a table [{name}]" if known else _nearest(name, (*top, *names[1:]))
            raise TemplateError(f"{path}: {name} is {abbreviate(value)}{hint}")
        elif name in _TEXTS:
            check_keys(f"{path}: [{name}]", value, _TEXTS[name])
            for key, text in value.items():
                _check_text(f"{path}: [{name}] {key}", text)
        elif name in _LISTS:
            check_lists(f"{path}: [{name}]", value, _LISTS[name])
        elif name in _UNITS:
            _check_units(f"{path}: [{name}", value)
        elif name == "numbers":
            from clc.languages.number_tables import check_numbers

            check_numbers(str(path), value)
        elif name not in _FREE:
            raise TemplateError(f"{path}: unknown table [{name}]{_nearest(name, names[1:])}")


def _check_known(where: str, name: str, value: str) -> None:
    """Check that CLDR knows a script (ISO 15924) or a locale."""
    from difflib import get_close_matches

    from babel import Locale, UnknownLocaleError

    if name == "script" and value not in (scripts := Locale("en").scripts):
        near = get_close_matches(value, scripts, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; write its code, such as 'Latn'"
        raise TemplateError(f"{where} is {abbreviate(value)}, no script of ISO 15924{hint}")
    if name == "locale":
        try:
            Locale.parse(value, sep="-" if "-" in value else "_")
        except (ValueError, UnknownLocaleError) as error:
            raise TemplateError(f"{where} is {abbreviate(value)}, no locale of CLDR") from error


def _check_units(where: str, table: Mapping[str, Any]) -> None:
    check_keys(f"{where}]", table, quantities())
    for quantity, units in table.items():
        if not isinstance(units, dict):
            raise TemplateError(f"{where}.{quantity}] is {abbreviate(units)}; write a table")
        check_lists(f"{where}.{quantity}]", units, quantities()[quantity])


def check_lists(where: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    """Check that a table has known keys alone, and lists of texts as values.

    Raises:
        TemplateError: it has another one.
    """
    check_keys(where, table, known)
    for key, words in table.items():
        check_words(f"{where} {key}", words)


def check_words(where: str, words: object) -> None:
    """Check that a value is a list of texts.

    Raises:
        TemplateError: it is none.
    """
    if not isinstance(words, list):
        raise TemplateError(f"{where} is {abbreviate(words)}; write a list of texts")
    for word in words:
        _check_text(f"{where} holds a word that", word)


def check_keys(where: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    """Check that a table has known keys alone.

    Raises:
        TemplateError: it has another one; the nearest known one is named.
    """
    known = tuple(known)
    for key in table:
        if key not in known:
            raise TemplateError(f"{where} has unknown key {abbreviate(key)}{_nearest(key, known)}")


def check_placeholders(where: str, text: str) -> None:
    """Check that the instructions for a language without cue words have no placeholder but one.

    Raises:
        TemplateError: they have another one than ``{name}``, or a single brace.
    """
    other = _PLACEHOLDER.search(text.replace("{name}", ""))
    if other:
        raise TemplateError(
            f"{where} holds {abbreviate(other[0])}; the only placeholder is {{name}}, the "
            "language's English name"
        )


def _check_text(where: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise TemplateError(f"{where} is {abbreviate(value)}; write a text")


def _nearest(name: str, known: Sequence[str]) -> str:
    """Return the hint for an unknown name: the nearest known one, or all."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(known)}"


def prompt_language(code: str, where: str) -> str:
    """Return the canonical form of a language code in a prompt file.

    Raises:
        TemplateError: there is no such language; ``where`` names the file and table.
    """
    try:
        return normalize_language(code)
    except LanguageError as error:
        raise TemplateError(f"{where}: {error}") from error
