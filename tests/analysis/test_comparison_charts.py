"""Figures as files, read back: SVG by its text, PNG by its pixels."""

import subprocess
import sys
from importlib.util import find_spec
from xml.etree import ElementTree as ET

import pytest

from clc.analysis.comparison import compare_strategies
from clc.analysis.comparison_charts import plot_comparison
from clc.analysis.comparison_records import Entry, ProblemOutcome
from clc.analysis.resampling import PathOutcome
from clc.errors import ConfigurationError, StoreError

plots = pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs the extra plot")


def entry(name, paths, right=3, tokens=100):
    answers = ["7" if path % 4 < right else "8" for path in range(paths)]
    drawn = [PathOutcome("en", one, tokens) for one in answers]
    return Entry(
        name, [ProblemOutcome(f"{n}", f"{n}", "7", "7", drawn, 0, ("en",)) for n in range(4)]
    )


def texts(file):
    return ["".join(one.itertext()) for one in ET.parse(file).iter() if one.tag.endswith("}text")]


@pytest.fixture(scope="module")
def comparison():
    return compare_strategies([entry("native-cot", 1), entry("sc", 11), entry("clc", 11, 2)])


@plots
def test_svg_says_what_it_shows(comparison, tmp_path):
    file = tmp_path / "a.svg"
    plot_comparison(comparison, [file])
    found = texts(file)
    assert {"native-cot", "sc", "clc", "right, % of problems"} <= set(found)
    assert [text for text in found if text.isdecimal()][:5] == ["1", "2", "4", "8", "11"]
    again = tmp_path / "b.svg"
    plot_comparison(comparison, [again])
    assert again.read_bytes() == file.read_bytes()


@plots
def test_lines_differ_without_their_colours(comparison, tmp_path):
    file = tmp_path / "a.svg"
    plot_comparison(comparison, [file])
    dashes = {
        part.strip()
        for path in ET.parse(file).iter()
        for part in path.get("style", "").split(";")
        if "stroke-dasharray" in part
    }
    assert len(dashes) >= 3  # of sc, of clc, of the budget; native-cot's line is whole


@plots
def test_png(comparison, tmp_path):
    file = tmp_path / "a.png"
    plot_comparison(comparison, [file])
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = (int.from_bytes(data[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (1350, 630)


@plots
@pytest.mark.parametrize(
    "entries",
    [
        [entry("sc", 1)],
        [entry("sc", 4, tokens=0)],
        [Entry("sc", [ProblemOutcome("a", "a", "7", None, [])])],
        [entry("sc", 3), *(entry(f"s{n}", 2 + n) for n in range(12))],
    ],
)
def test_little_and_much_to_show(entries, tmp_path):
    plot_comparison(compare_strategies(entries), [tmp_path / "a.svg", tmp_path / "a.png"])
    assert "sc" in texts(tmp_path / "a.svg")


@plots
def test_formats_and_places_that_do_not_work(comparison, tmp_path):
    with pytest.raises(ConfigurationError, match=r"a\.docx: .*docx"):
        plot_comparison(comparison, [tmp_path / "a.docx"])
    with pytest.raises(StoreError, match=r"a\.svg: cannot write: No such file"):
        plot_comparison(comparison, [tmp_path / "missing" / "a.svg"])


def test_without_matplotlib_it_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from pathlib import Path\n"
        "from clc.analysis.comparison_charts import plot_comparison\n"
        f"plot_comparison(None, [Path({str(tmp_path)!r})])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        "figures need matplotlib; install it with: pip install 'crosslingual-consistency[plot]'"
        in done.stderr
    )
    assert done.returncode == 1


def test_loading_it_loads_no_matplotlib():
    code = "import clc.analysis.comparison_charts, clc.cli.comparison_files, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
