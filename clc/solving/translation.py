"""Translations of a question by a model, and what makes one usable: it keeps the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.engines.base import Request
from clc.records import AbstainReason, Sampling, Usage, content_key, path_seed, prompt_key

if TYPE_CHECKING:
    from clc.prompts.templates import Templates
    from clc.records import Message, Problem
    from clc.solving.configuration import Configuration
    from clc.solving.sampler import Sampler

__all__ = [
    "TRANSLATION_TRIES",
    "Translated",
    "step_request",
    "translate",
    "translation_fault",
    "translation_request",
    "translation_sampling",
]

TRANSLATION_TRIES = 3


def translation_sampling(attempt: int, max_tokens: int) -> Sampling:
    """Sampling of a try: the first (0) is greedy, later ones vary so that they can differ."""
    return Sampling(temperature=0.0 if attempt == 0 else 0.7, max_tokens=max_tokens)


def translation_fault(
    question: str, translation: str, question_language: str, language: str, finish_reason: str
) -> str | None:
    """Say why ``translation`` cannot stand for ``question``, or None if it can.

    Numbers are compared by value across scripts: every number that the question writes in digits
    must be in the translation, in digits or as a word, and the translation may write none in
    digits that the question does not say. A 1 may come in: "per day" is 1日 in Japanese.

    >>> translation_fault("Tom has 3 pens and 12 mugs.", "Tom hat drei Stifte.", "en", "de", "stop")
    'lost the number 12'
    >>> translation_fault("Tom has 3 pens.", "汤姆有 ３ 支笔。", "en", "zh", "stop") is None
    True
    """
    from clc.answers import numbers_in

    if not translation.strip():
        return "empty translation"
    if finish_reason == "length":
        return "translation was cut off"
    if language != question_language and translation.strip() == question.strip():
        return "question was repeated, not translated"
    source = numbers_in(question, question_language)
    target = numbers_in(translation, language)
    source_values = {1, *(mention.value for mention in source)}
    target_values = {mention.value for mention in target}
    for mention in source:
        if mention.written == "digits" and mention.value not in target_values:
            return f"lost the number {mention.value}"
    for mention in target:
        if mention.written == "digits" and mention.value not in source_values:
            return f"added the number {mention.value}"
    return None


class Translated(NamedTuple):
    """A question in another language, or why it is not there, and what that took."""

    text: str | None
    fault: str | None
    usage: Usage


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
    """Make the request of a step that is the same in every run."""
    prompt = prompt_key(fingerprint, messages, sampling)
    seed = path_seed(0, prompt, attempt)
    return Request(content_key(kind, [prompt, attempt, seed]), messages, sampling, seed)


async def translate(
    problem: Problem,
    configuration: Configuration,
    templates: Templates,
    drawer: Sampler,
    wanted: tuple[str, str, int],
    *,
    spent: dict[object, Usage],
) -> Translated:
    """Translate the question of a problem, in as many tries as the configuration allows.

    ``wanted`` is the language, the template and how many demonstrations it is given; ``spent``
    holds under it what the tries took so far.
    """
    language, template, count = wanted
    human = problem.translations.get(language) if configuration.human_translations else None
    if human is not None:
        return Translated(human, None, Usage())
    usage = Usage()
    fault: str | None = None
    for attempt in range(configuration.translation_tries):
        request = translation_request(
            templates,
            drawer.translator.engine.fingerprint,
            problem,
            language,
            attempt=attempt,
            max_tokens=configuration.translation_max_tokens,
            template=template,
            count=count,
        )
        draft = await drawer.step("translation", request, language)
        if isinstance(draft, str):
            return Translated(None, f"{AbstainReason.ENGINE_FAILURE}: {draft}", usage)
        usage += draft.usage
        spent[wanted] = usage
        fault = translation_fault(
            problem.question, draft.text, problem.language, language, draft.finish_reason
        )
        if fault is None:
            return Translated(draft.text.strip(), None, usage)
    return Translated(None, f"{AbstainReason.TRANSLATION}: {fault}", usage)
