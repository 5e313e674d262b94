"""Plotters of each kind of chart: they fill the axes from a section, in the colours of ``THEME``.

All text is ASCII, so that no font is needed, and whatever differs in colour differs in marker, dash
or hatching too.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from clc.analysis.report.chart_cells import find_estimates, to_number, to_percent
from clc.analysis.report.line_charts import plot_calibration, plot_coverage, plot_curve
from clc.analysis.report.theme import HEAT, INK, QUIET, SERIES, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from clc.analysis.report.sections import Chart, Section

__all__ = ["PLOTTERS", "height"]

_HATCHES = ("", "///", "---", "\\\\\\", "|||", "xxx", "+++")  # straight: each circle is 2 kB of SVG
_MOST_LABELLED = 16  # bars with room for a number above them
_ROW = 0.27  # inches for a row of bars
_LARGEST_TINT = 0.62  # ink stays legible on it, on a light page and on a dark one


def height(section: Section) -> float:
    """Return the height of a section's figure in inches."""
    if section.figure == "heat":
        return 1.0 + 0.32 * len({row[0] for row in section.rows})
    if section.figure == "bars" or (section.figure == "stack" and not _is_histogram(section)):
        return 0.85 + _ROW * len(section.rows) + (0.3 if section.figure == "stack" else 0)
    return 3.4 if section.figure == "calibration" else 3.1


def _plot_bars(axes: Any, section: Section) -> None:
    """Plot a row for each language or run: the share as a bar, its interval as a whisker."""
    one = next(
        (e for e in find_estimates(section) if e.low is not None), find_estimates(section)[0]
    )
    positions = range(len(section.rows))
    values = [to_percent(row[one.value]) for row in section.rows]
    if not one.points:
        axes.barh(positions, values, height=0.62, color=SERIES[0], alpha=0.3, linewidth=0)
    if one.low is not None and one.high is not None:
        lows, highs = (
            [to_percent(row[index]) for row in section.rows] for index in (one.low, one.high)
        )
        axes.hlines(positions, lows, highs, color=INK, linewidth=1.3)
    axes.plot(values, positions, linestyle="none", marker="o", markersize=5, color=INK)
    if one.points:
        axes.axvline(0, color=QUIET, linewidth=0.9)
        axes.margins(x=0.06)
    else:
        axes.set_xlim(0, 100)
    labels = [_signed(value) if one.points else f"{value:.1f}" for value in values]
    total = next((n for n, c in enumerate(section.columns) if c.kind == "count"), None)
    totals = {row[total] for row in section.rows} if total is not None else set()
    of = ""
    if total is not None and len(totals) == 1:
        of = f" of {totals.pop():,} {section.columns[total].name}"
    elif total is not None:
        labels = [f"{w} of {r[total]:,}" for w, r in zip(labels, section.rows, strict=True)]
    _rows(axes, _row_names(section), labels)
    unit = "points" if one.points else f"%{of}"
    axes.set_xlabel(f"{one.name}, {unit}; line: 95 % interval")


def _plot_heat(axes: Any, section: Section) -> None:
    """Plot a cell for each pair of languages, stronger for a larger share."""
    from matplotlib.patches import Rectangle

    one = find_estimates(section)[0]
    rows, columns = (list(dict.fromkeys(row[n] for row in section.rows)) for n in (0, 1))
    shares = [to_number(row[one.value]) for row in section.rows]
    low, span = min(shares), max(max(shares) - min(shares), 0.05)
    for row, share in zip(section.rows, shares, strict=True):
        x, y = columns.index(row[1]), rows.index(row[0])
        tint = 0.05 + (_LARGEST_TINT - 0.05) * (share - low) / span
        axes.add_patch(
            Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, color=HEAT, alpha=tint, linewidth=0)
        )
        axes.text(x, y, f"{100 * share:.0f}", ha="center", va="center")
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(f"{section.columns[1].name} language ({one.name} in %, stronger: more)")
    axes.set_ylabel(f"{section.columns[0].name} language")


def _plot_stack(axes: Any, section: Section) -> None:
    """Plot the parts of each row, in per cent of its paths, or numbers of problems over paths."""
    (_plot_histogram if _is_histogram(section) else _plot_parts)(axes, section)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2, handlelength=1.6,
        columnspacing=1.4,
    )  # fmt: skip


def _is_histogram(section: Section) -> bool:
    return section.columns[0].kind == "count"


def _plot_parts(axes: Any, section: Section) -> None:
    positions = range(len(section.rows))
    counts = [n for n, column in enumerate(section.columns) if column.kind == "count"]
    total, *parts = counts
    share = next(n for n, column in enumerate(section.columns) if column.kind == "share")
    ends = [0.0] * len(section.rows)
    for part, look in zip(parts, _fills(), strict=False):
        widths = [
            100 * to_number(row[part]) / max(to_number(row[total]), 1) for row in section.rows
        ]
        name = section.columns[part].name
        axes.barh(positions, widths, left=ends, height=0.66, label=name, linewidth=0.6, **look)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    _rows(
        axes,
        _row_names(section),
        ["-" if row[share] is None else f"{to_percent(row[share]):.1f} %" for row in section.rows],
    )
    axes.set_xlim(0, min(100, max(ends) * 1.02))
    axes.set_xlabel(f"% of {section.columns[total].name} (right: {section.columns[share].name})")


def _plot_histogram(axes: Any, section: Section) -> None:
    xs = [int(to_number(row[0])) for row in section.rows]
    ends = [0.0] * len(xs)
    for part, look in zip(range(1, len(section.columns)), _fills(), strict=False):
        heights = [to_number(row[part]) for row in section.rows]
        name = section.columns[part].name
        axes.bar(xs, heights, bottom=ends, width=0.8, label=name, linewidth=0.6, **look)
        ends = [end + one for end, one in zip(ends, heights, strict=True)]
    if len(xs) <= _MOST_LABELLED:
        for x, end in zip(xs, ends, strict=True):
            axes.annotate(f"{end:,.0f}", (x, end), (0, 2), textcoords="offset points", ha="center",
                          fontsize=SMALL)  # fmt: skip
        axes.set_xticks(xs)
    axes.set_ylim(0, max(ends) * 1.12)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(section.columns[0].name)
    axes.set_ylabel("problems")
    axes.grid(axis="y")


def _fills() -> Iterator[dict[str, str]]:
    """Yield the fills of parts: the first is plain, the others are only hatched.

    A face behind the hatching would need an opacity, which SVG applies to the hatching as well.
    """
    for hatch, colour in zip(cycle(_HATCHES), cycle(SERIES), strict=False):
        yield {"facecolor": "none" if hatch else colour, "edgecolor": colour, "hatch": hatch}


def _rows(axes: Any, names: Sequence[str], values: Sequence[str]) -> None:
    """Write the names of rows at the left, from the top, and their values at the right."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    for position, text in enumerate(values):
        axes.text(1.015, position, text, transform=axes.get_yaxis_transform(), va="center")


def _row_names(section: Section) -> list[str]:
    """Return the names of rows: a run, a language, or a pair of languages."""
    kinds = [column.kind for column in section.columns]
    leading = [n for n in range(2) if kinds[n] in {"language", "text"}]
    several = [n for n in leading if len({row[n] for row in section.rows}) > 1] or leading[-1:]
    return [" > ".join(dict.fromkeys(str(row[n]) for n in several)) for row in section.rows]


def _signed(points: float) -> str:
    return f"{points:+.1f}" if round(points, 1) else "0.0"


PLOTTERS: dict[Chart, Callable[[Any, Section], None]] = {
    "bars": _plot_bars,
    "heat": _plot_heat,
    "curve": plot_curve,
    "calibration": plot_calibration,
    "coverage": plot_coverage,
    "stack": _plot_stack,
}
