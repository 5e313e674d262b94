"""A problem in words: the same problem always in the same words, in each language its own.

>>> from random import Random
>>> from benchmarks.training.kinds import KINDS
>>> from benchmarks.training.language import load
>>> problem = KINDS["buy_more"].sample(Random(4))
>>> solution(problem, load("en"), "Answer:").splitlines()[-1] == f"Answer: {problem.answer}"
True
"""

import hashlib

from benchmarks.training.instance import Instance, Step
from benchmarks.training.language import Field, Language, Wording, spoken

# No space after a full-width colon: 答案：14.
_FULL_WIDTH = "："


def question(
    problem: Instance, language: Language, wording: int | None = None, *, native: bool = False
) -> str:
    """The problem as a question, by default in the wording its content chooses."""
    choices = language.kinds[problem.kind].questions
    text = _fill(choices[_choice(problem, language, "question", wording) % len(choices)],
                 problem, language, None)  # fmt: skip
    return _digits(text, language, native=native)


def solution(
    problem: Instance,
    language: Language,
    label: str,
    wording: int | None = None,
    *,
    native: bool = False,
) -> str:
    """A line for each step, then the label and the answer."""
    lines = []
    for i, (step, choices) in enumerate(
        zip(problem.steps, language.kinds[problem.kind].steps, strict=True)
    ):
        chosen = _choice(problem, language, f"step {i}", wording) % len(choices)
        lines.append(_fill(choices[chosen], problem, language, step))
    space = "" if label.endswith(_FULL_WIDTH) else " "
    lines.append(f"{label}{space}{language.number(problem.answer)}")
    return _digits("\n".join(lines), language, native=native)


def in_native_digits(problem: Instance, language: Language) -> bool:
    """Whether a problem is one of those that a language writes in its own digits."""
    part = _choice(problem, language, "digits", None) % 1000
    return part < language.native_share * 1000


def _choice(problem: Instance, language: Language, what: str, wording: int | None) -> int:
    if wording is not None:
        return wording
    text = f"{problem.key}/{language.code}/{what}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def _fill(wording: Wording, problem: Instance, language: Language, step: Step | None) -> str:
    return "".join(
        piece if isinstance(piece, str) else _say(piece, problem, language, step)
        for piece in wording
    )


def _say(field: Field, problem: Instance, language: Language, step: Step | None) -> str:
    if step is not None and field.what == "eq":
        number = step.result
        text = (
            f"{language.number(step.left)} {step.op} {language.number(step.right)}"
            f" = {language.number(step.result)}"
        )
        pattern = "equation"
    elif field.what in problem.values:
        number = problem.values[field.what]
        text = language.number(number)
        pattern = "counted"
    else:
        return spoken(language, problem.entities.get(field.what, field.what), field.form)
    if not field.noun:
        return text
    noun = problem.entities.get(field.noun, field.noun)
    return language.counted(noun, number, text, field.form, pattern)


def _digits(text: str, language: Language, *, native: bool) -> str:
    if not native or not language.native_digits:
        return text
    return text.translate(str.maketrans("0123456789", language.native_digits))
