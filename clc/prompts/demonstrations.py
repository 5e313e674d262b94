"""Demonstrations: solved problems in many languages, and the shots of a prompt made from them.

A demonstration is written in each language as the same sentences in the same order. So a question
can be code-switched: in xICL (xCoT, arXiv 2401.07037) each sentence of a demonstration's question
is replaced, with some probability, by the same sentence in another language.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clc.errors import TemplateError
from clc.prompt_files import prompt_language, read_layers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["DEMONSTRATIONS", "Demonstration", "Shot", "load_demonstrations", "make_shots"]

DEMONSTRATIONS = "demonstrations.toml"
_FALLBACK = "en"
_FULL_WIDTH_STOPS = "。！？；："


@dataclass(frozen=True, slots=True)
class Shot:
    """One solved problem, ready to stand in a prompt.

    ``answer`` is the line that states the answer, label included. ``translation`` is the question
    in the language of the reasoning, empty where the problem is not written in both languages.
    """

    question: str
    reasoning: str
    answer: str
    translation: str = ""


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

    def version(self, language: str) -> str | None:
        """Code of its version in ``language`` (``zh`` serves ``zh-Hans``); None without one."""
        base = language.split("-", maxsplit=1)[0]
        return next((code for code in (language, base) if code in self.questions), None)


def load_demonstrations(folders: Sequence[Path]) -> tuple[Demonstration, ...]:
    """Read the ``demonstrations.toml`` of each folder, earlier folders laid over later ones.

    A problem of the same name gets the other languages of both files; a problem of a new name
    comes before those of later folders.

    Raises:
        TemplateError: a file is broken, a problem lacks English, or its languages differ in their
            number of sentences.
    """
    found: dict[str, Demonstration] = {}
    for path, tables in reversed(read_layers(folders, DEMONSTRATIONS)):
        laid = {
            name: _read(f"{path}: [{name}]", name, entry, found.get(name))
            for name, entry in tables.items()
        }
        found = laid | {name: one for name, one in found.items() if name not in laid}
    return tuple(found.values())


def make_shots(
    demonstrations: Sequence[Demonstration],
    question_language: str,
    language: str,
    count: int,
    *,
    label: str,
    switch: float = 0.0,
    languages: Collection[str] = (),
    seed: int = 0,
) -> tuple[Shot, ...]:
    """Make shots of demonstrations.

    English stands for a language that a demonstration is not written in; demonstrations written
    in both languages come first. The first shots of a larger ``count`` are those of a smaller one.

    Args:
        demonstrations: what there is to show.
        question_language: BCP-47 code of the language of the questions.
        language: BCP-47 code of the language of the reasoning.
        count: how many shots.
        label: what stands before the answer, for example ``Answer:``.
        switch: probability with which a sentence of a question is its version in another language.
        languages: codes of these other languages; all that a demonstration has, by default.
        seed: with ``switch`` above 0, decides the order of the demonstrations and what is switched.

    Raises:
        TemplateError: there are fewer demonstrations than ``count``, or ``switch`` is no
            probability.
    """
    if not 0 <= count <= len(demonstrations):
        raise TemplateError(
            f"{count} demonstrations are not there; ask for 0 to {len(demonstrations)}"
        )
    if not 0.0 <= switch <= 1.0:
        raise TemplateError(f"switch is {switch!r}; give a probability from 0 to 1")
    order = list(demonstrations)
    if switch > 0:
        random.Random(f"order\0{seed}").shuffle(order)
    order.sort(key=lambda one: [one.version(language), one.version(question_language)].count(None))
    return tuple(
        _shot(one, question_language, language, label, _Switch(switch, languages, seed))
        for one in order[:count]
    )


@dataclass(frozen=True, slots=True)
class _Switch:
    probability: float
    languages: Collection[str]
    seed: int

    def apply(self, one: Demonstration, language: str) -> Iterable[str]:
        wanted = [one.version(code) for code in self.languages] if self.languages else one.questions
        others = sorted({code for code in wanted if code is not None} - {language})
        if not (others and self.probability):
            return one.questions[language]
        draw = random.Random(f"switch\0{self.seed}\0{one.name}\0{language}")
        # Both numbers are drawn for every sentence: a higher probability only switches more.
        drawn = [(draw.random(), draw.choice(others)) for _ in one.questions[language]]
        return [
            one.questions[other if number < self.probability else language][place]
            for place, (number, other) in enumerate(drawn)
        ]


def _shot(
    one: Demonstration, question_language: str, language: str, label: str, switch: _Switch
) -> Shot:
    source, target = one.version(question_language), one.version(language)
    return Shot(
        question=_joined(switch.apply(one, source or _FALLBACK)),
        reasoning="\n".join(one.steps[target or _FALLBACK]),
        answer=_joined([label, one.answer]),
        translation=_joined(one.questions[target]) if source and target else "",
    )


def _joined(sentences: Iterable[str]) -> str:
    """Sentences in one line; full-width punctuation brings its own space.

    >>> _joined(["猫有3只。", "Two leave.", "还剩几只？"])
    '猫有3只。Two leave. 还剩几只？'
    """
    text = ""
    for sentence in sentences:
        text += " " if text and text[-1] not in _FULL_WIDTH_STOPS else ""
        text += sentence
    return text


def _read(where: str, name: str, entry: Any, under: Demonstration | None) -> Demonstration:
    """A demonstration as a file gives it, laid over what another file says under that name."""
    if not isinstance(entry, dict):
        raise TemplateError(f"{where} is {entry!r}; write a table with answer and languages")
    answer = entry.get("answer", under.answer if under else None)
    if not isinstance(answer, str) or not answer.strip():
        raise TemplateError(f'{where} answer is {answer!r}; write a number as text, such as "12"')
    questions = dict(under.questions) if under else {}
    steps = dict(under.steps) if under else {}
    for key, version in entry.items():
        if key == "answer":
            continue
        here = f"{where[:-1]}.{key}]"
        if not isinstance(version, dict) or set(version) != {"question", "steps"}:
            raise TemplateError(f"{here} is {version!r:.80}; write a table with question and steps")
        code = prompt_language(key, here)
        questions[code] = _lines(here, "question", version)
        steps[code] = _lines(here, "steps", version)
    if _FALLBACK not in questions:
        raise TemplateError(f"{where} has no [{name}.{_FALLBACK}]; every problem needs English")
    for code, sentences in questions.items():
        if len(sentences) != len(questions[_FALLBACK]):
            raise TemplateError(
                f"{where} has {len(sentences)} sentences in {code!r} and "
                f"{len(questions[_FALLBACK])} in {_FALLBACK!r}; write as many in each language"
            )
    return Demonstration(name, answer.strip(), questions, steps)


def _lines(where: str, name: str, version: Mapping[str, Any]) -> tuple[str, ...]:
    lines = version[name]
    if not (lines and isinstance(lines, list)) or not all(
        isinstance(line, str) and line.strip() for line in lines
    ):
        raise TemplateError(f"{where} {name} is {lines!r:.80}; write a list of sentences")
    return tuple(line.strip() for line in lines)
