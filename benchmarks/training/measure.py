"""Measure clc-tiny on problems it never saw: ``python -m benchmarks.training.measure --out DIR``.

Every strategy runs through clc itself, with its store, so the same command goes on after a stop.
All strategies see the same problems in every language; intervals are clustered by problem.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.training.examples import LANGUAGE_SHARES
from benchmarks.training.kinds import problems, trained
from benchmarks.training.language import load
from benchmarks.training.render import question
from clc.analysis.paired import compare
from clc.analysis.scoring import score, scored_rows
from clc.engines.adjusted import AdjustedEngine
from clc.engines.base import ChatEngine
from clc.engines.chat_options import ChatOptions
from clc.engines.factory import open_engine
from clc.prompts.templates import Templates
from clc.records import Problem
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.runs.translation_cache import TranslationCache
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.solving.translation import translation_fault, translation_request
from clc.thoughts.language import MIXED, thought_language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.analysis.intervals import Rate
    from clc.analysis.scores import Scored

__all__ = ["main", "test_problems"]


class Column(NamedTuple):
    """A strategy with its paths, in the plain mode or in the thinking mode."""

    strategy: str
    paths: int
    thinking: bool = False

    @property
    def name(self) -> str:
        """The column's head, and the name of its run's folder."""
        return f"{self.strategy}-thinking" if self.thinking else self.strategy


# Greedy ones first, then sampled ones at the same budget.
COLUMNS = (
    Column("native-cot", 1),
    Column("en-cot", 1),
    Column("translate-en", 1),
    Column("sc", 11),
    Column("clc", 11),
    Column("native-cot", 1, thinking=True),
    Column("sc", 11, thinking=True),
    Column("clc", 11, thinking=True),
    Column("clc-think", 11, thinking=True),
)
MAX_TOKENS = 160
MAX_TOKENS_THINKING = 180  # the tags, and a cue sentence


class Thoughts(NamedTuple):
    """Counts of a run's paths: all, those that ended a thought, those that thought in a language.

    ``faithful`` thoughts are in the language that was asked for, ``known`` ones in one language.
    """

    paths: int = 0
    ended: int = 0
    faithful: int = 0
    known: int = 0


def thoughts_of(folder: Path) -> Thoughts:
    """Count the thoughts of a run."""
    counts = Counter[str]()
    with open_run(folder) as run:
        for solved in revote(run):
            for _, path in solved.drawn():
                counts["paths"] += 1
                counts["ended"] += path.closed is True
                if path.thought:
                    language = thought_language(path.thought, path.language)
                    counts["faithful"] += language == path.language
                    counts["known"] += language not in (None, MIXED)
    return Thoughts(**counts)


def test_problems(per_language: int) -> Iterator[Problem]:
    """Yield the same test problems in every language."""
    for item, instance in enumerate(islice(problems("test", 0), per_language)):
        for code in LANGUAGE_SHARES:
            yield Problem(
                id=f"{code}-{item:04}",
                question=question(instance, load(code)),
                language=code,
                gold=str(instance.answer),
                metadata={
                    "item": f"{item:04}",
                    "kind": "number",
                    "problem_kind": instance.kind,
                    "seen": trained(instance.kind, code),
                },
            )


async def draw(
    folder: Path, column: Column, *, model: str, engine: str, per_language: int
) -> float:
    """Run one strategy and return its seconds; a finished run takes none.

    Translations are the plain mode's throughout, so that the votes alone differ.
    """
    with Store(folder / column.name) as store:
        cache = TranslationCache(folder)
        options = ChatOptions(thinking="on" if column.thinking else "auto")
        model_engine = open_engine(model, engine=engine, chat_options=options)
        if not isinstance(model_engine, ChatEngine):
            raise click.UsageError(f"--engine {engine} has no thinking mode")
        length = MAX_TOKENS_THINKING if column.thinking else MAX_TOKENS
        work = Run(
            configure(
                column.strategy,
                paths=column.paths,
                max_tokens=length,
                translation_max_tokens=MAX_TOKENS,
            ),
            model_engine,
            store,
            translator=AdjustedEngine(model_engine, ChatOptions()) if column.thinking else None,
            cache=cache,
        )
        if work.begin({"generator": "test", "per_language": per_language}):
            return 0.0
        started = time.monotonic()
        done = 0
        async for _ in work.verdicts(test_problems(per_language)):
            done += 1
            if done % 500 == 0:
                click.echo(f"{column.name}: {done} verdicts, {time.monotonic() - started:.0f} s")
        work.finish()
        cache.close()
        return time.monotonic() - started


def table(title: str, *columns: str) -> Table:
    """Make a plain table with a left column and right-aligned figures."""
    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for position, column in enumerate(columns):
        made.add_column(column, justify="left" if position == 0 else "right")
    return made


def accuracy_table(rows: Mapping[str, Sequence[Scored]], thoughts: Mapping[str, Thoughts]) -> Table:
    """Accuracy of every strategy by question language, with paths and tokens a question."""
    made = table("Accuracy of the vote, % with 95 % interval", "question", *rows)
    scores = {name: score(scored) for name, scored in rows.items()}
    for code in LANGUAGE_SHARES:
        made.add_row(code, *(_rate(item.by_language[code]) for item in scores.values()))
    made.add_row("all", *(_rate(item.accuracy) for item in scores.values()))
    made.add_row("any path right", *(_rate(item.oracle) for item in scores.values()))
    made.add_row("paths", *(f"{s.paths / s.problems:.1f}" for s in scores.values()))
    made.add_row(
        "tokens",
        *(f"{(s.usage + s.translation_usage).total / s.problems:.0f}" for s in scores.values()),
    )
    made.add_row(
        "of them translation",
        *(f"{s.translation_usage.total / s.problems:.0f}" for s in scores.values()),
    )
    made.add_row(
        "of them thought",
        *(f"{s.usage.reasoning_tokens / s.problems:.0f}" for s in scores.values()),
    )
    made.add_row(
        "thoughts ended, %",
        *(f"{100 * thoughts[name].ended / thoughts[name].paths:.1f}" for name in scores),
    )
    made.add_row(
        "thoughts in their language, %",
        *(
            f"{100 * counts.faithful / counts.known:.1f}" if counts.known else "-"
            for counts in (thoughts[name] for name in scores)
        ),
    )
    return made


def difference_table(rows: Mapping[str, Sequence[Scored]], ours: str, theirs: str) -> Table:
    """Compare two columns on the same questions, by question language."""
    made = table(
        f"{ours} against {theirs} (paired, clustered by problem)",
        "question", ours, theirs, "difference", "95 % interval", f"only {ours}", f"only {theirs}",
    )  # fmt: skip
    for code in [*LANGUAGE_SHARES, "all"]:
        a, b = (
            [row for row in rows[name] if code in ("all", row.language)] for name in (ours, theirs)
        )
        c = compare(a, b)
        made.add_row(
            code, f"{c.accuracy_a:.1%}", f"{c.accuracy_b:.1%}", f"{c.difference:+.1%}",
            f"{c.low:+.1%} to {c.high:+.1%}", str(c.wins), str(c.losses),
        )  # fmt: skip
    return made


def agreement_table(rows: Mapping[str, Sequence[Scored]]) -> Table:
    """Say how many votes are right at each agreement."""
    made = table("Agreement against accuracy", "agreement", "sc", "clc")
    bins = {name: {item.high: item.accuracy for item in score(rows[name]).calibration}
            for name in ("sc", "clc")}  # fmt: skip
    for high in sorted({*bins["sc"], *bins["clc"]}):
        cells = [
            f"{rate.value:.1%} of {rate.total}" if (rate := bins[name].get(high)) else "-"
            for name in ("sc", "clc")
        ]
        made.add_row(f"up to {high:.0%}", *cells)
    return made


def transfer_table(folder: Path) -> Table:
    """Kinds held out of a language's training, against the same kinds in other languages."""
    made = table("Kinds that a language never saw (greedy native-cot)", "kind", "unseen", "seen")
    counts: dict[tuple[str, bool], list[bool]] = defaultdict(list)
    with open_run(folder / "native-cot") as store:
        for solved in revote(store):
            meta = solved.problem.metadata
            right = solved.verdict.answer == solved.problem.gold
            counts[meta["problem_kind"], meta["seen"]].append(right)
    for kind in sorted({kind for kind, seen in counts if not seen}):
        cells = [
            f"{sum(hits) / len(hits):.0%} of {len(hits)}"
            for hits in (counts[kind, False], counts[kind, True])
        ]
        made.add_row(kind, *cells)
    return made


def translation_tables(folder: Path, fingerprint: str) -> Iterator[Table]:
    """Yield, by language pair, how many first translations keep all numbers, and solve alike."""
    kept: dict[tuple[str, str], list[bool]] = defaultdict(list)
    solved_alike: dict[tuple[str, str], list[bool]] = defaultdict(list)
    templates = Templates()
    with Store(folder / "clc", read_only=True) as store:
        for solved in revote(store):
            source = solved.problem.language
            for outcome in solved.votes:
                if outcome.language == source:
                    continue
                request = translation_request(
                    templates,
                    fingerprint,
                    solved.problem,
                    outcome.language,
                    attempt=0,
                    max_tokens=MAX_TOKENS,
                )
                first = store.step(request.key)
                if first is None:
                    continue
                pair = (source, outcome.language)
                fault = translation_fault(
                    solved.problem.question, first.text, *pair, first.finish_reason
                )
                kept[pair].append(fault is None)
                solved_alike[pair].append(outcome.answer == solved.problem.gold)
    for title, counts in (
        ("Translations whose first try keeps every number, %", kept),
        ("Paths on translated questions that reach the right answer, %", solved_alike),
    ):
        made = table(title, "from \\ to", *LANGUAGE_SHARES)
        for source in LANGUAGE_SHARES:
            cells = [
                f"{100 * sum(hits) / len(hits):.0f}" if (hits := counts.get((source, code))) else ""
                for code in LANGUAGE_SHARES
            ]
            made.add_row(source, *cells)
        yield made


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return "-"
    return f"{100 * rate.value:.1f} ({100 * rate.low:.1f}-{100 * rate.high:.1f})"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the runs.")
@click.option("--model", default="clc-tiny", show_default=True)
@click.option("--engine", default="auto", show_default=True)
@click.option("--per-language", default=500, show_default=True, help="Test problems a language.")
@click.option("--only", multiple=True, help="Draw only this column, and print no table.")
def main(out: Path, model: str, engine: str, per_language: int, only: tuple[str, ...]) -> None:
    """Draw what is missing and print the tables of the model card."""
    fingerprint = open_engine(model, engine=engine).fingerprint
    wanted = [column for column in COLUMNS if not only or column.name in only]
    for column in wanted:
        seconds = asyncio.run(
            draw(out, column, model=model, engine=engine, per_language=per_language)
        )
        click.echo(f"{column.name}: {seconds:.0f} s")
    if only:
        return
    rows, thoughts = {}, {}
    for column in COLUMNS:
        with open_run(out / column.name) as store:
            rows[column.name] = list(scored_rows(store))
        thoughts[column.name] = thoughts_of(out / column.name)
    console = Console(width=200)
    for made in (
        accuracy_table(rows, thoughts),
        difference_table(rows, "clc", "sc"),
        difference_table(rows, "clc-thinking", "sc-thinking"),
        difference_table(rows, "clc-think-thinking", "clc-thinking"),
        *(difference_table(rows, f"{name}-thinking", name) for name in ("native-cot", "sc", "clc")),
        agreement_table(rows),
        transfer_table(out),
        *translation_tables(out, fingerprint),
    ):
        console.print(made)


if __name__ == "__main__":
    main()
