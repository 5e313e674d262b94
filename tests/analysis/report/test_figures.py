"""Figures of a report, read back: SVG by its text and by Chromium, PNG by its bytes, CSV by rows."""

import csv
import re
import subprocess
import sys
from importlib.util import find_spec
from xml.etree import ElementTree as ET

import pytest

from clc.analysis.report.figures import section_svg, write_figures
from clc.analysis.report.sections import Column, Section
from clc.analysis.report.theme import THEME
from clc.errors import StoreError

pytestmark = pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs the extra plot")
INTERVAL = (Column("low", "share"), Column("high", "share"))


def made(name, figure, columns, rows, title="A title"):
    return Section(
        name, title, "A note.", tuple(Column(*one) for one in columns), tuple(rows), figure
    )


SHARE = [("paths", "count"), ("right", "count"), ("right share", "share"), *INTERVAL]
BARS = made(
    "bars", "bars", [("question", "language"), ("reasoning", "language"), *SHARE],
    [("de", "en", 12, 11, 0.917, 0.65, 0.985), ("de", "sw", 12, 5, 0.417, 0.19, 0.68)],
)  # fmt: skip
POINTS = made(
    "points", "bars",
    [("language", "language"), ("problems", "count"), ("difference", "points"), ("low", "points"),
     ("high", "points")],
    [("en", 12, 0.083, -0.02, 0.2), ("sw", 11, -0.0001, -0.1, 0.1)],
)  # fmt: skip
HEAT = made(
    "heat", "heat", [("question", "language"), ("reasoning", "language"), *SHARE],
    [("de", "en", 12, 11, 0.917, 0.65, 0.985), ("sw", "en", 12, 5, 0.417, 0.19, 0.68),
     ("sw", "zh-Hant", 12, 0, 0.0, 0.0, 0.3)],
)  # fmt: skip
CURVE = made(
    "curve", "curve",
    [("paths", "count"), ("problems", "count"),
     *[(f"{a} {b}", "share") for a in ("vote", "any") for b in ("right", "low", "high")]],
    [(1, 9, 0.5, 0.4, 0.6, 0.5, 0.4, 0.6), (7, 9, 0.8, 0.7, 0.9, 0.8, 0.7, 0.9)],
)  # fmt: skip
RUNS = made(
    "runs", "curve",
    [("strategy", "text"), ("tokens a problem", "number"), ("problems", "count"),
     ("right share", "share"), *INTERVAL],
    [(name, tokens, 9, 0.8, 0.7, 0.9) for name in ("sc", "clc", "x & <y>") for tokens in (90.5, 900)],
)  # fmt: skip
CALIBRATION = made(
    "calibration", "calibration",
    [("mean agreement", "share"), ("verdicts", "count"), ("right share", "share"), *INTERVAL],
    [(at, 12_345, at, max(at - 0.1, 0), min(at + 0.1, 1)) for at in (0.2, 0.5, 0.55, 0.6, 1.0)],
)  # fmt: skip
PARTS = made(
    "parts", "stack",
    [("language", "language"), ("paths", "count"), ("as asked", "count"), ("another", "count"),
     ("unknown", "count"), ("as asked share", "share")],
    [("de", 20, 15, 4, 1, 0.79), ("sw", 10, 0, 0, 10, None)],
)  # fmt: skip
COUNTS = made(
    "counts", "stack",
    [("paths sampled", "count"), ("beta", "count"), ("whole budget", "count")],
    [(4, 1_100, 0), (11, 3, 40)],
)  # fmt: skip
TABLE = made("table", "", [("language", "language"), ("tokens", "count")], [("de", 5)])
ALL = [BARS, POINTS, HEAT, CURVE, RUNS, CALIBRATION, PARTS, COUNTS]
by_name = pytest.mark.parametrize("section", ALL, ids=lambda one: one.name)


def texts(svg):
    return [
        "".join(one.itertext()).strip()
        for one in ET.fromstring(svg).iter()
        if one.tag.endswith("}text")
    ]


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        (BARS, ["en", "sw", "91.7", "41.7", "right share, % of 12 paths; line: 95 % interval"]),
        (POINTS, ["+8.3 of 12", "0.0 of 11", "difference, points; line: 95 % interval"]),
        (HEAT, ["92", "42", "0", "zh-Hant", "question language"]),
        (CURVE, ["1", "7", "vote right", "any right"]),
        (RUNS, ["sc", "clc", "x & <y>", "right share, % of problems"]),
        (CALIBRATION, ["12,345", "agreement, % (numbers above: verdicts)"]),
        (PARTS, ["as asked", "another", "79.0 %", "-", "% of paths (right: as asked share)"]),
        (COUNTS, ["beta", "whole budget", "4", "11", "1,100", "43"]),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_svg_shows_its_texts(section, wanted):
    found = texts(section_svg(section))
    assert [one for one in wanted if one not in found] == []
    assert all(text.isascii() for text in found)


@by_name
@pytest.mark.slow
def test_svg_is_the_same_again_and_fit_for_a_page(section):
    svg = section_svg(section)
    assert svg == section_svg(section)
    assert svg.startswith("<svg ")
    assert "<style" not in svg  # which would be the whole page's
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == "A title"
    assert root.get("width") == "100%"
    assert root.get("height") is None
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert all(one.startswith(f"{section.name}-") for one in ids)
    assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)) <= {
        pair for one in ids for pair in ((one, ""), ("", one))
    }


@by_name
def test_every_colour_has_its_role(section):
    bare = re.sub(r"var\(--[\w-]+, light-dark\(#\w{6}, #\w{6}\)\)", "", section_svg(section))
    assert re.findall(r"#[0-9a-f]{6}\b(?!\))", bare) == []
    assert not re.search(r"(?:fill|stroke): (?:black|white|rgb)", bare)


def test_roles_differ():
    assert len({light for light, _ in THEME.values()}) == len(THEME)


def contrast(one, other):
    def luminance(colour):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_and_lines_seen(theme):
    """WCAG 2.2: 4.5 for text, 3 for graphics."""
    page = ("#fdfdfc", "#15171a")[theme]
    for role, colours in THEME.items():
        least = {"ink": 4.5, "quiet": 4.5, "grid": 1.0, "heat": 1.0}.get(role, 3)
        assert contrast(colours[theme], page) >= least, role
    heat = [int(THEME["heat"][theme][n : n + 2], 16) for n in (1, 3, 5)]
    under = [int(page[n : n + 2], 16) for n in (1, 3, 5)]
    tint = "#" + "".join(
        f"{round(0.62 * a + 0.38 * b):02x}" for a, b in zip(heat, under, strict=True)
    )
    assert contrast(THEME["ink"][theme], tint) >= 4.5


def test_parts_differ_without_their_colours():
    svg = section_svg(PARTS)
    patterns = re.findall(r"<pattern.*?</pattern>", svg, re.DOTALL)
    lines = [re.findall(r' d="([^"]+)"', one) for one in patterns]
    assert len(lines) == 2  # the first part is plain
    assert lines[0] != lines[1]
    dashes = set(re.findall(r"stroke-dasharray: ([^;\"]+)", section_svg(RUNS)))
    assert len(dashes) == len({row[0] for row in RUNS.rows}) - 1  # the first line is whole


def test_a_title_is_a_text():
    svg = section_svg(
        made("a", "bars", SHARE_OF_A_LANGUAGE, [("en", 1, 1, 1.0, 0.2, 1.0)], '"><script>')
    )
    assert ET.fromstring(svg).get("aria-label") == '"><script>'


SHARE_OF_A_LANGUAGE = [("language", "language"), *SHARE]


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("figure", ["bars", "heat"])
def test_one_row_at_an_end(figure, share):
    columns = [("question", "language"), ("reasoning", "language"), *SHARE]
    svg = section_svg(made("one", figure, columns, [("de", "en", 1, 1, share, share, share)]))
    assert f"{100 * share:.0f}" in " ".join(texts(svg))


def test_a_table_has_no_figure():
    assert section_svg(TABLE) is None


@pytest.mark.slow
def test_files(tmp_path):
    write_figures([*ALL, TABLE], tmp_path / "figures")
    names = {file.name for file in (tmp_path / "figures").iterdir()}
    assert names == {f"{one.name}.{end}" for one in ALL for end in ("csv", "svg", "png")} | {
        "table.csv"
    }
    first = {name: (tmp_path / "figures" / name).read_bytes() for name in names}
    write_figures([*ALL, TABLE], tmp_path / "again")
    assert all((tmp_path / "again" / name).read_bytes() == data for name, data in first.items())
    assert b"var(" not in first["bars.svg"]  # other programs do not know them
    assert first["heat.png"].startswith(b"\x89PNG")
    with (tmp_path / "figures" / "parts.csv").open(encoding="utf-8", newline="") as lines:
        header, one, two = csv.reader(lines)
    assert header[-2:] == ["unknown", "as asked share"]
    assert (one[0], one[-1], two[-1]) == ("de", "0.79", "")


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write the table"):
        write_figures([TABLE], tmp_path / "file")


def test_without_matplotlib_it_says_what_to_install_and_writes_the_tables(tmp_path):
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from clc.analysis.report.figures import write_figures\n"
        "from clc.analysis.report.sections import Column, Section\n"
        "one = Section('a', '', '', (Column('language', 'language'), Column('s', 'share')), (('de', 1),), 'bars')\n"
        f"write_figures([one], {str(tmp_path)!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        "figures need matplotlib; install it with: pip install 'crosslingual-consistency[plot]'"
        in done.stderr
    )
    assert (tmp_path / "a.csv").read_text().splitlines() == ["language,s", "de,1"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_chromium_draws_it_in_the_theme_of_its_page(browser, tmp_path, scheme):
    file = tmp_path / "page.html"
    drawn = "".join(section_svg(one) for one in ALL)
    file.write_text(
        f"<!doctype html><style>:root {{ color-scheme: light dark }}</style><body>{drawn}", "utf-8"
    )
    page = browser.new_page(color_scheme=scheme, viewport={"width": 700, "height": 900})
    page.goto(file.as_uri())
    ink = THEME["ink"][scheme == "dark"]
    wanted = f"rgb({', '.join(str(int(ink[n : n + 2], 16)) for n in (1, 3, 5))})"
    colours = page.eval_on_selector_all(
        "svg:first-of-type text", "all => all.map(one => getComputedStyle(one).fill)"
    )
    assert set(colours) == {wanted}
    sizes = page.eval_on_selector_all(
        "svg", "all => all.map(one => one.getBoundingClientRect().toJSON())"
    )
    assert len(sizes) == len(ALL)
    assert all(400 < one["width"] <= 700 and one["height"] > 60 for one in sizes)
    outside = page.eval_on_selector_all("svg text", """all => all.filter(one => {
        const text = one.getBoundingClientRect(), svg = one.ownerSVGElement.getBoundingClientRect();
        return text.left < svg.left - 1 || text.right > svg.right + 1
            || text.top < svg.top - 1 || text.bottom > svg.bottom + 1;
    }).map(one => one.textContent)""")  # fmt: skip
    assert outside == []
    page.close()
