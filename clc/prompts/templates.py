"""Prompt templates with their cue words and demonstrations, bundled and user-defined.

Each file ``NAME.jinja`` of a folder is a template (see ``clc.prompts.template`` for its syntax).
All have the same variables:

    question           the question, in question_language
    question_language  BCP-47 code of the question's language
    question_name      its English name
    language           BCP-47 code of the language to reason in (or translate into)
    name, native_name  its English name and its own name
    cue                its cue words: label, think, final, reason_in, only
    english            the English cue words
    language_names     English names of the languages that reason together
    shots              demonstrations, each with question, reasoning, answer, translation
    candidates         languages to choose from, each with code, name, family, share (percent)
    choose             number of them to choose
    chosen             codes of the languages chosen
    responses          answers to choose from
"""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clc.answers.reading_files import ReadingFiles
from clc.answers.vocabulary import folder_vocabulary
from clc.bounds import abbreviate
from clc.errors import TemplateError
from clc.input_files import read_regular
from clc.languages.codes import MGSM_LANGUAGES, UNKNOWN_LANGUAGE, english_name, native_name
from clc.languages.files import language_files
from clc.prompt_files import bundled_prompts, prompt_folder
from clc.prompts.candidates import Candidate, load_candidates
from clc.prompts.cues import Cues, cue_languages, make_cues, read_cue_table
from clc.prompts.demonstrations import (
    Demonstration,
    demonstrated_languages,
    load_demonstrations,
)
from clc.prompts.shots import Shot, make_shots
from clc.prompts.template import PromptTemplate
from clc.records import content_key
from clc.thoughts import load_marks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from clc.answers.vocabulary import Vocabulary
    from clc.records import Message
    from clc.thoughts import Marks

__all__ = ["Templates", "check_template"]

_CHOOSE = 6  # as in AutoCAP, arXiv 2406.13940
_OPEN_THOUGHT = "<think>\n"  # of Qwen3, DeepSeek-R1 and most others
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")


class Templates:
    """The bundled templates and cue words, and those of a user's folder, which has priority.

    Args:
        folder: a folder with ``NAME.jinja`` files; the entries of its ``languages/CODE.toml`` (or
            of an older folder's ``languages.toml`` and ``demonstrations.toml``) override the
            bundled ones, its ``candidates.toml`` replaces the bundled one, its ``thoughts.toml``
            has marks of thoughts for engines.
        overrides: template sources by name, with priority over all folders.
    """

    def __init__(
        self, folder: str | Path | None = None, *, overrides: Mapping[str, str] | None = None
    ) -> None:
        self._folders = [bundled_prompts()]
        if folder is not None:
            self._folders.insert(0, prompt_folder(folder))
        self._overrides = dict(overrides or {})
        self._compiled: dict[str, PromptTemplate] = {}
        self._cues: dict[str, Cues] = {}

    def names(self) -> list[str]:
        """Names of all templates, sorted."""
        names = {path.stem for folder in self._folders for path in folder.glob("*.jinja")}
        return sorted(names | set(self._overrides))

    @cached_property
    def demonstrations(self) -> tuple[Demonstration, ...]:
        """Solved problems for few-shot prompts, the user's first."""
        return load_demonstrations(self._folders)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """Languages that a model may choose from."""
        return load_candidates(self._folders)

    @cached_property
    def marks(self) -> Marks:
        """Marks of thoughts, the user's first."""
        return load_marks(self._folders[0] if len(self._folders) > 1 else None)

    @cached_property
    def vocabulary(self) -> Vocabulary | None:
        """The words of languages with the user's; None without words of the user's."""
        return folder_vocabulary(self._folders[0]) if len(self._folders) > 1 else None

    @cached_property
    def scripts(self) -> dict[str, str]:
        """The languages of the user's folder with their scripts."""
        files = language_files(self._folders[0]) if len(self._folders) > 1 else ()
        return {file.code: file.tables["script"] for file in files if "script" in file.tables}

    @property
    def reading_files(self) -> ReadingFiles:
        """The part of the user's folder by which answers are read."""
        return ReadingFiles(self.marks, self.vocabulary)

    def cues_hash(self, languages: Collection[str]) -> str:
        """Content hash of the cue words of these languages, of MGSM's and of the user's."""
        used = _used(languages)
        for folder in self._folders[:-1]:
            used |= cue_languages(folder)
        cues = {code: table for code, table in self._table.items() if code in used}
        return content_key("cues", cues)[:16]

    def data_hash(self, languages: Collection[str]) -> str:
        """Content hash of candidates, and of demonstrations in these languages as above."""
        used = _used(languages).union(*map(demonstrated_languages, self._folders[:-1]))
        shown = [one.among(used) for one in self.demonstrations]
        return content_key("prompt data", [shown, self.candidates])[:16]

    def languages(self) -> list[str]:
        """Codes of the languages with cue words of their own, sorted."""
        return sorted(set(self._table) - {UNKNOWN_LANGUAGE})

    def missing_cues(self) -> dict[str, tuple[str, ...]]:
        """Cue words that are missing in a language, by code; English instructions replace them."""
        names = [item.name for item in fields(Cues)]
        missing = {
            code: tuple(name for name in names if not self._table[code].get(name))
            for code in self.languages()
        }
        return {code: lacking for code, lacking in missing.items() if lacking}

    def get(self, name: str) -> PromptTemplate:
        """Return a compiled template.

        Raises:
            TemplateError: there is no such template, or it does not compile.
        """
        if name not in self._compiled:
            source, path = self._source(name)
            self._compiled[name] = PromptTemplate(name, source, path)
        return self._compiled[name]

    def cues(self, language: str) -> Cues:
        """Return a language's cue words; English instructions with its name if it has none."""
        if language not in self._cues:
            self._cues[language] = make_cues(self._table, language)
        return self._cues[language]

    def shots(
        self,
        question_language: str,
        language: str,
        count: int,
        *,
        switch: float = 0.0,
        languages: Collection[str] = (),
        seed: int = 0,
    ) -> tuple[Shot, ...]:
        """Return demonstrations for a prompt, answered with the label of ``language``.

        The arguments are those of ``clc.prompts.shots.make_shots``.

        Raises:
            TemplateError: there are fewer than ``count``, or ``switch`` is no probability.
        """
        return make_shots(
            self.demonstrations,
            question_language,
            language,
            count,
            label=self.cues(language).label,
            switch=switch,
            languages=languages,
            seed=seed,
        )

    def render(
        self,
        name: str,
        *,
        question: str,
        question_language: str,
        language: str,
        replies: Sequence[str] = (),
        languages: Sequence[str] = (),
        shots: Sequence[Shot] = (),
        **extra: Any,
    ) -> tuple[Message, ...]:
        """Render template ``name`` for ``question``, to reason in (or translate to) ``language``.

        Args:
            name: the template.
            question: the question, in ``question_language``.
            question_language: its BCP-47 code.
            language: BCP-47 code of the language to reason in.
            replies: the model's replies so far, for a template with several turns.
            languages: codes of the languages that reason together, and that are ``chosen``;
                without them ``language_names`` has only that of ``language``.
            shots: the demonstrations.
            extra: more variables: candidates, choose, chosen, responses, ``open_thought`` (the mark
                that opens a thought), or a template's own.

        A template with a ``--- begin`` gives a last message of the assistant: the beginning of the
        model's own turn.

        Raises:
            TemplateError: the template is missing, broken, or uses an unknown variable.
            LanguageError: a language is unknown.
        """
        template = self.get(name)
        variables = {
            "question": question,
            "question_language": question_language,
            "question_name": english_name(question_language),
            "language": language,
            "name": english_name(language),
            "native_name": native_name(language),
            "cue": self.cues(language),
            "english": self.cues("en"),
            "language_names": [english_name(code) for code in languages or (language,)],
            "shots": tuple(shots),
            "candidates": self.candidates,
            "choose": _CHOOSE,
            "chosen": tuple(languages),
            "responses": (),
            "open_thought": _OPEN_THOUGHT,
        }
        return tuple(template.render(variables | extra, replies))

    @cached_property
    def _table(self) -> dict[str, dict[str, str]]:
        return read_cue_table(self._folders)

    def _source(self, name: str) -> tuple[str, str]:
        if name in self._overrides:
            return self._overrides[name], f"<template {name}>"
        if _NAME.match(name):
            for folder in self._folders:
                path = folder / f"{name}.jinja"
                if (data := read_regular(path, TemplateError)) is not None:
                    try:
                        text = data.decode("utf-8-sig")
                    except UnicodeDecodeError as error:
                        raise TemplateError(f"{path}: not UTF-8: {error}") from error
                    return text.replace("\r\n", "\n").replace("\r", "\n"), str(path)
        raise TemplateError(f"no template {abbreviate(name)}; there are: {', '.join(self.names())}")


def _used(languages: Collection[str]) -> set[str]:
    """Return the languages whose entries count in a run of these: not those of a later clc."""
    plain = (code.partition("-")[0] for code in languages)
    return {UNKNOWN_LANGUAGE, *MGSM_LANGUAGES, *languages, *plain}


def check_template(templates: Templates, name: str) -> None:
    """Render a template once, before anything is sampled.

    Raises:
        TemplateError: it is missing, broken, or uses an unknown variable.
    """
    templates.render(
        name,
        question="?",
        question_language="de",
        language="en",
        replies=["?"] * (templates.get(name).turns - 1),
        shots=templates.shots("de", "en", 1),
        chosen=["en"],
        responses=["?"],
    )
