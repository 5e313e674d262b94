"""Languages ranked by how near their hidden states are to English ones, over parallel sentences.

No answers are needed: a language whose sentences a model represents as it does their English
translations is one in which it tends to do well. Both measures are of a layer, and their means over
the layers rank the languages.

MEXA (arXiv 2410.05873) is the share of sentences whose own translation is the nearest, both ways:
cos(e_i, l_i) is above cos(e_i, l_j) and cos(e_j, l_i) for every other sentence j. The paper uses
100 sentences of FLORES-200 and takes the mean or the maximum over the layers. With fewer sentences
the share is higher, because there are fewer others.

Language Ranker (arXiv 2404.11553) is the mean cosine of a sentence and its translation. All
hidden states share a large common part, so its values are high and near each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clc.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Alignment", "measure_alignment"]

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Alignment:
    """The alignment of a language with the pivot language.

    ``mexa`` (0 to 1) and ``cosine`` (-1 to 1) are means over the layers, and ``mexa_layers`` and
    ``cosine_layers`` their values layer by layer, from the first one on.
    """

    language: str
    mexa: float
    cosine: float
    mexa_layers: tuple[float, ...]
    cosine_layers: tuple[float, ...]


def measure_alignment(states: Mapping[str, Any], pivot: str = "en") -> list[Alignment]:
    """Measure each language against ``pivot``, and sort by MEXA, then cosine, the best first.

    Args:
        states: by language a numpy array of shape (layers, sentences, width), whose sentences are
            translations of each other.
        pivot: the language to compare with; it is left out of the result.

    Raises:
        DatasetError: the pivot is missing, no other language is there, or too few sentences.
    """
    if pivot not in states or len(states) < 2:  # noqa: PLR2004
        raise DatasetError(
            f"the parallel sentences are in {' '.join(states) or 'no language'}; give {pivot!r} "
            "and another language"
        )
    sentences = states[pivot].shape[1]
    if sentences < _FEWEST:
        raise DatasetError(f"{sentences} parallel sentences are too few; give at least {_FEWEST}")
    found = [
        _measure(language, states[pivot], array)
        for language, array in states.items()
        if language != pivot
    ]
    return sorted(found, key=lambda one: (-one.mexa, -one.cosine))


def _measure(language: str, pivot: Any, other: Any) -> Alignment:
    import numpy as np

    mexa, cosine = [], []
    for first, second in zip(_unit(pivot), _unit(other), strict=True):
        near = first @ second.T
        own = np.diagonal(near).copy()
        np.fill_diagonal(near, -np.inf)
        mexa.append(float(np.mean((own > near.max(0)) & (own > near.max(1)))))
        cosine.append(float(own.mean()))
    return Alignment(
        language, sum(mexa) / len(mexa), sum(cosine) / len(cosine), tuple(mexa), tuple(cosine)
    )


def _unit(states: Any) -> Any:
    import numpy as np

    states = states.astype(np.float64)
    return states / np.maximum(np.linalg.norm(states, axis=2, keepdims=True), 1e-12)
