"""Tables and lines of results for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from clc.cli.output import echo_json
from clc.cli.text import brief, make_console, visible
from clc.errors import LanguageError
from clc.languages.codes import english_name
from clc.prices import show_money
from clc.strategies.strategy import QUESTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from clc.analysis.fidelity import Fidelity
    from clc.analysis.intervals import Rate
    from clc.analysis.paired import Comparison
    from clc.analysis.scoring import Score
    from clc.records import Verdict
    from clc.solving.sampler import Counters

__all__ = [
    "answer_line",
    "comparison_table",
    "detail_lines",
    "fidelity_tables",
    "language_label",
    "language_styles",
    "legend",
    "make_table",
    "print_score",
    "run_lines",
    "score_tables",
    "vote_table",
]

# Of medium lightness, so that they contrast with a black and with a white background; neighbours
# are far apart.
_COLOURS = (
    "#3b8ad9", "#e07b00", "#2e9e5b", "#d1495b", "#9467bd", "#a8a100",
    "#17a2b8", "#c05fa8", "#a0703c", "#6a7fdb", "#7f9c1f", "#808080",
)  # fmt: skip
_BAR_CELLS = 20
_ANSWER_MOST = 400  # cells; an answer may be a whole text where the model chooses a path
_REASON_MOST = 300  # characters of a server's words


def print_score(score: Score, *, as_json: bool, err: bool = False) -> None:
    """Print a score as tables or as JSON, on standard error if ``err``."""
    if as_json:
        echo_json(score.to_json(), indent=True, err=err)
        return
    console = make_console(stderr=err)
    for table in score_tables(score):
        console.print(table)


def run_lines(counters: Counters, folder: str, reason: str | None = None) -> Iterator[str]:
    """Yield the cost of this call and the run folder; ``reason``: why most lost paths were lost."""
    if counters.lost:
        yield (
            f"{counters.lost:,} paths or translations were lost (they abstain, with their reasons);"
            " the same command draws them again."
        )
        if reason is not None:
            yield f"Most of them: {visible(brief(reason, _REASON_MOST))}"
    if counters.drawn or counters.reused:
        yield f"{counters.drawn:,} paths drawn now, {counters.reused:,} reused."
    yield f"Run folder: {visible(folder)}"


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


def language_label(code: str) -> str:
    """Return the English name and the code; recorded paths may be in an unknown language.

    >>> language_label("sw"), language_label("und")
    ('Swahili (sw)', 'unknown (und)')
    """
    if code == QUESTION:
        return "the question's language"
    try:
        return f"{english_name(code)} ({code})"
    except LanguageError:
        return f"unknown ({visible(code)})"


def language_styles(codes: Iterable[str]) -> dict[str, str]:
    """Assign a colour to each language, by the order of the codes."""
    return {code: _COLOURS[at % len(_COLOURS)] for at, code in enumerate(dict.fromkeys(codes))}


def legend(styles: Mapping[str, str]) -> Text:
    """Return the languages with their codes, each after its colour."""
    return Text("  ").join(
        Text.assemble(("█ ", style), language_label(code)) for code, style in styles.items()
    )


def vote_table(verdict: Verdict, styles: Mapping[str, str] | None = None) -> Table:
    """Return the tally of a vote: for each answer its support, a bar, and the languages.

    The parts of a bar have the order of the languages beside it.

    Args:
        verdict: the vote.
        styles: colours of languages, see ``language_styles``.
    """
    styles = styles or {}
    table = make_table("answer", "votes", "", "languages")
    table.columns[3].justify = table.columns[2].justify = "left"
    for answer, by_language in verdict.tally.items():
        support = sum(by_language.values())
        bar, reached = Text(), 0.0
        for code, count in by_language.items():
            reached += count
            wanted = round(_BAR_CELLS * reached / verdict.total)
            bar.append("█" * (wanted - len(bar)), style=styles.get(code, ""))
        table.add_row(Text(brief(answer)), f"{support:g}", bar, _behind(by_language, styles))
    for reason, counts in verdict.abstentions.items():
        label = f"no vote: {reason.replace('_', ' ')}"
        table.add_row(label, "", "", _behind(counts, styles), style="dim")
    return table


def answer_line(verdict: Verdict) -> Text:
    """Return the answer of a vote with its support."""
    if verdict.answer is None:
        if withheld := verdict.details.get("withheld"):
            return Text(f"No answer: {withheld['reason']}.")
        return Text("No path gave an answer.")
    votes = "1 vote" if verdict.total == 1 else f"{verdict.total:g} votes"
    tie = " (a tie, decided by the order of languages)" if verdict.tied else ""
    return Text.assemble(
        "Answer: ",
        (brief(verdict.answer, _ANSWER_MOST), "bold"),
        f"  {verdict.support:g} of {votes}{tie}",
    )


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


def detail_lines(verdict: Verdict, budget: int) -> Iterator[str]:
    """Yield what else led to a verdict: a plan, an early stop, a choice, a deadline."""
    details = verdict.details
    if plan := details.get("plan"):
        chosen = ", ".join(f"{code} {weight:g}" for code, weight in plan["weights"].items())
        faults = "; ".join(brief(fault, _ANSWER_MOST) for fault in plan["faults"])
        repaired = f" (repaired: {faults})" if faults else ""
        yield f"The model's plan, languages with weights: {visible(chosen)}{repaired}"
    if untranslated := details.get("untranslated"):
        yield _untranslated_line(untranslated)
    if stop := details.get("stop"):
        posterior = "" if stop["probability"] is None else f", at {stop['probability']:.3f}"
        yield f"Stopped after {stop['paths']} of {budget} paths ({stop['rule']}{posterior})"
    if choice := details.get("choice"):
        yield _choice_line(choice)
    for reason, count in (details.get("lost") or {}).items():
        yield f"Lost: {count:,} paths: {visible(brief(reason, _REASON_MOST))}"
    if withheld := details.get("withheld"):
        yield f"The vote's answer, withheld: {visible(brief(withheld['answer'], _ANSWER_MOST))}"
    if details.get("deadline"):
        yield "The time was over before every path was there"


def _choice_line(choice: Mapping[str, Any]) -> str:
    if (clusters := choice.get("clusters")) is not None:
        sizes = ", ".join(str(len(cluster)) for cluster in clusters) or "none"
        return f"Clusters of paths that say the same: {sizes} (entropy {choice['entropy']:.2f})"
    if "reply" not in choice:
        return "The answer is that of the path that is most like the others"
    if choice["path"] is None:
        return "The model did not name the most consistent path: the majority decides"
    return "The answer is that of the path that the model found most consistent"


def _untranslated_line(detail: Mapping[str, Any]) -> str:
    failed = ", ".join(f"{visible(code)} {count}" for code, count in detail["paths"].items())
    if detail["rule"] == "original":
        return f"No translation ({failed}): these paths asked the question as it is"
    given = ", ".join(f"{visible(code)} {count}" for code, count in detail["given_to"].items())
    return f"No translation ({failed}): paths given to {given or 'no other language'}"


def _behind(counts: Mapping[str, float], styles: Mapping[str, str]) -> Text:
    return Text(" ").join(
        Text(visible(code) if count == 1 else f"{visible(code)}×{count:g}", styles.get(code, ""))
        for code, count in counts.items()
    )


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
    yield "paths drawn", f"{score.paths:,}"
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


def make_table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table; its first column is aligned left, the others right."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for position, column in enumerate(columns):
        table.add_column(Text(column), justify="left" if position == 0 else "right")
    return table


def _share(one: Fidelity) -> str:
    return "-" if one.share is None else f"{one.share:.1%}"


def _languages(one: Fidelity) -> str:
    return " ".join(f"{code}×{count}" for code, count in one.written.items())


def _rate(rate: Rate) -> tuple[str, str]:
    return f"{rate.value:.1%}", f"{rate.low:.1%} to {rate.high:.1%}"
