"""The run folder: what is stored stays as it is, whatever is written after it."""

import dataclasses
import fcntl
import sqlite3
import subprocess
import sys

import pytest

from clc.errors import ConfigurationError, StoreError
from clc.plan import ArmRecord, Plan
from clc.records import Confidence, Message, Problem, Prompt, ReasoningPath, Step, Usage
from clc.runs.files import write_atomically
from clc.runs.store import Store

PROBLEM = Problem("p-1", "Wie viele?", "de", "7", {"en": "How many?"}, {"kind": "number"})
PROMPT = Prompt("pk", (Message(role="user", content="Wie viele?"),), "de", "cot", "abc")


def path(key="k1", text="Antwort: 7", usage=Usage(3, 4), **more):  # noqa: B008 - frozen
    return ReasoningPath(key, "pk", "de", 0, 5, text, "stop", usage, **more)


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    with Store(tmp_path / "a" / "run" if request.param == "folder" else None) as opened:
        yield opened


def test_what_goes_in_comes_out(store):
    plan = Plan(
        (
            ArmRecord("de", "pk", 0, 2, 9, None, Usage(), "en", 0.5, 1.25, "?", "ak", 1),
            ArmRecord("en", None, 0, 1, 9, "translation: lost the number 3", Usage(5, 6)),
        ),
        (0, 1, 0),
        Usage(7, 8),
        {"stop": {"rule": "beta", "paths": 3, "probability": 0.9}},
    )
    tried = Step("translation", "en", "How many?", "stop", Usage(1, 2, 1), "I translate.", True)
    store.add_problem(0, PROBLEM)
    store.set_plan("p-1", plan)
    store.add_prompt(PROMPT)
    thoughtful = path(
        confidence=Confidence(1.5, 1.25, 0.5, -0.25),
        usage=Usage(3, 4, 2),
        thought="Drei und",
        closed=False,
    )
    store.add_path(thoughtful)
    store.add_path(path("k3"))
    store.add_step("t1", tried)
    assert list(store.problems()) == [PROBLEM]
    assert store.problem("p-1") == PROBLEM
    assert store.problem("p-2") is None
    assert store.plan("p-1") == plan
    assert store.plan("p-2") is None
    assert store.prompts(["pk", "none"]) == {"pk": PROMPT}
    assert store.paths(["k1", "k2", "k3"]) == {"k1": thoughtful, "k3": path("k3")}
    assert store.step("t1") == tried
    assert store.step("t2") is None
    assert store.counts() == {
        "problems": 1, "plans": 1, "prompts": 1, "paths": 2, "steps": 1, "failures": 0,
    }  # fmt: skip


def test_a_stored_path_is_never_changed(store):
    store.add_path(path())
    store.add_path(path(text="something else"))
    store.add_step("t", Step("translation", "en", "one", "stop", Usage()))
    store.add_step("t", Step("translation", "en", "two", "stop", Usage()))
    assert store.paths(["k1"])["k1"].text == "Antwort: 7"
    assert store.step("t").text == "one"
    assert store.counts()["paths"] == 1


def test_a_failure_goes_when_its_path_or_translation_comes(store):
    store.add_failure("k1", "500")
    store.add_failure("k1", "503")
    store.add_failure("t1", "429")
    assert store.failures(["k1", "t1", "k2"]) == {"k1": "503", "t1": "429"}
    store.add_path(path())
    store.add_step("t1", Step("translation", "en", "x", "stop", Usage()))
    assert store.failures(["k1", "t1", "k2"]) == {}


def test_a_stored_path_is_a_frozen_record(store):
    confidence = Confidence(1.5, 1.25, 1.0, -0.5)
    stored = path(confidence=confidence, thought="3 + 4", closed=True, cost=0.25)
    store.add_path(stored)
    read = store.paths(["k1"])["k1"]
    assert (type(read), type(read.usage), hash(read)) == (ReasoningPath, Usage, hash(stored))
    with pytest.raises(dataclasses.FrozenInstanceError):
        read.text = "Antwort: 8"
    with pytest.raises(dataclasses.FrozenInstanceError):
        read.usage.prompt_tokens = 0


def test_a_failure_of_an_earlier_process_goes_when_its_path_comes(tmp_path):
    with Store(tmp_path) as store:
        store.add_failure("k1", "500")
    with Store(tmp_path) as store:
        store.labelled("sc").add_path(path("k1"))
        assert store.failures(["k1"]) == {}


def test_many_keys_are_read_at_once(store):
    keys = [f"k{number}" for number in range(1801)]
    for key in keys[::2]:
        store.add_path(path(key))
    for key in keys[1::2]:
        store.add_failure(key, "lost")
    assert set(store.paths(keys)) == set(keys[::2])
    assert set(store.failures(keys)) == set(keys[1::2])


def test_any_text_survives(store):
    text = "a\0b\r\n\u2028 ١٢ 😀 ' \" ; DROP TABLE paths; --"
    store.add_path(path(text=text))
    assert store.paths(["k1"])["k1"].text == text


def test_the_same_problem_may_come_again_and_another_may_not(store):
    store.add_problem(0, PROBLEM)
    store.add_problem(0, PROBLEM)
    with pytest.raises(ConfigurationError, match=r"'p-2' \(number 1 .* stands where .* 'p-1'"):
        store.add_problem(0, Problem("p-2", "?", "de"))
    with pytest.raises(ConfigurationError, match=r"'p-1' \(number 1 .* reads otherwise"):
        store.add_problem(0, Problem("p-1", "another", "de"))
    with pytest.raises(ConfigurationError, match=r"'p-1' \(number 2 .* at another place .*twice"):
        store.add_problem(1, PROBLEM)


def test_a_problem_that_is_no_json_is_named(store):
    with pytest.raises(ConfigurationError, match=r"'p-1'.*JSON"):
        store.add_problem(0, Problem("p-1", "?", "de", metadata={"x": object()}))
    with pytest.raises(ConfigurationError, match=r"'p-1'.*JSON"):
        store.add_problem(0, Problem("p-1", "half a pair: \ud83d", "de"))


def test_what_was_not_committed_is_all_that_is_lost(tmp_path):
    code = (
        "import os, sys\nfrom clc.runs.store import *\nfrom clc.records import *\n"
        "s = Store(sys.argv[1])\n"
        "p = lambda k: ReasoningPath(k, 'pk', 'de', 0, 5, 'x', 'stop')\n"
        "s.add_path(p('a')); s.commit(); s.add_path(p('b')); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    with Store(tmp_path) as store:
        assert set(store.paths(["a", "b"])) == {"a"}


def test_a_reader_looks_on_while_a_run_goes_on(tmp_path):
    with Store(tmp_path) as writer:
        writer.add_path(path())
        writer.commit()
        with Store(tmp_path, read_only=True) as reader:
            assert set(reader.paths(["k1"])) == {"k1"}
            with pytest.raises(StoreError, match="readonly"):
                reader.add_path(path("k2"))


def test_one_writer_at_a_time(tmp_path):
    with Store(tmp_path), pytest.raises(StoreError, match="another process is working on this run"):
        Store(tmp_path)
    Store(tmp_path).close()


def test_closing_twice_is_fine_and_lets_go_of_the_lock(tmp_path):
    store = Store(tmp_path)
    store.close()
    store.close()
    with (tmp_path / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("where", ["/dev/null/x", "/proc/x", "file", "file/x"])
def test_a_folder_that_cannot_be_is_named(where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=f"^{where}: cannot open the run folder: .*name a folder"):
        Store(where)


@pytest.mark.parametrize(
    ("kind", "words"), [("dangling", "a link to nothing"), ("file", "no fold")]
)
def test_a_name_that_cannot_be_a_folder_is_named(kind, words, tmp_path):
    if kind == "file":
        (tmp_path / "run").touch()
    else:
        (tmp_path / "run").symlink_to("nowhere")
    with pytest.raises(StoreError, match=f"run: cannot open the run folder: it is {words}"):
        Store(tmp_path / "run")


def test_a_broken_store_is_named_and_holds_no_lock(tmp_path):
    (tmp_path / "run.sqlite").write_bytes(b"no database, but long enough to be one" * 99)
    for read_only in (False, True):
        with pytest.raises(StoreError, match="cannot open the run folder: file is not a database"):
            Store(tmp_path, read_only=read_only)
    (tmp_path / "run.sqlite").unlink()
    Store(tmp_path).close()


def test_a_store_of_another_format_is_refused(tmp_path):
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "run.sqlite") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="has format 99"):
            Store(tmp_path, read_only=read_only)


def test_no_run_folder(tmp_path):
    with pytest.raises(StoreError, match="not a run folder"):
        Store(tmp_path, read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_the_manifest(tmp_path):
    with Store(tmp_path) as store:
        assert store.manifest() is None
        store.write_manifest({"a": 1})
        assert store.manifest() == {"a": 1}
        (tmp_path / "manifest.json").write_text("{")
        with pytest.raises(StoreError, match=r"manifest\.json: cannot read the manifest"):
            store.manifest()
        (tmp_path / "manifest.json").write_text("[]")
        with pytest.raises(StoreError, match="not a JSON object"):
            store.manifest()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    write_atomically(tmp_path / "x", b"old")
    with pytest.raises(StoreError, match="cannot write"):
        write_atomically(tmp_path / "none" / "x", b"new")
    write_atomically(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]
