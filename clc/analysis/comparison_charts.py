"""Charts of a comparison, drawn with matplotlib (the extra ``plot``).

Lines differ in marker and dash as well as in colour, so that a black-and-white print keeps them
apart. All text is Latin: no font for other scripts is needed.
"""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from itertools import cycle
from typing import TYPE_CHECKING, Any

from clc.errors import ConfigurationError
from clc.runs.files import write_atomically
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from clc.analysis.comparison_records import StrategyComparison, StrategyResult

__all__ = ["COLOURS", "DASHES", "MARKERS", "new_figure", "plot_comparison", "save"]

# Okabe and Ito's colours (2008), which colour-blind readers tell apart; dark enough for paper.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#8B6C00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", (0, (6, 2)), (0, (3, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1.2)))
_SIZE = (9.0, 4.2)  # inches
_DPI = 150


def plot_comparison(comparison: StrategyComparison, files: Iterable[Path]) -> None:
    """Plot accuracy against paths and against tokens into ``files``; suffixes choose formats.

    The left panel shows maj@k, and oracle@k as thin lines with hollow markers. The right one shows
    the vote over the paths that a token budget a problem pays for, preparation included; a strategy
    with one path is a single point, and the dotted line is the budget of the table. The same
    comparison gives the same SVG, byte by byte. Budgets that leave more than a tenth of the
    problems without a path are left out.

    Raises:
        ConfigurationError: matplotlib is not installed, or it does not know a format.
        StoreError: a file cannot be written.
    """
    with new_figure(_SIZE) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        looks = zip(comparison.strategies, cycle(COLOURS), cycle(MARKERS), cycle(DASHES),
                    strict=False)  # fmt: skip
        for result, colour, marker, dash in looks:
            look = {"color": colour, "marker": marker, "markersize": 4.5, "linewidth": 1.4}
            _against_paths(left, result, {**look, "linestyle": dash})
            _against_tokens(right, result, {**look, "linestyle": dash})
        _label(left, right, comparison)
        for file in files:
            save(figure, file)


@contextmanager
def new_figure(size: tuple[float, float], salt: str = "clc") -> Iterator[Any]:
    """Yield an empty figure of ``size`` (inches, width and height), to plot and save in the block.

    Text stays text in SVG, whose ids are hashed with ``salt``.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError(
            f"figures need matplotlib; install it with: {install_hint('plot')}"
        ) from error
    with mpl.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": salt, "font.size": 9, "text.parse_math": False}
    ):
        yield Figure(figsize=size, layout="constrained")


def save(figure: Any, file: Path) -> None:
    """Write a figure in the format that the file's suffix names; a link there is replaced.

    Raises:
        ConfigurationError: matplotlib does not know the format.
        StoreError: the file cannot be written.
    """
    more: dict[str, Any] = {"metadata": {"Date": None}} if file.suffix == ".svg" else {}
    image = BytesIO()
    try:
        figure.savefig(image, format=file.suffix.removeprefix("."), dpi=_DPI, **more)
    except ValueError as error:
        raise ConfigurationError(f"{file.name}: {error}") from error
    write_atomically(file, image.getvalue())


def _against_paths(axes: Any, result: StrategyResult, look: Mapping[str, Any]) -> None:
    ks = [point.k for point in result.curve]
    hollow = {"linewidth": 0.6, "markerfacecolor": "white", "markeredgewidth": 0.8}
    axes.plot(ks, [100 * point.oracle for point in result.curve], **{**look, **hollow})
    axes.plot(
        ks, [100 * point.majority for point in result.curve], **look
    )  # on top: equal at k = 1


def _against_tokens(axes: Any, result: StrategyResult, look: Mapping[str, Any]) -> None:
    if result.most_drawn < 2:  # noqa: PLR2004  one path: nothing to choose
        xs, ys = [result.tokens], [100 * result.accuracy.value]
    else:
        points = [point for point in result.budgets if point.is_plotted]
        xs = [point.budget for point in points]
        ys = [100 * point.accuracy.value for point in points]
    axes.plot(xs, ys, label=result.name, **look)


def _label(left: Any, right: Any, comparison: StrategyComparison) -> None:
    from matplotlib.ticker import LogLocator

    shown = sorted({point.k for result in comparison.strategies for point in result.curve})
    left.set_xscale("log", base=2)
    left.set_xticks(shown, [str(k) for k in shown])
    left.minorticks_off()
    left.set_xlabel("paths k (filled: vote, hollow: any path right)")
    left.set_ylabel("right, % of problems")
    if comparison.budget > 0:
        right.axvline(comparison.budget, color="0.4", linestyle=":", linewidth=0.9)
        right.set_xscale("log")
        right.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        right.xaxis.set_major_formatter("{x:,.0f}")
        right.minorticks_off()
    right.set_xlabel("token budget for one problem")
    right.legend(frameon=False, handlelength=4)
    for axes in (left, right):
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
