"""A report's figures: SVG for its page; SVG, PNG and CSV as files (matplotlib, extra ``plot``)."""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from clc.analysis.comparison_charts import new_figure, save
from clc.analysis.report.charts import PLOTTERS, height
from clc.analysis.report.theme import LOOK, THEME
from clc.errors import StoreError
from clc.runs.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clc.analysis.report.sections import Cell, Section

__all__ = ["section_svg", "write_figures"]

_WIDTH = 7.0  # inches
_DIGITS = 6  # decimals in a file

_BEFORE = re.compile(r"\A.*?(?=<svg )|<metadata>.*?</metadata>|<style .*?</style>", re.DOTALL)
_ROOT = re.compile(r"<svg .*?>", re.DOTALL)
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_ID = re.compile(r' id="([^"]*)"')
_REFERENCE = re.compile(r'(url\(#|href="#)([^)"]+)')
_FONT = re.compile(r"font: ([\d.]+)px [^;\"]+")
_COLOUR = re.compile("|".join(light for light, _ in THEME.values()))
_ROLES = {
    light: f"var(--{role}, light-dark({light}, {dark}))" for role, (light, dark) in THEME.items()
}


def section_svg(section: Section) -> str | None:
    """Plot a section as inline SVG for a page; None if it has no figure.

    The chart scales with its container, up to its own size, and has no background. Text stays text
    in the page's font. Colours are the CSS variables of ``THEME`` (``--ink``, ``--grid``, …), with
    defaults for the page's color-scheme. Ids begin with the section's name, so that several charts
    do not clash. The same section gives the same SVG.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    if not section.figure:
        return None
    text = StringIO()
    with _plotted(section) as figure:
        figure.savefig(text, format="svg", metadata={"Date": None})
    return _inline(text.getvalue(), section)


def write_figures(sections: Iterable[Section], folder: str | Path) -> None:
    """Write NAME.csv for every section, and NAME.svg and NAME.png if it has a figure.

    Raises:
        ConfigurationError: matplotlib is not installed; the tables are written nevertheless.
        StoreError: a file cannot be written.
    """
    folder, sections = Path(folder), list(sections)
    for section in sections:
        _write_table(section, folder / f"{section.name}.csv")
    for section in sections:
        if section.figure:
            with _plotted(section) as figure:
                save(figure, folder / f"{section.name}.svg")
                figure.set_facecolor("white")
                save(figure, folder / f"{section.name}.png")


def _write_table(section: Section, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{file}: cannot write the table: {error}") from error
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([column.name for column in section.columns])
    writer.writerows([_rounded(cell) for cell in row] for row in section.rows)
    write_atomically(file, text.getvalue().encode())


def _rounded(cell: Cell) -> Cell:
    return round(cell, _DIGITS) if isinstance(cell, float) else cell


@contextmanager
def _plotted(section: Section) -> Iterator[Any]:
    with new_figure((_WIDTH, height(section)), salt=section.name) as figure:
        import matplotlib as mpl

        with mpl.rc_context(LOOK):
            figure.set_facecolor("none")
            PLOTTERS[section.figure](figure.subplots(), section)
            yield figure


def _inline(svg: str, section: Section) -> str:
    """Adapt a chart's SVG to a page with others: ids, colours and fonts."""
    svg, prefix = _BEFORE.sub("", svg), f"{section.name}-"
    referenced = {name for _, name in _REFERENCE.findall(svg)}
    svg = _ID.sub(lambda id_: f' id="{prefix}{id_[1]}"' if id_[1] in referenced else "", svg)
    svg = _REFERENCE.sub(rf"\g<1>{prefix}\2", svg).replace("xlink:href", "href")
    svg = _FONT.sub(r"font-size: \1px; font-family: inherit", svg)
    svg = _COLOUR.sub(lambda colour: _ROLES[colour[0]], svg)
    return _ROOT.sub(lambda root: _root(root[0], section), svg, count=1).strip()


def _root(tag: str, section: Section) -> str:
    size = _SIZE.search(tag)
    width, tall = size.groups() if size else ("", "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {tall}" width="100%" '
        f'style="max-width: {width}pt; stroke-linejoin: round; stroke-linecap: butt" role="img" '
        f"aria-label={quoteattr(section.title)}>"
    )
