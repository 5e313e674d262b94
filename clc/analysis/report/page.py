"""The HTML page of a report: tables, heat maps, and the data for its script.

Texts of models and data sets are untrusted. The page holds them as JSON that cannot close its
element, and the page's Content-Security-Policy allows no script but its own.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.errors import ConfigurationError, LanguageError
from clc.languages.codes import english_name
from clc.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from clc.analysis.report.sections import Cell, Column, Section, Summary

__all__ = ["HeatMap", "content_policy", "data", "display_name", "heat_map", "page", "shown"]

_HERE = Path(__file__).parent
_NUMERIC = frozenset(["count", "share", "points", "number"])
_FORMATS = {"share": (100, ".1f", " %"), "points": (100, "+.1f", ""), "count": (1, ",.0f", "")}
_LEAST, _WHOLE = 0.001, 100  # smaller numbers are shown as "below", larger ones without decimals
# JSON has these in strings only. U+2028 and U+2029 end a line in a script, but not in JSON.
_ESCAPES = [
    (b"<", rb"\u003c"),
    (b">", rb"\u003e"),
    (b"&", rb"\u0026"),
    ("\u2028".encode(), rb"\u2028"),
    ("\u2029".encode(), rb"\u2029"),
]


class HeatCell(NamedTuple):
    """A share from 0 to 1, and the number that it is a share of."""

    share: float
    number: int


class HeatMap(NamedTuple):
    """Shares by two languages."""

    row_name: str
    column_name: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Mapping[tuple[str, str], HeatCell]


def page(
    *,
    title: str,
    summaries: Sequence[Summary],
    comparison: Sequence[Section],
    report: Iterable[bytes],
    parts: Sequence[bytes],
    folder: str | None,
) -> Iterator[str]:
    """Yield the page in chunks.

    ``report`` is the JSON of the list in chunks and ``parts`` the JSON of the problems, both
    escaped by ``data``; ``parts`` is empty if the problems are files in ``folder``.
    """
    script = _read("page.js")
    stream = _template().stream(
        title=title,
        version=__version__,
        policy=content_policy(loads=folder is not None),
        style=_markup(_colours() + _read("page.css")),
        script=_markup(script),
        summaries=summaries,
        comparison=comparison,
        report=(_markup(chunk.decode()) for chunk in report),
        parts=(_markup(part.decode()) for part in parts),
        folder=folder,
    )
    stream.enable_buffering(64)
    yield from stream


def data(value: Any) -> bytes:
    r"""Serialize JSON for a script element: without ``<``, ``>`` or ``&``.

    >>> data({"text": "</script>"})
    b'{"text":"\\u003c/script\\u003e"}'
    """
    text = orjson.dumps(value)
    for plain, escaped in _ESCAPES:
        text = text.replace(plain, escaped)
    return text


def shown(cell: Cell, column: Column) -> str:
    """Format a cell of a table.

    >>> from clc.analysis.report.sections import Column
    >>> shown(0.8333, Column("right share", "share")), shown(-0.021, Column("gain", "points"))
    ('83.3 %', '-2.1')
    """
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return display_name(cell) if column.kind == "language" else cell
    if column.kind in _FORMATS:
        scale, form, unit = _FORMATS[column.kind]
        return f"{scale * cell:{form}}{unit}"
    if 0 < cell < _LEAST:
        return f"below {_LEAST}"
    return f"{cell:,.0f}" if abs(cell) >= _WHOLE else f"{cell:.3g}"


def heat_map(section: Section) -> HeatMap | None:
    """Turn a section with a row for each pair of languages into a heat map; None for any other.

    The share is the first column of shares, the count the first column of counts.
    """
    if section.figure != "heat":
        return None
    kinds = [column.kind for column in section.columns]
    first, second = [index for index, kind in enumerate(kinds) if kind == "language"][:2]
    share, count = kinds.index("share"), kinds.index("count")
    cells = {
        (str(row[first]), str(row[second])): HeatCell(part, int(row[count] or 0))
        for row in section.rows
        if isinstance(part := row[share], float | int)
    }
    return HeatMap(
        section.columns[first].name,
        section.columns[second].name,
        list(dict.fromkeys(str(row[first]) for row in section.rows)),
        list(dict.fromkeys(str(row[second]) for row in section.rows)),
        cells,
    )


def display_name(code: str) -> str:
    """Return a language's English name, or its code if CLDR has none.

    >>> display_name("sw"), display_name("und")
    ('Swahili', 'und')
    """
    try:
        return english_name(code)
    except LanguageError:
        return code


def _colours() -> str:
    """Return the charts' colours as CSS variables, for a light page and a dark one."""
    from clc.analysis.report.theme import THEME

    roles = (f"--{role}: light-dark({light}, {dark});" for role, (light, dark) in THEME.items())
    return f":root {{ {' '.join(roles)} }}\n"


def content_policy(*, loads: bool) -> str:
    """Return the page's Content-Security-Policy: its own script, styles and inline images.

    With ``loads`` the script may load the problems' files.
    """
    script = _read("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    more = " 'strict-dynamic'" if loads else ""
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'{more}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@lru_cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "shown": shown,
        "heat_map": heat_map,
        "language": display_name,
        "figure": _figure,
    }
    environment.tests["numeric"] = lambda column: column.kind in _NUMERIC
    return environment.get_template("page.html.jinja")


def _figure(section: Section, prefix: str) -> Any:
    """Return a section's chart, its ids prefixed for this run; None without matplotlib."""
    from clc.analysis.report.figures import section_svg

    try:
        svg = section_svg(replace(section, name=f"{prefix}-{section.name}"))
    except ConfigurationError:  # the table has the numbers
        return None
    return None if svg is None else _markup(svg)


def _markup(text: str) -> Any:
    """Mark text as markup, so that it is not escaped."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704  our own files, escaped JSON and charts


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
