"""What is derived from a run's store: verdicts, scores, and lm-evaluation-harness samples.

Everything here is computed anew from the paths each time: a better answer reader or another rule
needs no engine.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.confidence import Weighting
from clc.counting import Counting, verdict_of, votes_of
from clc.errors import ConfigurationError, StoreError
from clc.fidelity import Fidelity, fidelity
from clc.records import Problem, ReasoningPath, Verdict, Vote
from clc.scoring import Score, Scored, canonical_gold, score, scored
from clc.store import Store, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.plans import Plan

__all__ = [
    "Solved",
    "export",
    "fidelity_of",
    "open_run",
    "revote",
    "score_run",
    "scored_rows",
    "verdict_row",
]


class Solved(NamedTuple):
    """A problem with its plan, its paths by key, its votes and its verdict."""

    problem: Problem
    plan: Plan
    paths: Mapping[str, ReasoningPath]
    votes: Sequence[Vote]
    verdict: Verdict

    def drawn(self) -> Iterator[tuple[str, ReasoningPath]]:
        """Yield (language, path) in drawing order, lost paths among them."""
        for arm, key in self.plan.paths:
            if key is not None:
                yield arm.language, self.paths[key]


def revote(store: Store) -> Iterator[Solved]:
    """Take the vote of every problem that is done, in the order of the file, lazily.

    A problem is done when each of its planned paths is stored or known to be lost.
    """
    counting = counting_of((store.manifest() or {}).get("identity", {}))
    for problem in store.problems():
        plan = store.plan(problem.id)
        if plan is None:
            continue
        keys = plan.keys()
        paths = store.paths(keys)
        missing = [key for key in keys if key not in paths]
        lost = store.failures(missing)
        if len(lost) < len(missing):
            continue
        paths.update((key, _lost(key, why)) for key, why in lost.items())
        votes = votes_of(problem, plan, paths, counting)
        verdict = verdict_of(problem, plan, paths, votes, counting)
        yield Solved(problem, plan, paths, votes, verdict)


def counting_of(identity: Mapping[str, Any]) -> Counting:
    """How a run counts its votes, from its manifest."""
    weighting = identity.get("weighting")
    return Counting(
        identity.get("strategy", {}).get("voting", "majority"),
        by_written_language=identity.get("fidelity") == "count",
        weighting=None if weighting is None else Weighting(**weighting),
    )


def verdict_row(verdict: Verdict, *, gold: str | None = None, kind: Any = None) -> dict[str, Any]:
    """One line of verdicts.jsonl."""
    row: dict[str, Any] = {
        "id": verdict.id,
        "answer": verdict.answer,
        "support": verdict.support,
        "total": verdict.total,
        "agreement": round(verdict.agreement, 6),
        "tied": verdict.tied,
        "tally": verdict.tally,
        "abstentions": verdict.abstentions,
        "paths": verdict.paths,
        "tokens": {
            "prompt": verdict.usage.prompt_tokens,
            "completion": verdict.usage.completion_tokens,
            "translation": verdict.translation_usage.total,
        },
    }
    if verdict.details:
        row["details"] = verdict.details
    if gold is not None:
        canonical = canonical_gold(gold, kind)
        row["gold"] = gold
        row["correct"] = None if canonical is None else canonical == verdict.answer
    return row


def score_run(store: Store) -> Score:
    """Score every problem of a run that has a plan."""
    return score(scored_rows(store))


def export(store: Store) -> Score:
    """Write verdicts.jsonl, samples_*.jsonl and results.json into the run folder.

    Raises:
        StoreError: a file cannot be written.
    """
    manifest = store.manifest() or {}
    strategy = manifest.get("identity", {}).get("strategy", {}).get("name", "run")
    verdicts = store.file("verdicts.jsonl")
    samples = verdicts.with_name(f"samples_{strategy}.jsonl")
    parts = [path.with_name(f".{path.name}.part") for path in (verdicts, samples)]

    def rows() -> Iterator[Scored]:
        with parts[0].open("wb") as verdict_file, parts[1].open("wb") as sample_file:
            for position, solved in enumerate(revote(store)):
                problem = solved.problem
                row = verdict_row(
                    solved.verdict, gold=problem.gold, kind=problem.metadata.get("kind")
                )
                verdict_file.write(orjson.dumps(row) + b"\n")
                sample_file.write(orjson.dumps(_sample(position, solved, row)) + b"\n")
                yield scored(problem, solved.verdict, solved.votes)

    try:
        result = score(rows())
        for part, path in zip(parts, (verdicts, samples), strict=True):
            part.replace(path)
    except OSError as error:
        raise StoreError(f"{store.folder}: cannot write results: {error}") from error
    data = orjson.dumps(result.to_json(), option=orjson.OPT_INDENT_2)
    write_atomically(store.file("results.json"), data)
    return result


def open_run(folder: str | Path) -> Store:
    """Open a run folder for reading.

    Raises:
        ConfigurationError: it is not a run folder.
    """
    if not (Path(folder) / "run.sqlite").is_file():
        raise ConfigurationError(
            f"{folder}: not a run folder (it has no run.sqlite); name the --out of clc solve"
        )
    labels = sorted(path.name.split(".")[1] for path in Path(folder).glob("manifest.*.json"))
    if labels and not (Path(folder) / "manifest.json").is_file():
        raise ConfigurationError(
            f"{folder}: holds a comparison of {', '.join(labels)}, not one run; the clc compare "
            "that made it shows it again"
        )
    return Store(folder, read_only=True)


def scored_rows(store: Store) -> Iterator[Scored]:
    """Yield every problem of a run with its verdict and votes beside its gold."""
    for solved in revote(store):
        yield scored(solved.problem, solved.verdict, solved.votes)


def fidelity_of(store: Store) -> dict[str, Fidelity]:
    """Which languages a run's paths were really written in, by the language asked for."""
    return fidelity(
        (path.language, path.text)
        for solved in revote(store)
        for _, path in solved.drawn()
        if path.error is None
    )


def _sample(position: int, solved: Solved, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as lm-evaluation-harness's --log_samples writes it."""
    problem = solved.problem
    drawn = list(solved.drawn())
    return {
        "doc_id": position,
        "doc": {"id": problem.id, "question": problem.question, "answer": problem.gold},
        "target": problem.gold,
        "arguments": {},
        "resps": [[path.text for _, path in drawn]],
        "filtered_resps": [row["answer"]],
        "filter": "clc-vote",
        "metrics": ["exact_match"],
        "exact_match": float(bool(row.get("correct"))),
        "languages": [language for language, _ in drawn],
    }


def _lost(key: str, why: str) -> ReasoningPath:
    return ReasoningPath(key, "", "", 0, 0, "", "error", error=why)
