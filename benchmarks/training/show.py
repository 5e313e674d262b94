"""Shows problems of `clc-tiny` to a person who checks their grammar, or checks a language file.

python -m benchmarks.training.show --language en --n 40
python -m benchmarks.training.show --language en --kind change
python -m benchmarks.training.show --language en --check
"""

import argparse
import sys
from random import Random

from benchmarks.training.instance import Instance
from benchmarks.training.kinds import KINDS
from benchmarks.training.language import Language, WordingError, all_wordings, load
from benchmarks.training.render import in_native_digits, question, solution

_COUNTS = (1, 2, 5, 11, 21)


def _show(problem: Instance, language: Language, label: str, wording: int | None) -> str:
    native = in_native_digits(problem, language)
    asked = question(problem, language, wording, native=native)
    return f"{asked}\n{solution(problem, language, label, wording, native=native)}\n"


def _tables(language: Language) -> str:
    """Every name and noun in all its forms, and every noun counted."""
    lines = [f"plural categories: {', '.join(language.plurals)}", ""]
    lines += [f"{word.id:14}" + " | ".join(word.forms.values()) for word in language.names.values()]
    lines.append("")
    for word in language.nouns.values():
        cases = sorted({name.rpartition(".")[0] for name in word.forms if "." in name})
        for case in ("", *cases):
            counts = [language.counted(word.id, n, str(n), case, "counted") for n in _COUNTS]
            lines.append(f"{word.id + (case and '.' + case):18}" + " | ".join(counts))
        sums = [language.counted(word.id, n, f"{n - 1} + 1 = {n}", "", "equation") for n in (2, 5)]
        lines.append(f"{'':18}" + " | ".join(sums))
    return "\n".join(lines)


def _sizes(language: Language) -> str:
    rng = Random(0)
    problems = [kind.sample(rng) for kind in KINDS.values() for _ in range(10)]
    asked = [len(question(problem, language)) for problem in problems]
    solved = [len(solution(problem, language, "")) for problem in problems]
    count = sum(1 for _ in all_wordings(language))
    return (
        f"{len(KINDS)} kinds, {count} wordings; characters on average: "
        f"question {sum(asked) / len(asked):.0f}, solution {sum(solved) / len(solved):.0f}"
    )


def main() -> int:
    """Print problems, or the tables of a checked language file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--language", required=True, help="the code of a language file")
    parser.add_argument("--n", type=int, default=20, help="how many problems")
    parser.add_argument("--kind", choices=sorted(KINDS), help="only this kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--label", default="=>", help="what stands before the answer")
    parser.add_argument(
        "--check", action="store_true", help="print all forms and every wording of every kind once"
    )
    options = parser.parse_args()
    rng = Random(options.seed)
    try:
        language = load(options.language)
    except WordingError as error:
        print(error, file=sys.stderr)
        return 2
    kinds = [KINDS[options.kind]] if options.kind else list(KINDS.values())
    if options.check:
        print(_tables(language), "\n")
        for kind in kinds:
            wordings = language.kinds[kind.name]
            print(f"--- {kind.name}")
            for i in range(max(len(wordings.questions), *map(len, wordings.steps))):
                print(_show(kind.sample(rng), language, options.label, i))
        print(_sizes(language))
        return 0
    for i in range(options.n):
        print(_show(kinds[i % len(kinds)].sample(rng), language, options.label, None))
    return 0


if __name__ == "__main__":
    sys.exit(main())
