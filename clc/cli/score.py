"""``clc score``: the accuracy of a run, or the difference between two."""

from __future__ import annotations

import click

from clc.cli.options import workers_option

__all__ = ["command"]


@click.command("score")
@click.argument("run")
@click.option("--against", metavar="RUN", help="Compare with another run over shared problems.")
@click.option("--fidelity", is_flag=True,
              help="Detect the language of each path's text, and of its thought.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@workers_option
def command(
    run: str, against: str | None, *, fidelity: bool, as_json: bool, workers: int | None
) -> None:
    """Score a run folder from its stored paths; nothing is sampled.

    Intervals are 95 % and clustered by question, because the languages of MGSM ask the same items.

    \b
    Examples:
      clc score runs/de
      clc score runs/clc --against runs/sc
      clc score runs/clc --fidelity
    """  # noqa: D301
    from clc.analysis.fidelity import run_fidelity
    from clc.analysis.paired import compare
    from clc.analysis.scoring import score_run, scored_rows
    from clc.cli.advice import advice_lines
    from clc.cli.output import echo_json
    from clc.cli.score_tables import comparison_table, fidelity_tables, print_score
    from clc.cli.text import make_console
    from clc.errors import ConfigurationError
    from clc.runs.open import open_run
    from clc.worker_processes import Workers

    if fidelity:
        if against is not None:
            raise ConfigurationError("--fidelity is of one run; leave out --against")
        with open_run(run) as store, Workers(workers) as pool:
            by_language = run_fidelity(store, pool)
        if as_json:
            values = {code: one.to_json() for code, one in by_language.items()}
            echo_json(values, indent=True)
        else:
            for table in fidelity_tables(by_language):
                make_console().print(table)
        return
    if against is None:
        with open_run(run) as store, Workers(workers) as pool:
            score = score_run(store, pool)
            unfinished = store.started() - score.problems
        print_score(score, as_json=as_json)
        for line in advice_lines(score.abstentions):
            click.echo(line, err=True)
        if unfinished:
            click.echo(f"{unfinished:,} problems are not done: clc solve goes on", err=True)
        return
    with open_run(run) as first, open_run(against) as second:
        comparison = compare(scored_rows(first), scored_rows(second))
    if as_json:
        echo_json(comparison.to_json(), indent=True)
    else:
        make_console().print(comparison_table(run, against, comparison))
