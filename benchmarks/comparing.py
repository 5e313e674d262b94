"""How comparing strategies goes as inputs grow: seconds and peak memory, without a model.

Three strategies of 44 paths each (``sc``, ``sc-en`` and ``clc`` in eleven languages) share one pool
of paths, in a process of its own for each size::

    python -m benchmarks.comparing                    # 100, 1,000 and 10,000 problems
    python -m benchmarks.comparing --sizes 10000 --paths 11

``memory`` compares outcomes that lie in memory; ``store`` reads a run folder, whose texts are read
for their answers again, and compares as it reads. Seconds stand beside their limit, two minutes for
10,000 problems x 44 paths, as a ratio; the limit shrinks with the input. CPU seconds tell a busy
machine from a slow comparison.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from clc.analysis.comparison import compare_strategies
from clc.analysis.comparison_entries import problem_outcome
from clc.analysis.comparison_records import Entry, ProblemOutcome
from clc.analysis.resampling import PathOutcome
from clc.plan import ArmRecord, Plan
from clc.prompts.templates import Templates
from clc.records import Problem, ReasoningPath, Usage
from clc.runs.revote import revote
from clc.runs.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = ("en", "de", "es", "fr", "ja", "ru", "zh", "bn", "sw", "te", "th")
STRATEGIES = {"sc": ("de",), "sc-en": ("en",), "clc": LANGUAGES}
LIMIT_S = 120
LIMIT_SIZE = 10_000 * 44
STEPS = "Tom buys {0} pens and then 4 more. He has {0} + 4 = {1} pens.\n" * 4


def main() -> None:
    """Measure every size in processes of its own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000],
                        help="numbers of problems")  # fmt: skip
    parser.add_argument("--paths", type=int, default=44, help="paths of a strategy for a problem")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        kind, size = given.one
        measured = in_memory if kind == "memory" else from_store
        print(json.dumps(measured(int(size), given.paths)))
        return
    names = ("problems", "from", "seconds", "limit s", "of limit", "CPU s", "peak MB")
    print(" ".join(f"{name:>9}" for name in names))
    for size in given.sizes:
        for kind in ("memory", "store"):
            command = [sys.executable, "-m", "benchmarks.comparing", "--one", kind, str(size)]
            done = subprocess.run(
                [*command, "--paths", str(given.paths)],
                check=True, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            row = json.loads(done.stdout)
            limit = LIMIT_S * size * given.paths / LIMIT_SIZE
            cells = [f"{size:,}", kind, f"{row['seconds']:.1f}", f"{limit:.1f}",
                     f"{row['seconds'] / limit:.2f}", f"{row['cpu']:.1f}",
                     f"{row['peak_mb']:.0f}"]  # fmt: skip
            print(" ".join(f"{cell:>9}" for cell in cells), flush=True)


def in_memory(size: int, paths: int) -> dict[str, float]:
    """Compare outcomes that are there already."""
    entries = [
        Entry(name, [solved(number, languages, paths) for number in range(size)])
        for name, languages in STRATEGIES.items()
    ]
    return timed(entries)


def from_store(size: int, paths: int) -> dict[str, float]:
    """Write a run folder, then read and compare it."""
    with tempfile.TemporaryDirectory() as folder, Store(folder) as store:
        fill(store, size, paths)
        return timed([Entry(name, outcomes(store.labelled(name))) for name in STRATEGIES])


def timed(entries: list[Entry]) -> dict[str, float]:
    """Compare and say what it took."""
    started, worked = time.perf_counter(), time.process_time()
    compare_strategies(entries)
    return {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - worked,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def outcomes(store: Store) -> Iterator[ProblemOutcome]:
    """Read what one strategy made of every problem."""
    return (problem_outcome(*one) for one in revote(store))


def visible(number: int, code: str, paths: int) -> list[int]:
    """Say the right number, number + 4, as often as the problem is easy, else one near it."""
    source = random.Random(f"{number} {code}")
    easy = random.Random(number).betavariate(1.5, 1.0)
    return [
        number + (4 if source.random() < easy else source.choice((3, 5, 5, 6, 14, 40)))
        for _ in range(paths)
    ]


def solved(number: int, languages: tuple[str, ...], paths: int) -> ProblemOutcome:
    """Answer one problem in these languages in turn, by the first path: only votes are measured."""
    share = -(-paths // len(languages))
    rows = [
        [PathOutcome(code, str(value), 150) for value in visible(number, code, share)]
        for code in languages
    ]
    drawn = [path for turn in zip(*rows, strict=True) for path in turn][:paths]
    return ProblemOutcome(
        f"p-{number}", f"p-{number}", str(number + 4), drawn[0].answer, drawn, 60, languages
    )


def fill(store: Store, size: int, paths: int) -> None:
    """Write problems, one pool of paths for all strategies, and each strategy's plans."""
    labels = {code: Templates().cues(code).label for code in LANGUAGES}
    share = -(-paths // len(LANGUAGES))
    drawn = {code: paths if code in ("de", "en") else share for code in LANGUAGES}
    for number in range(size):
        text = f"Tom buys {number} pens and then 4 more. How many pens has he?"
        problem = Problem(f"p-{number}", text, "de", str(number + 4))
        store.add_problem(number, problem)
        for code, count in drawn.items():
            prompt = f"{number}-{code}"
            keys = Plan.of([ArmRecord(code, prompt, 0, count, 0, arm_key=code)]).keys()
            values = visible(number, code, count)
            for index, (key, value) in enumerate(zip(keys, values, strict=True)):
                reply = f"{STEPS.format(number, value)}\n{labels[code]} {value}"
                store.add_path(
                    ReasoningPath(key, prompt, code, index, 0, reply, "stop", Usage(60, 90))
                )
        for name, languages in STRATEGIES.items():
            each, rest = divmod(paths, len(languages))
            arms = [
                ArmRecord(code, f"{number}-{code}", 0, each + (place < rest), 0, arm_key=code)
                for place, code in enumerate(languages)
            ]
            store.labelled(name).set_plan(problem.id, Plan.of(arms))
    store.commit()


if __name__ == "__main__":
    main()
