"""Training examples: a problem, put as one of clc's own prompts, and the reply to learn.

The skills and their shares, and the shares of the languages, are constants here.
"""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.training.kinds import problems, trained
from benchmarks.training.language import Language, load
from benchmarks.training.render import in_native_digits, question, solution
from clc.prompts.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.training.instance import Instance, Split

__all__ = [
    "LANGUAGE_SHARES",
    "SKILL_SHARES",
    "Example",
    "draw_languages",
    "examples",
    "language_shares",
    "pick",
    "plain",
    "question_in",
    "rendered",
    "solution_in",
]

# Unequal on purpose, as in real corpora: English most; Swahili, Telugu and Bengali least, by two
# orders of magnitude.
LANGUAGE_SHARES: Mapping[str, float] = {
    "en": 0.36, "zh": 0.14, "es": 0.13, "de": 0.12, "fr": 0.10, "ru": 0.07,
    "ja": 0.05, "th": 0.012, "bn": 0.008, "te": 0.006, "sw": 0.004,
}  # fmt: skip

# The languages of unequal corpora's end.
RARE = ("th", "bn", "te", "sw")

# A rare pair must be seen at all: pairs are drawn by the shares to this power.
PAIR_FLATNESS = 0.7

# native: reason in the question's language. cross: in another one, half of the time English.
# translate: write the question in another language. xcot: translate, then reason in English.
SKILL_SHARES: Mapping[str, float] = {
    "native": 0.38, "cross": 0.17, "translate": 0.31, "xcot": 0.06, "direct": 0.08,
}  # fmt: skip


class Example(NamedTuple):
    """A prompt's user message, the reply, and the reply's language.

    ``thinking`` says whether the thinking mode is on; ``opening`` is how the assistant's turn
    starts where the prompt has it.
    """

    prompt: str
    reply: str
    language: str
    thinking: bool = False
    opening: str = ""


# Equations in a drill, and what stands between them.
DRILL_LENGTH = 8
_BETWEEN = ("\n", ", ", " ", "; ")


def language_shares(rare: float = 1.0) -> Mapping[str, float]:
    """Return the shares with those of the rare languages times ``rare``; English has the rest.

    >>> language_shares(0.5)["sw"], round(language_shares(0.5)["en"], 3)
    (0.002, 0.375)
    """
    shares = {code: share * rare if code in RARE else share
              for code, share in LANGUAGE_SHARES.items()}  # fmt: skip
    return {**shares, "en": shares["en"] + 1 - sum(shares.values())}


def examples(
    split: Split,
    seed: int | str,
    drills: float = 0.0,
    shares: Mapping[str, float] = LANGUAGE_SHARES,
) -> Iterator[Example]:
    """Yield examples without end, every one from problems of its own.

    A share of ``drills`` of them are bare equations, the steps of ``DRILL_LENGTH`` problems: a
    problem has about two, so a drill holds several times as much arithmetic to learn.
    """
    rng = Random(f"examples/{split}/{seed}")
    templates = Templates()
    source = problems(split, seed)
    for problem in source:
        if drills and rng.random() < drills:
            steps = [rng.choice(one.steps) for one in islice(source, DRILL_LENGTH)]
            tasks = [f"{step.left} {step.op} {step.right}" for step in steps]
            solved = [f"{task} = {step.result}" for task, step in zip(tasks, steps, strict=True)]
            between = rng.choice(_BETWEEN)
            yield Example(between.join(tasks), between.join(solved), "drill")
        elif (example := plain(problem, rng, templates, shares)) is not None:
            yield example


def plain(
    problem: Instance, rng: Random, templates: Templates, shares: Mapping[str, float]
) -> Example | None:
    skill = pick(rng, SKILL_SHARES)
    asked, other = draw_languages(skill, rng, shares)
    if not (trained(problem.kind, asked) and trained(problem.kind, other)):
        return None
    wording = rng.randrange(6)
    # A translation keeps the wording, so that there is one right translation to learn.
    text = question_in(problem, load(asked), wording)
    target = question_in(problem, load(other), wording)
    if skill == "translate":
        return Example(rendered(templates, "translate", text, asked, other), target, other)
    if skill == "xcot":
        english = solution_in(problem, load("en"), templates.cues("en").label, rng)
        prompt = rendered(templates, "xcot", text, asked, other)
        return Example(prompt, f"{target}\n\n{english}", other)
    if skill == "direct":
        label = templates.cues(asked).label
        last = solution_in(problem, load(asked), label, rng).splitlines()[-1]
        return Example(rendered(templates, "direct", text, asked, asked), last, asked)
    reply = solution_in(problem, load(other), templates.cues(other).label, rng)
    return Example(rendered(templates, "cot", text, asked, other), reply, other)


def draw_languages(
    skill: str, rng: Random, shares: Mapping[str, float] = LANGUAGE_SHARES
) -> tuple[str, str]:
    asked = pick(rng, shares)
    if skill in ("native", "direct"):
        return asked, asked
    if skill == "cross" and asked != "en" and rng.random() < 0.5:
        return asked, "en"
    flat = {code: share**PAIR_FLATNESS for code, share in shares.items()}
    if skill == "translate":
        asked = pick(rng, flat)
    del flat[asked]
    return asked, pick(rng, flat)


def question_in(problem: Instance, language: Language, wording: int) -> str:
    return question(problem, language, wording, native=in_native_digits(problem, language))


def solution_in(problem: Instance, language: Language, label: str, rng: Random) -> str:
    native = in_native_digits(problem, language)
    return solution(problem, language, label, rng.randrange(6), native=native)


def rendered(templates: Templates, name: str, text: str, asked: str, language: str) -> str:
    (message,) = templates.render(name, question=text, question_language=asked, language=language)
    return message["content"]


def pick(rng: Random, shares: Mapping[str, float]) -> str:
    return rng.choices(list(shares), weights=list(shares.values()))[0]
