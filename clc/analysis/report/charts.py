"""Plotters of each kind of chart: they fill the axes from a section, in the colours of ``THEME``.

All text is ASCII, so that no font is needed, and whatever differs in colour differs in marker, dash
or hatching too.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.analysis.figures import DASHES, MARKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from clc.analysis.report.sections import Cell, Chart, Section

__all__ = ["LOOK", "PLOTTERS", "THEME", "height"]

# Role: colour on a light page, colour on a dark one. The light ones are all different, because the
# page replaces them by their roles. The first series' are Okabe and Ito's (2008).
THEME = {
    "ink": ("#222426", "#e8eaed"),
    "quiet": ("#5a6067", "#a9b0b8"),
    "grid": ("#d8dbdf", "#3c4148"),
    "heat": ("#2b83ba", "#2d7cb4"),
    "series-1": ("#0072b2", "#56b4e9"),
    "series-2": ("#d55e00", "#f2935c"),
    "series-3": ("#009e73", "#3fc79d"),
    "series-4": ("#b0558a", "#dd9cc2"),
    "series-5": ("#8b6c00", "#e3bf4d"),
    "series-6": ("#3f4a8c", "#a3aeea"),
}
_INK, _QUIET, _GRID, _HEAT, *_SERIES = (light for light, _ in THEME.values())
LOOK = {
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _QUIET,
    "axes.facecolor": "none",
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.linewidth": 0.8,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "figure.facecolor": "none",
    "hatch.linewidth": 0.7,
    "font.family": ["DejaVu Sans"],
    "legend.frameon": False,
}
_HATCHES = ("", "///", "---", "\\\\\\", "|||", "xxx", "+++")  # straight: each circle is 2 kB of SVG
_SMALL = 8  # points
_MOST_LABELLED = 16  # bars with room for a number above them
_MOST_WHISKERS = 2  # lines whose intervals remain distinguishable
_OFFSET = 0.025  # relative shift of a line against the one before
_ROW = 0.27  # inches for a row of bars
_LARGEST_TINT = 0.62  # ink stays legible on it, on a light page and on a dark one


class _Estimate(NamedTuple):
    """Indices of a column of shares or points, and of its interval's if they follow it."""

    name: str
    points: bool
    value: int
    low: int | None
    high: int | None


def height(section: Section) -> float:
    """Return the height of a section's figure in inches."""
    if section.figure == "heat":
        return 1.0 + 0.32 * len({row[0] for row in section.rows})
    if section.figure == "bars" or (section.figure == "stack" and not _is_histogram(section)):
        return 0.85 + _ROW * len(section.rows) + (0.3 if section.figure == "stack" else 0)
    return 3.4 if section.figure == "calibration" else 3.1


def _bars(axes: Any, section: Section) -> None:
    """Plot a row for each language or run: the share as a bar, its interval as a whisker."""
    one = next((e for e in _estimates(section) if e.low is not None), _estimates(section)[0])
    positions = range(len(section.rows))
    values = [_hundredfold(row[one.value]) for row in section.rows]
    if not one.points:
        axes.barh(positions, values, height=0.62, color=_SERIES[0], alpha=0.3, linewidth=0)
    if one.low is not None and one.high is not None:
        lows, highs = (
            [_hundredfold(row[index]) for row in section.rows] for index in (one.low, one.high)
        )
        axes.hlines(positions, lows, highs, color=_INK, linewidth=1.3)
    axes.plot(values, positions, linestyle="none", marker="o", markersize=5, color=_INK)
    if one.points:
        axes.axvline(0, color=_QUIET, linewidth=0.9)
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


def _heat(axes: Any, section: Section) -> None:
    """Plot a cell for each pair of languages, stronger for a larger share."""
    from matplotlib.patches import Rectangle

    one = _estimates(section)[0]
    rows, columns = (list(dict.fromkeys(row[n] for row in section.rows)) for n in (0, 1))
    shares = [_number(row[one.value]) for row in section.rows]
    low, span = min(shares), max(max(shares) - min(shares), 0.05)
    for row, share in zip(section.rows, shares, strict=True):
        x, y = columns.index(row[1]), rows.index(row[0])
        tint = 0.05 + (_LARGEST_TINT - 0.05) * (share - low) / span
        axes.add_patch(
            Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, color=_HEAT, alpha=tint, linewidth=0)
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


def _curve(axes: Any, section: Section) -> None:
    """Plot lines over paths or tokens, each labelled at its end, with whiskers as intervals."""
    by_run = section.columns[0].kind == "text"
    x = int(by_run)
    lines = _lines(section, by_run=by_run)
    looks = zip(cycle((_INK, *_SERIES)), cycle(MARKERS), cycle(DASHES), strict=False)
    whiskers = lines[0][2].low is not None and len(lines) <= _MOST_WHISKERS
    ends = []
    for position, ((name, rows, one), (colour, marker, dash)) in enumerate(
        zip(lines, looks, strict=False)
    ):
        look = {"color": colour, "marker": marker, "markersize": 4.5, "linestyle": dash,
                "linewidth": 1.4}  # fmt: skip
        values = [_hundredfold(row[one.value]) for row in rows]
        # Shifted, so that whiskers do not overlap.
        xs = [_number(row[x]) * (1.0 + _OFFSET * position * whiskers) for row in rows]
        if whiskers and one.low is not None and one.high is not None:
            lows, highs = (
                [_hundredfold(row[index]) for row in rows] for index in (one.low, one.high)
            )
            axes.vlines(xs, lows, highs, color=colour, linewidth=0.9, alpha=0.7)
        axes.plot(xs, values, **look)
        ends.append((values[-1], name, look))
    axes.grid(axis="y")
    name = section.columns[x].name
    if section.columns[x].kind == "count":
        ticks = sorted({int(_number(row[x])) for row in section.rows})
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
) -> list[tuple[str, Sequence[tuple[Cell, ...]], _Estimate]]:
    """Return the lines of a curve: one per estimate, or the first estimate of every run."""
    estimates = _estimates(section)
    if not by_run:
        return [(one.name, section.rows, one) for one in estimates]
    names = list(dict.fromkeys(str(row[0]) for row in section.rows))
    return [(n, [row for row in section.rows if row[0] == n], estimates[0]) for n in names]


def _common_name(lines: Sequence[tuple[str, Any, _Estimate]]) -> str:
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


def _calibration(axes: Any, section: Section) -> None:
    """Plot accuracy against agreement, with the number of verdicts above every point."""
    names = [column.name for column in section.columns]
    x, count = names.index("mean agreement"), names.index("verdicts")
    one = next(e for e in _estimates(section) if e.low is not None)
    axes.plot([0, 100], [0, 100], color=_QUIET, linestyle=":", linewidth=1)
    axes.grid()
    rows = sorted(section.rows, key=lambda row: _number(row[x]))
    xs = [_hundredfold(row[x]) for row in rows]
    values = [_hundredfold(row[one.value]) for row in rows]
    lows, highs = (
        [_hundredfold(row[n] if n else None) for row in rows] for n in (one.low, one.high)
    )
    axes.vlines(xs, lows, highs, color=_INK, linewidth=1.2)
    axes.plot(xs, values, color=_SERIES[0], marker="o", markersize=5.5, linewidth=1.2)
    last = [float("-inf")] * 3
    for position, row in zip(xs, rows, strict=True):
        text = f"{row[count]:,}"
        needed = 1.2 * len(text) + 1.5  # per cent of the width, half of it on each side
        level = next((n for n in range(2) if position - last[n] >= needed), 2)
        last[level] = position
        axes.text(position, 1.02 + 0.055 * level, text, transform=axes.get_xaxis_transform(),
                  ha="center", fontsize=_SMALL, color=_QUIET)  # fmt: skip
    axes.set_xlim(0, 102)
    axes.set_ylim(0, 102)
    axes.set_xlabel("agreement, % (numbers above: verdicts)")
    axes.set_ylabel("right, %; line: 95 % interval")


def _coverage(axes: Any, section: Section) -> None:
    """Plot accuracy against the share that is answered, a step for each agreement."""
    names = [column.name for column in section.columns]
    x, y = names.index("answered"), names.index("right share")
    xs, values = ([_hundredfold(row[n]) for row in section.rows] for n in (x, y))
    axes.grid()
    axes.plot(xs, values, color=_SERIES[0], marker="o", markersize=4.5, linewidth=1.2)
    axes.set_xlim(0, 102)
    axes.set_ylim(max(0, min(values) - 5), 101)
    axes.set_xlabel("answered, % of the problems; surest first")
    axes.set_ylabel("right, % of the answered")


def _stack(axes: Any, section: Section) -> None:
    """Plot the parts of each row, in per cent of its paths, or numbers of problems over paths."""
    (_histogram if _is_histogram(section) else _parts)(axes, section)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2, handlelength=1.6,
        columnspacing=1.4,
    )  # fmt: skip


def _is_histogram(section: Section) -> bool:
    return section.columns[0].kind == "count"


def _parts(axes: Any, section: Section) -> None:
    positions = range(len(section.rows))
    counts = [n for n, column in enumerate(section.columns) if column.kind == "count"]
    total, *parts = counts
    share = next(n for n, column in enumerate(section.columns) if column.kind == "share")
    ends = [0.0] * len(section.rows)
    for part, look in zip(parts, _fills(), strict=False):
        widths = [100 * _number(row[part]) / max(_number(row[total]), 1) for row in section.rows]
        name = section.columns[part].name
        axes.barh(positions, widths, left=ends, height=0.66, label=name, linewidth=0.6, **look)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    _rows(
        axes,
        _row_names(section),
        [
            "-" if row[share] is None else f"{_hundredfold(row[share]):.1f} %"
            for row in section.rows
        ],
    )
    axes.set_xlim(0, min(100, max(ends) * 1.02))
    axes.set_xlabel(f"% of {section.columns[total].name} (right: {section.columns[share].name})")


def _histogram(axes: Any, section: Section) -> None:
    xs = [int(_number(row[0])) for row in section.rows]
    ends = [0.0] * len(xs)
    for part, look in zip(range(1, len(section.columns)), _fills(), strict=False):
        heights = [_number(row[part]) for row in section.rows]
        name = section.columns[part].name
        axes.bar(xs, heights, bottom=ends, width=0.8, label=name, linewidth=0.6, **look)
        ends = [end + one for end, one in zip(ends, heights, strict=True)]
    if len(xs) <= _MOST_LABELLED:
        for x, end in zip(xs, ends, strict=True):
            axes.annotate(f"{end:,.0f}", (x, end), (0, 2), textcoords="offset points", ha="center",
                          fontsize=_SMALL)  # fmt: skip
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
    for hatch, colour in zip(cycle(_HATCHES), cycle(_SERIES), strict=False):
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


def _estimates(section: Section) -> list[_Estimate]:
    columns = section.columns
    bounds = [column.name.rpartition(" ")[2] in {"low", "high"} for column in columns]
    estimates = []
    for index, column in enumerate(columns):
        if column.kind in {"share", "points"} and not bounds[index]:
            interval = all(bounds[index + 1 : index + 3]) and index + 2 < len(columns)
            ends = (index + 1, index + 2) if interval else (None, None)
            estimates.append(_Estimate(column.name, column.kind == "points", index, *ends))
    return estimates


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0


def _signed(points: float) -> str:
    return f"{points:+.1f}" if round(points, 1) else "0.0"


def _hundredfold(cell: Cell) -> float:
    return 100 * _number(cell)


PLOTTERS: dict[Chart, Callable[[Any, Section], None]] = {
    "bars": _bars,
    "heat": _heat,
    "curve": _curve,
    "calibration": _calibration,
    "coverage": _coverage,
    "stack": _stack,
}
