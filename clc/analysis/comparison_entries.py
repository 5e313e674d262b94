"""The strategies of a comparison, read from the runs that hold their paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.analysis.comparison_records import Entry, ProblemOutcome
from clc.analysis.costs import currency_of, problem_cost
from clc.analysis.resampling import PathOutcome
from clc.analysis.scores import scored
from clc.answers.canonical import canonical_gold
from clc.prices import RunPrices
from clc.runs.revote import revote
from clc.voting.outcomes import read_outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.plan import Plan
    from clc.records import Problem, ReasoningPath, Verdict, Vote
    from clc.runs.protocol import RunFolder
    from clc.solving.pool import StrategyPool
    from clc.voting.outcomes import Reader

__all__ = ["entries", "problem_outcome", "problem_outcomes"]


def problem_outcome(
    problem: Problem,
    plan: Plan,
    paths: Mapping[str, ReasoningPath],
    votes: Sequence[Vote],
    verdict: Verdict,
    *,
    weighted: bool = False,
    prices: RunPrices | None = None,
) -> ProblemOutcome:
    """Build the outcome of a solved problem: ``problem_outcome(*solved)``, from ``clc.revote``.

    ``votes`` are in sampling order; a path that was given on to another arm is left out. Their
    weights count only where the run's voting is ``weighted``; a vote keeps its weight when only
    some of the paths are voted on.
    """
    row = scored(problem, verdict)
    given = plan.given
    tokens = {key: path.usage.total for key, path in paths.items()}
    return ProblemOutcome(
        id=row.id,
        item=row.item,
        gold=None if row.gold is None else canonical_gold(row.gold, row.kind),
        answer=verdict.answer,
        paths=[
            PathOutcome(
                vote.language,
                vote.answer,
                tokens.get(vote.path_key, 0),
                vote.weight if weighted else 1.0,
            )
            for position, vote in enumerate(votes)
            if position not in given
        ],
        preparation_tokens=verdict.translation_usage.total,
        order=plan.languages,
        thought_tokens=verdict.usage.reasoning_tokens + verdict.translation_usage.reasoning_tokens,
        cost=problem_cost(verdict, paths.values(), prices),
        path_preparation=_path_preparation(plan),
    )


def _path_preparation(plan: Plan) -> list[int]:
    """Return the tokens of each path's translation and turns, at the first path of each row.

    Those of a path that was given on are at the next one.
    """
    left = [arm.translation_usage.total for arm in plan.arms]
    given = plan.given
    tokens = []
    before = 0
    for number, position in enumerate(plan.order):
        before += left[position]
        left[position] = 0
        if number not in given:
            tokens.append(before)
            before = 0
    return tokens


def entries(pool: StrategyPool) -> Iterator[Entry]:
    """Yield each strategy of a pool with its outcomes, from the store."""
    for name, run in pool.runs.items():
        spent = pool.spent(name)
        settings = run.configuration
        weighted = settings.weighting is not None or settings.strategy.voting == "weighted"
        manifest = run.store.manifest()
        prices = run.bill.prices or RunPrices.from_manifest(manifest)
        yield Entry(
            name,
            problem_outcomes(run.store, weighted=weighted, read=run.outcomes.recall, prices=prices),
            spent.seconds,
            spent.reused,
            currency_of(manifest, prices),
        )


def problem_outcomes(
    run: RunFolder,
    *,
    weighted: bool = False,
    read: Reader = read_outcome,
    prices: RunPrices | None = None,
) -> Iterator[ProblemOutcome]:
    """Yield the outcome of every finished problem; ``weighted``: use the votes' weights."""
    for solved in revote(run, read):
        yield problem_outcome(*solved, weighted=weighted, prices=prices)
