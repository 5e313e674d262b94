"""Prompt templates: Jinja2 files that become final chat messages.

A template is a file ``NAME.jinja``. Lines ``--- system``, ``--- user`` and ``--- assistant`` begin
a message; the split is made on the template's source, so no question can forge one. Every
section sees the same variables:

    question           the question in the language in which it is put
    question_language  that language's BCP-47 code
    language           BCP-47 code of the language to reason in (or translate into)
    name, native_name  its English name and its own name
    cue                its cue words: label, think, final, reason_in, only
    english            the English cue words

The environment is sandboxed and StrictUndefined: a template with an unknown variable is an error.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from clc.errors import TemplateError
from clc.languages import english_name, native_name
from clc.records import Message, content_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

__all__ = ["Cues", "PromptTemplate", "Templates", "bundled_prompts"]

_SECTION = re.compile(r"^--- *(system|user|assistant) *$", re.MULTILINE)
# What an expression in a template can raise beside Jinja2's own errors.
_TEMPLATE_FAULTS = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
_Role = Literal["system", "user", "assistant"]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Cues:
    """A language's cue words, ready to stand in a prompt."""

    label: str
    think: str
    final: str
    reason_in: str
    only: str


class _Section:
    """One message of a template: a role and a compiled body."""

    __slots__ = ("body", "role")

    def __init__(self, role: _Role, body: Template) -> None:
        self.role = role
        self.body = body


class PromptTemplate:
    """One compiled template: its name, the file it came from, and its content hash."""

    def __init__(self, name: str, source: str, path: str) -> None:
        from jinja2 import StrictUndefined, TemplateSyntaxError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        self.name = name
        self.path = path
        self.hash = hashlib.blake2b(source.encode(), digest_size=8).hexdigest()
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        # The same question must give the same prompt, or a run could not go on.
        del environment.globals["lipsum"], environment.filters["random"]
        source = source.replace("\r\n", "\n")
        heads = list(_SECTION.finditer(source))
        if not heads or source[: heads[0].start()].strip():
            raise TemplateError(
                f"{path}: a template begins with a line '--- user' (or system, assistant); "
                f"found {source[:40]!r}"
            )
        self._sections = []
        ends = [head.start() for head in heads[1:]] + [len(source)]
        for head, end in zip(heads, ends, strict=True):
            body = source[head.end() : end].rstrip("\n")
            start = head.end() + len(body) - len(body.lstrip("\n"))
            try:
                compiled = environment.from_string(body.lstrip("\n"))
            except TemplateSyntaxError as error:
                line = source.count("\n", 0, start) + error.lineno
                raise TemplateError(f"{path}:{line}: {error.message}") from error
            self._sections.append(_Section(cast("_Role", head[1]), compiled))

    def render(self, variables: Mapping[str, Any]) -> tuple[Message, ...]:
        """Render every section.

        Raises:
            TemplateError: the template uses an unknown variable or a forbidden attribute.
        """
        from jinja2 import TemplateError as JinjaError

        try:
            return tuple(
                Message(role=section.role, content=section.body.render(variables))
                for section in self._sections
            )
        except (JinjaError, *_TEMPLATE_FAULTS) as error:
            raise TemplateError(
                f"{self.path}: {error}; known variables: {', '.join(sorted(variables))}"
            ) from error


def bundled_prompts() -> Path:
    """Folder of the templates that clc ships: in the wheel, or at the top of the source tree."""
    inside = Path(__file__).parent / "prompts"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "prompts"


class Templates:
    """The templates and cue words of one or more folders, a user's before ours.

    Args:
        folder: a folder with ``NAME.jinja`` files and optionally a ``languages.toml`` whose
            entries are laid over ours.
        overrides: template sources by name, before any folder.
    """

    def __init__(
        self, folder: str | Path | None = None, *, overrides: Mapping[str, str] | None = None
    ) -> None:
        self._folders = [bundled_prompts()]
        if folder is not None:
            chosen = Path(folder)
            if not chosen.is_dir():
                raise TemplateError(f"{chosen}: no such folder of prompt templates")
            self._folders.insert(0, chosen)
        self._overrides = dict(overrides or {})
        self._compiled: dict[str, PromptTemplate] = {}
        self._cues: dict[str, Cues] = {}

    def names(self) -> list[str]:
        """Names of all templates, sorted."""
        found = {path.stem for folder in self._folders for path in folder.glob("*.jinja")}
        return sorted(found | set(self._overrides))

    @cached_property
    def cues_hash(self) -> str:
        """Content hash of the cue words, ours and the user's together."""
        return content_key("cues", self._table)[:16]

    def languages(self) -> list[str]:
        """Codes of the languages with cue words of their own, sorted."""
        return sorted(set(self._table) - {"und"})

    def get(self, name: str) -> PromptTemplate:
        """Return a compiled template.

        Raises:
            TemplateError: there is none of that name, or it does not compile.
        """
        if name not in self._compiled:
            source, path = self._source(name)
            self._compiled[name] = PromptTemplate(name, source, path)
        return self._compiled[name]

    def cues(self, language: str) -> Cues:
        """Cue words of a language; English instructions with its name where it has none."""
        if language not in self._cues:
            self._cues[language] = self._make_cues(language)
        return self._cues[language]

    def render(
        self, name: str, *, question: str, question_language: str, language: str, **extra: Any
    ) -> tuple[Message, ...]:
        """Render template ``name`` for ``question``, to reason in (or translate to) ``language``.

        Raises:
            TemplateError: the template is missing, broken, or uses an unknown variable.
            LanguageError: ``language`` is unknown.
        """
        return self.get(name).render(
            {
                "question": question,
                "question_language": question_language,
                "language": language,
                "name": english_name(language),
                "native_name": native_name(language),
                "cue": self.cues(language),
                "english": self.cues("en"),
                **extra,
            }
        )

    @cached_property
    def _table(self) -> dict[str, dict[str, str]]:
        table: dict[str, dict[str, str]] = {}
        for folder in reversed(self._folders):
            path = folder / "languages.toml"
            if not path.is_file():
                continue
            for code, cues in _read_toml(path).items():
                _check_cues(f"{path}: [{code}]", cues)
                table[code] = {**table.get(code, {}), **cues}
        return table

    def _make_cues(self, language: str) -> Cues:
        base = language.split("-", maxsplit=1)[0]
        entry = self._table.get(language) or self._table.get(base)
        default = self._table["und"]
        name = english_name(language)
        merged = {
            item.name: (entry or {}).get(item.name) or default[item.name].replace("{name}", name)
            for item in fields(Cues)
        }
        return Cues(**merged)

    def _source(self, name: str) -> tuple[str, str]:
        if name in self._overrides:
            return self._overrides[name], f"<template {name}>"
        if _NAME.match(name):
            for folder in self._folders:
                path = folder / f"{name}.jinja"
                if path.is_file():
                    try:
                        return path.read_text(encoding="utf-8-sig"), str(path)
                    except (OSError, UnicodeDecodeError) as error:
                        raise TemplateError(f"{path}: {error}") from error
        raise TemplateError(f"no template {name!r}; there are: {', '.join(self.names())}")


def _check_cues(where: str, cues: Any) -> None:
    names = [item.name for item in fields(Cues)]
    if not isinstance(cues, dict):
        raise TemplateError(f"{where} is {cues!r}; write a table with {', '.join(names)}")
    for name, words in cues.items():
        if name not in names:
            raise TemplateError(f"{where} has unknown cue {name!r}; there are: {', '.join(names)}")
        if not isinstance(words, str):
            raise TemplateError(f"{where} {name} is {words!r}; it must be text")


def _read_toml(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path}: {error}") from error
