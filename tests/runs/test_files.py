"""A file is replaced whole or not at all, and no file beside it is touched."""

import stat

import pytest

from clc.errors import StoreError
from clc.runs.files import create_beside, locked, replacing, write_atomically, writing


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
