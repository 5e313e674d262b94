"""Manifests with wrong values, or that are none."""

import json
import os
import shutil
from operator import methodcaller

import pytest

from clc.analysis.report.summary import SummaryBuilder
from clc.analysis.scoring import score_run
from clc.errors import ClcError, StoreError
from clc.runs.manifest import parse_manifest
from clc.runs.open import open_run, open_runs
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.run import Run
from tests.cli.running import call
from tests.engines.scripted import ScriptedEngine
from tests.runs.damaged import DATASET, PROBLEMS, SETTINGS, figures

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
    del manifest["checksum"]  # as in a run of an older clc, whose fields alone are checked
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


@pytest.mark.parametrize("mask", [0x01, 0x20, 0xFF])
def test_a_changed_byte_of_a_manifest_is_noticed(finished, mask):
    data = (finished / "manifest.json").read_bytes()
    whole = parse_manifest(data, "run")
    unnoticed = 0
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= mask
        try:
            manifest = parse_manifest(bytes(changed), "run")
        except StoreError:
            continue
        unnoticed += 1
        # Only the name of the checksum may change, and white space.
        assert {name: manifest[name] for name in whole} == whole
        assert len(manifest) <= len(whole) + 1
    assert unnoticed <= len(data) - len(b"".join(data.split())) + len("checksum")


@pytest.mark.parametrize("label", ["", "sc"])
def test_a_run_without_its_manifest_is_refused(label, tmp_path):
    """Its votes would be counted by the defaults, and its paths kept for another configuration."""
    folder = tmp_path / "run"
    with Store(folder) as store:
        for name in {"clc", label} if label else {""}:
            labelled = store.labelled(name)
            Run(SETTINGS, ScriptedEngine(), labelled).begin(DATASET)
            labelled.keep_seconds(1.5)
        store.commit()
    (folder / f"manifest{label and '.'}{label}.json").unlink()
    with pytest.raises(StoreError, match=r"manifest\.json is missing"), open_runs(folder) as runs:
        list(map(methodcaller("manifest"), runs.values()))
    with Store(folder) as store, pytest.raises(StoreError, match=r"manifest\.json is missing"):
        Run(SETTINGS, ScriptedEngine(), store.labelled(label)).begin(DATASET)
    if not label:
        for command in (("score", folder), ("report", folder), ("vote", folder)):
            done = call(*command)
            assert (done.returncode, "is missing" in done.stderr) == (2, True), command


def test_questions_of_a_server_need_no_manifest(tmp_path):
    """The history of a server has none, and its paths are voted on by the defaults."""
    with Store(tmp_path / "history") as store:
        store.add_problem(0, PROBLEMS[0])
    with open_run(tmp_path / "history") as run:
        assert run.manifest() is None
        assert run.started() == 1
