"""Languages without gold, and few languages first, over recorded votes.

    python -m benchmarks.languages FOLDER...

A folder holds ``*.jsonl.gz`` with ``answer``, ``gold``, ``item``, ``language`` and perhaps
``model`` and ``condition`` (a setting each), or rows with texts in ``*.clsp.jsonl``. Of each
setting with three languages or more:

- how well the agreement of each language with the vote of the others ranks the languages
  (``clc rank-languages``): Spearman's correlation with gold, its 95 % interval over items, and the
  mean difference from the accuracy; the same for a Dawid-Skene model with one accuracy a language;
- ``clc-widen`` against English alone and against the vote of all languages.
"""

from __future__ import annotations

import gzip
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from clc.analysis.intervals import clustered_difference
from clc.analysis.language_ranking import rank_correlation, rank_languages
from clc.analysis.portfolio_rows import PortfolioRow
from clc.answers.canonical import canonical_gold
from clc.cli.voted_rows import read_voted_rows
from clc.records import AbstainReason, Abstention, Answer, Vote
from clc.strategies.catalogue import STRATEGIES
from clc.voting.stopping import first_stop
from clc.voting.tally import vote

from .recorded_pools import ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["dawid_skene", "main"]

_FEWEST = 3  # languages
_ROUNDS = 30
_HIGHEST = 0.99  # accuracy: at 1 a single error would be impossible


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(folders: Sequence[Path]) -> None:
    """Print both tables for the settings in FOLDERS."""
    settings = {
        name: rows for folder in folders for name, rows in _settings(folder) if _languages(rows)
    }
    if not settings:
        raise click.ClickException("no setting has three languages on one item; give other folders")
    click.echo("setting, languages, items: agreement and Dawid-Skene against gold")
    for name, rows in settings.items():
        click.echo(f"{name}: {_ranking_line(rows)}")
    click.echo("\nsetting: English alone, all languages, clc-widen; difference; its paths")
    for name, rows in settings.items():
        click.echo(f"{name}: {_widening_line(rows)}")


def _settings(folder: Path) -> Iterator[tuple[str, list[PortfolioRow]]]:
    files = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    texts = [str(file) for file in files if file.name.endswith(".clsp.jsonl")]
    if texts:
        yield "CLSP, GPT-3.5", [row for row in read_voted_rows(texts, None) if row.gold]
    for file in files:
        if file.name.endswith(".jsonl.gz"):
            yield from _answers(file)


def _answers(file: Path) -> Iterator[tuple[str, list[PortfolioRow]]]:
    grouped: dict[str, dict[tuple[str, str], dict[str, list[str | None]]]] = defaultdict(dict)
    golds: dict[tuple[str, str], str | None] = {}
    with gzip.open(file) as lines:
        for line in lines:
            row = orjson.loads(line)
            name = ", ".join(row[key] for key in ("model", "condition", "arm") if key in row)
            problem = (str(row["item"]), row.get("question_language", ""))
            golds[problem] = canonical_gold(str(row["gold"]), None)
            answer = None if row["answer"] is None else canonical_gold(str(row["answer"]), None)
            votes = grouped[name].setdefault(problem, {})
            votes.setdefault(row["language"], []).append(answer)
    for name, problems in grouped.items():
        yield (
            name,
            [
                PortfolioRow(problem[0], golds[problem], _in_order(votes), problem[1] or None)
                for problem, votes in problems.items()
            ],
        )


def _in_order(votes: Mapping[str, list[str | None]]) -> dict[str, list[str | None]]:
    known = [code for code in ORDER if code in votes]
    return {code: votes[code] for code in (*known, *sorted(set(votes) - set(known)))}


def _languages(rows: Sequence[PortfolioRow]) -> bool:
    return max(len(row.votes) for row in rows) >= _FEWEST


def _ranking_line(rows: Sequence[PortfolioRow]) -> str:
    ranking = rank_languages(rows)
    gold = {one.language: one.accuracy.value for one in ranking.ranks if one.accuracy}
    agreement = {one.language: one.agreement.value for one in ranking.ranks}
    learned = dawid_skene(rows)
    parts = [f"{len(gold)}, {ranking.items}"]
    found = ranking.correlation
    interval = "" if found is None else f" ({found.low:.2f} to {found.high:.2f})"
    for scores, more in ((agreement, interval), (learned, "")):
        value = rank_correlation([scores[code] for code in gold], [*gold.values()])
        off = sum(abs(scores[code] - gold[code]) for code in gold) / len(gold)
        parts.append(f"{math.nan if value is None else value:.2f}{more} off by {100 * off:.1f}")
    return "; ".join(parts)


def dawid_skene(rows: Sequence[PortfolioRow]) -> dict[str, float]:
    """Return an accuracy for each language by expectation and maximization, without gold.

    A language states the right answer with its accuracy, else one of the other answers to the
    problem, each as probable. An answer that nobody stated may be the right one.
    """
    accuracy: dict[str, float] = defaultdict(lambda: 0.6)
    for _ in range(_ROUNDS):
        total: Counter[str] = Counter()
        sums: dict[str, float] = defaultdict(float)
        for row in rows:
            chances = _chances(row, accuracy)
            for language, answers in row.votes.items():
                total[language] += len(answers)
                sums[language] += sum(chances[one] for one in answers if one is not None)
        accuracy = {
            language: min((sums[language] + 0.5) / (total[language] + 1), _HIGHEST)
            for language in total
        }
    return dict(accuracy)


def _chances(row: PortfolioRow, accuracy: Mapping[str, float]) -> dict[str | None, float]:
    """Return the probability of each answer of a problem; None is one that nobody stated."""
    stated = {one for answers in row.votes.values() for one in answers if one is not None}
    logs: dict[str | None, float] = dict.fromkeys((*sorted(stated), None), 0.0)
    for language, answers in row.votes.items():
        for one in answers:
            if one is None:
                continue
            for answer in logs:
                share = accuracy[language]
                logs[answer] += math.log(share if answer == one else (1 - share) / len(stated))
    top = max(logs.values())
    whole = sum(math.exp(value - top) for value in logs.values())
    return {answer: math.exp(value - top) / whole for answer, value in logs.items()}


def _widening_line(rows: Sequence[PortfolioRow]) -> str:
    rule = STRATEGIES["clc-widen"].stopping
    sums: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    english = every = early = spent = paths = 0
    for row in rows:
        votes = [
            Vote("", code, Abstention(AbstainReason.NO_ANSWER) if one is None else Answer(one))
            for code, answers in row.votes.items()
            for one in answers
        ]
        order = list(row.votes)
        stop = first_stop(rule, votes, len(votes), order)
        used = len(votes) if stop is None else stop.paths
        full, few = (vote(votes[:n], order=order).answer == row.gold for n in (None, used))
        english += row.votes.get("en", [None])[0] == row.gold
        every, early, spent, paths = every + full, early + few, spent + used, paths + len(votes)
        sums[row.item] += few - full
        totals[row.item] += 1
    gain = clustered_difference([sums[item] for item in totals], list(totals.values()))
    n = len(rows)
    return (
        f"{100 * english / n:.1f}, {100 * every / n:.1f}, {100 * early / n:.1f}; "
        f"{100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f}); "
        f"{spent / n:.2f} of {paths / n:.1f}"
    )


if __name__ == "__main__":
    main()
