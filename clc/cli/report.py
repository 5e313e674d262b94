"""``clc report``: a run as a page that explains itself."""

from __future__ import annotations

import re
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clc.cli.options import reading_option
from clc.version import install_hint

if TYPE_CHECKING:
    from clc.analysis.report.sources import ReportSource
    from clc.analysis.report.write import Report
    from clc.answers.reading_files import ReadingFiles

__all__ = ["command", "open_all"]


@click.command("report")
@click.argument("sources", nargs=-1, required=True, metavar="RUN...")
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE",
              help="The page.  [default: RUN/report.html; ./report.html for several runs or "
                   "generations]")  # fmt: skip
@click.option("--figures", type=click.Path(file_okay=False), metavar="DIR",
              help="Write every figure as SVG and PNG and its numbers as CSV, too.")  # fmt: skip
@reading_option
def command(
    sources: tuple[str, ...], out: str | None, figures: str | None, reading: ReadingFiles | None
) -> None:
    """Write a page with the results of a run and the reasoning on every problem.

    RUN is a run folder, a folder of clc compare, or a file or folder of recorded generations
    (.jsonl). The page needs no network and opens from the disk; several runs are compared in it.
    More than 24 MB of texts go into a folder beside it, named as FILE with .data: keep both
    together.

    \b
    Examples:
      clc report runs/clc
      clc report runs/clc runs/sc --out compared.html --figures figures
      clc report generations.jsonl
    """  # noqa: D301
    from clc.analysis.report import write_report
    from clc.cli.text import echo

    target = Path(out) if out else _page_of(sources)
    with ExitStack() as stack:
        report = write_report(open_all(sources, stack, reading), target)
    if figures:
        _write_figures(report, Path(figures))
    if find_spec("matplotlib") is None:
        click.echo(f"The page has tables for figures: {install_hint('plot')} draws them", err=True)
    beside = f", with the texts in {report.folder}" if report.folder else ""
    echo(f"{report.problems:,} problems, {report.bytes / 1e6:,.1f} MB: {target}{beside}")


def open_all(
    paths: tuple[str, ...], stack: ExitStack, reading: ReadingFiles | None = None
) -> dict[str, ReportSource]:
    """Open the sources of a report by name; duplicate names get their path.

    ``reading`` are the files of a folder of prompt files.

    Raises:
        ClcError: one of ``paths`` cannot be opened.
    """
    from clc.analysis.report.sources import open_sources
    from clc.input_files import printable_path

    opened: dict[str, ReportSource] = {}
    for path in dict.fromkeys(paths):
        for name, source in stack.enter_context(open_sources(path, reading)).items():
            free = name if name not in opened else f"{printable_path(path)}: {name}"
            opened[free] = source
    return opened


def _write_figures(report: Report, folder: Path) -> None:
    """Write the figures of one run into ``folder``, of several each into a folder of its own."""
    from clc.analysis.report.figures import write_figures

    write_figures(report.comparison, folder)
    if len(report.summaries) == 1:
        write_figures(report.summaries[0].sections, folder)
        return
    names: list[str] = []
    for summary in report.summaries:
        own = re.sub(r"[^\w.-]+", "_", summary.name)
        taken = {name.casefold() for name in names}
        free = (name for number in count(2) if (name := f"{own}-{number}").casefold() not in taken)
        names.append(own if own.casefold() not in taken else next(free))
        write_figures(summary.sections, folder / names[-1])


def _page_of(sources: tuple[str, ...]) -> Path:
    from clc.runs.open import is_run

    if len(sources) == 1 and Path(sources[0]).is_dir() and is_run(sources[0]):
        return Path(sources[0]) / "report.html"
    return Path("report.html")
