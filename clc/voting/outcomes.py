"""Outcomes of paths (answers or abstentions), with a memory so that each text is read once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from clc.answers import extract_answer
from clc.answers.option_lines import option_texts, problem_options
from clc.answers.vocabulary import use_vocabulary
from clc.records import Abstention, Answer, Problem, ReasoningPath

if TYPE_CHECKING:
    from clc.answers.reading_files import ReadingFiles
    from clc.answers.vocabulary import Vocabulary

__all__ = ["OutcomeMemory", "Reader", "read_outcome"]

Reader: TypeAlias = Callable[[Problem, ReasoningPath], Answer | Abstention]
MOST_OUTCOMES = 131_072  # about 50 MB


def read_outcome(
    problem: Problem, path: ReasoningPath, files: ReadingFiles | None = None
) -> Answer | Abstention:
    """Extract the answer of a path's text, with its span.

    A path of an older run may hold its thought in its text: what follows the thought is read.
    ``files`` are those of a folder of prompt files. The text of an option stands for its letter.
    """
    kind = problem.metadata.get("kind")
    options = problem_options(problem.metadata) if kind == "choice" else None
    return extract_answer(
        path.text,
        language=path.language,
        question=problem.question,
        kind=kind,
        finish_reason=path.finish_reason,
        closed=path.closed,
        marks=files and files.marks,
        vocabulary=files and files.vocabulary,
        options=option_texts(problem.question, "".join(options)) if options else None,
    )


class OutcomeMemory:
    """The latest outcomes by path and question, without their spans.

    A run reads the answer of each new path for the stopping rule and for progress; the verdict and
    the export at the end of the same process reuse it.

    Args:
        most: largest number of outcomes to keep.

    Attributes:
        vocabulary: the words of languages by which answers are read; those in effect by default.
    """

    def __init__(self, most: int = MOST_OUTCOMES) -> None:
        self._most = most
        self.vocabulary: Vocabulary | None = None
        self._outcomes: OrderedDict[tuple[str, str, str], Answer | Abstention] = OrderedDict()

    def __len__(self) -> int:
        return len(self._outcomes)

    def read(self, problem: Problem, path: ReasoningPath) -> Answer | Abstention:
        """Return an outcome, read it if necessary, and keep it."""
        outcome = self._outcomes.get(_key(problem, path))
        if outcome is None:
            outcome = self.keep(problem, path, self.read_anew(problem, path))
        return outcome

    def read_anew(self, problem: Problem, path: ReasoningPath) -> Answer | Abstention:
        """Read an outcome, with its span, and keep nothing."""
        if self.vocabulary is None:
            return read_outcome(problem, path)
        with use_vocabulary(self.vocabulary):
            return read_outcome(problem, path)

    def holds(self, problem: Problem, path: ReasoningPath) -> bool:
        """Whether an outcome is kept."""
        return _key(problem, path) in self._outcomes

    def keep(
        self, problem: Problem, path: ReasoningPath, outcome: Answer | Abstention
    ) -> Answer | Abstention:
        """Keep an outcome, and return it without its span."""
        if isinstance(outcome, Answer):
            outcome = Answer(outcome.value, outcome.kind)
        self._outcomes[_key(problem, path)] = outcome
        if len(self._outcomes) > self._most:
            self._outcomes.popitem(last=False)
        return outcome

    def recall(self, problem: Problem, path: ReasoningPath) -> Answer | Abstention:
        """Return a kept outcome, or read it without keeping it.

        A pass over a run larger than the memory would otherwise evict the outcomes it needs next.
        """
        return self._outcomes.get(_key(problem, path)) or self.read_anew(problem, path)


def _key(problem: Problem, path: ReasoningPath) -> tuple[str, str, str]:
    # Questions may share a path if they differ only where no prompt shows it.
    return path.key, problem.question, str(problem.metadata.get("kind"))
