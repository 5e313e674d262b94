"""Wrong files of problems: the error gives file, line, value and what to do."""

from itertools import islice

import pytest

from clc.datasets import Dataset, load_problems
from clc.errors import ConfigurationError, DatasetError
from tests.datasets.samples import GERMAN, write

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
    with pytest.raises(ConfigurationError, match="unknown format 'xlsx'; it is one of tsv"):
        load_problems(path, format="xlsx")
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
