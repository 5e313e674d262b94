"""The compiled form of bundled prompt files."""

import os

import pytest

from clc import prompt_files
from clc.prompt_files import read_compiled


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(prompt_files, "bundled_prompts", lambda: tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    path = tmp_path / "words.toml"
    path.write_text("a = 1")
    return path


def read(path):
    """What is read through the compiled form, and how often the file itself was."""
    calls = []

    def parse():
        calls.append(path)
        return {"text": path.read_text()}

    return read_compiled("words", [path], parse), len(calls)


def test_a_file_is_parsed_once(path):
    assert read(path) == ({"text": "a = 1"}, 1)
    assert read(path) == ({"text": "a = 1"}, 0)
    assert [one.name for one in (path.parent / "__pycache__").iterdir()] == ["words.json"]


def test_a_changed_file_is_parsed_again(path):
    read(path)
    path.write_text("a = 22")
    assert read(path) == ({"text": "a = 22"}, 1)
    os.utime(path, ns=(1, 1))
    assert read(path)[1] == 1
    assert read(path)[1] == 0


@pytest.mark.parametrize("broken", [b"", b"[]", b'{"stamp": 1}', b"\xff{"])
def test_a_broken_compiled_form_is_written_anew(path, broken):
    read(path)
    (path.parent / "__pycache__" / "words.json").write_bytes(broken)
    assert read(path)[1] == 1
    assert read(path)[1] == 0


def test_a_folder_that_cannot_be_written_to_is_read(path):
    (path.parent / "__pycache__").write_text("in the way")
    assert read(path) == ({"text": "a = 1"}, 1)
    assert read(path)[1] == 1


def test_nothing_is_written_where_python_writes_no_bytecode(path, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert read(path)[1] == 1
    assert not (path.parent / "__pycache__").exists()
