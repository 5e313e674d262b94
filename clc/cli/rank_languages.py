"""``clc rank-languages``: the languages in which a model does well, without gold answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import click
from click.core import ParameterSource

from clc import bounds
from clc.cli.options import NumberType, reading_option
from clc.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from clc.analysis.alignment import Alignment
    from clc.analysis.language_ranking import LanguageRanking, RankCorrelation
    from clc.analysis.portfolio_rows import PortfolioRow
    from clc.answers.reading_files import ReadingFiles
    from clc.engines.transformers.hidden_states import Pooling

__all__ = ["command"]

_FEW_SENTENCES = 100  # as many as MEXA's paper uses


@click.command("rank-languages")
@click.argument("sources", nargs=-1, metavar="[RUN|FILE]...")
@click.option(
    "--model",
    metavar="NAME",
    help="Rank by this model's hidden states over parallel sentences: clc-tiny, a folder, a "
    "Hugging Face id or a GGUF file. It runs on transformers.",
)
@click.option(
    "--parallel",
    metavar="FILE",
    help="JSONL whose rows map language codes to translations of one sentence.  "
    "[default: the demonstrations' sentences]",
)
@click.option(
    "--pooling",
    type=click.Choice(["weighted", "mean", "last"]),
    default="weighted",
    show_default=True,
    help="Tokens of a sentence: their mean weighted by position, their mean, or the last one.",
)
@click.option("--pivot", default="en", show_default=True, help="Language to compare states with.")
@click.option("--top", type=NumberType(bounds.LANGUAGES), metavar="N", help="Only the N best.")
@click.option("--codes", is_flag=True, help="Print the codes alone, for clc solve --languages.")
@click.option(
    "--seed",
    type=NumberType(bounds.SEED),
    default=0,
    show_default=True,
    help="Seed of the resamples behind the intervals.",
)
@reading_option
@click.option("--json", "as_json", is_flag=True, help="Print the rankings as JSON.")
def command(
    sources: tuple[str, ...],
    *,
    model: str | None,
    parallel: str | None,
    pooling: str,
    pivot: str,
    top: int | None,
    codes: bool,
    seed: int,
    reading: ReadingFiles | None,
    as_json: bool,
) -> None:
    """Rank the languages to reason in, without gold answers.

    From run folders or recorded generations: by how often a language's paths agree with the vote of
    the other languages. With --model: by the model's hidden states, as the share of sentences whose
    translation is the nearest one (MEXA) and the mean cosine (Language Ranker). Where the rows have
    gold, accuracies and rank correlations follow.

    \b
    Examples:
      clc rank-languages runs/de
      clc rank-languages --model clc-tiny
      clc solve mgsm_de.tsv --languages "$(clc rank-languages runs/de --top 5 --codes)" --out runs/5
    """  # noqa: D301
    from clc.cli.output import echo_json
    from clc.cli.text import make_console
    from clc.cli.voted_rows import read_voted_rows
    from clc.languages.codes import read_language

    if not sources and model is None:
        raise click.UsageError("give a run folder or a file of generations, or --model")
    if model is None and parallel is not None:
        raise ConfigurationError("--parallel needs --model: the sentences are for its states")
    context = click.get_current_context()
    if model is None and context.get_parameter_source("pivot") is not ParameterSource.DEFAULT:
        raise ConfigurationError("--pivot goes with --model, whose states it is compared with")
    if codes and as_json:
        raise ConfigurationError("--codes and --json are two outputs: leave one of them out")
    pivot = read_language(pivot)
    rows = list(read_voted_rows(sources, reading)) if sources else []
    sentences = {} if model is None else _sentences(parallel, pivot)
    found = _Rankings(rows, seed)
    if model is not None:
        found.add_states(model, sentences, cast("Pooling", pooling), pivot)
    chosen = found.languages(pivot)[:top]
    if codes:
        click.echo(",".join(chosen))
    elif as_json:
        echo_json({"languages": chosen, **found.to_json()}, indent=True)
    else:
        console = make_console()
        for part in found.report(chosen):
            console.print(part)


class _Rankings:
    """The ranking by agreement, that by hidden states, or both."""

    def __init__(self, rows: Sequence[PortfolioRow], seed: int) -> None:
        from clc.analysis.language_ranking import rank_languages

        self._rows = rows
        self._seed = seed
        self._sentences = 0
        self.states: list[Alignment] = []
        self.state_correlations: dict[str, RankCorrelation] = {}
        self.agreement: LanguageRanking | None = None
        if rows:
            self.agreement = rank_languages(rows, seed=seed)

    def add_states(
        self, model: str, sentences: Mapping[str, Sequence[str]], pooling: Pooling, pivot: str
    ) -> None:
        """Run the model over the sentences."""
        from clc.analysis.alignment import measure_alignment
        from clc.analysis.language_ranking import correlation_with_gold
        from clc.engines.transformers.hidden_states import sentence_states

        self._sentences = len(sentences[pivot])
        self.states = measure_alignment(sentence_states(model, sentences, pooling=pooling), pivot)
        for name in ("mexa", "cosine"):
            scores = {one.language: getattr(one, name) for one in self.states}
            found = correlation_with_gold(scores, self._rows, seed=self._seed)
            if found is not None:
                self.state_correlations[name] = found

    def languages(self, pivot: str) -> list[str]:
        """Return the codes from the best on, by agreement where there are votes."""
        if self.agreement is not None:
            return list(self.agreement.languages)
        return [pivot, *(one.language for one in self.states)]

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if self.agreement is not None:
            values["agreement"] = asdict(self.agreement)
        if self.states:
            values["states"] = {
                "sentences": self._sentences,
                "languages": [asdict(one) for one in self.states],
                "correlation": {name: asdict(one) for name, one in self.state_correlations.items()},
            }
        return values

    def report(self, chosen: Sequence[str]) -> list[Table | str]:
        """Return tables and lines for the terminal."""
        parts: list[Table | str] = []
        if self.agreement is not None:
            parts += _agreement_parts(self.agreement)
        if self.states:
            parts.append(_states_table(self.states, self._sentences))
            if self._sentences < _FEW_SENTENCES:
                parts.append(
                    f"{self._sentences} sentences are few (the paper has {_FEW_SENTENCES}): give "
                    "more with --parallel"
                )
            parts += [
                _correlation_line(f"{label} and accuracy", self.state_correlations[name])
                for name, label in (("mexa", "MEXA"), ("cosine", "cosine"))
                if name in self.state_correlations
            ]
        return [*parts, f"Languages: {','.join(chosen)}"]


def _agreement_parts(ranking: LanguageRanking) -> list[Table | str]:
    from clc.cli.tables import language_label, make_table

    gold = any(rank.accuracy for rank in ranking.ranks)
    columns = ["paths in", "paths", "agree", "95 % interval", "rank"]
    table = make_table(
        *columns, *(["right", "95 % interval"] if gold else []),
        title="Agreement with the vote of the other languages",
    )  # fmt: skip
    for rank in ranking.ranks:
        rates = [rank.agreement, *([rank.accuracy] if gold else [])]
        cells = [
            ("", "")
            if rate is None
            else (f"{rate.value:.1%}", f"{rate.low:.1%} to {rate.high:.1%}")
            for rate in rates
        ]
        span = f"{rank.best} to {rank.worst}"
        table.add_row(
            language_label(rank.language), f"{rank.agreement.total:,}", *cells[0], span,
            *(cells[1] if gold else ()),
        )  # fmt: skip
    parts: list[Table | str] = [
        f"{ranking.problems:,} problems of {ranking.items:,} items",
        table,
    ]
    if ranking.correlation is not None:
        parts.append(_correlation_line("agreement and accuracy", ranking.correlation))
    return parts


def _states_table(states: Sequence[Alignment], sentences: int) -> Table:
    from clc.cli.tables import language_label, make_table

    table = make_table(
        "language", "MEXA", "best layer", "cosine",
        title=f"Hidden states of {sentences} parallel sentences",
    )  # fmt: skip
    for one in states:
        best = max(one.mexa_layers)
        layer = one.mexa_layers.index(best) + 1
        table.add_row(
            language_label(one.language),
            f"{one.mexa:.2f}",
            f"{best:.2f} at {layer}",
            f"{one.cosine:.3f}",
        )
    return table


def _correlation_line(names: str, found: RankCorrelation) -> str:
    return (
        f"Rank correlation of {names}: {found.value:.2f} "
        f"(95 % interval {found.low:.2f} to {found.high:.2f})"
    )


def _sentences(parallel: str | None, pivot: str) -> dict[str, list[str]]:
    """Return the parallel sentences by language: a file's, or those of the demonstrations."""
    if parallel is not None:
        return _read_parallel(parallel, pivot)
    from clc.prompts.templates import Templates

    shots = Templates().demonstrations
    codes = [code for code in shots[0].questions if all(code in one.questions for one in shots)]
    if pivot not in codes:
        raise ConfigurationError(
            f"the demonstrations have no sentences in {pivot!r}; give --parallel"
        )
    return {
        code: [text for one in shots for text in (*one.questions[code], *one.steps[code])]
        for code in codes
    }


def _read_parallel(path: str, pivot: str) -> dict[str, list[str]]:
    """Read the rows of a parallel file.

    Raises:
        InputError: a row is wrong, or lacks a language of the first one.
    """
    from clc.datasets.generations import read_rows
    from clc.errors import LanguageError
    from clc.languages.codes import read_language

    found: dict[str, list[str]] = {}
    for source, line, row in read_rows([path]):
        sentences: dict[str, str] = {}
        for name, text in row.items():
            if not isinstance(text, str) or not text.strip():
                raise InputError(f"{source}:{line}: {name!r:.60} is {text!r:.60}; give a sentence")
            try:
                sentences[read_language(name)] = text
            except LanguageError as error:
                raise InputError(f"{source}:{line}: {error}; give codes and sentences") from None
        found = found or {code: [] for code in sentences}
        if differing := sentences.keys() ^ found.keys():
            raise InputError(
                f"{source}:{line}: {min(differing)!r} is not in every row; give each "
                "sentence in the same languages"
            )
        for code, text in sentences.items():
            found[code].append(text)
    if pivot not in found:
        raise InputError(
            f"{path}: has {', '.join(found) or 'no sentences'}; give also {pivot!r}, the --pivot"
        )
    return found
