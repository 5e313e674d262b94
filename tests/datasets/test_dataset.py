"""The number of problems of a file, its fingerprint, and that it is read once."""

import hashlib
import io
import json
import os
import threading
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from clc.datasets import Dataset, dataset_fingerprint, load_problems
from clc.errors import DatasetError
from tests.datasets.samples import GERMAN, write


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
