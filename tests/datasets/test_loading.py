"""Formats that hold problems: JSON, Parquet, streams, and the published files."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from clc.datasets import Dataset, load_problems
from clc.errors import ConfigurationError, DatasetError
from tests.datasets.samples import GERMAN, lines, write

# JSON


def test_generic_rows(tmp_path):
    rows = lines(
        {"question": "How many?", "id": "q1", "language": "EN", "answer": 12.50, "source": "us"},
        {"question": "Combien ?", "id": 7, "language": "fr", "gold": " 3/4 ", "item": "q1"},
        {
            "question": "Which?",
            "language": "en",
            "gold": "B",
            "kind": "choice",
            "answer": "because",
        },
        {"question": "Wie?", "translations": {"en": "How?", "sw": None}, "language": "de"},
        {"question": "Sum?", "language": "en", "answer": 100000000000000000000},
        {"question": "Why?", "language": "en", "answer": "3 and 4\n#### 7"},
    )
    got = list(load_problems(write(tmp_path, "mine.jsonl", rows)))
    assert [p.id for p in got] == ["q1", "7", "mine-002", "mine-003", "mine-004", "mine-005"]
    assert [p.gold for p in got] == ["12.5", "3/4", "B", None, "100000000000000000000", "7"]
    assert got[0].language == "en"
    assert got[0].metadata == {"source": "us", "language_source": "field"}
    assert got[1].metadata["item"] == "q1"
    assert got[2].metadata == {"answer": "because", "kind": "choice", "language_source": "field"}
    assert got[3].translations == {"en": "How?"}
    assert got[5].metadata["worked_answer"] == "3 and 4\n#### 7"


def test_numbers_stay_as_the_file_writes_them(tmp_path):
    path = write(tmp_path, "a.jsonl", '{"question": "x?", "language": "en", "answer": 0.10}\n')
    assert next(load_problems(path)).gold == "0.10"


def test_mgsm_fields(tmp_path):
    row = {"question": "Wie viele?", "answer": None, "answer_number": 18, "equation_solution": None}
    worked = row | {"answer": "Antwort: 18", "equation_solution": "9 * 2 = 18"}
    first, second = load_problems(write(tmp_path, "mgsm_de.jsonl", lines(row, worked)))
    assert (first.id, first.gold, first.language) == ("mgsm-de-000", "18", "de")
    assert first.metadata == {"item": "mgsm-000", "kind": "number", "language_source": "name"}
    assert second.metadata["answer"] == "Antwort: 18"


@pytest.mark.parametrize("field", ["input", "question"])
def test_cmath_fields(tmp_path, field):
    row = {"grade": 3, field: "一共有几只？", "golden": "2/6", "reasoning_step": 1, "num_digits": 1}
    (problem,) = load_problems(write(tmp_path, "cmath_dev.jsonl", lines(row)), language="en")
    assert (problem.id, problem.language, problem.gold) == ("cmath_dev-000", "zh", "2/6")
    assert problem.metadata == {
        "grade": 3,
        "reasoning_step": 1,
        "num_digits": 1,
        "kind": "number",
        "language_source": "set",
    }


def test_cmath_distractors_of_one_original_are_one_item(tmp_path):
    rows = [
        {
            "input": f"{'猫很大。' * k}有几只？",
            "original": "有几只？",
            "golden": "3",
            "distractor": k,
        }
        for k in range(3)
    ]
    rows.append({"input": "有几条？", "original": "有几条？", "golden": "3", "distractor": 0})
    problems = list(load_problems(write(tmp_path, "distractor.jsonl", lines(*rows))))
    assert [p.metadata["distractor"] for p in problems] == [0, 1, 2, 0]
    items = [p.metadata["item"] for p in problems]
    assert len(set(items[:3])) == 1
    assert items[3] != items[0]


def test_a_translated_cmath_is_not_chinese(tmp_path):
    path = write(tmp_path, "c.jsonl", lines({"question": "How many are there?", "golden": "3"}))
    assert next(load_problems(path)).language == "en"


def test_json_array(tmp_path):
    rows = [{"question": "How many?", "answer": "1"}, {"question": "How much?"}]
    for name in ("set.json", "set"):
        path = write(tmp_path, name, json.dumps(rows, indent=1))
        assert [p.id for p in load_problems(path, language="en")] == ["set-000", "set-001"]


@pytest.mark.parametrize("name", ["rows.json", "rows", "rows.txt"])
def test_format_by_content(tmp_path, name):
    path = write(tmp_path, name, "\n" + lines({"question": "How many?"}))
    assert len(list(load_problems(path, language="en"))) == 1
    path = write(tmp_path, "table", GERMAN)
    assert len(list(load_problems(path, format="tsv"))) == 2


# Streams


@pytest.mark.parametrize("binary", [True, False])
def test_streams(binary):
    text = lines({"question": "How many?"}, {"question": "How much?"})
    stream = io.BytesIO(text.encode()) if binary else io.StringIO(text)
    assert [p.id for p in load_problems(stream, language="en")] == ["stream-000", "stream-001"]


def test_standard_input():
    script = (
        "from clc.datasets import load_problems\n"
        "for p in load_problems('-', language='de'): print(p.id, p.gold)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        input=GERMAN.encode(),
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert run.stdout.decode().split("\n")[:2] == ["stdin-de-000 7", "stdin-de-001 2,125"]


def test_an_empty_stream():
    with pytest.raises(DatasetError, match="<stream>: the file is empty"):
        load_problems(io.StringIO(" \n"))


# Parquet


def test_parquet(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="needs the extra 'parquet'")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "mgsm_de.parquet"
    columns = {
        "question": ["Wie viele?", "Wie viel?"],
        "answer": [None, "x"],
        "answer_number": [18, 3],
    }
    parquet.write_table(arrow.table(columns), path)
    first, second = load_problems(path)
    assert (first.id, first.gold, first.language) == ("mgsm-de-000", "18", "de")
    assert second.metadata["answer"] == "x"
    assert len(list(load_problems(io.BytesIO(path.read_bytes()), language="de"))) == 2
    parquet.write_table(arrow.table({"question": ["Wie?", None]}), path)
    with pytest.raises(DatasetError, match=r"mgsm_de\.parquet: row 2: no 'question'"):
        list(load_problems(path))
    parquet.write_table(arrow.table({"question": arrow.array([], arrow.string())}), path)
    with pytest.raises(DatasetError, match="the file is empty"):
        list(load_problems(path))
    broken = write(tmp_path, "broken.parquet", "PAR1 not really")
    with pytest.raises(DatasetError, match=r"broken\.parquet: not a readable Parquet file"):
        list(load_problems(broken))


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        ConfigurationError, match=r"pip install 'crosslingual-consistency\[parquet\]'"
    ):
        load_problems(write(tmp_path, "a.parquet", "PAR1"))


# The real files, where the checkout has them beside it

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="../shared/data is not beside the checkout"
)


@needs_data
def test_mgsm_as_published():
    problems = list(load_problems(DATA / "mgsm"))
    assert len(problems) == 11 * 250
    assert len({p.metadata["item"] for p in problems}) == 250
    assert all(len(p.translations) == 10 for p in problems)


@needs_data
def test_cmath_as_published():
    assert Dataset(DATA / "cmath" / "cmath_dev.jsonl").total == 600
    problems = list(load_problems(DATA / "cmath" / "distractor.jsonl"))
    assert len(problems) == 360
    assert len({p.metadata["item"] for p in problems}) == 60
    assert {p.language for p in problems} == {"zh"}
