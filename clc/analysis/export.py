"""Files derived from a run's store: verdicts, scores, and lm-evaluation-harness samples.

All of it is recomputed from the stored paths: a better answer reader or another rule needs no
engine.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.analysis.costs import add_cost
from clc.analysis.scoreboard import Scoreboard
from clc.analysis.scores import Score, scored
from clc.answers.canonical import canonical_gold
from clc.runs.revote import Solved, solved
from clc.runs.spans import map_finished
from clc.voting.outcomes import read_outcome
from clc.voting.verdict import Counting, verdict_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clc.records import Verdict
    from clc.runs.protocol import Finished, RunFolder
    from clc.voting.outcomes import Reader
    from clc.worker_processes import Workers

__all__ = ["Part", "export", "make_part", "verdict_row"]


class Part(NamedTuple):
    """Consecutive problems: their lines of the derived files, and their figures.

    ``samples`` lack the leading ``doc_id``, the number of problems before.
    """

    verdicts: bytes
    samples: Sequence[bytes]
    figures: Scoreboard


def verdict_row(verdict: Verdict, *, gold: str | None = None, kind: Any = None) -> dict[str, Any]:
    """Return a line of verdicts.jsonl as a dictionary."""
    row = {"id": verdict.id, **verdict_fields(verdict)}
    if verdict.details:
        row["details"] = verdict.details
    if gold is not None:
        canonical = canonical_gold(gold, kind)
        row["gold"] = gold
        row["correct"] = None if canonical is None else canonical == verdict.answer
    return row


def export(
    run: RunFolder,
    parts: Iterable[Part] | None = None,
    read: Reader = read_outcome,
    workers: Workers | None = None,
) -> Score:
    """Write verdicts.jsonl, samples_*.jsonl and results.json into the run folder.

    Args:
        run: the run.
        parts: those of the whole run in order, if other processes took the votes.
        read: reads an answer, otherwise; picklable if there are ``workers``.
        workers: processes that take the votes; by default this one does.

    Raises:
        StoreError: a file cannot be written.
    """
    manifest = run.manifest() or {}
    identity = manifest.get("identity", {})
    figures, position = Scoreboard(), 0
    with (
        run.write("verdicts.jsonl") as verdicts,
        run.write(f"samples_{identity.get('strategy', {}).get('name', 'run')}.jsonl") as samples,
    ):
        take = partial(make_part, counting=Counting.from_manifest(manifest), read=read)
        for part in parts or map_finished(run, take, workers):
            verdicts.write(part.verdicts)
            for rest in part.samples:
                samples.write(b'{"doc_id":%d,%b\n' % (position, rest))
                position += 1
            figures.merge(part.figures)
    result = add_cost(figures.score(), manifest)
    with run.write("results.json") as results:
        results.write(orjson.dumps(result.to_json(), option=orjson.OPT_INDENT_2))
    return result


def make_part(
    finished: Iterable[Finished], counting: Counting, read: Reader = read_outcome
) -> Part:
    """Take the votes of consecutive problems."""
    verdicts, samples, figures = list[bytes](), list[bytes](), Scoreboard()
    for each in finished:
        one = solved(each, counting, read)
        problem = one.problem
        row = verdict_row(one.verdict, gold=problem.gold, kind=problem.metadata.get("kind"))
        verdicts.append(orjson.dumps(row) + b"\n")
        samples.append(orjson.dumps(_sample(one, row))[1:])
        figures.fill([scored(problem, one.verdict, one.counted_votes)])
    return Part(b"".join(verdicts), samples, figures)


def _sample(one: Solved, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sample as lm-evaluation-harness's --log_samples writes it, without its doc_id.

    ``thoughts`` has those of ``resps`` in the same order, where there is any.
    """
    problem = one.problem
    paths = list(one.drawn())
    sample = {
        "doc": {"id": problem.id, "question": problem.question, "answer": problem.gold},
        "target": problem.gold,
        "arguments": {},
        "resps": [[path.text for _, path in paths]],
        "filtered_resps": [row["answer"]],
        "filter": "clc-vote",
        "metrics": ["exact_match"],
        "exact_match": float(bool(row.get("correct"))),
        "languages": [language for language, _ in paths],
    }
    if any(path.thought for _, path in paths):
        sample["thoughts"] = [[path.thought for _, path in paths]]
    return sample
