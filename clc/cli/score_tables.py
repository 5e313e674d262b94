"""Tables of a score, of two compared runs, and of the languages that paths are written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from clc.cli.output import echo_json
from clc.cli.tables import language_label, make_table
from clc.cli.text import brief, make_console, visible
from clc.prices import show_money

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clc.analysis.fidelity import Fidelity
    from clc.analysis.intervals import Rate
    from clc.analysis.paired import Comparison
    from clc.analysis.scores import Score

__all__ = ["comparison_table", "fidelity_tables", "print_score", "score_tables"]


def print_score(score: Score, *, as_json: bool, err: bool = False) -> None:
    """Print a score as tables or as JSON, on standard error if ``err``."""
    if as_json:
        echo_json(score.to_json(), indent=True, err=err)
        return
    console = make_console(stderr=err)
    for table in score_tables(score):
        console.print(table)


def score_tables(score: Score) -> Iterator[Table]:
    """Yield the summary, then accuracy by question language and by reasoning language."""
    summary = Table(box=None, show_header=False)
    summary.add_column()
    summary.add_column(justify="right")
    for name, value in _summary(score):
        summary.add_row(name, value)
    yield summary
    if len(score.by_language) > 1:
        table = make_table("question language", "right", "accuracy", "95 % interval")
        for code, rate in score.by_language.items():
            table.add_row(language_label(code), f"{rate.right}/{rate.total}", *_rate(rate))
        yield table
    if score.by_level:
        table = make_table("level", "right", "accuracy", "95 % interval")
        for level, rate in score.by_level.items():
            table.add_row(level, f"{rate.right}/{rate.total}", *_rate(rate))
        yield table
    if score.by_reasoning_language:
        table = make_table("reasoning language", "paths", "right", "95 % interval", "no answer")
        for code, path in score.by_reasoning_language.items():
            rate = path.accuracy
            table.add_row(language_label(code), f"{rate.total}", *_rate(rate), f"{path.abstained}")
        yield table
    if score.calibration:
        table = make_table("agreement", "verdicts", "right", "95 % interval")
        for item in score.calibration:
            rate = item.accuracy
            table.add_row(f"{item.low:.0%} to {item.high:.0%}", f"{rate.total}", *_rate(rate))
        yield table


def comparison_table(a: str, b: str, comparison: Comparison) -> Table:
    """Return the comparison of two runs over the problems that both have."""
    c = comparison
    table = make_table("", brief(a), brief(b), "difference", "95 % interval")
    table.add_row(
        "accuracy",
        f"{c.accuracy_a:.1%}",
        f"{c.accuracy_b:.1%}",
        f"{c.difference:+.1%}",
        f"{c.low:+.1%} to {c.high:+.1%}",
    )
    table.add_row("right alone", f"{c.wins}", f"{c.losses}", f"p = {c.p_value:.3g}", "")
    table.add_row("paths", f"{c.paths_a:,}", f"{c.paths_b:,}", "", "")
    table.add_row(
        "tokens in all",
        f"{c.usage_a.total + c.translation_usage_a.total:,}",
        f"{c.usage_b.total + c.translation_usage_b.total:,}",
        "",
        "",
    )
    thinking = [
        usage.reasoning_tokens + before.reasoning_tokens
        for usage, before in (
            (c.usage_a, c.translation_usage_a),
            (c.usage_b, c.translation_usage_b),
        )
    ]
    if any(thinking):
        table.add_row("of thoughts", *(f"{count:,}" for count in thinking), "", "")
    table.title = f"{c.problems} problems of {c.items} items in both runs"
    return table


def fidelity_tables(by_language: Mapping[str, Fidelity]) -> Iterator[Table]:
    """Yield the languages in which the paths of each arm are written, and those of thoughts."""
    thoughts = {code: one.thought for code, one in by_language.items() if one.thought is not None}
    table = make_table("asked for", "paths", "faithful", "undetected", "written in")
    for code, one in by_language.items():
        counts = f"{one.paths}", _share(one), f"{one.unknown}"
        table.add_row(language_label(code), *counts, _languages(one))
    table.columns[-1].justify = "left"
    table.title = "What the paths say" if thoughts else None
    yield table
    if thoughts:
        table = make_table("asked for", "thoughts", "faithful", "mixed", "undetected", "written in")
        for code, one in thoughts.items():
            counts = f"{one.paths}", _share(one), f"{one.mixed}"
            table.add_row(language_label(code), *counts, f"{one.unknown}", _languages(one))
        table.columns[-1].justify = "left"
        table.title = "Their thoughts; the share is of those in one language"
        yield table


def _summary(score: Score) -> Iterator[tuple[str, str]]:
    yield "problems", f"{score.problems:,}"
    if score.accuracy is not None:
        value, interval = _rate(score.accuracy)
        yield "accuracy of the vote", f"{value}  ({interval})"
    if score.difficulty_weighted is not None:
        yield "accuracy weighted by difficulty", f"{score.difficulty_weighted:.1%}"
    if score.oracle is not None:
        yield "any path right", _rate(score.oracle)[0]
    if score.mean_agreement is not None:
        yield "mean agreement", f"{score.mean_agreement:.1%}"
    yield "ties", f"{score.tied:,}"
    yield from _answered(score)
    if score.unreadable_gold:
        yield "gold that cannot be read", f"{score.unreadable_gold:,}"
    yield "paths sampled", f"{score.paths:,}"
    for reason, count in score.abstentions.items():
        yield f"no vote: {reason.replace('_', ' ')}", f"{count:,}"
    if score.usage.total:  # recorded generations do not say theirs
        yield "tokens of the paths", f"{score.usage.total:,}"
        yield "tokens of translations", f"{score.translation_usage.total:,}"
    thinking = score.usage.reasoning_tokens + score.translation_usage.reasoning_tokens
    if thinking:  # part of those of paths and translations
        yield "of these, tokens of thoughts", f"{thinking:,}"
    if score.cost is not None:
        yield "cost", visible(show_money(score.cost, score.currency or ""))


def _answered(score: Score) -> Iterator[tuple[str, str]]:
    """Yield how many problems have an answer, and how right the surest are."""
    yield "without an answer", f"{score.unanswered:,}"
    if score.withheld:
        yield "of these, withheld", f"{score.withheld:,}"
        if score.selective is not None:
            yield "accuracy of the answers given", "{}  ({})".format(*_rate(score.selective))
    if (curve := score.risk_coverage) is not None:
        yield "area under risk and coverage", f"{curve.area:.4f}  (excess {curve.excess:.4f})"


def _share(one: Fidelity) -> str:
    return "-" if one.share is None else f"{one.share:.1%}"


def _languages(one: Fidelity) -> str:
    return " ".join(f"{code}×{count}" for code, count in one.written.items())


def _rate(rate: Rate) -> tuple[str, str]:
    return f"{rate.value:.1%}", f"{rate.low:.1%} to {rate.high:.1%}"
