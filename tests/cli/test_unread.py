"""Paths without a vote: the table, the advice, and files in which nothing can be read."""

import json

import pytest
from click.testing import CliRunner

from clc.cli.extract import command as extract
from clc.cli.unread import Unread
from clc.cli.vote import command as vote
from clc.errors import RunError
from clc.records import AbstainReason, Abstention, Vote

from .running import call

ROWS = [
    {"id": "a", "language": "en", "response": "Answer: 5", "gold": "5"},
    {"id": "a", "language": "de", "response": ""},
    {"id": "a", "language": "German", "response": None},
    {"id": "b", "language": "sw", "response": "Jibu", "finish_reason": "length"},
    {"id": "b", "language": "zh-CN", "response": "我不知道。"},
    {"id": "b", "language": "zh", "response": "答案：5"},
]


def write(folder, rows, name="g.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(path)


def test_the_table_has_reason_language_count_and_lines(tmp_path):
    file = write(tmp_path, ROWS)
    done = call("vote", file)
    assert done.returncode == 0
    text = done.stderr
    german = [line for line in text.splitlines() if "German (de)" in line and "empty" in line]
    assert len(german) == 1
    assert german[0].split()[3] == "2"
    assert german[0].split()[4:] == ["g.jsonl:2,", ":3"]
    assert any("truncated" in line and "Swahili (sw)" in line for line in text.splitlines())
    assert any("Chinese (zh)" in line and ":5" in line for line in text.splitlines())
    assert "empty: the text is empty or ends with its thought: raise --max-tokens" in text
    assert "truncated: the text ends at its limit" in text


def test_the_table_is_there_without_golds_and_beside_json(tmp_path):
    rows = [{key: value for key, value in row.items() if key != "gold"} for row in ROWS]
    done = call("vote", write(tmp_path, rows))
    assert "no vote" in done.stderr
    assert "accuracy" not in done.stderr
    done = call("vote", write(tmp_path, ROWS), "--json")
    assert json.loads(done.stdout)["paths"] == 6
    assert "no vote" in done.stderr


def test_ids_of_a_run_are_whole_and_places_in_files_lose_their_folder():
    path = Vote("", "en", Abstention(AbstainReason.EMPTY))
    for unread, shown in ((Unread(in_files=False), "set/1:x 2"), (Unread(), "1:x 2")):
        unread.add([path], ["set/1:x 2"])
        table = unread.table()
        assert table is not None
        assert list(table.columns[3].cells) == [shown]


def test_nothing_is_said_where_every_path_votes(tmp_path):
    done = call("vote", write(tmp_path, ROWS[:1]))
    assert "no vote" not in done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("command", [vote, extract])
def test_a_file_in_which_nothing_is_read_ends_with_the_commonest_reason(tmp_path, command):
    rows = [
        {"id": "a", "language": "en", "response": "I'm sorry, I cannot help with that."},
        {"id": "a", "language": "en", "response": "Some words", "finish_reason": "length"},
        {"id": "b", "language": "en", "response": "More words", "finish_reason": "length"},
    ]
    file, out = write(tmp_path, rows), tmp_path / "out.jsonl"
    with pytest.raises(RunError) as caught:
        CliRunner().invoke(command, [file, "--out", str(out)], catch_exceptions=False)
    assert caught.value.exit_code == 1
    assert str(caught.value).startswith(
        f"no answer could be read in 3 paths; the commonest reason is truncated (2, first {file}:2)"
    )
    assert "--max-tokens" in str(caught.value)
    assert len(out.read_text().splitlines()) == (2 if command is vote else 3), "rows are written"


def test_the_command_ends_with_code_1(tmp_path):
    done = call("vote", write(tmp_path, [{"id": 1, "response": "Hm."}]))
    assert done.returncode == 1
    assert "no answer could be read in 1 path; the commonest reason is no_answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_language_is_one_language_however_it_is_written(tmp_path):
    rows = [
        {"id": "a", "language": code, "response": f"Answer: {answer}", "gold": "7"}
        for code, answer in (
            ("EN", 5),
            ("en", 5),
            ("zh-CN", 7),
            ("Chinese", 7),
            ("zh", 7),
            ("iw", 9),
        )
    ]
    file = write(tmp_path, rows)
    (verdict,) = map(json.loads, call("vote", file).stdout.splitlines())
    assert verdict["tally"] == {"7": {"zh": 3}, "5": {"en": 2}, "9": {"he": 1}}
    options = ["--rule", "weighted", "--weights", "English=4,zh-Hans=1"]
    (verdict,) = map(json.loads, call("vote", file, *options).stdout.splitlines())
    assert verdict["answer"] == "5"
    for chosen in ("EN,Hebrew", "en-US,he", "english,iw"):
        (verdict,) = map(json.loads, call("vote", file, "--languages", chosen).stdout.splitlines())
        assert verdict["tally"] == {"5": {"en": 2}, "9": {"he": 1}}


def test_extract_keeps_integers_of_any_size(tmp_path):
    big = 2**80
    done = call("extract", write(tmp_path, [{"id": big, "response": "Answer: 5", "m": [big]}]))
    row = json.loads(done.stdout)
    assert (row["id"], row["m"], row["answer"]) == (big, [big], "5")
