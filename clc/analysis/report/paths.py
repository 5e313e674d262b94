"""The paths themselves: why some have no vote, what language they are in, what they cost."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from heapq import heappush, heappushpop
from typing import TYPE_CHECKING

from clc.analysis.fidelity import Fidelity
from clc.analysis.report.measures import Measure
from clc.analysis.report.sections import Column, Section
from clc.language_id import written_language
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.analysis.report.measures import Judged
    from clc.analysis.report.sections import Cell
    from clc.records import ReasoningPath
    from clc.runs.revote import Solved

__all__ = ["Abstaining", "Confident", "Costs", "Written"]

_LOOKED_AT = 250  # paths of a language: telling one takes 0.3 ms, and 250 err by 6 points at most
_UNTOLD = ""
_OTHERS = 3  # other languages that are named


class Abstaining:
    """Paths without a vote, by reason and language."""

    def __init__(self) -> None:
        self._paths: Counter[str] = Counter()
        self._reasons: dict[str, Counter[str]] = {}

    def add(self, solved: Solved) -> None:
        """Count the abstentions of a problem."""
        self._paths.update(vote.language for vote in solved.votes)
        for reason, by_language in solved.verdict.abstentions.items():
            self._reasons.setdefault(str(reason), Counter()).update(by_language)

    def sections(self) -> Iterator[Section]:
        """Tell the abstentions, where there are any."""
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


class Written:
    """Which language the paths are really written in, told from a sample of each language.

    The sample is the paths whose keys hash lowest: it is the same whatever the order, and all
    paths where there are few. Texts are not kept.
    """

    def __init__(self) -> None:
        self._paths: Counter[str] = Counter()
        self._samples: dict[str, list[tuple[int, str]]] = {}

    def add(self, path: ReasoningPath) -> None:
        """Take a path into the sample of its language, where it belongs there."""
        if path.error is not None:
            return
        self._paths[path.language] += 1
        sample = self._samples.setdefault(path.language, [])
        digest = blake2b(path.key.encode(), digest_size=8).digest()
        rank = -int.from_bytes(digest, "big")  # a heap's first is its least
        if len(sample) == _LOOKED_AT and rank < sample[0][0]:
            return
        written = written_language(path.text, path.language) or _UNTOLD
        (heappush if len(sample) < _LOOKED_AT else heappushpop)(sample, (rank, written))

    def _found(self, language: str) -> Fidelity:
        """What the sample of a language is written in, commonest first, then by code."""
        count = Counter(sorted(written for _, written in self._samples[language]))
        unknown = count.pop(_UNTOLD, 0)
        written = dict(count.most_common())
        return Fidelity(count.total() + unknown, count[language], unknown, written)

    def sections(self) -> Iterator[Section]:
        """Tell what the samples are written in, where that can be told of any."""
        found = {language: self._found(language) for language in self._samples}
        if all(one.share is None for one in found.values()):
            return
        rows = []
        for language, one in found.items():
            others = {code: n for code, n in one.written.items() if code != language}
            named = ", ".join(f"{code} {n}" for code, n in list(others.items())[:_OTHERS])
            rows.append(
                (language, one.paths, one.faithful, sum(others.values()), one.unknown,
                 one.share, named)
            )  # fmt: skip
        sampled = any(self._paths[language] > one.paths for language, one in found.items())
        note = (
            "The language that paths were written in, beside the one that they were asked for; "
            "the share is of those that could be told."
        )
        if sampled:
            note += f" Of languages with more paths, {_LOOKED_AT} are looked at."
        yield Section(
            "fidelity",
            "The language that paths are written in",
            note,
            (
                Column("asked for", "language"),
                Column("paths", "count"),
                Column("as asked", "count"),
                Column("another", "count"),
                Column("cannot be told", "count"),
                Column("as asked share", "share"),
                Column("others", "text"),
            ),
            tuple(rows),
            "stack",
        )


class Costs:
    """Tokens by language: of prompts, of paths, of what came before them."""

    def __init__(self) -> None:
        self._paths: Counter[str] = Counter()
        self._usage: dict[str, Usage] = {}
        self._before: Counter[str] = Counter()

    def add(self, solved: Solved) -> None:
        """Count what a problem's paths and its translations took."""
        for arm in solved.plan.arms:
            self._before[arm.language] += arm.translation_usage.total
        for language, path in solved.drawn():
            self._paths[language] += 1
            self._usage[language] = self._usage.get(language, Usage()) + path.usage

    def sections(self) -> Iterator[Section]:
        """Tell the tokens, where they were counted."""
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
            "What the paths of each language took. Tokens before the paths are those of "
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


class Confident:
    """How sure the model was of the paths that are right, and of the others."""

    def __init__(self) -> None:
        self._paths: Counter[tuple[str, bool]] = Counter()
        self._sums: dict[tuple[str, bool], float] = {}

    def add(self, one: Judged, solved: Solved) -> None:
        """Add up the mean confidences of a problem's paths."""
        for vote in solved.votes:
            path = solved.paths.get(vote.path_key)
            if path is not None and path.confidence is not None:
                group = (vote.language, vote.answer == one.target)
                self._paths[group] += 1
                self._sums[group] = self._sums.get(group, 0.0) + path.confidence.mean

    def sections(self, *, gold: bool) -> Iterator[Section]:
        """Tell the means, where confidences were measured."""
        if not self._paths:
            return
        measure = Measure.by(gold=gold)
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
            f"Mean confidence, in nats a token, of the paths that {measure.said} and of the "
            "others. Tokenizers differ: compare values within a language only.",
            (
                Column("language", "language"),
                Column(f"paths that {measure.name}" if not gold else "right paths", "count"),
                Column("their confidence, nats", "number"),
                Column("other paths", "count"),
                Column("others' confidence, nats", "number"),
            ),
            tuple(rows),
        )
