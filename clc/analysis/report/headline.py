"""The headline of a report: results, cost and settings of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.analysis.costs import add_cost
from clc.analysis.report.format import count, duration, of, percent, with_interval
from clc.analysis.report.sections import Fact
from clc.engines.fingerprints import model_fingerprint
from clc.engines.models import BUNDLED, resolve_model
from clc.prices import show_money
from clc.runs.resume import shorten_hashes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.analysis.scores import Score

__all__ = ["headline"]


def headline(score: Score, manifest: Mapping[str, Any], languages: Sequence[str]) -> Iterator[Fact]:
    """Yield the known facts.

    ``languages`` are the reasoning languages.
    """
    yield from _outcome(score)
    yield from _cost(add_cost(score, manifest), manifest)
    yield from _run(manifest.get("identity", {}), languages)


def _outcome(score: Score) -> Iterator[Fact]:
    if score.accuracy is not None and score.oracle is not None:
        rate, oracle = score.accuracy, score.oracle
        yield Fact(
            "Accuracy",
            with_interval(rate),
            f"{of(rate.right, rate.total, 'problems')} right; 95 % interval over "
            f"{rate.items:,} items",
        )
        if score.difficulty_weighted is not None:
            levels = ", ".join(
                f"{level} {percent(one.value)}" for level, one in score.by_level.items()
            )
            yield Fact("Weighted by difficulty", percent(score.difficulty_weighted), levels)
        yield Fact(
            "Any path right",
            with_interval(oracle),
            f"{of(oracle.right, oracle.total, 'problems')}: what a perfect vote would reach",
        )
    if score.mean_agreement is not None:
        answered = score.problems - score.unanswered
        yield Fact(
            "Mean agreement",
            percent(score.mean_agreement),
            f"share of the votes behind the verdict, over {answered:,} problems with an answer",
        )
    yield Fact("Problems", count(score.problems), _without_gold(score))
    yield Fact("Ties", count(score.tied), _share(score.tied, score.problems))
    yield Fact("No answer", count(score.unanswered), _share(score.unanswered, score.problems))


def _without_gold(score: Score) -> str:
    """Describe the problems that the accuracy leaves out."""
    without = score.problems - score.with_gold - score.unreadable_gold
    parts = []
    if without:
        parts.append(f"{without:,} without a gold answer" if score.with_gold else "no gold answers")
    if score.unreadable_gold:
        parts.append(f"{score.unreadable_gold:,} with a gold that cannot be read")
    if score.items < score.problems:
        parts.append(f"{score.items:,} items")
    return ", ".join(parts)


def _share(part: int, whole: int) -> str:
    return f"{percent(part / whole)} of the problems" if part else ""


def _cost(score: Score, manifest: Mapping[str, Any]) -> Iterator[Fact]:
    each = score.paths / score.problems if score.problems else 0
    yield Fact("Paths", count(score.paths), f"{each:.1f} a problem")
    used, before = score.usage, score.translation_usage
    if used.total:
        yield Fact(
            "Tokens of paths",
            count(used.total),
            f"{used.completion_tokens:,} of completions, {used.prompt_tokens:,} of prompts",
        )
    if before.total:
        share = before.total / (used.total + before.total)
        yield Fact(
            "Tokens before the paths",
            count(before.total),
            f"translations and first turns: {percent(share)} of all tokens",
        )
    if thinking := used.reasoning_tokens + before.reasoning_tokens:
        share = thinking / (used.completion_tokens + before.completion_tokens)
        yield Fact(
            "Tokens of thoughts", count(thinking), f"{percent(share)} of the tokens of completions"
        )
    if score.cost is not None:
        each = score.cost / score.problems if score.problems else 0.0
        currency = score.currency or ""
        note = f"{show_money(each, currency)} a problem"
        yield Fact("Cost", show_money(score.cost, currency), note)
    seconds = manifest.get("seconds")
    if seconds:
        note = "" if manifest.get("finished", True) else "the run is not finished"
        yield Fact("Time of sampling", duration(seconds), note)


def _run(identity: Mapping[str, Any], languages: Sequence[str]) -> Iterator[Fact]:
    if engine := identity.get("engine"):
        yield Fact("Model", _model(str(engine)))
    strategy = identity.get("strategy", {})
    if name := strategy.get("name"):
        yield Fact("Strategy", str(name), f"voting: {strategy.get('voting', 'majority')}")
    if languages:
        yield Fact("Languages", ", ".join(languages), "of the reasoning")
    if (seed := identity.get("seed")) is not None:
        yield Fact("Seed", str(seed))


def _model(fingerprint: str) -> str:
    """Shorten an engine's fingerprint; the bundled model is shown by name."""
    if "folder@" in fingerprint:
        bundled = model_fingerprint(resolve_model(BUNDLED))
        fingerprint = fingerprint.replace(bundled, BUNDLED)
    return shorten_hashes(fingerprint)
