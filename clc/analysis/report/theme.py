"""The colours of charts on light and dark pages, and their settings of matplotlib."""

from __future__ import annotations

__all__ = ["HEAT", "INK", "LOOK", "QUIET", "SERIES", "SMALL", "THEME"]

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
INK, QUIET, _GRID, HEAT, *SERIES = (light for light, _ in THEME.values())
LOOK = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.facecolor": "none",
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.linewidth": 0.8,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "none",
    "hatch.linewidth": 0.7,
    "font.family": ["DejaVu Sans"],
    "legend.frameon": False,
}
SMALL = 8  # points
