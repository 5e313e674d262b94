"""Problems with their answers by language, as portfolios and rankings are learned from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from clc.errors import DatasetError
from clc.strategies.strategy import QUESTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.analysis.portfolio import Equal

__all__ = ["PortfolioRow", "mean_sizes", "path_costs", "paths_by_language", "rows_by_role"]


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """One problem of a run.

    ``votes`` maps each language to the canonical answers of its paths in sampling order, None for
    an abstention; ``gold`` is canonical too, None where it is not known. ``item`` is shared by the
    problems that ask the same in several languages. ``sizes`` are the mean tokens of a path by
    language, its share of the translation included (characters where tokens are not known).
    ``untranslated`` counts the paths by language that are not in ``votes``, because the question
    has no translation: neither right nor wrong.
    """

    item: str
    gold: str | None
    votes: Mapping[str, Sequence[str | None]]
    question_language: str | None = None
    sizes: Mapping[str, float] = field(default_factory=dict)
    untranslated: Mapping[str, int] = field(default_factory=dict)

    def planned(self, language: str) -> int:
        """Return the number of paths in a language, those without a translation included."""
        return len(self.votes.get(language, ())) + self.untranslated.get(language, 0)


def paths_by_language(rows: Sequence[PortfolioRow]) -> dict[str, int]:
    """Count the paths that every row has, translated or not, by language, in the run's order.

    >>> paths_by_language([
    ...     PortfolioRow("1", "5", {"en": ["5", None], "de": ["5"]}),
    ...     PortfolioRow("2", "7", {"en": ["7"], "de": ["8"]}),
    ... ])
    {'en': 1, 'de': 1}

    Raises:
        DatasetError: fewer than two languages, or a row that lacks one of them.
    """
    if not rows:
        raise DatasetError(
            "no finished problem has a gold answer that can be read; calibrate on a run over "
            "problems that have one"
        )
    first = rows[0]
    depth = {language: first.planned(language) for language in first.votes}
    depth = {language: paths for language, paths in depth.items() if paths}
    for row in rows:
        for language in (*depth, *row.votes):
            paths = row.planned(language)
            if not paths and language not in depth:
                continue
            if not paths or language not in depth:
                has, lacks = (row, first) if paths else (first, row)
                raise DatasetError(
                    f"a problem of item {lacks.item!r} has no path in {language!r}, one of item "
                    f"{has.item!r} has; calibrate on problems that were all asked in the same "
                    "languages"
                )
            depth[language] = min(depth[language], paths)
    if len(depth) < 2:  # noqa: PLR2004
        raise DatasetError(
            f"all paths are in {' '.join(depth) or 'no language'}; calibrate on problems that were "
            "asked in two languages or more"
        )
    return depth


def rows_by_role(rows: Sequence[PortfolioRow]) -> Sequence[PortfolioRow]:
    """Name each problem's own language ``question``, where its languages are others' otherwise.

    So a run whose questions, in several languages, were each asked natively and in English has two
    languages: ``question`` and ``en``. Rows that share their languages as they are stay.

    >>> rows = [PortfolioRow("1", "5", {"de": ["5"], "en": ["5"]}, "de"),
    ...         PortfolioRow("2", "7", {"sw": ["7"], "en": ["8"]}, "sw")]
    >>> [list(row.votes) for row in rows_by_role(rows)]
    [['question', 'en'], ['question', 'en']]
    """
    if len({frozenset(row.votes) for row in rows}) < 2:  # noqa: PLR2004
        return rows
    renamed = [
        replace(
            row,
            votes={_role(code, row): answers for code, answers in row.votes.items()},
            sizes={_role(code, row): size for code, size in row.sizes.items()},
            untranslated={_role(code, row): paths for code, paths in row.untranslated.items()},
        )
        for row in rows
    ]
    return renamed if len({frozenset(row.votes) for row in renamed}) == 1 else rows


def _role(code: str, row: PortfolioRow) -> str:
    return QUESTION if code == row.question_language else code


def mean_sizes(rows: Sequence[PortfolioRow], languages: Iterable[str]) -> dict[str, float]:
    """Return the mean size of a path by language; {} where one has no size above 0."""
    found = {}
    for language in languages:
        known = [row.sizes[language] for row in rows if language in row.sizes]
        mean = math.fsum(known) / len(known) if known else 0.0
        if not mean > 0:
            return {}
        found[language] = mean
    return found


def path_costs(
    sizes: Mapping[str, float], languages: Iterable[str], equal: Equal
) -> Mapping[str, float]:
    """Return what a path costs by language: its size, or 1 at equal paths.

    Raises:
        DatasetError: sizes are needed and not known.
    """
    if equal == "paths":
        return dict.fromkeys(languages, 1.0)
    if not sizes:
        raise DatasetError(
            "the tokens of the paths are not known; compare at equal paths, or calibrate on a run "
            "whose engine counts them"
        )
    return sizes
