"""Data sets as they are published: names of fields, files and folders, tables, packs, revisions."""

import gzip
import json
import sys
from types import SimpleNamespace

import pytest

from clc.datasets import Dataset, load_problems
from clc.datasets.hub import HubId, parse_hub_id
from clc.errors import ConfigurationError, DatasetError

HEADER = "question\tanswer\tanswer_number\tequation_solution\n"
AMHARIC = HEADER + 'አና 3 ብዕር አላት። 4 ገዛች። ስንት አላት?\t\t7\t\n"""ስንት?"" አለች። 2 + 3"\t\t5\t\n'
SWAHILI = HEADER + "Anna ana kalamu 3, ananunua 4. Ana ngapi?\t\t7\t\n2 + 3 ni ngapi?\t\t5\t\n"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


# Tables


@pytest.mark.parametrize("name", ["afrimgsm_amh.tsv", "afrimgsm/amh/test.tsv"])
def test_tsv_with_a_header(tmp_path, name):
    first, second = load_problems(write(tmp_path / name, AMHARIC))
    assert (first.id, first.language, first.gold) == ("afrimgsm-am-000", "am", "7")
    assert first.metadata["item"] == "afrimgsm-000"
    assert first.metadata["kind"] == "number"
    assert second.question == '"ስንት?" አለች። 2 + 3'


def test_parallel_tsv_files_with_headers(tmp_path):
    write(tmp_path / "afrimgsm_amh.tsv", AMHARIC)
    write(tmp_path / "afrimgsm_swa.tsv", SWAHILI)
    problems = list(load_problems(tmp_path))
    assert [one.id for one in problems][:2] == ["afrimgsm-am-000", "afrimgsm-sw-000"]
    assert problems[0].translations == {"sw": problems[1].question}
    assert problems[2].gold == "5"


def test_a_header_is_known_by_its_names(tmp_path):
    (problem,) = load_problems(write(tmp_path / "a.tsv", "problem\tanswer\tsource\n2 + 3?\t5\tx\n"))
    assert (problem.question, problem.gold, problem.metadata["source"]) == ("2 + 3?", "5", "x")
    (problem,) = load_problems(write(tmp_path / "b.tsv", "What is the answer to 2 + 3?\t5\n"))
    assert problem.gold == "5"
    with pytest.raises(DatasetError, match=r"a\.tsv:2: 2 columns, and 3 in the header"):
        list(load_problems(write(tmp_path / "a.tsv", "problem\tanswer\tsource\n2 + 3?\t5\n")))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv(tmp_path, delimiter):
    text = (
        '\ufeffid,question,answer,language,note\n"a","He said ""2, or; 3"".\nThen?",5,EN,\n'
        "b,2 + 4?,6,sw,x\n\n"
    )
    if delimiter != ",":
        text = text.replace(",", delimiter).replace(f"2{delimiter} or; 3", "2, or; 3")
    first, second = load_problems(write(tmp_path / "set.csv", text))
    assert first.question == 'He said "2, or; 3".\nThen?'
    assert (first.id, first.gold, first.language) == ("a", "5", "en")
    assert "note" not in first.metadata
    assert second.metadata["note"] == "x"


def test_options_in_csv(tmp_path):
    text = ',Question,A,B,C,D,Answer,Subject\n0,Half of 8?,2,"4",6,8,B,x\n'
    (problem,) = load_problems(write(tmp_path / "mmmlu.csv", text))
    assert (problem.question, problem.gold) == ("Half of 8?\n\nA. 2\nB. 4\nC. 6\nD. 8", "B")
    text = "question,choices,answer\nHalf of 8?,\"['two', 'four']\",1\n"
    (problem,) = load_problems(write(tmp_path / "mmlu.csv", text))
    assert (problem.question, problem.gold) == ("Half of 8?\n\nA. two\nB. four", "B")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("question,answer\n2 + 3?,5,6\n", r":2: 3 columns, and 2 in the header \(question, answer\)"),
        ('question,answer\na,1\n"2" + 3?,5\n', r":3: not CSV: "),
        ("question,answer\n,5\n", r":2: no 'question'"),
        ("text,answer\na,5\n", r":2: no 'question'; the row's fields are: 'text', 'answer'"),
    ],
)  # fmt: skip
def test_wrong_csv_names_its_line(tmp_path, text, message):
    with pytest.raises(DatasetError, match=rf"set\.csv{message}"):
        list(load_problems(write(tmp_path / "set.csv", text)))


# Names of fields


@pytest.mark.parametrize(
    ("row", "question", "gold"),
    [
        ({"problem": "2 + 3?", "answer": "5", "solution": "Count."}, "2 + 3?", "5"),
        ({"Problem": "2 + 3?", "Answer": 5}, "2 + 3?", "5"),
        ({"m_query": "2 + 3?", "response": "5", "equation": "2+3"}, "2 + 3?", "5"),
        ({"query": "2 + 3?", "target": 5}, "2 + 3?", "5"),
        ({"instruction": "Add.", "input": "2 + 3", "output": "..."}, "Add.\n\n2 + 3", None),
        ({"instruction": "2 + 3?", "input": "", "answer": "5"}, "2 + 3?", "5"),
        ({"prompt": "2 + 3?", "expected_answer": "5"}, "2 + 3?", "5"),
        ({"problem": "2 + 3?", "answer": "Count.\n#### 5"}, "2 + 3?", "5"),
        ({"question": "2 + 3?", "response": "a long text", "label": "x"}, "2 + 3?", None),
        ({"question": "2 + 3?", "problem": "other", "final_answer": 5}, "2 + 3?", "5"),
    ],
)
def test_usual_names_are_known(tmp_path, row, question, gold):
    (problem,) = load_problems(write(tmp_path / "set.jsonl", lines(row)))
    assert (problem.question, problem.gold) == (question, gold)


def test_fields_that_the_user_names(tmp_path):
    row = {"id": 0, "task": "2 + 3?", "answer": "Two and three.", "result": 0.50, "lang": "sw",
           "question": "How hard is it?"}  # fmt: skip
    path = write(tmp_path / "set.jsonl", lines(row, row | {"task": "2 + 4?"}))
    first, second = load_problems(path, fields=["question=task", "answer=result", "id="])
    assert (first.question, first.gold, first.language) == ("2 + 3?", "0.5", "sw")
    assert [first.id, second.id] == ["set-000", "set-001"]
    (first, _) = load_problems(path, fields={"question": "task", "id": "task"})
    assert first.id == "2 + 3?"


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (["question=task"], DatasetError, r"set\.jsonl:1: no 'task'; the row's fields are: 'question'"),
        (["task"], ConfigurationError, "field 'task' is not OURS=THEIRS; give such as question="),
        (["task=a"], ConfigurationError, "field 'task': there is no such field; name one of question"),
        (["id=a", "id=b"], ConfigurationError, "field 'id' is given twice"),
        (["question="], ConfigurationError, "field 'question': name the file's field after '='"),
    ],
)  # fmt: skip
def test_wrong_fields(tmp_path, fields, error, message):
    path = write(tmp_path / "set.jsonl", lines({"question": "2 + 3?"}))
    with pytest.raises(error, match=message):
        list(load_problems(path, fields=fields))


def test_fields_need_names(tmp_path):
    path = write(tmp_path / "mgsm_de.tsv", "2 + 3?\t5\n")
    with pytest.raises(ConfigurationError, match="give the TSV file a header"):
        load_problems(path, fields=["question=a"])


# Names of sets


@pytest.mark.parametrize(
    ("name", "identifier", "language", "level"),
    [
        ("mmath/zh.jsonl", "mmath-zh-000", "zh", None),
        ("PolyMath/sw/low.jsonl", "polymath-low-sw-000", "sw", "low"),
        ("output/top/de.jsonl", "polymath-top-de-000", "de", "top"),
        ("polymath_high.jsonl", "polymath_high-000", "en", "high"),
        ("mgsm-rev2_de.jsonl", "mgsm-rev2-de-000", "de", None),
        ("plain/zh.jsonl", "zh-000", "en", None),
    ],
)
def test_sets_by_the_names_of_files_and_folders(tmp_path, name, identifier, language, level):
    row = {"question": "How much is 2 + 3, please?", "answer": "5"}
    (problem,) = load_problems(write(tmp_path / name, lines(row)), language=None)
    assert (problem.id, problem.language) == (identifier, language)
    assert problem.metadata.get("level") == level


@pytest.mark.parametrize(
    ("text", "hub"),
    [
        ("mgsm-rev2:de", HubId("lightonai/mgsm-rev2", "de")),
        ("MGSM-Rev2:de:test", HubId("lightonai/mgsm-rev2", "de", "test")),
        ("polymath:sw:top", HubId("Qwen/PolyMath", "sw", "top")),
        ("owner/name@abc123:de", HubId("owner/name", "de", None, "abc123")),
        ("hf://owner/name@v1.0/de:test", HubId("owner/name", "de", "test", "v1.0")),
        ("unknown:de", None),
        ("mgsm-rev2", None),
    ],
)
def test_hub_ids(text, hub):
    assert parse_hub_id(text) == hub


def test_a_set_that_is_not_on_the_hub_has_advice():
    with pytest.raises(ConfigurationError, match=r"RUCAIBox/MMATH: give its file mmath/zh\.json"):
        load_problems("mmath:zh")


def test_levels_of_hub_sets_and_of_rows(monkeypatch, tmp_path):
    rows = {"low": [{"id": "low-de-0", "question": "2 + 3?", "answer": "5"}], "top": []}
    monkeypatch.setitem(
        sys.modules, "datasets", SimpleNamespace(load_dataset=lambda *_, **__: rows)
    )
    (problem,) = load_problems("polymath:de:low")
    assert (problem.metadata["level"], problem.language) == ("low", "de")
    row = {"question": "2 + 3?", "level": "Level 3"}
    (problem,) = load_problems(write(tmp_path / "math.jsonl", lines(row)))
    assert problem.metadata["level"] == "Level 3"


def test_the_revision_of_a_hub_set_is_read_and_kept(monkeypatch):
    asked, loaded = [], []

    class HfApi:
        def dataset_info(self, path, *, revision, timeout):
            asked.append((path, revision))
            if path == "owner/gone":
                raise ConnectionError
            return SimpleNamespace(sha="c0ffee")

    def load(path, _config, **options):
        loaded.append((path, options.get("revision")))
        return {"test": [{"question": "2 + 3?"}]}

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(HfApi=HfApi))
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load))
    for source in ("owner/set:de", "owner/set@v1:de", "owner/gone:de"):
        dataset = Dataset(source)
        assert len(list(dataset.problems())) == 1
        assert dataset.identity().get("revision") == dataset.revision
    assert asked == [("owner/set", None), ("owner/set", "v1"), ("owner/gone", None)]
    assert loaded == [("owner/set", "c0ffee"), ("owner/set", "c0ffee"), ("owner/gone", None)]


def test_the_identity_of_a_file_is_that_of_older_versions(tmp_path):
    dataset = Dataset(write(tmp_path / "set.jsonl", lines({"question": "2 + 3?"})), limit=1)
    assert list(dataset.identity()) == ["source", "fingerprint", "language", "format", "kind"]
    dataset = Dataset(tmp_path / "set.jsonl", fields=("id=",))
    assert dataset.identity()["fields"] == {"id": ""}


# Packs


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
@pytest.mark.parametrize("name", ["mgsm_de.tsv", "mgsm_de.tsv.gz", "mgsm_de.tsv.zst"])
def test_packed_data_sets(tmp_path, pack, name):
    zstandard = pytest.importorskip("zstandard")
    content = b"Was ist 2 + 3?\t5\nWas ist 2 + 4?\t6\n"
    packed = (gzip.compress if pack == "gzip" else zstandard.compress)(content)
    path = write(tmp_path / name, packed + packed)
    ids = [f"mgsm-de-{number:03d}" for number in range(4)]
    assert [one.id for one in load_problems(path)] == ids
    dataset = Dataset(path)
    assert [one.id for one in dataset.problems()] == ids
    with path.open("rb") as stream:
        assert [one.id for one in load_problems(stream, format="tsv")] == ids
    path.write_bytes(packed[:-4])
    with pytest.raises(DatasetError, match=r"mgsm_de.*: cannot be read: "):
        list(load_problems(path))
    with pytest.raises(DatasetError, match=r"mgsm_de.*: cannot be read: "):
        Dataset(path)
    with path.open("rb") as stream, pytest.raises(DatasetError, match=r"mgsm_de.*: cannot be read"):
        list(load_problems(stream, format="tsv"))


# Names of fields


@pytest.mark.parametrize(
    ("row", "question", "gold", "language"),
    [
        ({"ID": "x", "QUESTION": "Wie viele?", "ANSWER": 5, "Language": "DE"}, "Wie viele?", "5", "de"),
        ({"Problem": "Find $x$.", "Answer": 204}, "Find $x$.", "204", "en"),
        ({"question": "How many?", "ground_truth": "5"}, "How many?", "5", "en"),
        ({"question": "How many?", "correct_answer": 5}, "How many?", "5", "en"),
        ({"Body": "There are 3 cats.", "Question": "How many legs?", "Answer": 12.0},
         "There are 3 cats.\n\nHow many legs?", "12.0", "en"),
        ({"body": "There are 3 cats.", "question": "How many legs?", "answer": "12 (legs)"},
         "There are 3 cats.\n\nHow many legs?", "12 (legs)", "en"),
        ({"problem": "Find $x$.", "solution": "So $x = \\boxed{\\frac{1}{2}}$."}, "Find $x$.", "1/2", "en"),
        ({"question": "Find $x$.", "final_answer": ["$2$"]}, "Find $x$.", "$2$", "en"),
        ({"question": "How many?", "answer": "NaN", "lang": ""}, "How many?", None, "en"),
        ({"question": "How many?", "answer": 5, "language": ""}, "How many?", "5", "en"),
        ({"question": "3 + 4?", "answer": 7, "language_code": "swa"}, "3 + 4?", "7", "sw"),
        ({"question": "3 + 4?", "answer": 7, "locale": "pt-BR"}, "3 + 4?", "7", "pt"),
    ],
)  # fmt: skip
def test_usual_names_in_any_spelling(tmp_path, row, question, gold, language):
    (problem,) = load_problems(write(tmp_path / "set.jsonl", lines(row)))
    assert (problem.question, problem.gold, problem.language) == (question, gold, language)
    assert problem.id == row.get("ID", "set-000")


def test_a_number_keeps_its_digits_under_any_name(tmp_path):
    (problem,) = load_problems(write(tmp_path / "set.jsonl", '{"Question": "?", "ANSWER": 0.10}'))
    assert problem.gold == "0.10"


def test_a_whole_float_is_an_id(tmp_path):
    (problem,) = load_problems(write(tmp_path / "set.jsonl", '{"id": 7.0, "question": "3 + 4?"}'))
    assert problem.id == "7"


@pytest.mark.parametrize(
    ("table", "gold"),
    [
        ("QUESTION\tANSWER\n3 + 4?\t7\n", "7"),
        ("Problem\tGround Truth\n3 + 4?\t7\n", "7"),
        ("id\tquestion\nx\t3 + 4?\n", None),
        ("problem\tsolution\n3 + 4?\tIt is \\boxed{7}\n", "7"),
    ],
)
def test_a_header_of_tsv_needs_a_question_only(tmp_path, table, gold):
    (problem,) = load_problems(write(tmp_path / "set.tsv", table))
    assert (problem.question, problem.gold) == ("3 + 4?", gold)


def test_parallel_tables_need_answers(tmp_path):
    write(tmp_path / "set_de.tsv", "question\tnote\n3 + 4?\tx\n")
    with pytest.raises(
        DatasetError, match=r"set_de\.tsv:1: no column of answers \(question, note\)"
    ):
        list(load_problems(tmp_path))


@pytest.mark.parametrize(
    ("name", "language", "source"),
    [
        ("prox/sw/test.jsonl", "sw", "name"),
        ("prox/sw/test-00000-of-00001.jsonl", "sw", "name"),
        ("prox/it/test.jsonl", "en", "detected"),  # it may be a word
        ("mgsm_rev2_de.jsonl", "de", "name"),
    ],
)
def test_folders_and_files_that_name_their_language(tmp_path, name, language, source):
    row = {"question": "How many apples are in the basket?", "answer": 7}
    (problem,) = load_problems(write(tmp_path / name, lines(row)))
    assert (problem.language, problem.metadata["language_source"]) == (language, source)


@pytest.mark.parametrize("name", ["mmath/{}.jsonl", "{}/low.jsonl", "mgsm_rev2_{}.jsonl"])
@pytest.mark.parametrize("identifier", [None, "low-{}-7"])
def test_rows_of_parallel_files_are_one_item(tmp_path, name, identifier):
    items = set()
    for code in ("de", "sw"):
        row = {"question": "3 + 4?", "answer": 7}
        row |= {"id": identifier.format(code)} if identifier else {}
        (problem,) = load_problems(write(tmp_path / name.format(code), lines(row)))
        assert problem.language == code
        items.add(problem.metadata["item"])
    assert len(items) == 1
