"""Cue words of prompts in each language, from the files of languages."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from clc.bounds import abbreviate
from clc.errors import TemplateError
from clc.languages.codes import UNKNOWN_LANGUAGE, english_name
from clc.languages.files import check_placeholders, language_files
from clc.prompt_files import read_layers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Cues", "cue_languages", "make_cues", "read_cue_table"]

_OLD_CUES = "languages.toml"
"""A file of an older prompt folder with the cue words of all languages."""


@dataclass(frozen=True, slots=True)
class Cues:
    """A language's cue words for prompts."""

    label: str
    think: str
    final: str
    reason_in: str
    only: str


def read_cue_table(folders: Sequence[Path]) -> dict[str, dict[str, str]]:
    """Read the cue words of each language; those of earlier folders have priority.

    Raises:
        TemplateError: a file is broken.
    """
    table: dict[str, dict[str, str]] = {}
    for folder in reversed(folders):
        for path, tables in read_layers([folder], _OLD_CUES):
            for code, cues in tables.items():
                _check_cues(f"{path}: [{code}]", cues, checked=code == UNKNOWN_LANGUAGE)
                table[code] = {**table.get(code, {}), **cues}
        for file in language_files(folder):
            if cues := file.tables.get("prompt"):
                table[file.code] = {**table.get(file.code, {}), **cues}
    return table


def cue_languages(folder: Path) -> set[str]:
    """Return the languages with cue words in a folder."""
    codes = {code for layer in read_layers([folder], _OLD_CUES) for code in layer.tables}
    return codes | {file.code for file in language_files(folder) if "prompt" in file.tables}


def make_cues(table: Mapping[str, Mapping[str, str]], language: str) -> Cues:
    """Return a language's cue words; English instructions with its name if it has none."""
    base = language.split("-", maxsplit=1)[0]
    entry = table.get(language) or table.get(base)
    default = table[UNKNOWN_LANGUAGE]
    name = english_name(language)
    merged = {
        item.name: (entry or {}).get(item.name) or default[item.name].replace("{name}", name)
        for item in fields(Cues)
    }
    return Cues(**merged)


def _check_cues(where: str, cues: Any, *, checked: bool) -> None:
    """Check the cue words of a language, with ``checked`` their placeholders, too."""
    names = [item.name for item in fields(Cues)]
    if not isinstance(cues, dict):
        raise TemplateError(f"{where} is {abbreviate(cues)}; write a table with {', '.join(names)}")
    for name, words in cues.items():
        if name not in names:
            raise TemplateError(
                f"{where} has unknown cue {abbreviate(name)}; there are: {', '.join(names)}"
            )
        if not isinstance(words, str):
            raise TemplateError(f"{where} {name} is {abbreviate(words)}; it must be text")
        if checked:
            check_placeholders(f"{where} {name}", words)
