"""The estimate that ``clc solve --dry-run`` prints: requests by arm, tokens and price."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from clc.prices import RunPrices
    from clc.solving.estimate import Estimate, RequestCount

__all__ = ["print_estimate"]


def print_estimate(
    estimate: Estimate, prices: RunPrices | None, *, stops: bool, as_json: bool
) -> None:
    """Print an estimate; ``stops``: a rule may end problems early."""
    from clc.cli.output import echo_json
    from clc.cli.text import echo, make_console
    from clc.prices import show_money

    if as_json:
        echo_json(estimate.to_json(prices), indent=True)
        return
    make_console().print(_table(estimate, prices))
    total = estimate.total
    line = (
        f"{estimate.problems:,} problems, {total.requests:,} requests, about "
        f"{total.prompt_tokens:,} tokens of prompts, at most {total.most_tokens:,} of completions"
    )
    if prices is not None:
        line += f", at most {show_money(estimate.cost(prices), prices.paths.currency)}"
    echo(line)
    if stops:
        echo("The stopping rule may end problems earlier.")
    echo("Nothing was sent, and nothing was written.")


def _table(estimate: Estimate, prices: RunPrices | None) -> Table:
    from clc.cli.tables import make_table

    money = (f"most {prices.paths.currency}",) if prices is not None else ()
    table = make_table("kind", "language", "template", "requests", "prompt tokens",
                       "most tokens", *money)  # fmt: skip
    for (language, template, kind), one in estimate.counts.items():
        table.add_row(kind, language, template, *_cells(kind, one, prices))
    return table


def _cells(kind: str, count: RequestCount, prices: RunPrices | None) -> list[str]:
    from clc.prices import show_money
    from clc.solving.estimate import Estimate

    cells = [f"{count.requests:,}", f"{count.prompt_tokens:,}", f"{count.most_tokens:,}"]
    if prices is not None:
        cells.append(show_money(Estimate.cost_of(kind, count, prices)))
    return cells
