"""Report sections on paths: abstentions, written languages, tokens and confidence."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from heapq import heappush, heappushpop
from typing import TYPE_CHECKING

from clc.analysis.fidelity import Fidelity
from clc.analysis.report.measures import Criterion
from clc.analysis.report.sections import Column, Section
from clc.language_id import written_language
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.analysis.report.measures import Judged
    from clc.analysis.report.sections import Cell
    from clc.records import ReasoningPath
    from clc.runs.revote import Solved

__all__ = ["Abstentions", "Confidences", "TokenCosts", "WrittenLanguages"]

_SAMPLE = 250  # paths of a language: detection takes 0.3 ms a path; the error is at most 6 points
_UNKNOWN = ""
_OTHERS = 3  # other languages listed


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


class WrittenLanguages:
    """Languages that the paths are written in, detected on a sample of each arm's language.

    The sample has the paths whose keys hash lowest, so it does not depend on their order; it has
    all paths if they are few. Texts are not kept.
    """

    def __init__(self) -> None:
        self._paths: Counter[str] = Counter()
        self._samples: dict[str, list[tuple[int, str]]] = {}

    def add(self, path: ReasoningPath) -> None:
        """Add a path, if it belongs to the sample of its language."""
        if path.error is not None:
            return
        self._paths[path.language] += 1
        sample = self._samples.setdefault(path.language, [])
        digest = blake2b(path.key.encode(), digest_size=8).digest()
        rank = -int.from_bytes(digest, "big")  # a heap's first is its least
        if len(sample) == _SAMPLE and rank < sample[0][0]:
            return
        written = written_language(path.text, path.language) or _UNKNOWN
        (heappush if len(sample) < _SAMPLE else heappushpop)(sample, (rank, written))

    def _fidelity(self, language: str) -> Fidelity:
        """Return the fidelity of a language's sample, most frequent first, then by code."""
        count = Counter(sorted(written for _, written in self._samples[language]))
        unknown = count.pop(_UNKNOWN, 0)
        written = dict(count.most_common())
        return Fidelity(count.total() + unknown, count[language], unknown, written)

    def sections(self) -> Iterator[Section]:
        """Yield the section, if the language of any path is known."""
        by_language = {language: self._fidelity(language) for language in self._samples}
        if all(one.share is None for one in by_language.values()):
            return
        rows = []
        for language, one in by_language.items():
            others = {code: n for code, n in one.written.items() if code != language}
            listed = ", ".join(f"{code} {n}" for code, n in list(others.items())[:_OTHERS])
            rows.append(
                (language, one.paths, one.faithful, sum(others.values()), one.unknown,
                 one.share, listed)
            )  # fmt: skip
        sampled = any(self._paths[language] > one.paths for language, one in by_language.items())
        note = (
            "The language that paths were written in, beside the one asked for; the share is of "
            "those whose language is known."
        )
        if sampled:
            note += f" Of languages with more paths, {_SAMPLE} are looked at."
        yield Section(
            "fidelity",
            "The language that paths are written in",
            note,
            (
                Column("asked for", "language"),
                Column("paths", "count"),
                Column("as asked", "count"),
                Column("another", "count"),
                Column("unknown", "count"),
                Column("as asked share", "share"),
                Column("others", "text"),
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

    def add(self, solved: Solved) -> None:
        """Add the tokens of a problem's paths and translations."""
        for arm in solved.plan.arms:
            self._before[arm.language] += arm.translation_usage.total
        for language, path in solved.drawn():
            self._paths[language] += 1
            self._usage[language] = self._usage.get(language, Usage()) + path.usage

    def sections(self) -> Iterator[Section]:
        """Yield the section, if tokens were counted."""
        if not any(one.total for one in self._usage.values()):
            return
        rows = []
        for language, paths in self._paths.items():
            spent = self._usage[language]
            rows.append(
                (language, paths, spent.prompt_tokens, spent.completion_tokens,
                 self._before[language], spent.completion_tokens / paths)
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
                Column("tokens before", "count"),
                Column("completion tokens a path", "number"),
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
