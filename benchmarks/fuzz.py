"""Generated inputs to every reader of foreign text: errors that are not ours, and slowness.

    python -m benchmarks.fuzz [--inputs N] [--seed S] [--targets answers,endpoint,...]

Each input is a good one that was cut, repeated, spliced or damaged, or one of a grammar of
numerals, scripts, LaTeX and JSON. A reader may refuse an input with an error of its own, and must
end in less than a second for 100 kB. What does not is printed with the seed and number that make
it again, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.fuzz_readers import OUR_ENDS, TARGETS

if TYPE_CHECKING:
    from collections.abc import Sequence

INPUTS = 1_000_000
SECONDS_PER_CHARACTER = 1 / 100_000
_SLACK_S = 0.05  # of an input of no length: the machine's
_WARM = 200  # inputs before the first
_SHOWN = 20


@dataclass
class Tally:
    """Counts of one target's inputs, and what was wrong with them."""

    inputs: int = 0
    characters: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


def run(name: str, inputs: int, seed: int) -> Tally:
    """Read ``inputs`` inputs of one target."""
    from clc.serving.errors import ApiError

    read, tally = TARGETS[name][0], Tally()
    # A template may take 200,000 steps, whatever its length.
    slack_s = 3.0 if name == "templates" else _SLACK_S
    for number in range(-_WARM, inputs):
        if number == 0:  # what is imported at first is no input's time
            tally.seconds = tally.slowest = 0.0
        rng = random.Random(f"{name}:{seed}:{number}")
        began = time.thread_time()
        length = 0
        try:
            length = read(rng)
        except (*OUR_ENDS, ApiError) as error:
            tally.refused += 1
            tally.kinds[type(error).__name__] += 1
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            tally.faults.append(f"{number}: {type(error).__name__}: {error!s:.150}")
        seconds = time.thread_time() - began
        tally.inputs = max(number + 1, 0)
        tally.characters += length
        tally.seconds += seconds
        tally.slowest = max(tally.slowest, seconds)
        if number >= 0 and seconds > slack_s + max(length, 20_000) * SECONDS_PER_CHARACTER:
            tally.faults.append(f"{number}: {seconds:.2f} s for {length:,} characters")
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Generated inputs to every reader.")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="over all targets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--targets", default=",".join(TARGETS))
    parser.add_argument(
        "--number", type=int, help="read this input of one target, and fail as it does"
    )
    options = parser.parse_args(arguments)
    names = options.targets.split(",")
    if options.number is not None:
        TARGETS[names[0]][0](random.Random(f"{names[0]}:{options.seed}:{options.number}"))
        return 0
    total = sum(TARGETS[name][1] for name in names)
    print(
        f"{'target':12} {'inputs':>9} {'refused':>9} {'MB':>7} {'CPU s':>7} "
        f"{'slowest ms':>11} {'faults':>7}"
    )
    faults = 0
    for name in names:
        tally = run(name, max(1, round(options.inputs * TARGETS[name][1] / total)), options.seed)
        faults += len(tally.faults)
        print(f"{name:12} {tally.inputs:9,} {tally.refused:9,} {tally.characters / 1e6:7.1f} "
              f"{tally.seconds:7.1f} {tally.slowest * 1000:11.0f} {len(tally.faults):7}",
              flush=True)  # fmt: skip
        for fault in tally.faults[:_SHOWN]:
            print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
