"""The outcome of a path, an answer or an abstention, read out of its text once a process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

from clc.answers import extract_answer
from clc.records import Abstention, Answer, Problem, ReasoningPath

__all__ = ["OutcomeMemory", "Reader", "read_outcome"]

Reader: TypeAlias = Callable[[Problem, ReasoningPath], Answer | Abstention]
MOST_OUTCOMES = 131_072  # some 50 MB


def read_outcome(problem: Problem, path: ReasoningPath) -> Answer | Abstention:
    """Read what the text of a path states, with the place where it does."""
    return extract_answer(
        path.text,
        language=path.language,
        question=problem.question,
        kind=problem.metadata.get("kind"),
        finish_reason=path.finish_reason,
    )


class OutcomeMemory:
    """The latest outcomes by path and question, without the places in the texts.

    A run reads an answer when its path arrives, for the stopping rule and the display; the verdict
    and the export at the end of the same process take it from here.

    Args:
        most: outcomes to hold, at most.
    """

    def __init__(self, most: int = MOST_OUTCOMES) -> None:
        self._most = most
        self._outcomes: OrderedDict[tuple[str, str, str], Answer | Abstention] = OrderedDict()

    def read(self, problem: Problem, path: ReasoningPath) -> Answer | Abstention:
        """Read an outcome and hold it."""
        key = _key(problem, path)
        outcome = self._outcomes.get(key)
        if outcome is None:
            outcome = read_outcome(problem, path)
            if isinstance(outcome, Answer):
                outcome = Answer(outcome.value, outcome.kind)
            self._outcomes[key] = outcome
            if len(self._outcomes) > self._most:
                self._outcomes.popitem(last=False)
        return outcome

    def recall(self, problem: Problem, path: ReasoningPath) -> Answer | Abstention:
        """Return an outcome that is held, or read it.

        One pass over a run that is larger than the memory would else drop what it needs next.
        """
        return self._outcomes.get(_key(problem, path)) or read_outcome(problem, path)


def _key(problem: Problem, path: ReasoningPath) -> tuple[str, str, str]:
    # The same path may answer questions that differ only where no prompt shows it.
    return path.key, problem.question, str(problem.metadata.get("kind"))
