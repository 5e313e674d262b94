"""Language fidelity: the share of reasoning paths written in the language asked for.

A model that is asked to reason in Swahili may well answer in English: the path counts for its arm,
but brings no second view. A thinking model may think in English and answer in Swahili (arXiv
2505.17407, 2505.22888), so thoughts are counted apart from texts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from clc.languages.identification import written_language
from clc.runs.revote import Revoter, warn_thoughts
from clc.runs.spans import map_finished
from clc.thoughts.language import MIXED, thought_language

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.runs.protocol import Finished, RunFolder
    from clc.worker_processes import Workers

__all__ = ["Fidelity", "fidelity", "run_fidelity"]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Counts of an arm's paths by the language that they are written in.

    ``faithful`` paths are in the arm's language; the language of ``unknown`` paths is undetermined.
    ``written`` counts the others by language, most frequent first. ``mixed`` thoughts are in
    several languages. ``thought`` has the same counts of the paths' thoughts, where there are any.
    """

    paths: int
    faithful: int
    unknown: int
    written: Mapping[str, int]
    mixed: int = 0
    thought: Fidelity | None = None

    @property
    def share(self) -> float | None:
        """Share of faithful paths among those in one known language, 0 to 1; None without any."""
        known = self.paths - self.unknown - self.mixed
        return self.faithful / known if known else None

    def to_json(self) -> dict[str, Any]:
        """Return plain values; ``mixed`` is among the thought's only."""
        values = asdict(self)
        del values["mixed"], values["thought"]
        if self.thought is not None:
            thought = self.thought
            values["thought"] = {**thought.to_json(), "mixed": thought.mixed}
        return values


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
    return {language: _make_fidelity(count, language) for language, count in counts.items()}


_Counts: TypeAlias = dict[str, Counter[str | None]]  # of paths by language and written language


def run_fidelity(run: RunFolder, workers: Workers | None = None) -> dict[str, Fidelity]:
    """Measure the fidelity of a run's paths, by the language asked for; ``workers`` detect it."""
    texts: _Counts = {}
    thoughts: _Counts = {}
    old = 0
    for part in map_finished(run, partial(_count_part, Revoter.of(run)), workers):
        for total, counts in ((texts, part[0]), (thoughts, part[1])):
            for language, count in counts.items():
                total.setdefault(language, Counter()).update(count)
        old += part[2]
    warn_thoughts(old)
    return {
        language: _make_fidelity(count, language, thoughts.get(language))
        for language, count in texts.items()
    }


def _count_part(revoter: Revoter, finished: Iterable[Finished]) -> tuple[_Counts, _Counts, int]:
    """Count the texts and thoughts of problems; and the paths whose text holds its thought."""
    texts: _Counts = {}
    thoughts: _Counts = {}
    old = 0
    for each in finished:
        old += revoter.thoughts_in_texts(each)
        for _, key in each.plan.paths:
            if key is None:
                continue
            path = each.paths[key]
            if path.error is not None:
                continue
            written = written_language(path.text, path.language)
            texts.setdefault(path.language, Counter())[written] += 1
            if path.thought:
                thought = thought_language(path.thought, path.language)
                thoughts.setdefault(path.language, Counter())[thought] += 1
    return texts, thoughts, old


def _make_fidelity(
    count: Counter[str | None], language: str, thoughts: Counter[str | None] | None = None
) -> Fidelity:
    ranked = count.most_common()
    return Fidelity(
        paths=count.total(),
        faithful=count[language],
        unknown=count[None],
        written={code: number for code, number in ranked if code not in (None, MIXED)},
        mixed=count[MIXED],
        thought=None if thoughts is None else _make_fidelity(thoughts, language),
    )
