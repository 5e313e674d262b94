"""A damaged or foreign run folder: the same figures, or an error that names it; nothing between."""

import asyncio
import json
import os
import random
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from clc.analysis.report.summary import SummaryBuilder
from clc.analysis.scoring import score_run
from clc.errors import ClcError, StoreError
from clc.records import Problem, ReasoningPath, Step, Usage
from clc.runs.database import Database
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from tests.cli.running import call
from tests.engines.scripted import ScriptedEngine

PROBLEMS = [
    Problem(
        f"p-{number}", f"Tom has {number} pens and buys 4. How many?", "en", str(7 + number % 2)
    )
    for number in range(12)
]
SETTINGS = configure("clc", languages=("en", "de", "zh"), paths=6)
DATASET = {"source": "x"}
OLD = Path(__file__).parents[1] / "data" / "format2" / "run"


async def _solve(folder, finish=True):
    with Store(folder) as store:
        run = Run(SETTINGS, ScriptedEngine(), store)
        run.begin(DATASET)
        async for _ in run.verdicts(PROBLEMS):
            pass
        if finish:
            run.finish()


@pytest.fixture(scope="module", params=["finished", "open"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "run"
    asyncio.run(_solve(folder, finish=request.param == "finished"))
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    asyncio.run(_solve(folder))
    return folder


def figures(folder):
    """All that a reader sees."""
    with open_run(folder) as store:
        problems = [
            (one, store.prompts([arm.prompt_key for arm in one.plan.arms]))
            for one in store.finished()
        ]
        return score_run(store), store.started(), problems


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
        asyncio.run(_solve(tmp_path / "run"))
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
    asyncio.run(_solve(tmp_path / "run"))
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
    asyncio.run(_solve(tmp_path / "run"))
    assert figures(tmp_path / "run") == figures(finished)


# -- manifests ----------------------------------------------------------------------------------

VALUES = [None, [], {}, "", "7", "abc", 0, -1, 7, 1.5, 1e300, True, [None], {"x": 1}, "\u202e/../x"]


def fields(value, path=()):
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from fields(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield from fields(value[0], (*path, 0))


def replaced(value, path, new):
    if not path:
        return new
    inner = {**value} if isinstance(value, dict) else [*value]
    inner[path[0]] = replaced(inner[path[0]], path[1:], new)
    return inner


def read_all(folder):
    """Read the folder as score, show, vote, report and solve do."""
    with open_run(folder) as store:
        score_run(store)
        manifest = store.manifest() or {}
        builder = SummaryBuilder("x", manifest)
        for solved in revote(store):
            builder.add(solved)
        builder.summary()
    with Store(folder) as store:
        Run(SETTINGS, ScriptedEngine(), store).begin(DATASET)


@pytest.mark.parametrize("part", range(4))
@pytest.mark.slow
def test_any_value_in_any_field_of_a_manifest(finished, part, tmp_path):
    manifest = json.loads((finished / "manifest.json").read_text())
    manifest["earlier_limits"] = [{"max_tokens": 5, "translation_max_tokens": 6}]
    shutil.copy(finished / "run.sqlite", tmp_path)
    cases = [(path, value) for path in fields(manifest) for value in VALUES]
    assert len(cases) > 1000
    refused = 0
    for path, value in cases[part::8]:
        (tmp_path / "manifest.json").write_text(json.dumps(replaced(manifest, path, value)))
        try:
            read_all(tmp_path)
        except ClcError:
            refused += 1
    assert refused > 40


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("identity",), None), (("identity",), []), (("identity", "strategy"), None),
        (("identity", "strategy"), "clc"), (("identity", "weighting"), {"x": 1}),
        (("versions",), None), (("versions",), "0.1"), (("identity", "paths"), "7"),
        (("seconds",), "abc"), (("seconds",), -3), (("finished",), "no"), (("problems",), [12]),
        (("identity", "strategy", "name"), "../../elsewhere"), (("format",), "3"),
    ],
)  # fmt: skip
def test_a_manifest_edited_by_hand_is_named_by_every_command(finished, path, value, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    manifest = json.loads((finished / "manifest.json").read_text())
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(replaced(manifest, path, value)))
    folder = tmp_path / "run"
    for command in (
        ("score", folder),
        ("report", folder),
        ("show", folder, "p-1"),
        ("vote", folder, "--out", tmp_path / "v"),
    ):
        done = call(*command)
        assert done.returncode == 2, command
        assert f"manifest.json: {'.'.join(path)} of the manifest is" in done.stderr.replace(
            "\n", ""
        )


@pytest.mark.parametrize("kind", ["folder", "fifo", "dangling", "deep", "latin"])
def test_a_manifest_that_is_no_json_file(finished, kind, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    path = tmp_path / "run" / "manifest.json"
    path.unlink()
    {
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "dangling": lambda: path.symlink_to("nothing"),
        "deep": lambda: path.write_bytes(b"[" * 5000 + b"]" * 5000),
        "latin": lambda: path.write_bytes(b'{"a":"\xff"}'),
    }[kind]()
    with pytest.raises(StoreError, match=r"manifest\.json: "):
        figures(tmp_path / "run")


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


# -- a folder that moves --------------------------------------------------------------------------


def _moved(folder, how):
    elsewhere = folder.with_name("elsewhere")
    if how == "deleted":
        shutil.rmtree(folder)
    elif how == "file":
        (folder / "run.sqlite").rename(folder / "old.sqlite")
    else:
        folder.rename(elsewhere)
    if how == "replaced":
        Store(folder).close()
    elif how == "copied back":
        shutil.copytree(elsewhere, folder)
    elif how == "link to another":
        Store(folder.with_name("other")).close()
        folder.symlink_to("other")
    elif how == "a file":
        folder.write_text("")


MOVES = ["moved", "deleted", "file", "replaced", "copied back", "link to another", "a file"]


@pytest.mark.parametrize("how", MOVES)
def test_nothing_is_written_where_the_run_was(how, tmp_path):
    folder = tmp_path / "run"
    with Store(folder) as store:
        store.write_manifest({"finished": False})
        store.add_path(ReasoningPath("k", "pk", "de", 0, 5, "x", "stop"))
        store.commit()
        _moved(folder, how)
        there = sorted(folder.iterdir()) if folder.is_dir() else []
        store.add_path(ReasoningPath("k2", "pk", "de", 0, 5, "x", "stop"))
        with pytest.raises(StoreError, match="moved, replaced or deleted while the run went on"):
            store.commit()
        with pytest.raises(StoreError, match="moved, replaced or deleted"):
            store.write_manifest({"finished": True})
        with pytest.raises(StoreError, match="moved, replaced or deleted"), store.write("x.jsonl"):
            pass
        assert (sorted(folder.iterdir()) if folder.is_dir() else []) == there
    if how in {"moved", "replaced"}:
        with Store(tmp_path / "elsewhere", read_only=True) as store:
            assert set(store.paths(["k", "k2"])) == {"k", "k2"}


def test_a_file_that_is_being_written_goes_when_the_folder_moves(tmp_path):
    folder = tmp_path / "run"
    with Store(folder) as store:
        with pytest.raises(StoreError, match="moved"), store.write("verdicts.jsonl") as file:  # noqa: PT012
            file.write(b"x")
            folder.rename(tmp_path / "elsewhere")
            Store(folder).close()
        assert not (folder / "verdicts.jsonl").exists()


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
    if name != "run.sqlite":
        with pytest.raises(StoreError, match=f"{name}: is no regular file"):
            open_run(folder)
    assert precious.read_bytes() == before
    assert not (tmp_path / "none").exists()
