"""``--workers``: the same output from several processes, and none of them left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clc.cli.extract import command as extract
from clc.cli.vote import command as vote
from clc.datasets import line_chunks
from clc.errors import ClcError

ROWS: list[dict[str, Any]] = [
    {"id": "a", "language": "en", "response": "Answer: 5", "gold": "5", "note": "kept"},
    {"id": "b", "language": "de", "response": "Das kann ich leider nicht.", "gold": "7"},
    {"id": "a", "language": "de", "response": "Antwort: 1.000", "gold": "5"},
    {"id": "c", "language": "zh", "response": "答案：8", "gold": "8", "confidence": 0.5},
    {"id": "c", "language": "en", "response": "It is 8.", "finish_reason": "length"},
    {"id": "d", "language": "en", "response": "Answer: 3", "kind": "odd", "confidence": "high"},
    {"id": "d", "language": "fr", "response": ["Réponse : 3", None, "Réponse : 4"]},
    {"custom_id": "p-1:sw", "response": {"body": {"choices": [
        {"message": {"content": "Jibu: 12"}, "finish_reason": "stop"}]}}},
    {"custom_id": "p-1:en", "response": {"body": {"output_text": "Answer: 12"}}},
    {"custom_id": "p-2:sw", "response": {"body": {"output_text": "Jibu: 2"}}},
    {"custom_id": "9", "response": {"body": {"output_text": "Answer: 1"}}},
    {"doc_id": 3, "doc": {"question": "3 + 4?"}, "target": "7", "resps": [["Answer: 7"], ["6"]],
     "filter": "strict"},
    {"doc_id": 3, "doc": {"question": "3 + 4?"}, "target": "7", "resps": [["Answer: 7"], ["6"]],
     "filter": "flexible"},
    {"id": None, "response": "Answer: 5"},
    {"id": "e", "language": "en", "response": "", "question_language": "de", "level": "high"},
]  # fmt: skip


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two files that are read in many chunks."""
    monkeypatch.setattr(line_chunks, "_FIRST", 300)
    monkeypatch.setattr(line_chunks, "_LARGEST", 500)
    paths = [tmp_path / "samples_own_en.jsonl", tmp_path / "more.jsonl"]
    for number, path in enumerate(paths):
        lines = [
            json.dumps({**row, "id": f"{row['id']}{copy}"} if row.get("id") else row)
            for copy in range(number, 4)
            for row in ROWS
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return list(map(str, paths))


def outcome(caplog, command, *arguments):
    caplog.clear()
    result = CliRunner().invoke(command, arguments)
    if result.exception is not None and not isinstance(result.exception, ClcError):
        raise result.exception
    error = str(result.exception) if result.exception else ""
    return result.stdout, result.stderr, error, caplog.messages


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (extract, ("--kind", "choice")),
        (vote, ()),
        (vote, ("--languages", "sw,en", "--rule", "weighted", "--weights", "en=2")),
    ],
)
def test_the_output_is_the_same(files, caplog, command, options):
    one = outcome(caplog, command, *files, *options, "--workers", "1")
    assert one[0]
    assert any("'kind' is 'odd'" in message for message in one[3])
    assert outcome(caplog, command, *files, *options, "--workers", "2") == one


@pytest.mark.parametrize(
    ("command", "row", "named"),
    [
        (extract, '{"id": 1, "response": 5}', "more.jsonl:46: 'response' is 5"),
        (vote, "{", "more.jsonl:46: '{' is not JSON"),
        (vote, '{"id": "a1", "response": "5", "gold": "6"}', "more.jsonl:46: gold of 'a1' is '6'"),
    ],
)
def test_an_error_is_the_same(files, caplog, command, row, named):
    with Path(files[1]).open("a", encoding="utf-8") as file:
        file.write(f"{row}\n" + json.dumps(ROWS[0]) + "\n")
    one = outcome(caplog, command, *files, "--workers", "1")
    assert named in one[2]
    assert outcome(caplog, command, *files, "--workers", "2") == one
    if command is extract:  # the rows before it are written
        assert one[0].count("\n") == 105


def state(process):
    """Return the state and the parent of a process, those of a dead one where there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ["X", "0"]


def children(parent):
    numbers = (int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal())
    return [one for one in numbers if state(one)[1] == str(parent) and state(one)[0] not in "XZ"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_no_process_is_left(number, status, tmp_path):
    out = tmp_path / "answers.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "clc", "extract", "-", "--workers", "2", "--out", out],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with process:
        line = json.dumps(ROWS[0]).encode() + b"\n"
        while len(found := children(process.pid)) < 3:
            process.stdin.write(line * 1000)
            process.stdin.flush()
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        assert process.wait() == status
        if number != signal.SIGKILL:
            assert list(tmp_path.iterdir()) == []  # nor a part of a file
        while any(state(one)[0] not in "XZ" for one in found):
            time.sleep(0.01)
