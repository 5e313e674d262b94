"""Parts of tables for the terminal: their form and their languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from clc.cli.text import visible
from clc.errors import LanguageError
from clc.languages.codes import english_name
from clc.strategies.strategy import QUESTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "REASON_MOST",
    "language_label",
    "language_styles",
    "legend",
    "make_table",
]

# Of medium lightness, so that they contrast with a black and with a white background; neighbours
# are far apart.
_COLOURS = (
    "#3b8ad9", "#e07b00", "#2e9e5b", "#d1495b", "#9467bd", "#a8a100",
    "#17a2b8", "#c05fa8", "#a0703c", "#6a7fdb", "#7f9c1f", "#808080",
)  # fmt: skip
REASON_MOST = 300  # characters of a server's words


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


def make_table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table; its first column is aligned left, the others right."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for position, column in enumerate(columns):
        table.add_column(Text(column), justify="left" if position == 0 else "right")
    return table
