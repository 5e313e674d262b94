"""The German sample as a task of Inspect, scored by clc's own reading of the answers.

inspect eval examples/inspect_task.py --model clc/clc-tiny -M paths=11 -M languages=en,de,zh
"""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState

from clc import canonical, extract_answer, load_problems


@scorer(metrics=[accuracy(), stderr()])
def same_value() -> Scorer:
    """Compare answers by value."""

    async def score(state: TaskState, target: Target) -> Score:
        said = extract_answer(state.output.completion, language=state.metadata["language"])
        answer = getattr(said, "value", None)
        right = answer == canonical(target.text)
        return Score(value=CORRECT if right else INCORRECT, answer=answer)

    return score


@task
def sample(language: str = "de") -> Task:
    """``examples/mgsm_<language>.tsv``."""
    problems = load_problems(Path(__file__).parent / f"mgsm_{language}.tsv")
    return Task(
        dataset=[
            Sample(p.question, target=p.gold or "", metadata={"language": p.language})
            for p in problems
        ],
        scorer=same_value(),
    )
