"""The problems of a comparison in compact form, and those that all strategies share."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, cast

from clc.analysis.intervals import clustered_rate
from clc.analysis.resampling import Resampler
from clc.errors import DatasetError, StrategyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.analysis.comparison_records import Entry
    from clc.analysis.intervals import Rate

__all__ = [
    "ComparedProblem",
    "average",
    "measure_accuracy",
    "read_entries",
    "shared_ids",
    "sum_by_item",
]


@dataclass(frozen=True, slots=True)
class ComparedProblem:
    """A compact outcome. ``costs`` are the tokens up to and including each path and preparation."""

    item: str
    gold: str
    right: bool
    preparation: int
    costs: array[int]
    resampler: Resampler
    thought_tokens: int
    cost: float | None

    @property
    def tokens(self) -> int:
        """Tokens of the paths and of their preparation."""
        return self.costs[-1] if self.costs else self.preparation


class ReadEntry(NamedTuple):
    """An entry with its problems by id, and the number of those without gold."""

    entry: Entry
    problems: dict[str, ComparedProblem]
    without_gold: int


def read_entries(entries: Iterable[Entry]) -> dict[str, ReadEntry]:
    """Read the outcomes of all entries, by name.

    Raises:
        StrategyError: a name is given twice.
        DatasetError: an entry has two outcomes of one problem.
    """
    read: dict[str, ReadEntry] = {}
    for entry in entries:
        if entry.name in read:
            raise StrategyError(f"strategy {entry.name!r} is given twice; compare each once")
        read[entry.name] = _read(entry)
    return read


def _read(entry: Entry) -> ReadEntry:
    problems: dict[str, ComparedProblem] = {}
    without_gold = 0
    for one in entry.outcomes:
        if one.gold is None:
            without_gold += 1
            continue
        if one.id in problems:
            raise DatasetError(
                f"{entry.name}: two outcomes of problem {one.id!r}; compare each problem once"
            )
        before = one.preparation_tokens - sum(one.path_preparation)
        own = [path.tokens for path in one.paths]
        if one.path_preparation:
            own = [tokens + more for tokens, more in zip(own, one.path_preparation, strict=True)]
        spent = accumulate(own, initial=before)
        problems[one.id] = ComparedProblem(
            one.item,
            one.gold,
            one.answer == one.gold,
            one.preparation_tokens,
            array("q", list(spent)[1:]),
            Resampler(one.paths, one.gold, one.order),
            one.thought_tokens,
            one.cost,
        )
    return ReadEntry(entry, problems, without_gold)


def shared_ids(read: Mapping[str, ReadEntry]) -> list[str]:
    """Return the ids of the problems that all entries have, in the order of the first.

    Raises:
        DatasetError: there is none, or golds or items differ.
    """
    (name, first), *others = ((name, one.problems) for name, one in read.items())
    shared = [key for key in first if all(key in problems for _, problems in others)]
    for key in shared:
        for other, problems in others:
            for field in ("gold", "item"):
                one, two = getattr(first[key], field), getattr(problems[key], field)
                if one != two:
                    raise DatasetError(
                        f"problem {key!r}: {field} is {one!r} in {name} and {two!r} in {other}; "
                        "compare strategies over the same file"
                    )
    if not shared:
        raise DatasetError(
            f"no problem with a gold answer is in all strategies ({', '.join(read)}); compare "
            "them over the same file of problems with golds"
        )
    return shared


def measure_accuracy(rows: Sequence[ComparedProblem], right: Sequence[bool]) -> Rate:
    """Return the accuracy of a column of problems, clustered by item."""
    # Never None: a comparison has at least one problem.
    return cast("Rate", clustered_rate(*sum_by_item(rows, right)))


def sum_by_item(
    rows: Sequence[ComparedProblem], values: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return the sums of ``values`` and the numbers of problems, item by item."""
    totals = Counter(row.item for row in rows)
    sums = dict.fromkeys(totals, 0)
    for row, value in zip(rows, values, strict=True):
        sums[row.item] += value
    return list(sums.values()), list(totals.values())


def average(values: Iterable[float]) -> float:
    """Return the mean."""
    values = list(values)
    return sum(values) / len(values)
