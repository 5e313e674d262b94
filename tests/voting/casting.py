"""Votes for the tests of stopping rules."""

from clc.records import AbstainReason, Abstention, Answer, Vote

ENGLISH = ("en",) * 40
SEVEN = ("en", "de", "es", "fr", "ja", "ru", "zh")


def cast(language, answer):
    """One vote; None abstains."""
    outcome = Abstention(AbstainReason.NO_ANSWER) if answer is None else Answer(answer)
    return Vote("", language, outcome)


def make_votes(text, codes=ENGLISH):
    """One vote a character; ``.`` abstains."""
    return [
        cast(code, None if answer == "." else answer)
        for code, answer in zip(codes, text, strict=False)
    ]
