"""How many reasoning paths were written in the language that was asked for.

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

__all__ = ["Fidelity", "fidelity", "fidelity_of"]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How many paths of an arm are written in its language.

    ``written`` counts the paths by the language that they are written in, commonest first;
    ``unknown`` of them could not be told.
    """

    paths: int
    faithful: int
    unknown: int
    written: Mapping[str, int]

    @property
    def share(self) -> float | None:
        """Faithful paths of those that could be told, from 0 to 1; None when none could."""
        told = self.paths - self.unknown
        return self.faithful / told if told else None


def fidelity(
    rows: Iterable[tuple[str, str]], candidates: Sequence[str] = ()
) -> dict[str, Fidelity]:
    """Compare what arms asked for with what they got, in one pass.

    Args:
        rows: the language that was asked for and the text, of every path.
        candidates: as ``written_language`` takes them.

    >>> rows = [("en", "First we add the apples."), ("de", "First we add the apples.")]
    >>> {code: found.share for code, found in fidelity(rows).items()}
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


def fidelity_of(run: RunFolder) -> dict[str, Fidelity]:
    """Which languages a run's paths were really written in, by the language asked for."""
    return fidelity(
        (path.language, path.text)
        for one in revote(run)
        for _, path in one.drawn()
        if path.error is None
    )
