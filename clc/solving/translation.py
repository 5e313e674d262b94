"""Translations by a model: their requests, and the check that they keep the question's numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from clc.answers.option_lines import option_fault, problem_options, relabel
from clc.engines.base import Request
from clc.records import Sampling, content_key, hashed_seed, prompt_key
from clc.solving.concurrency import in_reading_thread
from clc.thoughts import split

if TYPE_CHECKING:
    from fractions import Fraction

    from clc.prompts.templates import Templates
    from clc.records import Message, Problem, Step
    from clc.strategies.strategy import Arm

__all__ = [
    "TRANSLATION_TRIES",
    "Translated",
    "TranslationKey",
    "read_translation",
    "step_request",
    "translated_text",
    "translation_fault",
    "translation_request",
    "translation_sampling",
]

TRANSLATION_TRIES = 3
_LONG = 2048  # characters of question and translation, whose numbers take 10 ms
_CUT_OFF = "translation was cut off"


def translation_sampling(attempt: int, max_tokens: int) -> Sampling:
    """Return the sampling of a try: the first (0) is greedy, later ones vary so as to differ."""
    return Sampling(temperature=0.0 if attempt == 0 else 0.7, max_tokens=max_tokens)


def translated_text(draft: Step) -> tuple[str, str | None]:
    r"""Return what a try at a translation says, and why it cannot be one, None if it can.

    A try that an older clc stored or cached holds its thought in its text: only what follows is
    the translation. A thought that did not end has none.

    >>> from clc.records import Step, Usage
    >>> draft = Step("translation", "de", "<think>12 and 5.</think>\n12 Äpfel.", "stop", Usage())
    >>> translated_text(draft), translated_text(draft._replace(text="<think>12 and"))
    (('12 Äpfel.', None), ('', 'translation was cut off'))
    """
    text, closed = draft.text, draft.closed
    if closed is None:
        _, text, closed = split(text, finish_reason=draft.finish_reason)
    if closed is False:
        return "", _CUT_OFF
    return text.strip(), None


def translation_fault(
    question: str, translation: str, question_language: str, language: str, finish_reason: str
) -> str | None:
    """Return the reason why ``translation`` cannot stand for ``question``, None if it can.

    Numbers are compared by value across scripts: every number that the question writes in digits
    must be in the translation, in digits or as a word, and the translation may write none in
    digits that the question does not have. A 1 may come in: "per day" is 1日 in Japanese.

    >>> translation_fault("Tom has 3 pens and 12 mugs.", "Tom hat drei Stifte.", "en", "de", "stop")
    'lost the number 12'
    >>> translation_fault("Tom has 3 pens.", "汤姆有 ３ 支笔。", "en", "zh", "stop") is None
    True
    """
    if fault := _unusable(translation, finish_reason):
        return fault
    if language != question_language and translation.strip() == question.strip():
        return "question was repeated, not translated"
    source = _source_numbers(question, question_language)
    target = _numbers(translation, language)
    for value in source.in_digits:
        if value not in target.values:
            return f"lost the number {value}"
    for value in target.in_digits:
        if value != 1 and value not in source.values:
            return f"added the number {value}"
    return None


async def read_translation(problem: Problem, draft: Step, language: str) -> Translated:
    """Return the translation of a try, or its fault; long texts are read in a thread of their own.

    The numbers of 10,000 characters take up to 0.1 s, for which nothing else would be done.
    """
    if len(problem.question) + len(draft.text) <= _LONG:
        return _read_translation(problem, draft, language)
    return await in_reading_thread(_read_translation, problem, draft, language)


def _read_translation(problem: Problem, draft: Step, language: str) -> Translated:
    text, fault = translated_text(draft)
    fault = fault or _unusable(text, draft.finish_reason)
    letters = "".join(problem_options(problem.metadata))
    if letters and fault is None:
        labelled = relabel(text, letters)
        if labelled is None:
            return Translated(None, option_fault(text, letters))
        text = labelled
    fault = fault or translation_fault(
        problem.question, text, problem.language, language, draft.finish_reason
    )
    return Translated(text, None) if fault is None else Translated(None, fault)


class _Numbers(NamedTuple):
    """The values of a text's numbers, and of those in digits in their order."""

    values: frozenset[Fraction]
    in_digits: tuple[Fraction, ...]


def _numbers(text: str, language: str) -> _Numbers:
    from clc.answers import numbers_in

    mentions = numbers_in(text, language)
    in_digits = (mention.value for mention in mentions if mention.written == "digits")
    return _Numbers(frozenset(mention.value for mention in mentions), tuple(in_digits))


_source_numbers = lru_cache(maxsize=16)(_numbers)  # a question has many translations


def _unusable(translation: str, finish_reason: str) -> str | None:
    """Return why no text of a completion would do, None if it may."""
    closed = split(translation, finish_reason=finish_reason).closed
    if finish_reason == "content_filter":
        return "translation was refused"
    if finish_reason == "length" or closed is False:
        return _CUT_OFF
    if closed:
        return "translation holds a thought"
    return None if translation.strip() else "empty translation"


class TranslationKey(NamedTuple):
    """A translation that is wanted: arms with equal keys share it and are charged for it once.

    ``template`` is given ``shots`` demonstrations.
    """

    language: str
    template: str
    shots: int

    @classmethod
    def of(cls, arm: Arm) -> TranslationKey | None:
        """Return the key of an arm's translation, None where it asks the question as it is."""
        if arm.question == "original":
            return None
        return cls(arm.stands_for, arm.translator, arm.shots)


class Translated(NamedTuple):
    """A question in another language, or the reason why there is none."""

    text: str | None
    fault: str | None


def translation_request(
    templates: Templates,
    fingerprint: str,
    problem: Problem,
    language: str,
    *,
    attempt: int,
    max_tokens: int,
    template: str = "translate",
    count: int = 0,
) -> Request:
    """Make the request for a try (0-based) at a translation of a problem into ``language``.

    ``count`` demonstrations are given to the template. The seed is no run's: translations
    serve every run of the same model.
    """
    messages = templates.render(
        template,
        question=problem.question,
        question_language=problem.language,
        language=language,
        shots=templates.shots(problem.language, language, count),
    )
    sampling = translation_sampling(attempt, max_tokens)
    return step_request("translation", fingerprint, messages, sampling, attempt)


def step_request(
    kind: str,
    fingerprint: str,
    messages: tuple[Message, ...],
    sampling: Sampling,
    attempt: int = 0,
) -> Request:
    """Make the request of a step that is the same in every run.

    The keys of the translation cache are made here: another seed would lose what it holds.
    """
    prompt = prompt_key(fingerprint, messages, sampling)
    seed = hashed_seed(0, prompt, attempt)
    return Request(content_key(kind, [prompt, attempt, seed]), messages, sampling, seed)
