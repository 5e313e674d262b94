"""Shots: the few-shot examples of a prompt, made from demonstrations.

A demonstration has the same sentences in each language, so a question can be code-switched: in xICL
(xCoT, arXiv 2401.07037) each sentence of a demonstration's question is replaced, with some
probability, by the same sentence in another language.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc.errors import TemplateError
from clc.prompts.demonstrations import FALLBACK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from clc.prompts.demonstrations import Demonstration

__all__ = ["Shot", "make_shots"]

_FULL_WIDTH_STOPS = "。！？；："


@dataclass(frozen=True, slots=True)
class Shot:
    """One solved problem, ready for a prompt.

    ``answer`` is the line that states the answer, label included. ``translation`` is the question
    in the language of the reasoning, empty if the demonstration lacks one of the languages.
    """

    question: str
    reasoning: str
    answer: str
    translation: str = ""


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
    """Make the shots of a prompt from demonstrations.

    English replaces a language that a demonstration lacks; demonstrations with both languages come
    first. The first shots of a larger ``count`` are those of a smaller one.

    Args:
        demonstrations: the available demonstrations.
        question_language: BCP-47 code of the language of the questions.
        language: BCP-47 code of the language of the reasoning.
        count: number of shots.
        label: text before the answer, for example ``Answer:``.
        switch: probability that a sentence of a question is replaced by another language's version.
        languages: codes of these other languages; by default all of the demonstration's.
        seed: if ``switch`` is above 0, determines the order and the switched sentences.

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
        generator = random.Random(f"switch\0{self.seed}\0{one.name}\0{language}")
        # Both values are sampled for every sentence: a higher probability only switches more.
        samples = [(generator.random(), generator.choice(others)) for _ in one.questions[language]]
        return [
            one.questions[other if number < self.probability else language][position]
            for position, (number, other) in enumerate(samples)
        ]


def _shot(
    one: Demonstration, question_language: str, language: str, label: str, switch: _Switch
) -> Shot:
    source, target = one.version(question_language), one.version(language)
    return Shot(
        question=_joined(switch.apply(one, source or FALLBACK)),
        reasoning="\n".join(one.steps[target or FALLBACK]),
        answer=_joined([label, one.answer]),
        translation=_joined(one.questions[target]) if source and target else "",
    )


def _joined(sentences: Iterable[str]) -> str:
    """Join sentences in one line, without spaces after full-width punctuation.

    >>> _joined(["猫有3只。", "Two leave.", "还剩几只？"])
    '猫有3只。Two leave. 还剩几只？'
    """
    text = ""
    for sentence in sentences:
        text += " " if text and text[-1] not in _FULL_WIDTH_STOPS else ""
        text += sentence
    return text
