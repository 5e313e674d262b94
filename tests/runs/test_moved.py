"""Run folders that are moved or replaced while a run writes into them."""

import shutil

import pytest

from clc.errors import StoreError
from clc.records import ReasoningPath
from clc.runs.store import Store


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
