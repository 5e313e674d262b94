"""What a report costs beside taking the votes: seconds and peak memory, without a model.

A run folder of eleven languages is written once for each size, then each pass over it runs in a
process of its own::

    python -m benchmarks.report                       # 1,000 and 10,000 problems x 44 paths
    python -m benchmarks.report --sizes 10000 --paths 11

``revote`` reads every path and takes the votes, which all passes do first; ``summary`` gathers the
numbers of the report as well; ``figures`` draws them, too; ``page`` writes the report, which is
then opened in Chromium where there is one. The ratio is of CPU seconds, to those of
``revote`` in the same run of this script: the first pass also waits for the disk.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.comparing import LANGUAGES, STEPS, visible
from clc.analysis.report.figures import section_svg
from clc.analysis.report.sources import open_sources
from clc.analysis.report.summary import SummaryBuilder
from clc.analysis.report.write import data_folder, write_report
from clc.plan import ArmRecord, Plan
from clc.prompts.templates import Templates
from clc.records import Problem, ReasoningPath, Usage
from clc.runs.store import Store

if TYPE_CHECKING:
    from clc.analysis.report.sections import Summary


def main() -> None:
    """Measure every pass at every size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000],
                        help="numbers of problems")  # fmt: skip
    parser.add_argument("--paths", type=int, default=44, help="paths of a problem")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        name, folder = given.one
        print(json.dumps(timed(name, Path(folder))))
        return
    names = ("problems", "pass", "seconds", "CPU s", "of revote", "peak MB")
    print(" ".join(f"{name:>9}" for name in names))
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), size, given.paths)
            alone = 0.0
            for name in PASSES:
                row = measured(name, folder)
                alone = alone or row["cpu"]
                cells = [f"{size:,}", name, f"{row['seconds']:.1f}", f"{row['cpu']:.1f}",
                         f"{row['cpu'] / alone:.2f}", f"{row['peak_mb']:.0f}"]  # fmt: skip
                print(" ".join(f"{cell:>9}" for cell in cells), flush=True)
            print(opened(Path(folder) / "report.html"), flush=True)


def measured(name: str, folder: str) -> dict[str, float]:
    """Time a pass in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.report", "--one", name, folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    row: dict[str, float] = json.loads(done.stdout)
    return row


def timed(name: str, folder: Path) -> dict[str, float]:
    """Time a pass in this process."""
    started, worked = time.perf_counter(), time.process_time()
    PASSES[name](folder)
    return {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - worked,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def revote(folder: Path) -> None:
    """Take the votes and let them go."""
    with open_sources(folder) as sources:
        for source in sources.values():
            for _ in source.solved():
                pass


def summary(folder: Path) -> None:
    """Gather the numbers of the report."""
    gathered(folder)


def figures(folder: Path) -> None:
    """Gather the numbers and draw them for the page."""
    for one in gathered(folder):
        for section in one.sections:
            section_svg(section)


def gathered(folder: Path) -> list[Summary]:
    """Read every run of a folder into its summary."""
    summaries = []
    with open_sources(folder) as sources:
        for name, source in sources.items():
            gatherer = SummaryBuilder(name, source.manifest)
            for solved in source.solved():
                gatherer.add(solved)
            summaries.append(gatherer.summary())
    return summaries


def page(folder: Path) -> None:
    """Write the whole report."""
    with open_sources(folder) as sources:
        write_report(sources, folder / "report.html")


PASSES = {"revote": revote, "summary": summary, "figures": figures, "page": page}


def opened(page: Path) -> str:
    """Tell the sizes of a report, and when Chromium has drawn its list and one problem."""
    texts = sum(file.stat().st_size for file in data_folder(page).glob("*.js"))
    sizes = f"page {page.stat().st_size / 1e6:,.1f} MB, texts beside it {texts / 1e6:,.1f} MB"
    file = shutil.which("chromium") or shutil.which("google-chrome")
    if file is None or find_spec("playwright") is None:
        return f"{sizes}; no Chromium to open it"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=file, args=["--no-sandbox"])
        tab = browser.new_page()
        started = time.perf_counter()
        tab.goto(page.as_uri())
        tab.locator("#list a").first.wait_for()
        listed = time.perf_counter()
        tab.locator("#list a").last.click()
        tab.locator(".path").first.wait_for()
        read = time.perf_counter()
        tab.go_back()
        tab.locator("#list a").first.wait_for()
        back = time.perf_counter()
        tab.select_option("#show", "wrong")
        tab.locator("#counts", has_text=" of ").wait_for()
        filtered = time.perf_counter()
        browser.close()
    return (
        f"{sizes}; in Chromium the list after {listed - started:.1f} s, "
        f"a problem after {read - listed:.2f} s, a filter after {filtered - back:.2f} s"
    )


def fill(folder: Path, size: int, paths: int) -> None:
    """Write a run of ``clc``: ``paths`` paths of every problem, over the languages in turn."""
    labels = {code: Templates().cues(code).label for code in LANGUAGES}
    each, rest = divmod(paths, len(LANGUAGES))
    with Store(folder) as store:
        for number in range(size):
            text = f"Tom buys {number} pens and then 4 more. How many pens has he?"
            problem = Problem(f"p-{number}", text, "de", str(number + 4))
            store.add_problem(number, problem)
            arms = []
            for place, code in enumerate(LANGUAGES):
                arm = ArmRecord(
                    code, f"{number}-{code}", 0, each + (place < rest), 0,
                    translation_usage=Usage(40, 30), arm_key=code,
                )  # fmt: skip
                arms.append(arm)
                values = visible(number, code, arm.paths)
                keys = Plan.of([arm]).keys()
                for index, (key, value) in enumerate(zip(keys, values, strict=True)):
                    prompt = f"{number}-{code}"
                    reply = f"{STEPS.format(number, value)}\n{labels[code]} {value}"
                    store.add_path(
                        ReasoningPath(key, prompt, code, index, 0, reply, "stop", Usage(60, 90))
                    )
            store.set_plan(problem.id, Plan.of(arms))
        store.commit()


if __name__ == "__main__":
    main()
