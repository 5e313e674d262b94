"""Damaged stores, and foreign ones: every damage is named or changes no figure."""

import asyncio
import os
import random
import shutil
import sqlite3
from contextlib import suppress

import pytest

from clc.analysis.scoring import score_run
from clc.errors import ClcError, StoreError
from clc.records import ReasoningPath, Step, Usage
from clc.runs.database import Database
from clc.runs.open import open_run
from clc.runs.store import Store
from tests.cli.running import call
from tests.runs.damaged import OLD, figures, solve


def damaged(data: bytes, seed: int) -> bytes:
    chance, changed = random.Random(seed), bytearray(data)
    kind = seed % 5
    if kind == 0:
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del changed[chance.randrange(len(data)) :]
    elif kind == 2:
        start, size = chance.randrange(len(data)), chance.choice([16, 512, 4096])
        changed[start : start + size] = bytes(len(changed[start : start + size]))
    elif kind == 3:  # the head of a page
        page = chance.randrange(len(data) // 4096) * 4096
        changed[page + chance.randrange(100)] = chance.randrange(256)
    else:
        for _ in range(30):
            changed[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("part", range(4))
@pytest.mark.slow
def test_damage_changes_no_figure(run, part, tmp_path):
    whole, data = figures(run), (run / "run.sqlite").read_bytes()
    refused = 0
    for seed in range(100 * part, 100 * part + 100):
        folder = tmp_path / str(seed)
        folder.mkdir()
        shutil.copy(run / "manifest.json", folder)
        (folder / "run.sqlite").write_bytes(damaged(data, seed))
        try:
            assert figures(folder) == whole, seed
        except StoreError:
            refused += 1
    assert refused > 40


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_run_does_not_go_on_as_if_whole(run, seed, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    file = tmp_path / "run" / "run.sqlite"
    file.write_bytes(damaged(file.read_bytes(), seed))
    with suppress(StoreError):
        asyncio.run(solve(tmp_path / "run"))
        assert figures(tmp_path / "run") == figures(run)


CHANGES = [
    ("paths", "text = 'Answer: 8'"),
    ("paths", "text = CAST(text AS BLOB)"),
    ("paths", "finish_reason = 'length'"),
    ("paths", "completion_tokens = 'many'"),
    ("paths", "prompt_tokens = prompt_tokens + 1"),
    ("paths", "confidence = '{'"),
    ("paths", "thought = 'hm'"),
    ("paths", "closed = 7"),
    ("paths", "language = ''"),
    ("problems", "data = '[]'"),
    ("problems", "data = '{\"id\":1}'"),
    ("problems", "data = replace(data, '4', '5')"),
    ("problems", "position = position + 100"),
    ("plans", "data = 'null'"),
    ("plans", "data = '[[],[0],{},{}]'"),
    ("plans", "data = '[[[1,2,3]],[],{},[]]'"),
    ("plans", "data = X'ff'"),
    ("prompts", "messages = '[1]'"),
    ("prompts", "template = 5"),
]


@pytest.mark.parametrize("summed", [True, False])
@pytest.mark.parametrize(("table", "change"), CHANGES)
def test_a_row_that_was_changed_is_named(finished, table, change, summed, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    before = figures(finished)
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as database:
        if not summed:  # as an earlier version wrote it
            database.execute(f"UPDATE {table} SET checksum = NULL")
        database.execute(f"UPDATE {table} SET {change} WHERE rowid = 3" if table != "plans" else
                         f"UPDATE {table} SET {change} WHERE problem_id = 'p-3'")  # fmt: skip
    database.close()
    if summed:
        with pytest.raises(StoreError, match=rf"row .* of {table} in .*run\.sqlite is damaged: "):
            figures(tmp_path / "run")
        return
    try:  # nothing tells a changed row without a checksum but its types
        assert figures(tmp_path / "run") != before
    except ClcError as error:
        assert "run.sqlite is damaged" in str(error)  # noqa: PT017


def test_the_problem_of_a_damaged_path_is_named(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as database:
        database.execute("UPDATE paths SET text = text || '!' WHERE rowid = 1")
    database.close()
    folder = tmp_path / "run"
    for command in (
        ("score", folder),
        ("report", folder),
        ("vote", folder, "--out", tmp_path / "v"),
    ):
        done = call(*command)
        assert done.returncode == 2, command
        assert "clc: problem 'p-" in done.stderr
        assert "its checksum differs" in done.stderr


@pytest.mark.parametrize("table", ["paths", "plans", "problems"])
def test_a_finished_run_that_lost_rows_has_no_score(finished, table, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    column = {"paths": "rowid = 5", "plans": "problem_id = 'p-2'", "problems": "id = 'p-2'"}[table]
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as database:
        database.execute(f"DELETE FROM {table} WHERE {column}")
    database.close()
    with pytest.raises(StoreError, match="1 of the 12 problems of this finished run"):
        figures(tmp_path / "run")
    asyncio.run(solve(tmp_path / "run"))
    assert figures(tmp_path / "run") == figures(finished)


def test_lone_surrogates_become_question_marks(tmp_path):
    with Store(tmp_path) as store:
        store.add_path(ReasoningPath("k", "pk", "de", 0, 5, "a\ud83d", "stop"))
        store.add_step("t", Step("turn", "de", "\udfff", "stop", Usage()))
        assert store.paths(["k"])["k"].text == "a?"
        assert store.step("t").text == "?"


def test_a_store_without_checksums_goes_on(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as database:
        for table in ("problems", "plans", "prompts", "paths", "steps", "failures"):
            database.execute(f"ALTER TABLE {table} DROP COLUMN checksum")
        database.execute("DROP TABLE seconds")
        database.execute("DELETE FROM paths WHERE rowid = 1")
    database.close()
    asyncio.run(solve(tmp_path / "run"))
    assert figures(tmp_path / "run") == figures(finished)


# -- foreign files --------------------------------------------------------------------------------

FOREIGN = {
    "other": "CREATE TABLE songs (id INTEGER); INSERT INTO songs VALUES (1)",
    "same name": "CREATE TABLE paths (x TEXT); INSERT INTO paths VALUES ('mine')",
    "our version": "CREATE TABLE songs (id INTEGER); PRAGMA user_version = 3",
    "old version": "CREATE TABLE songs (id INTEGER); PRAGMA user_version = 2",
    "new version": "CREATE TABLE songs (id INTEGER); PRAGMA user_version = 9",
    "a view": "CREATE TABLE a (b TEXT); CREATE VIEW paths AS SELECT * FROM a",
    "odd name": """CREATE TABLE "a""b;--" (c TEXT)""",
    "some of ours": "CREATE TABLE failures (key TEXT, why TEXT)",
    "one of ours and another": "CREATE TABLE failures (key TEXT, reason TEXT); "
    "CREATE TABLE songs (id INTEGER)",
    "strict": "CREATE TABLE plans (label TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
}


@pytest.mark.parametrize("sql", FOREIGN.values(), ids=FOREIGN)
def test_a_database_of_another_program_stays_as_it_is(sql, tmp_path):
    file = tmp_path / "run.sqlite"
    with sqlite3.connect(file) as database:
        database.executescript(sql)
    database.close()
    before, times = file.read_bytes(), file.stat().st_mtime_ns
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"not a run of clc|has format 9|written in format 2"):
            Store(tmp_path, read_only=read_only)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (before, times)
    assert [one.name for one in tmp_path.iterdir()] == ["run.sqlite"]


def test_tables_of_a_process_that_was_killed_while_it_made_them(tmp_path):
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "run.sqlite") as database:
        database.executescript("DROP TABLE plans; DROP TABLE seconds; PRAGMA user_version = 0")
    database.close()
    Store(tmp_path).close()
    Database(tmp_path, read_only=True).close()


def test_a_run_of_format_2_has_the_figures_of_then():
    with open_run(OLD) as store:
        assert score_run(store).paths > 0


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "fifo"])
@pytest.mark.parametrize(
    "name", ["run.sqlite", "run.sqlite-wal", "run.sqlite-shm", "run.sqlite-journal"]
)
def test_sqlite_follows_no_link_of_a_foreign_folder(name, kind, finished, tmp_path):
    folder, precious = tmp_path / "run", tmp_path / "precious"
    shutil.copytree(finished, folder)
    shutil.copy(finished / "run.sqlite", precious)
    before = precious.read_bytes()
    path = folder / name
    path.unlink(missing_ok=True)
    {
        "link": lambda: path.symlink_to(precious),
        "dangling": lambda: path.symlink_to(tmp_path / "none"),
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
    }[kind]()
    with pytest.raises(StoreError, match=f"{name}: is no regular file"):
        Store(folder)
    with pytest.raises(StoreError, match=f"{name}: is no regular file"):
        Store(folder, read_only=True)
    assert precious.read_bytes() == before
    assert not (tmp_path / "none").exists()


def test_a_manifest_that_is_a_link_is_not_followed(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    (folder / "manifest.json").rename(tmp_path / "elsewhere.json")
    (folder / "manifest.json").symlink_to(tmp_path / "elsewhere.json")
    with open_run(folder) as run, pytest.raises(StoreError, match=r"manifest\.json: .* a link"):
        run.manifest()


def test_the_name_of_a_run_folder_may_be_a_link_of_the_users(finished, tmp_path):
    (tmp_path / "run").symlink_to(finished)
    with open_run(tmp_path / "run") as run:
        assert score_run(run).paths > 0
    (tmp_path / "new").mkdir()
    (tmp_path / "link").symlink_to("new")
    with Store(tmp_path / "link") as store:
        store.write_manifest({"seconds": 1.0})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "new" / "run.sqlite").is_file()
    assert (tmp_path / "new" / "manifest.json").is_file()


def test_an_empty_file_is_no_run_yet(tmp_path):
    (tmp_path / "run.sqlite").touch()
    with pytest.raises(StoreError, match="holds no run yet"):
        Store(tmp_path, read_only=True)
    Store(tmp_path).close()
    Store(tmp_path, read_only=True).close()
