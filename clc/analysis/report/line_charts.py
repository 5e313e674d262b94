"""Plotters of charts with lines: a curve over paths or tokens, calibration and coverage."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from clc.analysis.comparison_charts import DASHES, MARKERS
from clc.analysis.report.chart_cells import PlottedEstimate, find_estimates, to_number, to_percent
from clc.analysis.report.theme import INK, QUIET, SERIES, SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.analysis.report.sections import Cell, Section

__all__ = ["plot_calibration", "plot_coverage", "plot_curve"]

_MOST_WHISKERS = 2  # lines whose intervals remain distinguishable
_OFFSET = 0.025  # relative shift of a line against the one before


def plot_curve(axes: Any, section: Section) -> None:
    """Plot lines over paths or tokens, each labelled at its end, with whiskers as intervals."""
    by_run = section.columns[0].kind == "text"
    x = int(by_run)
    lines = _lines(section, by_run=by_run)
    looks = zip(cycle((INK, *SERIES)), cycle(MARKERS), cycle(DASHES), strict=False)
    whiskers = lines[0][2].low is not None and len(lines) <= _MOST_WHISKERS
    ends = []
    for position, ((name, rows, one), (colour, marker, dash)) in enumerate(
        zip(lines, looks, strict=False)
    ):
        look = {"color": colour, "marker": marker, "markersize": 4.5, "linestyle": dash,
                "linewidth": 1.4}  # fmt: skip
        values = [to_percent(row[one.value]) for row in rows]
        # Shifted, so that whiskers do not overlap.
        xs = [to_number(row[x]) * (1.0 + _OFFSET * position * whiskers) for row in rows]
        if whiskers and one.low is not None and one.high is not None:
            lows, highs = (
                [to_percent(row[index]) for row in rows] for index in (one.low, one.high)
            )
            axes.vlines(xs, lows, highs, color=colour, linewidth=0.9, alpha=0.7)
        axes.plot(xs, values, **look)
        ends.append((values[-1], name, look))
    axes.grid(axis="y")
    name = section.columns[x].name
    if section.columns[x].kind == "count":
        ticks = sorted({int(to_number(row[x])) for row in section.rows})
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    else:
        from matplotlib.ticker import LogLocator

        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.minorticks_off()
    _name_ends(axes, ends)
    axes.set_xlabel(name)
    axes.set_ylabel(f"{_common_name(lines)}% of problems{'; line: 95 % interval' * whiskers}")


def _lines(
    section: Section, *, by_run: bool
) -> list[tuple[str, Sequence[tuple[Cell, ...]], PlottedEstimate]]:
    """Return the lines of a curve: one per estimate, or the first estimate of every run."""
    found = find_estimates(section)
    if not by_run:
        return [(one.name, section.rows, one) for one in found]
    names = list(dict.fromkeys(str(row[0]) for row in section.rows))
    return [(n, [row for row in section.rows if row[0] == n], found[0]) for n in names]


def _common_name(lines: Sequence[tuple[str, Any, PlottedEstimate]]) -> str:
    """Return the name of the estimate that all lines share, if each line is named by its run."""
    return "" if lines[0][0] == lines[0][2].name else f"{lines[0][2].name}, "


def _name_ends(axes: Any, ends: Sequence[tuple[float, str, dict[str, Any]]]) -> None:
    """Label each line at the right of the axes, near its end's height, without overlaps."""
    low, high = axes.get_ylim()
    gap = (high - low) * 0.07
    y = float("-inf")
    right = axes.get_yaxis_transform()
    for value, name, look in sorted(ends, key=lambda end: end[:2]):
        y = max(value, y + gap)
        axes.plot([1.01, 1.06], [y, y], transform=right, clip_on=False, **look)
        axes.text(1.075, y, name, transform=right, va="center")
    axes.set_ylim(low, max(high, y))


def plot_calibration(axes: Any, section: Section) -> None:
    """Plot accuracy against agreement, with the number of verdicts above every point."""
    names = [column.name for column in section.columns]
    x, count = names.index("mean agreement"), names.index("verdicts")
    one = next(e for e in find_estimates(section) if e.low is not None)
    axes.plot([0, 100], [0, 100], color=QUIET, linestyle=":", linewidth=1)
    axes.grid()
    rows = sorted(section.rows, key=lambda row: to_number(row[x]))
    xs = [to_percent(row[x]) for row in rows]
    values = [to_percent(row[one.value]) for row in rows]
    lows, highs = ([to_percent(row[n] if n else None) for row in rows] for n in (one.low, one.high))
    axes.vlines(xs, lows, highs, color=INK, linewidth=1.2)
    axes.plot(xs, values, color=SERIES[0], marker="o", markersize=5.5, linewidth=1.2)
    last = [float("-inf")] * 3
    for position, row in zip(xs, rows, strict=True):
        text = f"{row[count]:,}"
        needed = 1.2 * len(text) + 1.5  # per cent of the width, half of it on each side
        level = next((n for n in range(2) if position - last[n] >= needed), 2)
        last[level] = position
        axes.text(position, 1.02 + 0.055 * level, text, transform=axes.get_xaxis_transform(),
                  ha="center", fontsize=SMALL, color=QUIET)  # fmt: skip
    axes.set_xlim(0, 102)
    axes.set_ylim(0, 102)
    axes.set_xlabel("agreement, % (numbers above: verdicts)")
    axes.set_ylabel("right, %; line: 95 % interval")


def plot_coverage(axes: Any, section: Section) -> None:
    """Plot accuracy against the share that is answered, a step for each agreement."""
    names = [column.name for column in section.columns]
    x, y = names.index("answered"), names.index("right share")
    xs, values = ([to_percent(row[n]) for row in section.rows] for n in (x, y))
    axes.grid()
    axes.plot(xs, values, color=SERIES[0], marker="o", markersize=4.5, linewidth=1.2)
    axes.set_xlim(0, 102)
    axes.set_ylim(max(0, min(values) - 5), 101)
    axes.set_xlabel("answered, % of the problems; surest first")
    axes.set_ylabel("right, % of the answered")
