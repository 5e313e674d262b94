"""What it costs to start: ``import clc`` and ``clc --help`` beside ``import click``.

    python -m benchmarks.startup --runs 21

Every command runs in a process of its own, and the commands take turns, A B C A B C, so that the
machine's moods fall on all. The limit is 3 times ``import click``, for the medians.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

BASELINE = 'python -c "import click"'
LIMIT = 3.0
COMMANDS: Mapping[str, Sequence[str]] = {
    "python -c pass": ("-c", "pass"),
    BASELINE: ("-c", "import click"),
    'python -c "import clc"': ("-c", "import clc"),
    "clc --help": ("-m", "clc", "--help"),
    "clc --version": ("-m", "clc", "--version"),
    "clc solve --help": ("-m", "clc", "solve", "--help"),
}


def seconds(arguments: Sequence[str]) -> float:
    """How long one process takes, from its start to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(runs: int) -> Mapping[str, float]:
    """The median of each command; one more round goes before, to warm the file cache."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(runs + 1):
        for name, arguments in COMMANDS.items():
            took = seconds(arguments)
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
    print(f"{'median of ' + str(options.runs):28} {'ms':>6} {'ratio':>6}")
    for name, median in medians.items():
        print(f"{name:28} {median * 1000:6.0f} {median / baseline:6.2f}")
    over = [name for name, median in medians.items() if median > LIMIT * baseline]
    print(f"limit: ratio {LIMIT}; over it: {', '.join(over) or 'none'}")
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())
