"""A file is replaced whole or not at all, and no file beside it is touched."""

import os
import stat
from pathlib import Path

import pytest

from clc.errors import StoreError
from clc.runs.files import create_beside, locked, replacing, write_atomically, writing
from clc.runs.shards import Shards
from clc.runs.store import Store


def names(folder):
    return [file.name for file in folder.iterdir()]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "page"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["page"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "page"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path):
        raise error
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["page"]


def test_a_link_is_replaced_and_not_followed(tmp_path):
    precious, path = tmp_path / "precious", tmp_path / "page"
    precious.write_bytes(b"mine")
    path.symlink_to(precious)
    write_atomically(path, b"new")
    assert (precious.read_bytes(), path.read_bytes()) == (b"mine", b"new")
    assert not path.is_symlink()


def test_the_new_file_never_is_one_that_is_there(tmp_path, monkeypatch):
    names = iter(["taken", "free"])
    monkeypatch.setattr("clc.runs.files.token_hex", lambda _: next(names))
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / ".clc-taken.part").symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        create_beside(tmp_path / "page")
    part, file = create_beside(tmp_path / "page")
    file.close()
    assert part.name == ".clc-free.part"
    assert (tmp_path / "precious").read_bytes() == b"mine"


def test_the_mode_is_that_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "page", b"new")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "page")}
    assert len(modes) == 1


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "page").mkdir()
    with pytest.raises(StoreError, match="page: cannot write"), writing(tmp_path / "page"):
        pass
    with pytest.raises(StoreError, match="cannot write"):
        write_atomically(tmp_path / "none" / "page", b"")
    assert names(tmp_path) == ["page"]


def test_a_lock_that_is_a_link_is_refused(tmp_path):
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_pipe_among_devices_is_written_to():
    reading, writing_end = os.pipe()
    with replacing(Path(f"/dev/fd/{writing_end}")) as file:
        file.write(b"x" * 9)
    os.close(writing_end)
    assert os.read(reading, 99) == b"x" * 9
    os.close(reading)


@pytest.mark.parametrize("kind", ["null", "full"])
def test_a_device_stays_one(kind, tmp_path):
    path = tmp_path / kind
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, {"null": 3, "full": 7}[kind]))
    except OSError:
        pytest.skip("needs the right to make a device")
    try:
        write_atomically(path, b"x" * 99)
    except StoreError as error:
        assert kind == "full", error  # noqa: PT017
    assert stat.S_ISCHR(path.lstat().st_mode)
    assert names(tmp_path) == [kind]


@pytest.mark.parametrize("kind", ["fifo", "folder", "link"])
def test_a_lock_that_is_no_file_is_an_error_at_once(kind, tmp_path):
    path = tmp_path / ".lock"
    {"fifo": lambda: os.mkfifo(path), "folder": path.mkdir,
     "link": lambda: path.symlink_to(tmp_path / "x")}[kind]()  # fmt: skip
    with pytest.raises(StoreError, match="cannot open the run folder"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="cannot open the run folder"):
        Shards(tmp_path)
