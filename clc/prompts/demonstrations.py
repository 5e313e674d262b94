"""Demonstrations: solved problems in many languages, and the files that hold them.

A demonstration has the same sentences in the same order in each language.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.bounds import abbreviate
from clc.errors import TemplateError
from clc.languages.files import FOLDER, language_files, prompt_language
from clc.prompt_files import read_layers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "FALLBACK",
    "Demonstration",
    "demonstrated_languages",
    "load_demonstrations",
]

_OLD_DEMONSTRATIONS = "demonstrations.toml"
"""A file of an older prompt folder with the demonstrations in all languages."""
FALLBACK = "en"
"""The language that every demonstration has."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One solved problem in several languages.

    ``questions`` maps BCP-47 codes to sentences, as many in each language; ``steps`` maps them to
    the steps of the reasoning; ``answer`` is a canonical number.
    """

    name: str
    answer: str
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    steps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def among(self, languages: Collection[str]) -> Demonstration:
        """Return the demonstration without its versions in other languages."""
        questions, steps = (
            {code: lines for code, lines in versions.items() if code in languages}
            for versions in (self.questions, self.steps)
        )
        return replace(self, questions=questions, steps=steps)

    def version(self, language: str) -> str | None:
        """Return the code of the version in ``language`` (``zh`` for ``zh-Hans``), or None."""
        base = language.split("-", maxsplit=1)[0]
        return next((code for code in (language, base) if code in self.questions), None)


def load_demonstrations(folders: Sequence[Path]) -> tuple[Demonstration, ...]:
    """Read the demonstrations of each folder; earlier folders override later ones.

    They are in the files of languages, and in an older folder's ``demonstrations.toml``. A problem
    in several files has the languages of all of them; a new problem precedes those of later
    folders.

    Raises:
        TemplateError: a file is broken, a problem lacks English, or its languages differ in their
            number of sentences.
    """
    merged: dict[str, Demonstration] = {}
    for folder in reversed(folders):
        layer: dict[str, Demonstration] = {}
        for path, tables in read_layers([folder], _OLD_DEMONSTRATIONS):
            for name, entry in tables.items():
                where = f"{path}: [{name}]"
                layer[name] = _read(where, name, _versions(where, entry), merged.get(name))
        for name, versions in _by_problem(folder).items():
            where = versions[0].where
            below = layer.get(name) or merged.get(name)
            layer[name] = _read(where, name, versions, below, folder)
        merged = layer | {name: one for name, one in merged.items() if name not in layer}
    return tuple(merged.values())


def demonstrated_languages(folder: Path) -> set[str]:
    """Return the languages of the demonstrations in a folder."""
    codes = {file.code for file in language_files(folder) if "demonstrations" in file.tables}
    for layer in read_layers([folder], _OLD_DEMONSTRATIONS):
        entries = (entry for entry in layer.tables.values() if isinstance(entry, dict))
        codes |= {code for entry in entries for code in entry}
    return codes


def _by_problem(folder: Path) -> dict[str, list[_Version]]:
    """Return the versions of each problem in the files of languages, English first."""
    problems: dict[str, list[_Version]] = {}
    files = sorted(language_files(folder), key=lambda file: file.code != FALLBACK)
    for file in files:
        for name, entry in file.tables.get("demonstrations", {}).items():
            where = f"{file.path}: [demonstrations.{name}]"
            if not isinstance(entry, dict):
                raise TemplateError(f"{where} is {abbreviate(entry)}; write question and steps")
            version = {key: value for key, value in entry.items() if key != "answer"}
            versions = problems.setdefault(name, [])
            versions.append(_Version(where, file.code, version, entry.get("answer")))
    return problems


def _versions(where: str, entry: Any) -> list[_Version]:
    """Return the versions of a problem of an older folder's file."""
    if not isinstance(entry, dict):
        raise TemplateError(
            f"{where} is {abbreviate(entry)}; write a table with answer and languages"
        )
    versions = [_Version(where, None, None, entry.get("answer"))]
    for key, version in entry.items():
        if key != "answer":
            here = f"{where[:-1]}.{key}]"
            versions.append(_Version(here, prompt_language(key, here), version, None))
    return versions


class _Version(NamedTuple):
    """A problem in a language, as a file has it; without a language only its answer."""

    where: str
    code: str | None
    content: Any
    answer: Any


def _read(
    where: str,
    name: str,
    versions: Sequence[_Version],
    base: Demonstration | None,
    folder: Path | None = None,
) -> Demonstration:
    """Read a demonstration of a folder, over that of the same name in another place.

    ``folder``: where it is in files of languages, the folder of them.
    """
    given = [one for one in versions if one.answer is not None]
    answer = given[0].answer if given else base.answer if base else None
    if not isinstance(answer, str) or not answer.strip():
        raise TemplateError(
            f"{given[0].where if given else where} answer is {abbreviate(answer)}; write a number "
            'as text, such as "12"'
        )
    for other in given[1:]:
        if other.answer != answer:
            raise TemplateError(
                f"{other.where} answer is {abbreviate(other.answer)}, but {answer!r} in "
                f"{given[0].where}; a problem has one answer in all languages"
            )
    questions = dict(base.questions) if base else {}
    steps = dict(base.steps) if base else {}
    places = {}
    for place, code, content, _ in versions:
        if code is None:
            continue
        if not isinstance(content, dict) or set(content) != {"question", "steps"}:
            raise TemplateError(
                f"{place} is {content!r:.80}; write a table with question and steps"
            )
        places[code] = place
        questions[code] = _lines(place, "question", content)
        steps[code] = _lines(place, "steps", content)
    if FALLBACK not in questions:
        raise TemplateError(
            f"{where} {_without_english(name, folder)}; every problem needs English"
        )
    for code, sentences in questions.items():
        if len(sentences) != len(questions[FALLBACK]):
            raise TemplateError(
                f"{places.get(code, where)} has {len(sentences)} sentences in {code!r} and "
                f"{len(questions[FALLBACK])} in {FALLBACK!r}; write as many in each language"
            )
    return Demonstration(name, answer.strip(), questions, steps)


def _without_english(name: str, folder: Path | None) -> str:
    if folder is None:
        return f"has no [{name}.{FALLBACK}]"
    return f"is not in {folder / FOLDER / f'{FALLBACK}.toml'}"


def _lines(where: str, name: str, version: Mapping[str, Any]) -> tuple[str, ...]:
    lines = version[name]
    if not (lines and isinstance(lines, list)) or not all(
        isinstance(line, str) and line.strip() for line in lines
    ):
        raise TemplateError(f"{where} {name} is {lines!r:.80}; write a list of sentences")
    return tuple(line.strip() for line in lines)
