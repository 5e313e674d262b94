"""Report sections on paths: abstentions, tokens and confidence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from clc.analysis.report.measures import Criterion
from clc.analysis.report.sections import Column, Section
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.analysis.report.measures import Judged
    from clc.analysis.report.sections import Cell
    from clc.runs.revote import Solved

__all__ = ["Abstentions", "Confidences", "TokenCosts"]


class Abstentions:
    """Paths without a vote, by reason and language."""

    def __init__(self) -> None:
        self._paths: Counter[str] = Counter()
        self._reasons: dict[str, Counter[str]] = {}

    def add(self, solved: Solved) -> None:
        """Add the abstentions of a problem."""
        self._paths.update(vote.language for vote in solved.votes)
        for reason, by_language in solved.verdict.abstentions.items():
            self._reasons.setdefault(str(reason), Counter()).update(by_language)

    def sections(self) -> Iterator[Section]:
        """Yield the section, if there are abstentions."""
        if not self._reasons:
            return
        reasons = sorted(self._reasons, key=lambda one: (-self._reasons[one].total(), one))
        rows: list[tuple[Cell, ...]] = []
        for language, paths in self._paths.items():
            counts = [self._reasons[reason][language] for reason in reasons]
            rows.append((language, paths, *counts, sum(counts) / paths))
        yield Section(
            "abstentions",
            "Paths without a vote",
            "Paths that abstain, by language and reason. They are counted and never vote.",
            (
                Column("language", "language"),
                Column("paths", "count"),
                *(Column(reason.replace("_", " "), "count") for reason in reasons),
                Column("without a vote", "share"),
            ),
            tuple(rows),
            "stack",
        )


class TokenCosts:
    """Tokens by language: of prompts, of paths, and before the paths."""

    def __init__(self) -> None:
        self._paths: Counter[str] = Counter()
        self._usage: dict[str, Usage] = {}
        self._before: Counter[str] = Counter()
        self._cost: dict[str, float] = {}

    def add(self, solved: Solved) -> None:
        """Add the tokens of a problem's paths and translations."""
        for arm in solved.plan.arms:
            self._before[arm.language] += arm.translation_usage.total
        for language, path in solved.drawn():
            self._paths[language] += 1
            self._usage[language] = self._usage.get(language, Usage()) + path.usage
            if path.cost is not None:
                self._cost[language] = self._cost.get(language, 0.0) + path.cost

    def sections(self) -> Iterator[Section]:
        """Yield the section, if tokens were counted."""
        if not any(one.total for one in self._usage.values()):
            return
        costs = (Column("cost", "number"),) if self._cost else ()
        thinks = any(one.reasoning_tokens for one in self._usage.values())
        rows: list[tuple[Cell, ...]] = []
        for language, paths in self._paths.items():
            spent = self._usage[language]
            thought = (spent.reasoning_tokens,) if thinks else ()
            rows.append(
                (language, paths, spent.prompt_tokens, spent.completion_tokens, *thought,
                 self._before[language], spent.completion_tokens / paths,
                 *((self._cost.get(language, 0.0),) if costs else ()))
            )  # fmt: skip
        yield Section(
            "tokens",
            "Tokens by language",
            "Tokens of the paths of each language. Tokens before the paths are those of "
            "translations and first turns.",
            (
                Column("language", "language"),
                Column("paths", "count"),
                Column("prompt tokens", "count"),
                Column("completion tokens", "count"),
                *((Column("of thoughts", "count"),) if thinks else ()),
                Column("tokens before", "count"),
                Column("completion tokens a path", "number"),
                *costs,
            ),
            tuple(rows),
        )


class Confidences:
    """Mean confidence of the paths that are right, and of the others."""

    def __init__(self) -> None:
        self._paths: Counter[tuple[str, bool]] = Counter()
        self._sums: dict[tuple[str, bool], float] = {}

    def add(self, one: Judged, solved: Solved) -> None:
        """Add the mean confidences of a problem's paths."""
        for vote in solved.votes:
            path = solved.paths.get(vote.path_key)
            if path is not None and path.confidence is not None:
                group = (vote.language, vote.answer == one.target)
                self._paths[group] += 1
                self._sums[group] = self._sums.get(group, 0.0) + path.confidence.mean

    def sections(self, *, gold: bool) -> Iterator[Section]:
        """Yield the section, if confidences were measured."""
        if not self._paths:
            return
        criterion = Criterion.by(gold=gold)
        rows: list[tuple[Cell, ...]] = []
        for language in dict.fromkeys(language for language, _ in self._paths):
            row: list[Cell] = [language]
            for group in ((language, True), (language, False)):
                paths = self._paths[group]
                row += [paths, self._sums[group] / paths if paths else None]
            rows.append(tuple(row))
        yield Section(
            "confidence",
            "Confidence of the paths",
            f"Mean confidence, in nats a token, of the paths that {criterion.phrase} and of the "
            "others. Tokenizers differ: compare values within a language only.",
            (
                Column("language", "language"),
                Column(f"paths that {criterion.name}" if not gold else "right paths", "count"),
                Column("their confidence, nats", "number"),
                Column("other paths", "count"),
                Column("others' confidence, nats", "number"),
            ),
            tuple(rows),
        )
