"""What is derived from a run's store: verdicts, scores, and lm-evaluation-harness samples.

Everything here is computed anew from the paths each time: a better answer reader or another rule
needs no engine.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.analysis.fidelity import Fidelity, fidelity
from clc.analysis.scoring import Score, Scoreboard, score, scored
from clc.answers.canonical import canonical_gold
from clc.errors import ConfigurationError
from clc.runs.shards import Shards, has_shards
from clc.runs.store import Store
from clc.voting.verdict import Counting, verdict_of, votes_of
from clc.voting.weighting import Weighting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from clc.analysis.scoring import Scored
    from clc.plan import Plan
    from clc.records import Problem, ReasoningPath, Verdict, Vote
    from clc.runs.protocol import Finished, RunFolder

__all__ = [
    "Part",
    "Solved",
    "counting_of",
    "export",
    "fidelity_of",
    "is_run",
    "open_run",
    "open_runs",
    "part_of",
    "revote",
    "score_run",
    "scored_rows",
    "solved",
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


class Part(NamedTuple):
    """Problems that follow each other: their lines for the derived files, and their figures.

    ``samples`` lack their ``doc_id``, which counts the problems before.
    """

    verdicts: bytes
    samples: Sequence[bytes]
    figures: Scoreboard


_PROBLEMS = 128  # of a part


def revote(run: RunFolder) -> Iterator[Solved]:
    """Take the vote of every problem that is done, in the order of the file, lazily."""
    counting = counting_of((run.manifest() or {}).get("identity", {}))
    for one in run.finished():
        yield solved(one, counting)


def solved(one: Finished, counting: Counting) -> Solved:
    """Take the vote of one problem."""
    problem, plan, paths = one
    votes = votes_of(problem, plan, paths, counting)
    return Solved(*one, votes, verdict_of(problem, plan, paths, votes, counting))


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


def score_run(run: RunFolder) -> Score:
    """Score every problem of a run that has a plan."""
    return score(scored_rows(run))


def export(run: RunFolder, parts: Iterable[Part] | None = None) -> Score:
    """Write verdicts.jsonl, samples_*.jsonl and results.json into the run folder.

    ``parts`` are those of the whole run in order, where somebody else takes the votes.

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
        for part in parts or _parts(run.finished(), counting_of(identity)):
            verdicts.write(part.verdicts)
            for rest in part.samples:
                samples.write(b'{"doc_id":%d,%b\n' % (position, rest))
                position += 1
            figures.merge(part.figures)
    result = figures.score()
    with run.write("results.json") as results:
        results.write(orjson.dumps(result.to_json(), option=orjson.OPT_INDENT_2))
    return result


def _parts(finished: Iterator[Finished], counting: Counting) -> Iterator[Part]:
    while problems := list(islice(finished, _PROBLEMS)):
        yield part_of(problems, counting)


def part_of(finished: Iterable[Finished], counting: Counting) -> Part:
    """Take the votes of problems that follow each other."""
    verdicts, samples, figures = list[bytes](), list[bytes](), Scoreboard()
    for each in finished:
        one = solved(each, counting)
        problem = one.problem
        row = verdict_row(one.verdict, gold=problem.gold, kind=problem.metadata.get("kind"))
        verdicts.append(orjson.dumps(row) + b"\n")
        samples.append(orjson.dumps(_sample(one, row))[1:])
        figures.fill([scored(problem, one.verdict, one.votes)])
    return Part(b"".join(verdicts), samples, figures)


def is_run(folder: str | Path) -> bool:
    """Whether a folder, or a URI, is one of a run, in whatever way it is kept."""
    return (Path(folder) / "run.sqlite").is_file() or has_shards(folder)


def open_run(folder: str | Path) -> RunFolder:
    """Open a run folder for reading: a local one, or a URI of one with shards.

    Raises:
        ConfigurationError: it is not a run folder, or holds several runs.
    """
    if has_shards(folder):
        return Shards(folder, read_only=True)
    _check_folder(folder)
    if labels := _labels(folder):
        raise ConfigurationError(
            f"{folder}: holds a comparison of {', '.join(labels)}, not one run; the clc compare "
            "that made it shows it again"
        )
    return Store(folder, read_only=True)


@contextmanager
def open_runs(folder: str | Path) -> Iterator[dict[str, RunFolder]]:
    """Open a run folder, or one of several strategies that ``clc compare`` made, for reading.

    Gives the runs by name: that of the folder, or those of the strategies.

    Raises:
        ConfigurationError: it is not a run folder.
    """
    if has_shards(folder):
        with Shards(folder, read_only=True) as shards:
            name = str(folder) if "://" in str(folder) else str(Path(folder).resolve())
            yield {name.rstrip("/").rpartition("/")[2]: shards}
        return
    _check_folder(folder)
    labels = _labels(folder)
    with Store(folder, read_only=True) as store:
        if labels:
            yield {label: store.labelled(label) for label in labels}
        else:
            yield {Path(folder).resolve().name: store}


def _check_folder(folder: str | Path) -> None:
    if not (Path(folder) / "run.sqlite").is_file():
        raise ConfigurationError(
            f"{folder}: not a run folder (it has no run.sqlite); name the --out of clc solve"
        )


def _labels(folder: str | Path) -> list[str]:
    """Strategies that share a folder; none where it holds one run."""
    if (Path(folder) / "manifest.json").is_file():
        return []
    return sorted(path.name.split(".")[1] for path in Path(folder).glob("manifest.*.json"))


def scored_rows(run: RunFolder) -> Iterator[Scored]:
    """Yield every problem of a run with its verdict and votes beside its gold."""
    for one in revote(run):
        yield scored(one.problem, one.verdict, one.votes)


def fidelity_of(run: RunFolder) -> dict[str, Fidelity]:
    """Which languages a run's paths were really written in, by the language asked for."""
    return fidelity(
        (path.language, path.text)
        for one in revote(run)
        for _, path in one.drawn()
        if path.error is None
    )


def _sample(one: Solved, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as lm-evaluation-harness's --log_samples writes it, less its doc_id."""
    problem = one.problem
    drawn = list(one.drawn())
    return {
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
