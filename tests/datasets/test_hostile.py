"""Hostile files of problems and generations: read right, or an error with file, line and value."""
# ruff: noqa: UP031 - JSON is full of braces

import json
import os
import threading

import pytest

from clc.datasets import Dataset, load_problems
from clc.datasets.generations import read_generations
from clc.datasets.recorded_votes import group_votes
from clc.errors import ClcError, DatasetError
from tests.cli.running import call

BAD = os.fsdecode(b"bad\xff\xfe")


def deep(levels, start="[", end="]"):
    return start * levels + "1" + end * levels


ROWS = {
    "float gold, deep field": '{"question":"2+3?","answer":0.5,"m":%s}' % deep(1010),
    "deep objects": '{"question":"2+3?","m":%s}' % deep(900, '{"a":', "}"),
    "deeper than JSON is parsed": '{"question":"2+3?","m":%s}' % deep(100_000),
    "a little too deep": '{"question":"2+3?","m":%s}' % deep(65),
    "a deep gold": '{"question":"2+3?","answer":%s}' % deep(300),
    "a deep question": '{"question":%s}' % deep(300),
    "a deep id": '{"id":%s,"question":"2+3?"}' % deep(300),
    "deep translations": '{"question":"2+3?","translations":{"de":%s}}' % deep(300),
    "a deep row": deep(300),
    "half a pair in the id": '{"id":"\\ud800","question":"2+3?"}',
    "half a pair in the question": '{"question":"\\udfff 2+3?"}',
    "half a pair in a key": '{"question":"2+3?","\\ud83d":1}',
    "digits in the gold": '{"question":"2+3?","answer":%s}' % ("9" * 5000),
    "digits in a field": '{"question":"2+3?","m":%s}' % ("9" * 5000),
    "an exponent": '{"question":"2+3?","answer":1e999}',
    "null byte": '{"question":"2+3?"\0}',
    "no end": '{"question":"2+3?',
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
def test_a_hostile_row_is_named(row, name, tmp_path):
    good = '{"question":"1+1?"}'
    text = f"{good}\n{row}\n" if name == "rows.jsonl" else f"[{good},{row}]"
    (tmp_path / name).write_bytes(text.encode())
    with pytest.raises(DatasetError, match=rf"{name}:(2|1| row 2)?"):
        list(load_problems(tmp_path / name))


GENERATIONS = {
    "half a pair in the id": '{"id":"\\ud800","language":"en","response":"5"}',
    "half a pair in the item": '{"id":"a","item":"\\udfff","language":"en","response":"5"}',
    "half a pair in the language": '{"id":"a","language":"\\ud800","response":"5"}',
    "half a pair in a custom_id": '{"custom_id":"\\ud800:en","response":{}}',
    "half a pair, deep": '{"id":"a","m":"\\ud800","x":%s}' % deep(3000),
    "half a pair, digits": '{"id":"\\ud800","x":%s}' % ("9" * 5000),
    "half a pair, digits in another field": '{"id":"a","r":"\\ud800","x":%s}' % ("9" * 5000),
    "deep": '{"id":"a","language":"en","response":"5","x":%s}' % deep(1010),
    "a deep id": '{"id":%s,"language":"en","response":"5"}' % deep(300),
    "a deep response": '{"id":"a","language":"en","response":%s}' % deep(300),
    "a deep confidence": '{"id":"a","language":"en","response":"5","confidence":%s}' % deep(300),
    "deep resps": '{"doc_id":1,"doc":{},"resps":%s}' % deep(300),
    "deep choices": '{"custom_id":"a","response":{"body":{"choices":[%s]}}}' % deep(300),
    "a deep row": deep(300),
    "a row of a half": '"\\ud800"',
    "parsed no deeper": deep(100_000),
    "digits": "9" * 5000,
}


@pytest.mark.parametrize("row", GENERATIONS.values(), ids=GENERATIONS)
def test_a_hostile_generation_is_named(row, tmp_path):
    file = tmp_path / "g.jsonl"
    file.write_text(f'{{"id":"b","language":"en","response":"5"}}\n{row}\n')
    with pytest.raises(DatasetError, match=r"g\.jsonl:2: "):
        list(read_generations([file]))
    for command in ("vote", "extract", "report", "calibrate"):
        done = call(command, file, "--out", tmp_path / "out")
        assert done.returncode == 2, command
        assert "g.jsonl:2: " in done.stderr
        assert not (tmp_path / "out").exists()
    done = call("rank-languages", file)
    assert (done.returncode, "g.jsonl:2: " in done.stderr) == (2, True)


def test_halves_of_pairs_in_texts_are_question_marks(tmp_path):
    file = tmp_path / "g.jsonl"
    file.write_text('{"id":"a","language":"en","response":"Answer: 5\\ud83d"}\n')
    ((_, _, (path,)),) = read_generations([file])
    assert path.response == "Answer: 5?"
    (one,) = group_votes([file])
    assert one.votes[0].answer == "5"


# -- names that are not UTF-8 ---------------------------------------------------------------------


@pytest.fixture
def bad(tmp_path, monkeypatch):
    """A folder whose name is not UTF-8, with files whose names are not."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / BAD
    folder.mkdir()
    rows = [{"question": f"{n} + 1?", "answer": n + 1, "language": "en"} for n in range(3)]
    (folder / f"{BAD}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    generations = [
        {"id": f"p{n}", "language": "en", "question": "?", "response": f"Answer: {n}", "gold": n}
        for n in range(3)
    ]
    (folder / f"g{BAD}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in generations))
    return folder


def test_problems_of_a_file_with_such_a_name(bad):
    problems = list(load_problems(bad / f"{BAD}.jsonl"))
    assert [one.id for one in problems] == [f"bad\\xff\\xfe-00{n}" for n in range(3)]
    assert Dataset(bad / f"{BAD}.jsonl").total == 3


@pytest.mark.parametrize("suffix", [".jsonl", ".tsv", ".json", ".parquet", ""])
def test_errors_of_a_file_with_such_a_name(suffix, bad):
    file = bad / f"x{BAD}{suffix}"
    with pytest.raises(DatasetError, match=r"xbad\\xff\\xfe.*: no such file"):
        list(load_problems(file))
    file.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"xbad\\xff\\xfe.*: the file is empty"):
        list(load_problems(file))
    file.write_bytes(b"{\xff")
    with pytest.raises(DatasetError, match=r"xbad\\xff\\xfe"):
        list(load_problems(file))


def test_every_command_takes_such_names(bad):
    generations, out = bad / f"g{BAD}.jsonl", bad / f"out{BAD}"
    for command in (
        ("vote", generations, "--out", out),
        ("extract", generations, "--out", out),
        ("report", generations, "--out", bad / f"page{BAD}.html"),
    ):
        done = call(*command)
        assert done.returncode == 0, (command, done.stderr)
    assert (bad / f"page{BAD}.html").read_text().startswith("<!doctype html>")
    assert out.read_text()


@pytest.mark.slow
def test_a_run_in_such_a_folder(bad):
    import asyncio

    from clc.runs.store import Store
    from clc.solving.configure import configure
    from clc.solving.run import Run
    from tests.engines.scripted import ScriptedEngine

    async def solve(folder):
        with Store(folder) as store:
            run = Run(configure("clc", languages=("en", "de"), paths=4), ScriptedEngine(), store)
            run.begin({"source": "x"})
            async for _ in run.verdicts(load_problems(bad / f"{BAD}.jsonl")):
                pass
            run.finish()

    for folder in (bad / f"run{BAD}", bad / "other"):
        asyncio.run(solve(folder))
    run, (first, *_) = bad / f"run{BAD}", load_problems(bad / f"{BAD}.jsonl")
    for command in (
        ("score", run),
        ("score", run, "--against", bad / "other"),
        ("show", run, "--low-agreement", "1"),
        ("show", run, first.id),
        ("report", run),
        ("report", run, bad / "other", "--out", bad / "two.html", "--figures", bad / f"f{BAD}"),
        ("vote", run, "--out", bad / "v"),
        ("compare", run, bad / "other"),
    ):
        done = call(*command)
        assert done.returncode == 0, (command, done.stderr)
    done = call("show", run, os.fsdecode(b"\xff"))
    assert done.returncode == 2
    assert "no problem" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("solve", "q.jsonl", "--out", "r", "--model", BAD),
        ("solve", "q.jsonl", "--out", "r", "--strategy", BAD),
        ("solve", "q.jsonl", "--out", "r", "--strategy", f"{BAD}.toml"),
        ("solve", "q.jsonl", "--out", "r", "--prompts", BAD),
        ("solve", "q.jsonl", "--out", "r", "--languages", BAD),
        ("solve", "q.jsonl", "--out", "r", "--language", BAD),
        ("solve", "q.jsonl", "--out", "r", "--portfolio", BAD),
        ("solve", "q.jsonl", "--out", "r", "--stop", BAD, "--base-url", "http://127.0.0.1:9/v1",
         "--model", "m"),
        ("solve", BAD, "--out", "r"),
        ("score", BAD),
        ("report", BAD),
        ("view", BAD),
        ("vote", BAD),
        ("vote", "g.jsonl", "--languages", BAD),
        ("extract", BAD),
        ("calibrate", BAD),
        ("rank-languages", BAD),
        ("rank-languages", "--model", "clc-tiny", "--parallel", BAD),
        ("compare", BAD, BAD),
        ("show", BAD, "x"),
        ("prompts", "show", BAD),
        ("prompts", "show", "cot", "--language", BAD),
        ("strategies", "show", BAD),
        ("ask", BAD),
    ],
    ids=lambda command: " ".join(command).encode("ascii", "backslashreplace").decode(),
)  # fmt: skip
def test_such_a_value_of_an_option_is_an_error_in_words(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.jsonl").write_text('{"question":"1+1?","language":"en"}\n')
    (tmp_path / "g.jsonl").write_text('{"id":"a","language":"en","response":"5"}\n')
    done = call(*command)
    assert done.returncode in {1, 2}
    assert done.stderr.startswith(("clc: ", "Usage:"))


# -- FIFOs and devices ----------------------------------------------------------------------------


def fed(path, text):
    """Make a FIFO that is written once, in a thread."""
    os.mkfifo(path)
    thread = threading.Thread(target=lambda: path.write_text(text), daemon=True)
    thread.start()
    return path


ROW = '{"id":"a","language":"en","question":"2+3?","gold":"5","response":"Answer: 5"}\n'


@pytest.mark.parametrize("command", ["vote", "extract"])
@pytest.mark.parametrize("kind", ["fifo", "descriptor"])
def test_generations_from_a_pipe_are_read_once(command, kind, tmp_path):
    out = tmp_path / "out"
    if kind == "fifo":
        done = call(command, fed(tmp_path / "pipe", ROW), "--out", out)
    else:
        reading, writing = os.pipe()
        os.write(writing, ROW.encode())
        os.close(writing)
        done = call(command, f"/dev/fd/{reading}", "--out", out)
        os.close(reading)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["id"] == "a"


def test_problems_from_a_pipe_are_read_once(tmp_path):
    dataset = Dataset(fed(tmp_path / "pipe.jsonl", '{"question":"1+1?"}\n' * 3))
    assert [one.id for one in dataset.problems()] == [one.id for one in dataset.problems()]
    assert dataset.total == 3


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full", "/dev/null"])
def test_devices_are_refused(device, tmp_path):
    (tmp_path / "link.jsonl").symlink_to(device)
    for file in (device, tmp_path / "link.jsonl"):
        with pytest.raises(ClcError, match="it is a device"):
            list(load_problems(file))
        with pytest.raises(ClcError, match="it is a device"):
            Dataset(file)
        with pytest.raises(ClcError, match="it is a device"):
            list(read_generations([file]))
        for command in ("vote", "extract", "calibrate"):
            done = call(command, file, "--out", tmp_path / "out")
            assert done.returncode == 2, command


def test_a_parquet_file_of_texts_that_are_not_utf_8(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    texts = pa.array([b"2+3?", b"\xff\xfe"], pa.binary())
    parquet.write_table(pa.table({"question": texts.view(pa.string())}), tmp_path / "x.parquet")
    with pytest.raises(DatasetError, match=r"x\.parquet: not a readable Parquet file"):
        list(load_problems(tmp_path / "x.parquet"))


@pytest.mark.parametrize("command", ["report", "vote", "extract"])
def test_rows_go_through_a_pipe_that_out_names(command, tmp_path):
    (tmp_path / "g.jsonl").write_text(ROW)
    reading, writing = os.pipe()
    read = []

    def take():
        with os.fdopen(reading, "rb") as pipe:
            read.append(pipe.read())

    thread = threading.Thread(target=take)
    thread.start()
    done = call(command, tmp_path / "g.jsonl", "--out", f"/dev/fd/{writing}")
    os.close(writing)
    thread.join()
    assert done.returncode == 0, done.stderr
    assert read[0].startswith(b"<!doctype html>" if command == "report" else b"{")
