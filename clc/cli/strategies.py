"""``clc strategies``: list, show and check strategies."""

from __future__ import annotations

import click

from clc.errors import InputError

__all__ = ["command"]


@click.group("strategies")
def command() -> None:
    """List, show and check strategies.

    \b
    Examples:
      clc strategies list
      clc strategies show xcot
      clc strategies show clc > mine.toml
      clc strategies check mine.toml
      clc solve problems.tsv --strategy mine.toml --out runs/mine
    """  # noqa: D301


@command.command("list")
def list_strategies() -> None:
    """List the strategies with their default budget and source."""
    from rich.table import Table

    from clc.cli.text import make_console
    from clc.strategies.catalogue import STRATEGIES

    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("strategy", "paths", "what it does", "source"):
        table.add_column(heading, justify="right" if heading == "paths" else "left")
    for strategy in STRATEGIES.values():
        table.add_row(strategy.name, str(strategy.paths), strategy.summary, strategy.source)
    make_console().print(table)


@command.command("show")
@click.argument("name")
def show_strategy(name: str) -> None:
    """Print strategy NAME, or that of a file, as TOML."""
    from clc.cli.text import echo
    from clc.strategies.files import open_strategy, strategy_toml

    echo(strategy_toml(open_strategy(name)))


@command.command("check")
@click.argument("path", metavar="FILE")
@click.option(
    "--prompts", "folder", metavar="DIR", help="Folder of templates that override the bundled ones."
)
def check_strategy(path: str, folder: str | None) -> None:
    """Read the strategy in FILE as clc solve does, and render each of its templates."""
    from clc.cli.text import echo
    from clc.prompts.templates import Templates, check_template
    from clc.solving.configure import configure
    from clc.strategies.files import load_strategy
    from clc.strategies.strategy import required_templates

    strategy = load_strategy(path)
    try:
        configure(strategy)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None
    templates = Templates(folder)
    names = required_templates(strategy)
    for name in names:
        check_template(templates, name)
    arms = len(strategy.arms)
    line = f"{strategy.name}: {arms} arm{'s'[: arms != 1]}, templates {', '.join(names)}: fine"
    echo(line)
