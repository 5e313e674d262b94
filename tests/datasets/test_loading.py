"""Every format that holds problems, and every way in which a file of them is wrong."""

import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import tracemalloc
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from clc.datasets import Dataset, dataset_fingerprint, load_problems
from clc.errors import ConfigurationError, DatasetError, LanguageError

GERMAN = "Anna hat 3 Äpfel und kauft 4. Wie viele hat sie?\t7\nEin Buch hat 2.125 Seiten.\t2,125\n"
ENGLISH = "Anna has 3 apples and buys 4. How many has she?\t7\nA book has 2,125 pages.\t2125\n"
SWAHILI = "Anna ana matofaa 3 na ananunua 4. Ana mangapi?\t7\nKitabu kina kurasa 2,125.\t2,125\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "mgsm_de.tsv", GERMAN)
    write(tmp_path, "mgsm_en.tsv", ENGLISH)
    write(tmp_path, "mgsm_sw.tsv", SWAHILI)
    return tmp_path


# MGSM as TSV


def test_tsv(folder):
    first, second = load_problems(folder / "mgsm_de.tsv")
    assert first.id == "mgsm-de-000"
    assert first.question == "Anna hat 3 Äpfel und kauft 4. Wie viele hat sie?"
    assert (first.language, first.gold) == ("de", "7")
    assert first.metadata == {"item": "mgsm-000", "kind": "number", "language_source": "name"}
    assert first.translations == {}, "siblings are not read unless asked for"
    assert (second.id, second.gold) == ("mgsm-de-001", "2,125")


def test_a_folder_is_every_file_item_by_item_with_the_others_as_translations(folder):
    problems = list(load_problems(folder))
    assert [p.id for p in problems] == [
        "mgsm-de-000",
        "mgsm-en-000",
        "mgsm-sw-000",
        "mgsm-de-001",
        "mgsm-en-001",
        "mgsm-sw-001",
    ]
    assert problems[1].translations == {
        "de": problems[0].question,
        "sw": problems[2].question,
    }
    assert {p.metadata["item"] for p in problems} == {"mgsm-000", "mgsm-001"}


def test_a_folder_with_a_language_is_that_file(folder):
    problems = list(load_problems(str(folder), language="sw", limit=1))
    assert [p.id for p in problems] == ["mgsm-sw-000"]
    assert sorted(problems[0].translations) == ["de", "en"]
    with pytest.raises(DatasetError, match="no file in language 'fr'; there is de, en, sw"):
        load_problems(folder, language="fr")


@pytest.mark.parametrize("which", [".", "mgsm_en.tsv"])
def test_parallel(folder, which):
    problems = list(load_problems(folder / "mgsm_de.tsv", parallel=folder / which))
    assert problems[1].id == "mgsm-de-001"
    assert problems[1].translations["en"] == "A book has 2,125 pages."
    assert ("sw" in problems[1].translations) == (which == ".")


def test_parallel_of_a_file_whose_name_says_no_language(folder, tmp_path):
    plain = write(tmp_path, "sample.tsv", GERMAN)
    (problem, _) = load_problems(plain, language="de", parallel=folder / "mgsm_sw.tsv")
    assert (problem.id, problem.metadata["language_source"]) == ("sample-de-000", "flag")
    assert sorted(problem.translations) == ["sw"]
    with pytest.raises(ConfigurationError, match=r"name it <set>_<language>\.tsv"):
        load_problems(plain, parallel=folder)
    with pytest.raises(DatasetError, match="nothing in another language than 'de'"):
        load_problems(plain, language="de", parallel=folder / "mgsm_de.tsv")
    with pytest.raises(ConfigurationError, match="one TSV file"):
        load_problems(folder, parallel=folder)


def test_parallel_files_of_unequal_length(folder):
    write(folder, "mgsm_en.tsv", ENGLISH.splitlines(keepends=True)[0])
    with pytest.raises(DatasetError, match=r"mgsm_en\.tsv:1: the file ends here, but .*de\.tsv"):
        list(load_problems(folder, language="de"))


def test_parallel_files_with_differing_answers(folder):
    write(folder, "mgsm_sw.tsv", SWAHILI.replace("\t7", "\t8"))
    with pytest.raises(DatasetError, match=r"mgsm_sw\.tsv:1: answer '8' is not the '7' of"):
        list(load_problems(folder))


def test_folders_that_are_no_set(tmp_path, folder):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DatasetError, match=r"no file named <set>_<language>\.tsv"):
        load_problems(empty)
    write(folder, "other_de.tsv", GERMAN)
    with pytest.raises(DatasetError, match="several sets"):
        load_problems(folder)
    with pytest.raises(ConfigurationError, match="a folder is read as tsv"):
        load_problems(folder, format="parquet")


def test_quotes_line_ends_bom_and_separators_are_read_as_they_should(tmp_path):
    content = '\ufeff"Zwei" und 2?\u2028Ja?\t4\r\n"Drei und 3?\t6\r\n\r\n'
    first, second = load_problems(write(tmp_path, "mgsm_de.tsv", content))
    assert first.question == '"Zwei" und 2?\u2028Ja?'
    assert first.gold == "4"
    assert second.question == '"Drei und 3?'


# Language: file, flag, detection


@pytest.mark.parametrize(
    ("name", "flag", "said", "id_"),
    [
        ("mgsm_de.tsv", None, ("de", "name"), "mgsm-de-000"),
        ("mgsm_de.tsv", "de-AT", ("de", "name"), "mgsm-de-000"),
        ("bench_zh-Hant.tsv", None, ("zh-Hant", "name"), "bench-zh-Hant-000"),
        ("plain.tsv", "fr", ("fr", "flag"), "plain-fr-000"),
        ("plain.tsv", None, ("de", "detected"), "plain-000"),
        ("mgsm_sample.tsv", None, ("de", "detected"), "mgsm_sample-000"),
        ("set_dev.tsv", None, ("de", "detected"), "set_dev-000"),
    ],
)
def test_language_of_a_tsv(tmp_path, name, flag, said, id_):
    problem = next(load_problems(write(tmp_path, name, GERMAN), language=flag))
    assert (problem.language, problem.metadata["language_source"]) == said
    assert problem.id == id_


def test_language_of_rows(tmp_path):
    rows = lines(
        {"question": "Wie viele Äpfel hat er?", "language": "de"},
        {"question": "How many apples does he have?"},
        {"question": "2 + 2 = ?", "language": None},
    )
    path = write(tmp_path, "rows.jsonl", rows)
    flagged = [
        (p.language, p.metadata["language_source"]) for p in load_problems(path, language="sv")
    ]
    assert flagged == [("de", "field"), ("sv", "flag"), ("sv", "flag")]
    free = [(p.language, p.metadata["language_source"]) for p in load_problems(path)]
    assert free == [("de", "field"), ("en", "detected"), ("en", "default")]


def test_a_flag_that_contradicts_the_name(tmp_path):
    path = write(tmp_path, "mgsm_de.tsv", GERMAN)
    with pytest.raises(DatasetError, match="says language 'de', the option 'en'"):
        load_problems(path, language="en")
    with pytest.raises(LanguageError, match="unknown language 'xx'"):
        load_problems(path, language="xx")


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


# Bad input: each with file, line, value and what to do

BAD_TSV = {
    "no tab": ("Wie viele?\t7\nOhne Tabulator 8\n", ":2: no tab in 'Ohne Tabulator 8'; a row is"),
    "three columns": ("a\t7\nb\t7\t8\n", ":2: 3 columns in 'b"),
    "blank line": ("a\t7\n\nb\t8\n", ":2: no tab in ''"),
    "no question": ("\t7\n", ":1: no question before the tab (answer '7')"),
    "no answer": ("a\t\n", ":1: no answer after the tab (question 'a')"),
    "not a number": ("a\t7\nb\tviele\n", ":2: gold 'viele' is not a number; correct it"),
}


@pytest.mark.parametrize(("content", "message"), BAD_TSV.values(), ids=BAD_TSV)
def test_bad_tsv(tmp_path, content, message):
    path = write(tmp_path, "mgsm_de.tsv", content)
    with pytest.raises(DatasetError) as caught:
        list(load_problems(path))
    assert str(caught.value).startswith(f"{path}{message}")


BAD_ROWS = {
    "broken": ('{"question": "a?"}\n{"question" "b?"}\n', ":2: broken JSON at column"),
    "not an object": ('{"question": "a?"}\n[1, 2]\n', ":2: [1,2] is not an object"),
    "no question": ('{"text": "a?"}', ":1: no 'question'; the row's fields are: 'text'"),
    "empty question": ('\n{"question": " "}', ":2: 'question' is empty"),
    "question of a wrong type": ('{"question": 3}', ":1: 'question' is a number (3)"),
    "id of a wrong type": ('{"question": "a", "id": [1]}', ":1: 'id' is a list ([1])"),
    "empty id": ('{"question": "a", "id": ""}', ":1: 'id' is empty"),
    "answer of a wrong type": ('{"question": "a", "answer": [7]}', ":1: 'answer' is a list ([7])"),
    "true as answer": ('{"question": "a", "answer": true}', ":1: 'answer' is true or false"),
    "empty answer": ('{"question": "a", "answer": ""}', ":1: 'answer' is empty"),
    "unknown language": (
        '{"question": "a", "language": "xx"}',
        ":1: 'language': unknown language 'xx'; give a BCP-47 code",
    ),
    "language of a wrong type": ('{"question": "a", "language": 1}', ":1: 'language' is a number"),
    "translations of a wrong type": (
        '{"question": "a", "translations": ["b"]}',
        ":1: 'translations' is a list (['b'])",
    ),
    "unknown translation": (
        '{"question": "a", "translations": {"qq": "b"}}',
        ":1: 'translations': unknown language 'qq'",
    ),
    "empty translation": (
        '{"question": "a", "translations": {"de": ""}}',
        ":1: the translation to 'de' is ''",
    ),
    "unknown kind": ('{"question": "a", "kind": "easy"}', ":1: unknown kind 'easy'"),
    "number that is none": (
        '{"question": "a", "answer": "many", "kind": "number"}',
        ":1: gold 'many' is not a number",
    ),
    "CMATH gold": ('{"input": "几？", "golden": "无"}', ":1: gold '无' is not a number"),
    "MGSM gold": ('{"question": "a", "answer_number": "x"}', ":1: gold 'x' is not a number"),
    "duplicate id": (
        '{"question": "a", "id": "p"}\n{"question": "b", "id": "p"}',
        ":2: duplicate id 'p'; give every row its own",
    ),
    "duplicate of a generated id": (
        '{"question": "a"}\n{"question": "b", "id": "rows-000"}',
        ":2: duplicate id 'rows-000'",
    ),
}


@pytest.mark.parametrize(("content", "message"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_bad_rows(tmp_path, content, message):
    path = write(tmp_path, "rows.jsonl", content)
    with pytest.raises(DatasetError) as caught:
        list(load_problems(path, language="en"))
    assert str(caught.value).startswith(f"{path}{message}")


def test_bad_arrays(tmp_path):
    for content, message in (
        ('[{"question": "a?"},\n {"question" 1}]', "a.json:2: broken JSON at column"),
        ('[{"question": "a?"}, 7]', "a.json: row 2: 7 is not an object"),
        ("[]", "a.json: the file is empty"),
    ):
        path = write(tmp_path, "a.json", content)
        with pytest.raises(DatasetError) as caught:
            list(load_problems(path, language="en"))
        assert message in str(caught.value)


def test_bytes_that_are_not_utf8(tmp_path):
    path = write(tmp_path, "mgsm_de.tsv", "\ufeffÄ\t7\n".encode() + b"\xc4pfel\t8\n")
    with pytest.raises(DatasetError, match=r"tsv:2: byte 0xc4 at offset 8 is not UTF-8; save"):
        list(load_problems(path))


def test_missing_empty_and_unreadable_at_once(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.tsv: no such file; check the path"):
        load_problems(tmp_path / "none.tsv")
    with pytest.raises(DatasetError, match=r"none\.jsonl: no such file"):
        load_problems("nowhere/none.jsonl")
    with pytest.raises(DatasetError, match=r"cannot be a file: .*; give a file name"):
        load_problems("How many apples? " * 40)
    for content in ("", "\n \n", "\ufeff"):
        path = write(tmp_path, "mgsm_de.tsv", content)
        with pytest.raises(DatasetError, match=r"mgsm_de\.tsv: the file is empty; give"):
            load_problems(path)
    with pytest.raises(DatasetError, match="unknown language 'xx' in the file name"):
        load_problems(write(tmp_path, "mgsm_xx.tsv", GERMAN))


def test_options_that_are_wrong(tmp_path):
    path = write(tmp_path, "mgsm_de.tsv", GERMAN)
    with pytest.raises(ConfigurationError, match="unknown format 'csv'; it is one of tsv"):
        load_problems(path, format="csv")
    with pytest.raises(ConfigurationError, match="limit must be from 1 to 1000000000, not 0"):
        load_problems(path, limit=0)
    with pytest.raises(ConfigurationError, match="unknown kind 'word'"):
        load_problems(path, kind="word")
    with pytest.raises(ConfigurationError, match="is no hub id"):
        load_problems(str(path), format="hub")


def test_rows_before_a_bad_one_are_read(tmp_path):
    path = write(tmp_path, "mgsm_de.tsv", GERMAN + "kaputt\n")
    assert len(list(islice(load_problems(path), 2))) == 2
    assert len(list(load_problems(path, limit=2))) == 2
    with pytest.raises(DatasetError):
        Dataset(path)


def test_a_kind_frees_golds_from_being_numbers(tmp_path):
    path = write(tmp_path, "set_de.tsv", "Welche?\tB\n")
    (problem,) = load_problems(path, kind="choice")
    assert (problem.gold, problem.metadata["kind"]) == ("B", "choice")


# Counting, fingerprints, size, one reading


def opened(monkeypatch):
    """Count how often each file is opened."""
    counts = Counter()
    real = Path.open

    def counted(path, *args, **kwargs):
        counts[path.name] += 1
        return real(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", counted)
    return counts


@pytest.mark.parametrize("name", ["mgsm_de.tsv", "", "rows.jsonl", "rows.json"])
def test_a_file_is_read_once(folder, monkeypatch, name):
    rows = [{"question": f"{number} + 1?", "language": "en"} for number in range(3)]
    write(folder, "rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write(folder, "rows.json", json.dumps(rows))
    wanted = list(load_problems(folder / name))
    fingerprint = dataset_fingerprint(folder / name)
    counts = opened(monkeypatch)
    dataset = Dataset(folder / name)
    assert list(dataset.problems()) == list(dataset.problems()) == wanted
    assert (dataset.total, dataset.fingerprint) == (len(wanted), fingerprint)
    assert set(counts.values()) == {1}


def test_what_happens_to_a_file_afterwards_changes_nothing(folder):
    path = folder / "mgsm_de.tsv"
    dataset = Dataset(path)
    before = list(dataset.problems())
    with path.open("a", encoding="utf-8") as file:
        file.write("Wie viele?\t3\n")
    assert list(dataset.problems()) == before
    path.unlink()
    assert list(dataset.problems()) == before


@pytest.mark.parametrize("big", [False, True])
def test_a_pipe_is_read_once(tmp_path, monkeypatch, big):
    monkeypatch.setattr("clc.datasets.source._IN_MEMORY", 10 if big else 1 << 20)
    count = 2000 if big else 2
    rows = "".join(f'{{"question": "{n} + 1?", "language": "en"}}\n' for n in range(count))
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(rows,))
    writer.start()
    dataset = Dataset(pipe)
    writer.join(30)
    assert dataset.total == count
    assert len(list(dataset.problems())) == len({p.id for p in dataset.problems()}) == count
    assert dataset.fingerprint == f"sha256:{hashlib.sha256(rows.encode()).hexdigest()}"
    writer = threading.Thread(target=pipe.write_text, args=(rows,))
    writer.start()
    assert len(list(load_problems(pipe))) == count
    writer.join(30)


def test_a_file_descriptor_is_read(tmp_path):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(b'{"question": "2 + 1?", "language": "en"}\n')
    dataset = Dataset(f"/dev/fd/{reading}")
    os.close(reading)
    assert [problem.question for problem in dataset.problems()] == ["2 + 1?"]


@pytest.mark.parametrize("content", ["", " \n\n"])
def test_an_empty_pipe_is_refused(tmp_path, content):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(content,))
    writer.start()
    with pytest.raises(DatasetError, match="is empty"):
        Dataset(pipe)
    writer.join(30)


def test_count(folder):
    assert Dataset(folder).total == 6
    assert Dataset(folder / "mgsm_de.tsv").total == 2
    assert Dataset("-").total is None


def test_fingerprint(folder):
    path = folder / "mgsm_de.tsv"
    before = dataset_fingerprint(path)
    assert before is not None
    assert before.startswith("sha256:")
    assert dataset_fingerprint(folder) != dataset_fingerprint(path, parallel=folder) != before
    path.write_text(GERMAN.replace("7", "8"), encoding="utf-8")
    assert dataset_fingerprint(path) != before
    assert dataset_fingerprint("-") is None
    assert dataset_fingerprint("hf://owner/name") is None
    with pytest.raises(DatasetError, match="cannot be read"):
        dataset_fingerprint(folder / "none.tsv")


def test_memory_is_ids_only():
    row = json.dumps({"question": "How many? " * 40, "language": "en", "answer": "7"}).encode()
    problems = load_problems(_Endless(row, 20_000))  # type: ignore[arg-type]
    next(problems)
    tracemalloc.start()
    assert sum(1 for _ in problems) == 19_999
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000 * 200, "bytes an id, where a row has 450"


class _Endless(io.RawIOBase):
    """A stream of ``count`` equal rows that is nowhere held."""

    def __init__(self, row, count):
        self.row, self.count = row + b"\n", count

    def __next__(self):
        if not self.count:
            raise StopIteration
        self.count -= 1
        return self.row


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
