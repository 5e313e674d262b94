"""Recorded votes as pools of questions, each with many paths in sampling order and their costs.

A folder may hold rows with texts (JSONL, as ``clc vote`` reads them; the cost of a path is the
characters of its response) and rows with answers alone (``*.jsonl.gz`` with ``answer``, ``gold``,
``item``, ``characters``). Answers alone make a pool for each of their files, and where rows have a
``condition`` (a way of forcing the language of a thought), one with one path a language and one
with a path of each condition in each language.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import orjson

from clc.answers.canonical import canonical_gold
from clc.datasets.recorded_votes import group_votes
from clc.records import AbstainReason, Abstention, Answer, Vote
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["ORDER", "Pool", "Question", "read_pools"]

ORDER = ("en", "de", "es", "fr", "ja", "ru", "zh", "bn", "sw", "te", "th")
_FEWEST = 3  # paths of a question on which a rule can save any


class Question(NamedTuple):
    """A question with the votes of all its paths in sampling order.

    ``item`` is shared by all questions that ask the same; ``costs`` are in characters.
    """

    item: str
    language: str
    gold: str
    votes: list[Vote]
    costs: list[int]

    def right(self, paths: int | None = None, order: Sequence[str] = ORDER) -> bool:
        """Whether the vote over the first ``paths`` is right, ties to the earlier language."""
        return vote(self.votes[:paths], order=order).answer == self.gold

    def cost(self, paths: int) -> int:
        """Return the cost of the first ``paths``."""
        return sum(self.costs[:paths])

    def only(self, language: str) -> Question:
        """Return the question with the paths in one language."""
        kept = [index for index, one in enumerate(self.votes) if one.language == language]
        return self._replace(
            votes=[self.votes[index] for index in kept], costs=[self.costs[index] for index in kept]
        )


class Pool(NamedTuple):
    """Questions of one recording, and a note on its English paths."""

    name: str
    questions: list[Question]
    english: str


def read_pools(folders: Iterable[Path], order: Sequence[str] = ORDER) -> list[Pool]:
    """Read all pools of the folders (or files).

    Raises:
        ClickException: no question has three paths.
    """
    pools = []
    for folder in folders:
        files = sorted(folder.iterdir()) if folder.is_dir() else [folder]
        texts = [file for file in files if file.name.endswith(".clsp.jsonl")]
        if texts:
            pools.append(Pool("CLSP, GPT-3.5", list(_texts(texts, order)), "en"))
        for file in files:
            if file.name.endswith(".jsonl.gz"):
                pools += _answers(file, order)
    pools = [pool for pool in pools if pool.questions]
    if not pools:
        raise click.ClickException("no questions with gold and three paths; give other folders")
    return pools


def _texts(files: Sequence[Path], order: Sequence[str]) -> Iterator[Question]:
    lengths = {
        f"{file}:{number}": len(orjson.loads(line)["response"])
        for file in files
        for number, line in enumerate(file.read_bytes().splitlines(), start=1)
    }
    for found in group_votes(files, languages=order):
        gold = None if found.gold is None else canonical_gold(found.gold, found.kind)
        paths = [
            (one, lengths[place]) for one, place in zip(found.votes, found.places, strict=True)
        ]
        if gold is not None and len(paths) >= _FEWEST:
            yield _question(found.item, found.question_language or "", gold, paths, order)


def _answers(file: Path, order: Sequence[str]) -> Iterator[Pool]:
    with gzip.open(file) as lines:
        rows = [orjson.loads(line) for line in lines]
    name = file.name.removesuffix(".jsonl.gz")
    if "condition" not in rows[0]:
        yield _pool(name, rows, ("question_language", "item"), order)
        return
    yield _pool(f"{name}, a path a language", rows, ("model", "condition", "item"), order)
    yield _pool(f"{name}, all paths", rows, ("model", "item"), order)


def _pool(name: str, rows: Iterable[Mapping[str, Any]], keys: tuple[str, ...],
          order: Sequence[str]) -> Pool:  # fmt: skip
    grouped: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[tuple(row[key] for key in keys)].append(row)
    questions = []
    for group in grouped.values():
        paths = [(_vote(row), row["characters"]) for row in group]
        gold = canonical_gold(str(group[0]["gold"]), None)
        if len(paths) >= _FEWEST and gold is not None:
            language = group[0].get("question_language", "")
            questions.append(_question(str(group[0]["item"]), language, gold, paths, order))
    return Pool(name, questions, "en")


def _vote(row: Mapping[str, Any]) -> Vote:
    value = None if row["answer"] is None else canonical_gold(str(row["answer"]), None)
    outcome = Abstention(AbstainReason.NO_ANSWER) if value is None else Answer(value)
    return Vote("", row["language"], outcome)


def _question(
    item: str, language: str, gold: str, paths: Sequence[tuple[Vote, int]], order: Sequence[str]
) -> Question:
    """Order the paths: one of each language, then the next of each."""
    rank = {code: place for place, code in enumerate(order)}
    seen: dict[str, int] = defaultdict(int)
    placed = []
    for one, cost in paths:
        seen[one.language] += 1
        placed.append((seen[one.language], rank.get(one.language, len(rank)), one, cost))
    placed.sort(key=lambda place: place[:2])
    return Question(item, language, gold, [one[2] for one in placed], [one[3] for one in placed])
