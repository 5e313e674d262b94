"""What a comparison shows in a terminal and leaves in a folder."""

import csv
import io
import json
from dataclasses import replace
from importlib.util import find_spec

import pytest
from rich.console import Console

from clc.analysis.comparison import compare_strategies
from clc.analysis.comparison_records import Entry, ProblemOutcome
from clc.analysis.resampling import PathOutcome
from clc.cli.comparison_files import write_comparison
from clc.cli.comparison_tables import print_strategies
from clc.errors import StoreError

ORDER = ("en", "de")


def outcomes(paths, right, *, count=40, preparation=0, tokens=100, thinking=0):
    """Problem n is right where n % 10 < right; its paths are right three times in four."""
    made = []
    for number in range(count):
        wins = number % 10 < right
        answers = ["8" if (path % 4 == 3) == wins else "7" for path in range(paths)]
        drawn = [PathOutcome(ORDER[path % 2], one, tokens) for path, one in enumerate(answers)]
        answer = "7" if wins else "8"
        made.append(
            ProblemOutcome(
                f"{number}", f"{number}", "7", answer, drawn, preparation, ORDER, thinking
            )
        )
    return made


@pytest.fixture(scope="module")
def comparison():
    return compare_strategies(
        [
            Entry("native-cot", outcomes(1, 5), 12.3, 0),
            Entry("sc", outcomes(44, 6), 4_210.0, 12_345),
            Entry("clc-bilingual", outcomes(44, 9, preparation=1_500), None, 5),
        ]
    )


def shown(comparison, width=80):
    sink = io.StringIO()
    print_strategies(comparison, as_json=False, console=Console(file=sink, width=width))
    return sink.getvalue()


def row(text, name, skip=0):
    return [line for line in text.splitlines() if line.strip().startswith(name)][skip].split()


def test_tokens_of_thoughts_are_shown_where_there_are_any(comparison, tmp_path):
    thinking = compare_strategies(
        [
            Entry("sc", outcomes(44, 6), 4_210.0, 12_345),
            Entry("clc-bilingual", outcomes(44, 9, preparation=1_500, thinking=3_900), None, 5),
        ]
    )
    assert "thoughts" not in shown(comparison)
    text = shown(thinking)
    assert max(map(len, text.splitlines())) <= 80
    assert "Tokens of thoughts among them: sc 0, clc-bilingual 3,900." in text
    write_comparison(thinking, tmp_path / "thinking")
    write_comparison(comparison, tmp_path / "plain")
    held = json.loads((tmp_path / "thinking" / "comparison.json").read_text())
    assert [one["thought_tokens"] for one in held["strategies"]] == [0, 3900]
    assert "thought_tokens" in (tmp_path / "thinking" / "strategies.csv").read_text()
    for name in ("comparison.json", "strategies.csv"):
        assert "thought" not in (tmp_path / "plain" / name).read_text()


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal(comparison, width):
    text = shown(comparison, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert "40 problems of 40 items" in text
    assert row(text, "sc")[:2] == ["sc", "60.0%"]
    assert row(text, "clc-bilingual")[5] == "+30.0%"
    assert row(text, "clc-bilingual")[-1] == "<0.001"
    assert row(text, "sc", 1) == ["sc", "44.0", "4,400", "0", "4,400", "4,210.0", "12,345"]
    assert row(text, "clc-bilingual", 1) == [
        "clc-bilingual",
        "44.0",
        "4,400",
        "1,500",
        "5,900",
        "5",
    ]
    assert row(text, "strategy", 2) == [
        "strategy",
        "k",
        "paths",
        "1",
        "2",
        "4",
        "8",
        "16",
        "32",
        "44",
    ]
    assert row(text, "native-cot", 2) == ["native-cot", "maj@k", "50.0"]
    assert row(text, "oracle@k")[1:] == ["50.0"]
    assert "random subsets" in text
    assert "Equal tokens: the first paths that 4,400 tokens a problem buy" in text
    assert row(text, "clc-bilingual", 3)[-3:] == ["29.0", "4,400", "0"]


def test_curves_go_on_in_another_table_where_they_are_long(comparison):
    text = shown(comparison, 60)
    assert row(text, "strategy", -3) == ["strategy", "k", "paths", "16", "32", "44"]
    assert max(map(len, text.splitlines())) <= 60


def test_what_was_left_out_is_said():
    few = [*outcomes(4, 5, count=8), ProblemOutcome("none", "none", None, "7", [])]
    stopped = [replace(one, paths=one.paths[: 2 + position % 2])
               for position, one in enumerate(outcomes(4, 5))]  # fmt: skip
    text = shown(compare_strategies([Entry("sc", few), Entry("clc", stopped)]), 200)
    assert "8 problems of 8 items" in text
    assert "Problems left out, not in every strategy: clc 32." in text
    assert "Problems left out, without gold: sc 1." in text
    assert "clc sampled 2 to 3 paths: its curve ends at the least." in text
    assert "All are exact" in text


def test_paths_of_unknown_cost_have_no_table_of_equal_tokens():
    text = shown(compare_strategies([Entry("sc", outcomes(4, 5, tokens=0))]))
    assert "Equal tokens" not in text
    assert "maj@k" in text


def test_json_is_what_the_file_holds(comparison, tmp_path, capsys):
    print_strategies(comparison, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    write_comparison(comparison, tmp_path / "new")
    assert printed == json.loads((tmp_path / "new" / "comparison.json").read_text())
    assert printed["strategies"][2]["difference"]["value"] == pytest.approx(0.3)


def test_csv(comparison, tmp_path):
    lines = write_comparison(comparison, tmp_path)
    tables = {
        name: list(csv.DictReader((tmp_path / f"{name}.csv").read_text("utf-8").splitlines()))
        for name in ("strategies", "curves", "budgets")
    }
    native, sc, clc = tables["strategies"]
    assert (native["strategy"], float(native["accuracy_value"])) == ("native-cot", 0.5)
    assert (sc["difference_value"], sc["seconds"], clc["seconds"]) == ("", "4210.0", "")
    assert (float(clc["difference_value"]), clc["problems"]) == (pytest.approx(0.3), "40")
    assert [line["k"] for line in tables["curves"]] == [
        "1",
        *["1", "2", "4", "8", "16", "32", "44"] * 2,
    ]
    assert {line["strategy"] for line in tables["budgets"]} == {"native-cot", "sc", "clc-bilingual"}
    assert float(tables["budgets"][-1]["budget"]) == pytest.approx(5_900)
    figures = sorted(file.name for file in tmp_path.glob("comparison.[sp]*"))
    if find_spec("matplotlib"):
        assert figures == ["comparison.png", "comparison.svg"]
        assert len(lines) == 1
    else:
        assert figures == []
        assert lines[1].endswith("pip install 'crosslingual-consistency[plot]'")


def test_tables_without_rows_keep_their_header(tmp_path):
    nothing = ProblemOutcome("a", "a", "7", None, [])
    write_comparison(compare_strategies([Entry("sc", [nothing])]), tmp_path)
    assert (tmp_path / "curves.csv").read_text() == "strategy,k,majority,oracle,error\n"
    assert (tmp_path / "budgets.csv").read_text().startswith("strategy,budget,accuracy_value,")


def test_a_folder_that_cannot_be(comparison, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot make the folder"):
        write_comparison(comparison, tmp_path / "file")


def test_runs_of_one_strategy_and_effective_voters_have_tables():
    def outcomes(seed):
        return [
            ProblemOutcome(
                f"p-{n}", f"p-{n}", "7", "7" if (n + seed) % 3 else "8",
                [PathOutcome(code, "7" if (n + seed + place) % 3 else "8", 100)
                 for place, code in enumerate(("en", "de"))],
                order=("en", "de"),
            )
            for n in range(30)
        ]  # fmt: skip

    entries = [Entry(f"run-{seed}", outcomes(seed), group="one") for seed in range(2)]
    comparison = compare_strategies([*entries, Entry("other", outcomes(5))], reference="run-0")
    text = shown(comparison)
    assert "Runs that differ in their seed alone, together" in text
    assert row(text, "run-0, run-1")[2] == "66.7%"
    assert "Effective number of independent languages" in text
    assert "p corrected for all 2 differences (Holm): run-1 " in text
    assert "Right, %, by tokens for one problem" in text
