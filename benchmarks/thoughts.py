"""Recorded generations of thinking models: their thoughts, and the language that these are in.

    python -m benchmarks.thoughts [FILE ...]

FILEs have rows with ``language``, ``response`` and ``gold`` (default: the recordings beside the
checkout whose names hold ``think``). For each file and language asked for: how many thoughts end
and how many do not, how many votes stand in a thought that did not end (there must be none), the
share of right answers, and the language of the thoughts by ``thought_language``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from clc.answers import canonical, extract_answer
from clc.records import Answer
from clc.thoughts import split
from clc.thoughts.language import MIXED, thought_language

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORDED = Path(__file__).parents[2] / "shared" / "data" / "recorded"
COLUMNS = ("texts", "ended", "open", "votes of open", "right %", "asked", "other", "mixed", "?")


def count(file: Path) -> dict[str, Counter[str]]:
    """Count the texts of a file by the language that was asked for."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            language, text = row["language"], row["response"]
            outcome = extract_answer(text, language, row.get("question"))
            thought, visible, closed = split(text)
            answer = outcome.value if isinstance(outcome, Answer) else None
            own = counts[language]
            own["texts"] += 1
            own["ended"] += closed is True
            own["open"] += closed is False
            own["votes of open"] += closed is False and answer is not None and not visible.strip()
            own["right"] += answer == (canonical(str(row["gold"]), "en") or str(row["gold"]))
            if thought:
                own[_place(thought_language(thought, language), language)] += 1
    return counts


def _place(written: str | None, asked: str) -> str:
    """Return the column of a thought's language."""
    return {None: "?", MIXED: "mixed", asked: "asked"}.get(written, "other")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each file; the status is 1 where a vote stands in an open thought."""
    parser = argparse.ArgumentParser(description="Thoughts in recorded generations.")
    parser.add_argument("files", nargs="*", type=Path)
    files = parser.parse_args(arguments).files or sorted(RECORDED.glob("*think*.jsonl"))
    if not files:
        print(f"{RECORDED}: no recordings of thinking models", file=sys.stderr)
        return 2
    wrong = 0
    for file in files:
        print(f"{file.name}\n{'':6}" + " ".join(f"{name:>13}" for name in COLUMNS))
        counts = count(file)
        for language, own in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
            own["right %"] = round(100 * own["right"] / own["texts"])
            print(f"{language:6}" + " ".join(f"{own[name]:>13,}" for name in COLUMNS))
        wrong += sum(own["votes of open"] for own in counts.values())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
