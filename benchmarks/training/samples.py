"""Writes `examples/`: twelve problems that `clc-tiny` never saw, in its eleven languages.

python -m benchmarks.training.samples

MGSM's format, `question<TAB>gold`, one file a language, row k the same problem in each. The kinds
are distinct and none is held out of a language's training.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.training.instance import Instance
from benchmarks.training.kinds import problems, trained
from benchmarks.training.language import languages, load
from benchmarks.training.render import question

SEED = 11
PROBLEMS = 12
EXAMPLES = Path(__file__).parents[2] / "examples"


def sample(n: int, seed: int) -> list[Instance]:
    """The first n test problems whose kinds differ and are trained in every language."""
    chosen: dict[str, Instance] = {}
    for problem in problems("test", seed):
        if len(chosen) == n:
            break
        if all(trained(problem.kind, code) for code in languages()):
            chosen.setdefault(problem.kind, problem)
    return list(chosen.values())


def rows(problems: Sequence[Instance], code: str) -> str:
    """The problems in a language, as the text of a file."""
    language = load(code)
    return "".join(f"{question(problem, language)}\t{problem.answer}\n" for problem in problems)


def files(n: int = PROBLEMS, seed: int = SEED) -> dict[str, str]:
    """The text of each file by its name."""
    chosen = sample(n, seed)
    return {f"mgsm_{code}.tsv": rows(chosen, code) for code in languages()}


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=EXAMPLES, metavar="DIR")
    parser.add_argument("--n", type=int, default=PROBLEMS, help="how many problems")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in files(options.n, options.seed).items():
        (options.out / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
