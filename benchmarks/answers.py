"""Answer reading on recorded responses: speed and accuracy beside math-verify and others.

    python -m benchmarks.answers [FOLDER] [--sample N] [--languages N ...]

FOLDER holds recorded generations (default: ../shared/data/recorded beside the checkout). Every
reader sees the same responses in the same run, on one core. math-verify reads a sample of N of each
file (default 200), because it takes up to milliseconds each; its accuracy stands beside ours on
those samples. With --languages the files are also read with the words of that many languages; those
beyond the ones that clc knows are made up.
The harness rows follow the public MGSM tasks of lm-evaluation-harness (flexible-extract: the last
number-like token; strict-match: a number after the language's answer words; both compared with
punctuation removed), written anew for this comparison.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import string
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clc.answers import canonical, extract_answer
from clc.answers.vocabulary import Vocabulary, use_vocabulary, vocabulary
from clc.languages.codes import MGSM_LANGUAGES
from clc.records import Answer, Vote
from clc.version import install_hint
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RECORDED = Path(__file__).parents[2] / "shared" / "data" / "recorded"
ROUNDS = 3
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_NUMBER = re.compile(r"-?\d[\d.,]*")
_FLEXIBLE = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")
_STRICT = re.compile(
    r"(?:The answer is|Die Antwort lautet|La respuesta es|La réponse est|Ответ —|答案是|答えは|Answer:|Antwort:"  # noqa: E501
    r"|Respuesta:|Réponse ?:|Ответ:|答案：|答え：) ?(-?[0-9.,]+)"
)


class ShardRow(NamedTuple):
    """One recorded response."""

    file: str
    problem: str
    language: str
    question: str | None
    response: str
    gold: str


class Result(NamedTuple):
    """What one reader made of the rows."""

    name: str
    per_second: float
    right: list[bool]
    visible: list[str | None]


def ours(row: ShardRow) -> str | None:
    visible = extract_answer(row.response, row.language, row.question)
    return visible.value if isinstance(visible, Answer) else None


def naive(row: ShardRow) -> str | None:
    """Last number after "Answer:"; of the whole text when there is none."""
    tail = row.response.rpartition("Answer:")[2]
    found = _NUMBER.findall(tail)
    return found[-1].replace(",", "").rstrip(".") if found else None


def flexible(row: ShardRow) -> str | None:
    found = _FLEXIBLE.findall(row.response)
    return found[-1].translate(_PUNCTUATION) if found else None


def strict(row: ShardRow) -> str | None:
    match = _STRICT.search(row.response)
    return match[1].translate(_PUNCTUATION) if match else None


def measure(name: str, read: Callable[[ShardRow], str | None], rows: Sequence[ShardRow]) -> Result:
    """Read all rows a few times; the fastest round counts."""
    best = float("inf")
    visible: list[str | None] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        visible = [read(row) for row in rows]
        best = min(best, time.process_time() - began)
    right = [answer == row.gold for answer, row in zip(visible, rows, strict=True)]
    return Result(name, len(rows) / best, right, visible)


def math_verify(rows: Sequence[ShardRow]) -> Result | None:
    """Parse and verify with math-verify, None when it is not installed."""
    try:
        from math_verify import parse, verify
    except ImportError:
        return None
    golds = [parse(row.gold) for row in rows]
    parse("1")  # loads its grammar
    began = time.process_time()
    parsed = [parse(row.response) for row in rows]
    seconds = time.process_time() - began
    right = [bool(verify(gold, visible)) for gold, visible in zip(golds, parsed, strict=True)]
    return Result("math-verify", len(rows) / seconds, right, [])


def vote_accuracy(result: Result, rows: Sequence[ShardRow]) -> float:
    """Right verdicts of one vote per problem, in percent."""
    votes = defaultdict(list)
    golds = {}
    for index, (row, answer) in enumerate(zip(rows, result.visible, strict=True)):
        golds[row.problem] = row.gold
        if answer is not None:
            votes[row.problem].append(Vote(str(index), row.language, Answer(answer)))
    right = sum(
        vote(votes[problem], order=MGSM_LANGUAGES).answer == gold for problem, gold in golds.items()
    )
    return 100 * right / len(golds)


def load(folder: Path) -> list[ShardRow]:
    rows = []
    for file in sorted(folder.glob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                gold = canonical(row["gold"], "en") or row["gold"]
                question = row.get("question")
                rows.append(
                    ShardRow(file.stem, row["id"], row["language"], question, row["response"], gold)
                )
    return rows


def percent(right: Sequence[bool]) -> str:
    return f"{100 * sum(right) / len(right):.1f}"


def show(results: Sequence[Result], rows: Sequence[ShardRow]) -> None:
    languages = [code for code in MGSM_LANGUAGES if any(row.language == code for row in rows)]
    print(f"{'':24}{'responses/s':>12} {'paths %':>8} {'vote %':>7}  "
          + " ".join(f"{code:>5}" for code in languages))  # fmt: skip
    for result in results:
        by_language = [
            percent(
                [ok for ok, row in zip(result.right, rows, strict=True) if row.language == code]
            )
            for code in languages
        ]
        voted = f"{vote_accuracy(result, rows):.1f}" if result.visible else ""
        print(f"{result.name:24}{result.per_second:12,.0f} {percent(result.right):>8} {voted:>7}  "
              + " ".join(f"{share:>5}" for share in by_language))  # fmt: skip


def vocabulary_of(count: int) -> Vocabulary:
    """Return the words of ``count`` languages; others are made of ours with letters exchanged."""
    known = vocabulary().languages
    order = [*MGSM_LANGUAGES, *(code for code in known if code not in MGSM_LANGUAGES)]
    languages = {code: known[code] for code in order[:count]}
    for index in range(len(languages), count):
        shift = 1 + index // len(order)
        tables = known[order[index % len(order)]]
        words = {name: [_exchanged(one, shift) for one in entries]
                 for name, entries in tables.get("answers", {}).items()}  # fmt: skip
        languages[f"x-{index}"] = {"answers": words}
    return Vocabulary(languages)


def _exchanged(entry: str, shift: int) -> str:
    """Return an entry whose Latin letters are later ones, but for those after a backslash."""
    later = {ord(one): string.ascii_lowercase[(index + shift) % 26]
             for index, one in enumerate(string.ascii_lowercase)}  # fmt: skip
    return re.sub(r"(?<!\\)[a-z]+", lambda letters: letters[0].translate(later), entry)


def show_growth(rows: Sequence[ShardRow], counts: Sequence[int]) -> None:
    """Print how fast each file is read with the words of more and more languages."""
    files = sorted({row.file for row in rows})
    print(f"\n{'responses/s with languages:':40}" + "".join(f"{count:>10}" for count in counts))
    for file in files:
        of_file = [row for row in rows if row.file == file]
        rates = []
        for count in counts:
            with use_vocabulary(vocabulary_of(count)):
                rates.append(measure("clc", ours, of_file).per_second)
        print(f"{file:40}" + "".join(f"{rate:10,.0f}" for rate in rates))


def show_files(rows: Sequence[ShardRow], size: int) -> None:
    """Print for each file how fast and how well we and math-verify read a sample of it."""
    print(f"\n{'':40}{'clc/s':>10}{'math-verify/s':>15}{'ratio':>8}"
          f"{'clc %':>8}{'math-verify %':>15}")  # fmt: skip
    for file in sorted({row.file for row in rows}):
        of_file = [row for row in rows if row.file == file]
        sample = random.Random(0).sample(of_file, min(size, len(of_file)))
        whole, mine = measure("clc", ours, of_file), measure("clc", ours, sample)
        peer = math_verify(sample)
        if peer is None:
            print(f"{file:40}{whole.per_second:10,.0f}")
            continue
        print(f"{file:40}{whole.per_second:10,.0f}{peer.per_second:15,.0f}"
              f"{whole.per_second / peer.per_second:8.1f}"
              f"{percent(mine.right):>8}{percent(peer.right):>15}")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Answer reading beside its peers.")
    parser.add_argument("folder", nargs="?", type=Path, default=RECORDED)
    parser.add_argument(
        "--sample", type=int, default=200, help="responses of a file to math-verify"
    )
    parser.add_argument("--languages", type=int, nargs="*", default=(), help="numbers of languages")
    options = parser.parse_args(arguments)
    rows = load(options.folder)
    if not rows:
        print(f"{options.folder}: no recorded generations (*.jsonl)", file=sys.stderr)
        return 2
    print(f"{len(rows)} responses, one core, best of {ROUNDS} rounds\n")
    readers = {
        "clc": ours,
        "naive (after Answer:)": naive,
        "harness flexible-extract": flexible,
        "harness strict-match": strict,
    }
    show([measure(name, read, rows) for name, read in readers.items()], rows)
    show_files(rows, options.sample)
    if options.languages:
        show_growth(rows, options.languages)
    try:
        import math_verify  # noqa: F401
    except ImportError:
        print(f"\nmath-verify is not installed: {install_hint('latex')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
