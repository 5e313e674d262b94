"""``clc vote`` on large files: rows a second and peak memory as the file grows.

    python -m benchmarks.revote --rows 10000 100000 1000000
    python -m benchmarks.revote --rows 1000000 --workers 1 2    # processes, beside each other

The rows are our own short solutions in seven languages, or with ``--recorded FOLDER`` the
responses of its JSONL files over and over under new ids. The rows of a problem are spread over the
whole file. Each size runs in a process of its own; CPU seconds are those of all its processes, and
memory is that of the largest. ``x reading`` is the time over that of only reading the file's lines.
The targets are a million rows in 25 seconds on two cores, and memory that does not grow with the
file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.training.kinds import problems
from benchmarks.training.language import load
from benchmarks.training.render import question, solution
from clc.prompts.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = ("de", "en", "es", "fr", "ja", "ru", "zh")


def own_rows() -> Iterator[dict[str, Any]]:
    """Yield one solution a language of 500 problems, every fifth one wrong."""
    templates = Templates()
    for number, problem in enumerate(islice(problems("dev", 0), 500)):
        for code in LANGUAGES:
            right = (number + len(code)) % 5
            answer = problem.answer if right else problem.answer + 1
            text = solution(problem, load(code), templates.cues(code).label)
            stated = text.rpartition("\n")[0] + f"\n{templates.cues(code).label} {answer}"
            yield {
                "id": str(number),
                "language": code,
                "question_language": "en",
                "question": question(problem, load("en")),
                "gold": str(problem.answer),
                "response": stated,
            }


def write(path: Path, rows: list[dict[str, Any]], count: int) -> None:
    """Write ``count`` rows, copies of a problem under new ids, one language after another."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["language"], []).append(row)
    share = -(-count // len(groups))
    with path.open("wb") as file:
        written = 0
        for group in groups.values():
            for number, row in enumerate(islice(cycle(group), share)):
                if written == count:
                    return
                copy = f"{row['id']}-{number // len(group)}"
                file.write(orjson.dumps({**row, "id": copy}) + b"\n")
                written += 1


def measure(path: Path, count: int, workers: int | None) -> None:
    """Vote on one file in a process of its own and print a line."""
    out = path.with_suffix(".verdicts")
    reading = time.perf_counter()
    with path.open("rb") as file:
        for _ in file:
            pass
    reading = time.perf_counter() - reading
    command = [sys.executable, "-m", "clc", "vote", str(path), "--out", str(out), "--json"]
    started = time.perf_counter()
    process = subprocess.Popen(
        command if workers is None else [*command, "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    cpu = usage.ru_utime + usage.ru_stime
    print(
        f"{count:>10,} {workers or 'default':>8} {seconds:>8.1f} {count / seconds:>8,.0f} "
        f"{cpu:>7.1f} {usage.ru_maxrss / 1024:>8.0f} {seconds / reading:>9.0f}"
        f"  exit {process.returncode}",
        flush=True,
    )


def main() -> None:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[None],
                        help="numbers of processes; by default as clc vote chooses")  # fmt: skip
    parser.add_argument("--recorded", type=Path, help="Folder of recorded generations.")
    options = parser.parse_args()
    rows = (
        [orjson.loads(line) for file in sorted(options.recorded.glob("*.jsonl"))
         for line in file.read_bytes().splitlines()]
        if options.recorded else list(own_rows())
    )  # fmt: skip
    print(f"{'rows':>10} {'workers':>8} {'seconds':>8} {'rows/s':>8} {'CPU s':>7} {'peak MB':>8} "
          f"{'x reading':>9}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for count in options.rows:
            path = Path(folder) / "rows.jsonl"
            write(path, rows, count)
            for workers in options.workers:
                measure(path, count, workers)


if __name__ == "__main__":
    main()
