"""What makes a translation usable: it says something, and it keeps the question's numbers."""

from __future__ import annotations

from clc.records import Sampling

__all__ = ["TRANSLATION_TRIES", "translation_fault", "translation_sampling"]

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
