"""Report sections on the languages that paths and their thoughts are written in."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from heapq import heappush, heappushpop
from typing import TYPE_CHECKING

from clc.analysis.fidelity import Fidelity
from clc.analysis.report.sections import Column, Section
from clc.languages.identification import written_language
from clc.thoughts.language import MIXED, thought_language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from clc.analysis.report.sections import Cell
    from clc.records import ReasoningPath

__all__ = ["WrittenLanguages"]

_SAMPLE = 250  # paths of a language: detection takes 0.3 ms a path; the error is at most 6 points
_UNKNOWN = ""
_OTHERS = 3  # other languages listed


class WrittenLanguages:
    """Languages of the paths' texts and thoughts, detected on a sample of each arm's language.

    The sample has the paths whose keys hash lowest, so it does not depend on their order; it has
    all paths if they are few. Texts are not kept.
    """

    def __init__(self) -> None:
        self._texts = _Sample(lambda path: written_language(path.text, path.language))
        self._thoughts = _Sample(lambda path: thought_language(path.thought, path.language))

    def add(self, path: ReasoningPath) -> None:
        """Add a path, if it belongs to the sample of its language."""
        if path.error is None:
            self._texts.add(path)
            if path.thought:
                self._thoughts.add(path)

    def sections(self) -> Iterator[Section]:
        """Yield a section on texts and one on thoughts, if the language of any is known."""
        texts, thoughts = self._texts.by_language(), self._thoughts.by_language()
        if any(one.share is not None for one in texts.values()):
            yield self._text_section(texts, thoughts)
        if any(one.share is not None or one.mixed for one in thoughts.values()):
            yield self._thought_section(thoughts)

    def _text_section(
        self, texts: Mapping[str, Fidelity], thoughts: Mapping[str, Fidelity]
    ) -> Section:
        rows: list[tuple[Cell, ...]] = []
        for language, one in texts.items():
            another, listed = _others(one, language)
            share: tuple[Cell, ...] = (one.share,)
            if thoughts:
                share = (one.share, thoughts[language].share if language in thoughts else None)
            rows.append((language, one.paths, one.faithful, another, one.unknown, *share, listed))
        shares = [Column("as asked share", "share")]
        if thoughts:
            shares.append(Column("share of thoughts", "share"))
        return Section(
            "fidelity",
            "The language that paths are written in",
            "The language that paths were written in, beside the one asked for; the share is of "
            f"those whose language is known.{self._texts.note()}",
            (
                Column("asked for", "language"),
                Column("paths", "count"),
                Column("as asked", "count"),
                Column("another", "count"),
                Column("unknown", "count"),
                *shares,
                Column("others", "text"),
            ),
            tuple(rows),
            "stack",
        )

    def _thought_section(self, thoughts: Mapping[str, Fidelity]) -> Section:
        rows: list[tuple[Cell, ...]] = []
        for language, one in thoughts.items():
            another, listed = _others(one, language)
            rows.append(
                (language, one.paths, one.faithful, one.mixed, another, one.unknown, one.share,
                 listed)
            )  # fmt: skip
        return Section(
            "thought_fidelity",
            "The language of the thoughts",
            "The language that the model thought in before it wrote, beside the one asked for. "
            "Mixed thoughts are in several languages; the share is of those in one known "
            f"language.{self._thoughts.note()}",
            (
                Column("asked for", "language"),
                Column("thoughts", "count"),
                Column("as asked", "count"),
                Column("mixed", "count"),
                Column("another", "count"),
                Column("unknown", "count"),
                Column("as asked share", "share"),
                Column("others", "text"),
            ),
            tuple(rows),
            "stack",
        )


class _Sample:
    """Languages of some paths of each arm's language, as ``detect`` finds them."""

    def __init__(self, detect: Callable[[ReasoningPath], str | None]) -> None:
        self._detect = detect
        self._paths: Counter[str] = Counter()
        self._samples: dict[str, list[tuple[int, str]]] = {}

    def add(self, path: ReasoningPath) -> None:
        self._paths[path.language] += 1
        sample = self._samples.setdefault(path.language, [])
        digest = blake2b(path.key.encode(), digest_size=8).digest()
        rank = -int.from_bytes(digest, "big")  # a heap's first is its least
        if len(sample) == _SAMPLE and rank < sample[0][0]:
            return
        written = self._detect(path) or _UNKNOWN
        (heappush if len(sample) < _SAMPLE else heappushpop)(sample, (rank, written))

    def by_language(self) -> dict[str, Fidelity]:
        """Return the fidelity of each language's sample."""
        return {language: self._fidelity(language) for language in self._samples}

    def _fidelity(self, language: str) -> Fidelity:
        """Return the fidelity of a language's sample, most frequent first, then by code."""
        count = Counter(sorted(written for _, written in self._samples[language]))
        paths, unknown, mixed = count.total(), count.pop(_UNKNOWN, 0), count.pop(MIXED, 0)
        written = dict(count.most_common())
        return Fidelity(paths, count[language], unknown, written, mixed)

    def note(self) -> str:
        """Return a sentence where not all paths are in the samples."""
        if all(self._paths[code] == len(sample) for code, sample in self._samples.items()):
            return ""
        return f" Of languages with more paths, {_SAMPLE} are looked at."


def _others(one: Fidelity, language: str) -> tuple[int, str]:
    """Return how many are in another language, and the most frequent ones with their counts."""
    others = {code: n for code, n in one.written.items() if code != language}
    return sum(others.values()), ", ".join(
        f"{code} {n}" for code, n in list(others.items())[:_OTHERS]
    )
