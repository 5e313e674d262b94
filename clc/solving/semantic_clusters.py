"""Clusters of paths that say the same, as the model judges.

Semantic entropy (Kuhn, Gal and Farquhar, arXiv 2302.09664, section 3.2): two answers are the same
if each entails the other; an answer joins the first cluster whose first member it is the same as.
Where both state a value, the values are compared, and the model is not asked. The entropy of the
clusters' shares is a confidence: 0 where all answers are one, log n where all differ.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from clc.solving.concurrency import all_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.solving.model_choice import ModelChoice
    from clc.solving.prompt_builder import OpenProblem
    from clc.voting.text_choice import PathCandidate

__all__ = ["cluster_entropy", "cluster_paths"]

_TEMPLATE = "entails"


async def cluster_paths(
    choice: ModelChoice, opened: OpenProblem, able: Sequence[PathCandidate]
) -> dict[str, Any]:
    """Cluster the paths of a problem in sampling order.

    Returns:
        The details of the choice: ``path``, the key of the first path of the largest cluster (of
        equal ones the first); ``clusters`` of keys; their ``entropy`` in nats; how often the model
        was ``asked``, and how many of its replies were ``unusable``: they count as no.
    """
    clusters: list[list[PathCandidate]] = []
    counts = {"asked": 0, "unusable": 0}
    for one in able:
        for cluster in clusters:
            if await _are_same(choice, opened, cluster[0], one, counts):
                cluster.append(one)
                break
        else:
            clusters.append([one])
    largest = max(clusters, key=len, default=[])
    return {
        "path": largest[0].key if largest else None,
        "clusters": [[one.key for one in cluster] for cluster in clusters],
        "entropy": cluster_entropy([len(cluster) for cluster in clusters]),
        **counts,
    }


def cluster_entropy(sizes: Sequence[int]) -> float:
    """Return the entropy of the clusters' shares, in nats.

    >>> cluster_entropy([5]), round(cluster_entropy([1, 1]), 3)
    (0.0, 0.693)
    """
    total = sum(sizes)
    return math.fsum(size / total * math.log(total / size) for size in sizes)


async def _are_same(
    choice: ModelChoice,
    opened: OpenProblem,
    first: PathCandidate,
    second: PathCandidate,
    counts: dict[str, int],
) -> bool:
    if first.value is not None and second.value is not None:
        return first.value == second.value
    from clc.prompts.replies import parse_entailment

    pairs = ((first.text, second.text), (second.text, first.text))
    replies = await all_of(
        [choice.ask(opened, "choice", _TEMPLATE, responses=list(pair)) for pair in pairs]
    )
    entailed = [parse_entailment(reply) for reply in replies]
    counts["asked"] += len(replies)
    counts["unusable"] += entailed.count(None)
    return entailed == [True, True]
