"""Paths without a vote: how many, why, in which languages, where, and what helps."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from clc.cli.advice import ADVICE
from clc.cli.tables import language_label, make_table
from clc.cli.text import visible
from clc.errors import RunError
from clc.records import Abstention

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.table import Table

    from clc.records import AbstainReason, Vote

__all__ = ["Unread"]

_EXAMPLES = 3


class Unread:
    """Counts paths without a vote by reason and language, with their first places.

    ``in_files``: places are lines of files, of which the table leaves out the folder.
    """

    def __init__(self, *, in_files: bool = True) -> None:
        self.paths = 0
        self._in_files = in_files
        self._counts: Counter[tuple[AbstainReason, str]] = Counter()
        self._examples: dict[tuple[AbstainReason, str], list[str]] = {}

    def add(self, votes: Sequence[Vote], places: Iterable[str]) -> None:
        """Add the votes of a problem; ``places`` are those of its votes."""
        self.paths += len(votes)
        for vote, place in zip(votes, places, strict=True):
            if isinstance(vote.outcome, Abstention):
                self.count(vote.outcome.reason, vote.language, place)

    def count(self, reason: AbstainReason, language: str, place: str) -> None:
        """Add one path without a vote."""
        key = reason, language
        self._counts[key] += 1
        examples = self._examples.setdefault(key, [])
        if len(examples) < _EXAMPLES and place not in examples:
            examples.append(place)

    def merge(self, other: Unread) -> None:
        """Add the paths of the rows that follow."""
        self.paths += other.paths
        self._counts.update(other._counts)
        for key, places in other._examples.items():
            examples = self._examples.setdefault(key, [])
            new = [place for place in places if place not in examples]
            examples.extend(new[: _EXAMPLES - len(examples)])

    def reasons(self) -> Counter[AbstainReason]:
        """Return the number of paths by reason."""
        reasons: Counter[AbstainReason] = Counter()
        for (reason, _), count in self._counts.items():
            reasons[reason] += count
        return reasons

    def table(self) -> Table | None:
        """Return the paths without a vote by reason and language, None where there are none."""
        if not self._counts:
            return None
        table = make_table("no vote", "language", "paths", "for example")
        table.columns[1].justify = table.columns[3].justify = "left"
        order = self.reasons()
        for (reason, language), count in sorted(
            self._counts.items(), key=lambda item: (-order[item[0][0]], item[0][0], -item[1])
        ):
            examples = self._examples[reason, language]
            shown = ", ".join(_briefly(examples) if self._in_files else examples) + (
                ", …" if count > len(examples) else ""
            )
            label = reason.replace("_", " ")
            table.add_row(label, language_label(language), f"{count:,}", visible(shown))
        return table

    def advice(self) -> Iterator[str]:
        """Yield what helps against the reasons that there are, the commonest first."""
        for reason, _ in self.reasons().most_common():
            if reason in ADVICE:
                yield f"{reason}: {ADVICE[reason]}."

    def check(self) -> None:
        """Check that at least one answer was read.

        Raises:
            RunError: none was; it names the commonest reason.
        """
        reasons = self.reasons()
        if not self.paths or reasons.total() < self.paths:
            return
        ((reason, count),) = reasons.most_common(1)
        place = next(examples[0] for (one, _), examples in self._examples.items() if one == reason)
        advice = f"; {ADVICE[reason]}" if reason in ADVICE else ""
        raise RunError(
            f"no answer could be read in {self.paths:,} path{'s'[: self.paths != 1]}; the "
            f"commonest reason is {reason} ({count:,}, first {place}){advice}"
        )


def _briefly(places: Sequence[str]) -> Iterator[str]:
    """Yield places as FILE:LINE without the folder; the same file is named once."""
    before = None
    for place in places:
        file, colon, line = place.rpartition(":")
        name = "" if file == before else file.rpartition("/")[2]
        yield f"{name}{colon}{line}" if file else place
        before = file
