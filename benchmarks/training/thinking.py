"""Training examples of the thinking mode: the reasoning stands in a thought, before the reply.

    <think>
    Left: 12 - 5 = 7 apples.
    </think>

    Answer: 7

The model writes the thought by itself behind the mark that its chat template puts after the last
question, or continues one that the prompt starts, in the language of that start.
"""

from __future__ import annotations

import re
import unicodedata
from random import Random
from typing import TYPE_CHECKING

from benchmarks.training.examples import (
    LANGUAGE_SHARES,
    Example,
    draw_languages,
    examples,
    pick,
    plain,
    question_in,
    rendered,
    solution_in,
)
from benchmarks.training.kinds import problems, trained
from benchmarks.training.language import load
from benchmarks.training.tokenizer import THOUGHT_ENDS, THOUGHT_STARTS
from clc.prompts.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.training.instance import Instance, Split

__all__ = ["CLOSE", "EMPTY", "OPEN", "THINKING_SHARES", "first_words", "mixed", "thoughtful"]

OPEN = f"{THOUGHT_STARTS}\n"
CLOSE = f"\n{THOUGHT_ENDS}\n\n"
EMPTY = f"{OPEN}{CLOSE}"

# The skills of the plain mode.
THINKING_SHARES: Mapping[str, float] = {
    "native": 0.46, "cross": 0.20, "translate": 0.16, "xcot": 0.06, "direct": 0.12,
}  # fmt: skip

# How the thought comes about. own: the model writes all of it, behind the mark. The others begin
# in the prompt, behind the mark or not. open: its first token alone; cue: a cue sentence; words:
# the first words of the reasoning. empty: a thought without content; then the plain reply follows.
OPENINGS: Mapping[str, float] = {
    "own": 0.56, "open": 0.08, "cue": 0.20, "words": 0.13, "empty": 0.03,
}  # fmt: skip

MARKED = 0.5  # of the thoughts that begin in the prompt stand behind the mark, too
ELSEWHERE = 0.5  # of those with words in them are in a language of their own
ENGLISH_NOTES = 0.5  # of the thoughts before a translation; the others are in its language
REASON_IN = 0.2  # of the cue sentences; the others are the step-by-step cue
OWN_CUES = 0.25  # of the thoughts begin with a cue sentence where none was put there
FIRST_WORDS = 3

_TEMPLATES = {"native": "cot", "cross": "cot"}

# What a thought says before a translation: the numbers that it must keep.
_NUMBERS: Mapping[str, tuple[str, str]] = {
    "en": ("Numbers: ", ", "), "zh": ("数字：", "、"), "es": ("Números: ", ", "),
    "de": ("Zahlen: ", ", "), "fr": ("Nombres : ", ", "), "ru": ("Числа: ", ", "),
    "ja": ("数：", "、"), "th": ("ตัวเลข: ", ", "), "bn": ("সংখ্যা: ", ", "),
    "te": ("సంఖ్యలు: ", ", "), "sw": ("Namba: ", ", "),
}  # fmt: skip


def mixed(
    split: Split,
    seed: int | str,
    drills: float,
    thinking: float,
    shares: Mapping[str, float] = LANGUAGE_SHARES,
) -> Iterator[Example]:
    """Yield examples without end, a share of ``thinking`` of them of the thinking mode."""
    rng = Random(f"thinking/{split}/{seed}")
    templates = Templates()
    others = examples(split, seed, drills, shares)
    source = problems(split, seed)
    while True:
        if rng.random() >= thinking:
            yield next(others)
        elif (example := thoughtful(next(source), rng, templates, shares)) is not None:
            yield example


def thoughtful(
    problem: Instance,
    rng: Random,
    templates: Templates,
    shares: Mapping[str, float] = LANGUAGE_SHARES,
) -> Example | None:
    """Return a problem as an example; none where one of its languages never sees the kind."""
    opening = pick(rng, OPENINGS)
    if opening == "empty":
        example = plain(problem, rng, templates, shares)
        return example and example._replace(opening=EMPTY)
    skill = pick(rng, THINKING_SHARES)
    asked, other = draw_languages(skill, rng, shares)
    inner = _inner(skill, opening, other, rng, shares)
    if not all(trained(problem.kind, code) for code in (asked, other, inner)):
        return None
    wording = rng.randrange(6)
    text = question_in(problem, load(asked), wording)
    prompt = rendered(templates, _TEMPLATES.get(skill, skill), text, asked, other)
    if skill == "translate":
        reply = question_in(problem, load(other), wording)
        thought = _numbers(text, reply, inner)
    else:
        code = "en" if skill == "xcot" else other
        reply = _solution(problem, code, rng, templates)[-1]
        thought = "\n".join(_solution(problem, inner, rng, templates)[:-1])
        if skill == "xcot":
            thought = f"{question_in(problem, load(other), wording)}\n\n{thought}"
    start = ""
    if opening == "own":
        if rng.random() < OWN_CUES:
            thought = f"{_cue(inner, rng, templates)}\n{thought}"
    elif opening == "cue":
        start = f"{OPEN}{_cue(inner, rng, templates)}"
        thought = f"\n{thought}"
    elif opening == "words":
        words = first_words(thought, rng.randint(1, FIRST_WORDS))
        start, thought = f"{OPEN}{words}", thought.removeprefix(words)
    else:
        start = OPEN
    marked = opening == "own" or rng.random() < MARKED
    first = "" if start else OPEN
    return Example(prompt, f"{first}{thought}{CLOSE}{reply}", other, marked, start)


def first_words(text: str, count: int) -> str:
    """Return up to so many words of a text's beginning, none behind its first digit.

    >>> first_words("So Tom has: 12 - 5 = 7 apples.", 2)
    'So Tom'
    >>> first_words("Left: 12 - 5 = 7 apples.", 2)
    'Left:'
    """
    inside = False
    for place, char in enumerate(text):
        letter = unicodedata.category(char)[0] in "LM"
        count -= inside and not letter
        if not count or char.isdigit():
            return text[:place].rstrip()
        inside = letter
    return text


def _inner(skill: str, opening: str, other: str, rng: Random, shares: Mapping[str, float]) -> str:
    """Choose the thought's language: its start may be in any."""
    if skill == "xcot":
        return "en"
    if opening in ("cue", "words") and rng.random() < ELSEWHERE:
        return draw_languages("cross", rng, shares)[1]
    if skill == "translate" and rng.random() < ENGLISH_NOTES:
        return "en"
    return other


def _solution(problem: Instance, code: str, rng: Random, templates: Templates) -> list[str]:
    return solution_in(problem, load(code), templates.cues(code).label, rng).splitlines()


def _cue(code: str, rng: Random, templates: Templates) -> str:
    cue = templates.cues(code)
    return cue.reason_in if rng.random() < REASON_IN else cue.think


def _numbers(text: str, target: str, code: str) -> str:
    """Name a question's numbers, in the digits of the language or as the translation has them."""
    start, between = _NUMBERS[code]
    found = re.findall(r"\d+", text)
    native = load(code).native_digits
    alike = any(digit in target for digit in native)
    digits = native if alike else "0123456789"
    return start + between.join("".join(digits[int(d)] for d in number) for number in found)
