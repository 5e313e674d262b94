"""Make problems of texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from clc.errors import ConfigurationError
from clc.languages.codes import read_language
from clc.records import Problem, content_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["as_problem", "as_problems"]


def as_problem(
    question: str, language: str | None = None, scripts: Mapping[str, str] | None = None
) -> Problem:
    """Make a problem of a question; its language is detected by default.

    ``scripts`` are more languages that are detected, as for ``detect_language``.
    """
    from clc.datasets import detect_language

    if not question.strip():
        raise ConfigurationError("the question is empty")
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(
            f"the question is not text in UTF-8: {question!r:.60}, character {error.start + 1}"
        ) from error
    code = read_language(language) if language else detect_language(question, scripts) or "en"
    return Problem(id=content_key("question", question)[:12], question=question, language=code)


def as_problems(
    problems: Iterable[Problem | str], scripts: Mapping[str, str] | None = None
) -> Iterator[Problem]:
    """Make problems of texts; a repeated text gets a distinct id.

    ``scripts`` are more languages that are detected, as for ``detect_language``.
    """
    if isinstance(problems, str):
        raise ConfigurationError("solve_many takes many problems; for one there is solve")
    counts: Counter[str] = Counter()
    for problem in problems:
        if isinstance(problem, Problem):
            yield problem
            continue
        made = as_problem(problem, scripts=scripts)
        counts[made.id] += 1
        times = counts[made.id]
        yield made if times == 1 else replace(made, id=f"{made.id}-{times}")
