"""How a run goes as it grows: seconds, paths a second and peak memory, without a model.

Each size is a process of its own: a run folder on disk, the replay engine for a model, and all of
what ``clc solve`` does besides: prompts, keys, store, votes, verdicts and exported results::

    python -m benchmarks.scale                      # 100, 1,000 and 10,000 problems x 11 paths
    python -m benchmarks.scale --sizes 1000 91000   # the last one is 1,001,000 paths

What should be seen: seconds grow as paths do, and memory stays under 300 MB at any size.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from clc.analysis.export import export
from clc.engines.base import Completion, Request
from clc.engines.replay import ReplayEngine
from clc.records import Problem, Usage
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = ("en", "de", "es", "fr", "ja", "ru", "zh", "bn", "sw", "te", "th")
LIMIT_MB = 300
PATH = "Tom buys {0} pens and then 4 more. He has {0} + 4 = {1} pens.\n" * 4 + "\nAnswer: {1}"


def main() -> None:
    """Run every size in a process of its own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000],
                        help="numbers of problems")  # fmt: skip
    parser.add_argument("--paths", type=int, default=len(LANGUAGES), help="paths for a problem")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(measure(given.one, given.paths)))
        return
    names = ("problems", "paths", "draw s", "CPU s", "paths/s", "again s", "export s", "peak MB")
    print(" ".join(f"{name:>9}" for name in names))
    for size in given.sizes:
        command = [sys.executable, "-m", "benchmarks.scale", "--one", str(size)]
        done = subprocess.run(
            [*command, "--paths", str(given.paths)], check=True, stdout=subprocess.PIPE, text=True
        )
        row = json.loads(done.stdout)
        paths = size * given.paths
        cells = [f"{size:,}", f"{paths:,}", f"{row['draw']:.1f}", f"{row['cpu']:.1f}",
                 f"{paths / row['draw']:,.0f}", f"{row['again']:.1f}", f"{row['export']:.1f}",
                 f"{row['peak_mb']:.0f}"]  # fmt: skip
        note = "" if row["peak_mb"] <= LIMIT_MB else f"  above {LIMIT_MB} MB"
        print(" ".join(f"{cell:>9}" for cell in cells) + note, flush=True)


def measure(problems: int, paths: int) -> dict[str, float]:
    """Draw a run, go over it again as a resumed one does, and export it."""
    with tempfile.TemporaryDirectory() as folder:
        started, worked = time.perf_counter(), time.process_time()
        asyncio.run(draw(Path(folder), problems, paths))
        drawn, worked = time.perf_counter(), time.process_time() - worked
        asyncio.run(draw(Path(folder), problems, paths))
        again = time.perf_counter()
        with Store(folder) as store:
            export(store)
        done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "draw": drawn - started,
        "cpu": worked,
        "again": again - drawn,
        "export": done - again,
        "peak_mb": peak,
    }


async def draw(folder: Path, problems: int, paths: int) -> None:
    """Solve all problems; every verdict is looked at and forgotten."""
    configuration = configure("clc", languages=LANGUAGES, paths=paths)
    with Store(folder) as store:
        work = Run(configuration, ReplayEngine(answer), store)
        async for _ in work.verdicts(questions(problems)):
            pass


def questions(problems: int) -> Iterator[Problem]:
    """Problems with human translations, so that only paths are drawn."""
    for number in range(problems):
        text = f"Tom buys {number} pens and then 4 more. How many pens has he?"
        translations = {code: f"[{code}] {text}" for code in LANGUAGES}
        yield Problem(f"p-{number}", text, "en", str(number + 4), translations)


def answer(request: Request) -> Completion:
    """Say the right number, or the next one for one seed in four."""
    number = int(request.messages[0]["content"].split("buys ")[1].split()[0])
    text = PATH.format(number, number + 4 + (request.seed % 4 == 0))
    return Completion(text, "stop", Usage(60, 90))


if __name__ == "__main__":
    main()
