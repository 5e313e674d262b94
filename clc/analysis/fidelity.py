"""Language fidelity: the share of reasoning paths written in the language asked for.

A model that is asked to reason in Swahili may well answer in English: the path counts for its arm,
but brings no second view.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc.language_id import written_language
from clc.runs.revote import revote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.runs.protocol import RunFolder

__all__ = ["Fidelity", "fidelity", "run_fidelity"]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Counts of an arm's paths by the language that they are written in.

    ``faithful`` paths are in the arm's language; the language of ``unknown`` paths is undetermined.
    ``written`` counts the others by language, most frequent first.
    """

    paths: int
    faithful: int
    unknown: int
    written: Mapping[str, int]

    @property
    def share(self) -> float | None:
        """Share of faithful paths among those whose language is known, 0 to 1; None without any."""
        known = self.paths - self.unknown
        return self.faithful / known if known else None


def fidelity(
    rows: Iterable[tuple[str, str]], candidates: Sequence[str] = ()
) -> dict[str, Fidelity]:
    """Count the paths of each arm by the language that they are written in, in one pass.

    Args:
        rows: the language asked for and the text of every path.
        candidates: as ``written_language`` takes them.

    >>> rows = [("en", "First we add the apples."), ("de", "First we add the apples.")]
    >>> {code: one.share for code, one in fidelity(rows).items()}
    {'en': 1.0, 'de': 0.0}
    """
    counts: dict[str, Counter[str | None]] = {}
    for language, text in rows:
        written = written_language(text, language, candidates)
        counts.setdefault(language, Counter())[written] += 1
    return {
        language: Fidelity(
            paths=count.total(),
            faithful=count[language],
            unknown=count[None],
            written={code: number for code, number in count.most_common() if code is not None},
        )
        for language, count in counts.items()
    }


def run_fidelity(run: RunFolder) -> dict[str, Fidelity]:
    """Measure the fidelity of a run's paths, by the language asked for."""
    return fidelity(
        (path.language, path.text)
        for one in revote(run)
        for _, path in one.drawn()
        if path.error is None
    )
