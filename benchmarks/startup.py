"""The cost of a start: ``import clc``, help and a first answer beside ``import click``.

    python -m benchmarks.startup --runs 21

Every command runs in a process of its own, and the commands take turns, A B C A B C, so that other
load falls on all. The figure is CPU time, of which other load takes less than of seconds. The limit
is 3 times ``import click``, for the medians; an answer in words needs many patterns, and has 4.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence

BASELINE = 'python -c "import click"'
LIMIT = 3.0
IN_WORDS = "a first answer in words"
LIMITS = {IN_WORDS: 4.5}
COMMANDS: Mapping[str, Sequence[str]] = {
    "python -c pass": ("-c", "pass"),
    BASELINE: ("-c", "import click"),
    'python -c "import clc"': ("-c", "import clc"),
    "clc --help": ("-m", "clc", "--help"),
    "clc --version": ("-m", "clc", "--version"),
    "clc solve --help": ("-m", "clc", "solve", "--help"),
    "a first answer": ("-c", "import clc; clc.extract_answer('The answer is 18.')"),
    IN_WORDS: ("-c", "import clc; clc.extract_answer('So it is twelve eggs.')"),
}


def cpu_seconds(arguments: Sequence[str]) -> float:
    """Return the CPU time of one process, from its start to its end."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, [*arguments])
    return usage.ru_utime + usage.ru_stime


def measure(runs: int) -> Mapping[str, float]:
    """Return the median of each command; a round goes before, which fills the file cache."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):
        for name, arguments in COMMANDS.items():
            took = cpu_seconds(arguments)
            if turn:
                times[name].append(took)
    return {name: statistics.median(taken) for name, taken in times.items()}


def main() -> int:
    """Print the table; 1 when a command is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=21, help="runs of each command")
    options = parser.parse_args()
    medians = measure(options.runs)
    baseline = medians[BASELINE]
    print(f"{'median of ' + str(options.runs):28} {'CPU ms':>6} {'ratio':>6}")
    for name, median in medians.items():
        print(f"{name:28} {median * 1000:6.0f} {median / baseline:6.2f}")
    over = [name for name, median in medians.items() if median > LIMITS.get(name, LIMIT) * baseline]
    print(
        f"limit: ratio {LIMIT}, {IN_WORDS} {LIMITS[IN_WORDS]}; over it: {', '.join(over) or 'none'}"
    )
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())
