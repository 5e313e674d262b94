import gzip
import io
import json

import pytest

from clc.datasets.generations import (
    parse_generations,
    read_generation,
    read_generations,
    read_rows,
)
from clc.datasets.recorded_votes import group_votes
from clc.errors import DatasetError, InputError
from clc.records import AbstainReason


def write(path, rows):
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def test_rows_of_a_problem_may_stand_anywhere(tmp_path):
    rows = [
        {"id": "a", "language": "en", "response": "Answer: 5", "gold": "5"},
        {"id": "b", "language": "en", "response": "Answer: 7"},
        {"id": "a", "language": "de", "response": "Antwort: 5,0"},
    ]
    found = list(group_votes([write(tmp_path / "g.jsonl", rows)]))
    assert [(one.id, one.gold, len(one.votes)) for one in found] == [("a", "5", 2), ("b", None, 1)]
    assert [vote.answer for vote in found[0].votes] == ["5", "5"]


def test_one_id_in_two_question_languages_is_two_problems(tmp_path):
    rows = [
        {"id": "q-de-1", "question_language": language, "language": "en", "response": "Answer: 5"}
        for language in ("de", "zh")
    ]
    found = list(group_votes([write(tmp_path / "g.jsonl", rows)]))
    assert [one.question_language for one in found] == ["de", "zh"]
    assert found[0].item == "q--1"


def test_languages_are_filtered(tmp_path):
    rows = [{"id": 1, "language": language, "response": "Answer: 5"} for language in ("en", "de")]
    file = write(tmp_path / "g.jsonl", rows)
    assert [
        vote.language for one in group_votes([file], languages=["de"]) for vote in one.votes
    ] == ["de"]
    with pytest.raises(InputError, match="no paths in fr"):
        list(group_votes([file], languages=["fr"]))


def test_harness_samples_of_several_languages_are_one_problem(tmp_path):
    files = []
    for language, responses in (("de", ["Antwort: 5", "Antwort: 6"]), ("zh", ["答案是5"])):
        row = {
            "doc_id": 3,
            "doc": {"question": "?", "answer_number": 5},
            "target": "5",
            "resps": [responses],
            "filtered_resps": ["5"],
        }
        files.append(
            write(
                tmp_path / f"samples_mgsm_native_cot_{language}_2026-08-01T10-00-00.123456.jsonl",
                [row],
            )
        )
    (ballot,) = group_votes(files)
    assert (ballot.id, ballot.gold) == ("mgsm_native_cot-3", "5")
    assert [(vote.language, vote.answer) for vote in ballot.votes] == [
        ("de", "5"),
        ("de", "6"),
        ("zh", "5"),
    ]


def test_samples_of_clc_keep_their_languages_and_ids():
    row = {
        "doc_id": 3,
        "doc": {"id": "q7", "question": "2 + 3?", "answer": "5"},
        "target": "5",
        "resps": [["Answer: 5", "Antwort: 5"]],
        "languages": ["en", "de"],
    }
    paths = parse_generations("samples_clc.jsonl", 1, row)
    assert [(path.id, path.language) for path in paths] == [("q7", "en"), ("q7", "de")]


def test_harness_gold_after_hashes():
    row = {
        "doc_id": 0,
        "doc": {},
        "target": "6 / 2 = 3, so 4 + 3 = 7 and that is it.\n#### 7",
        "resps": [["Answer: 7"]],
    }
    assert parse_generations("samples_gsm8k_2026.jsonl", 1, row)[0].gold == "7"


def test_batch_output(tmp_path):
    row = {
        "id": "batch_req_1",
        "custom_id": "mgsm-001:de:0",
        "response": {
            "status_code": 200,
            "body": {
                "choices": [
                    {"message": {"content": "Antwort: 5"}, "finish_reason": "stop"},
                    {"message": {"content": None}, "finish_reason": "length"},
                ]
            },
        },
        "error": None,
    }
    english = row | {"custom_id": "mgsm-001:en:0"}
    file = write(tmp_path / "out.jsonl", [row, english])
    first, second, *_ = (path for _, _, paths in read_generations([file]) for path in paths)
    assert (first.id, first.language, read_generation(first).value) == ("mgsm-001", "de", "5")
    assert read_generation(second).reason is AbstainReason.TRUNCATED


def test_failed_batch_request_is_an_engine_failure():
    row = {"custom_id": "q1", "response": None, "error": {"message": "rate limit"}}
    (path,) = parse_generations("out.jsonl", 1, row)
    assert path.language == "und"
    assert read_generation(path).reason is AbstainReason.ENGINE_FAILURE


def test_gzip_and_stdin(tmp_path, monkeypatch):
    line = b'{"id": 1, "response": "Answer: 5"}\n'
    packed = tmp_path / "g.jsonl.gz"
    packed.write_bytes(gzip.compress(line))
    assert [row["id"] for _, _, row in read_rows([packed])] == [1]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line)))
    assert [row["id"] for _, _, row in read_rows(["-"])] == [1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": 1, "response": 5}', r"g.jsonl:2: 'response' is 5"),
        ('{"id": 1}', r"g.jsonl:2: 'response' is missing \(fields: id\)"),
        ('{"response": "x"}', r"g.jsonl:2: 'id' is missing"),
        ('{"id": 1, "response": "x", "language": 3}', r"g.jsonl:2: 'language' is 3"),
        ('{"id": {"a": 1}, "response": "x"}', r"g.jsonl:2: 'id' is \{'a': 1\}; give a text"),
        ('{"id": 1, "response": "x", "gold": [5]}', r"g.jsonl:2: 'gold' is \[5\]; give a text"),
        ("[1]", r"g.jsonl:2: \[1\] is not an object"),
        ("{oops", r"g.jsonl:2: '\{oops' is not JSON"),
        ('{"doc_id": 1, "resps": 4}', r"g.jsonl:2: 'resps' is 4"),
    ],
)
def test_bad_rows_name_file_line_and_value(tmp_path, line, message):
    file = tmp_path / "g.jsonl"
    file.write_text('{"id": 0, "response": "Answer: 1"}\n' + line + "\n")
    with pytest.raises(DatasetError, match=message):
        list(group_votes([file]))


def test_harness_filters_do_not_count_a_path_twice(tmp_path):
    rows = [
        {"doc_id": number, "resps": [["Answer: 5"]], "target": "5", "filter": name}
        for number in (0, 1)
        for name in ("flexible-extract", "strict-match")
    ]
    found = list(group_votes([write(tmp_path / "samples_mgsm_en.jsonl", rows)]))
    assert [len(one.votes) for one in found] == [1, 1]


def test_byte_order_mark_and_half_an_emoji_are_read(tmp_path):
    file = tmp_path / "g.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"id": 1, "response": "Answer: 5 \\ud83d"}\r\n')
    assert [row["response"] for _, _, row in read_rows([file])] == ["Answer: 5 ?"]


def test_refusal_field_of_a_batch():
    choice = {"message": {"content": None, "refusal": "I'm sorry, I can't help with that."}}
    row = {"custom_id": "q:en", "response": {"body": {"choices": [choice]}}}
    (path,) = parse_generations("b.jsonl", 1, row)
    assert read_generation(path).reason == AbstainReason.REFUSAL


def test_two_golds_for_a_problem_are_an_error(tmp_path):
    rows = [{"id": "a", "response": "Answer: 1", "gold": gold} for gold in ("5", "5.0", "6")]
    with pytest.raises(
        DatasetError, match=r"g.jsonl:3: gold of 'a' is '6', and '5' in .*g.jsonl:1"
    ):
        list(group_votes([write(tmp_path / "g.jsonl", rows)]))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match="nowhere.jsonl: cannot be read: No such file"):  # noqa: RUF043
        list(group_votes([tmp_path / "nowhere.jsonl"]))


def test_broken_gzip_is_named(tmp_path):
    file = tmp_path / "g.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"id": 1, "response": "Answer: 5"}')[:-12])
    with pytest.raises(DatasetError, match="cannot be read"):
        list(read_rows([file]))


@pytest.mark.parametrize("field", ["language", "question_language"])
def test_a_language_with_control_characters_is_refused(field):
    row = {"id": 1, "language": "de", "response": "5", field: "l\u202e\x1b"}
    with pytest.raises(DatasetError, match=rf"g.jsonl:3: '{field}' is"):
        parse_generations("g.jsonl", 3, row)
