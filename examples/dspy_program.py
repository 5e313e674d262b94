"""A program of DSPy over a voted model, and its accuracy on the sample.

python examples/dspy_program.py
"""

from pathlib import Path

import dspy

from clc import load_problems
from clc.serving.integrations.dspy import VoteAdapter, vote_lm

dspy.configure(
    lm=vote_lm("clc-tiny", paths=11, languages=["en", "de", "zh"]), adapter=VoteAdapter()
)
program = dspy.ChainOfThought("question -> answer: int")
examples = [
    dspy.Example(question=problem.question, answer=int(problem.gold)).with_inputs("question")
    for problem in load_problems(Path(__file__).parent / "mgsm_de.tsv")
]


def right(example: dspy.Example, said: dspy.Prediction, trace: object = None) -> bool:  # noqa: ARG001
    """Compare two numbers."""
    return example.answer == said.answer


evaluate = dspy.Evaluate(devset=examples, metric=right, num_threads=8)
print(f"{evaluate(program).score} % right")
