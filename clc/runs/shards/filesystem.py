"""Files of a run folder, wherever it is: local, or what pyarrow knows by a URI."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO, TYPE_CHECKING, Any

from clc.errors import ConfigurationError, StoreError
from clc.input_files import is_text
from clc.runs.files import SHARDS, writing
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Files", "has_shards"]


class Files:
    """A folder, and what clc does with files in it.

    Args:
        folder: a local folder, or a URI.

    Attributes:
        local: the folder's path, None where it is elsewhere.

    Raises:
        ConfigurationError: pyarrow is not installed, or knows no such place.
    """

    def __init__(self, folder: str) -> None:
        if not is_text(folder):
            raise ConfigurationError(f"{folder!r}: shards need a name in UTF-8; choose another")
        self._folder = folder
        self._system, self._base = _filesystem(folder)
        self.local = None if _remote(folder) else Path(self._base)

    def make(self, name: str) -> None:
        """Make a folder within, and those above it."""
        with self._reported("write to it"):
            self._system.create_dir(self._path(name), recursive=True)

    def is_there(self, name: str) -> bool:
        """Whether there is a file or folder of that name."""
        from pyarrow.fs import FileType

        with self._reported("look into it"):
            return bool(self._system.get_file_info(self._path(name)).type != FileType.NotFound)

    def names(self, folder: str, extension: str) -> list[str]:
        """Names of the files in a folder within, sorted; those that are being written apart."""
        from pyarrow.fs import FileSelector

        with self._reported(f"list {folder}"):
            found = self._system.get_file_info(
                FileSelector(self._path(folder), allow_not_found=True)
            )
            try:
                names = [file.base_name for file in found if file.extension == extension]
            except UnicodeDecodeError as error:
                raise StoreError(
                    f"{self._folder}/{folder}: {error.object!r:.80} is not the name of a shard of "
                    "clc; move it away"
                ) from error
        names = sorted(name for name in names if not name.startswith("."))
        for name in names:
            self._check_no_link(f"{folder}/{name}")
        return names

    def _check_no_link(self, name: str) -> None:
        """Check that a local file is no link: somebody else may have made the folder.

        Raises:
            StoreError: it is one.
        """
        if self.local is not None and (self.local / name).is_symlink():
            raise StoreError(
                f"{self._folder}/{name}: cannot be read: it is a link; put the file itself there"
            )

    def remove(self, name: str) -> None:
        """Remove a file."""
        with self._reported(f"remove {name}"):
            self._system.delete_file(self._path(name))

    def read(self, name: str) -> bytes:
        """Read a whole file."""
        self._check_no_link(name)
        with (
            self._reported(f"read {name}"),
            self._system.open_input_stream(self._path(name)) as file,
        ):
            return bytes(file.read())

    def read_table(self, name: str, columns: Sequence[str] | None, matching: Any) -> Any:
        """Read columns (all by default) of a Parquet file's rows that an expression is true of.

        Columns that the file lacks are left out.
        """
        import pyarrow as pa
        from pyarrow import parquet

        try:
            if columns is not None and matching is None:
                with parquet.ParquetFile(
                    self._path(name), filesystem=self._system, page_checksum_verification=True
                ) as file:
                    there = [column for column in columns if column in file.schema_arrow.names]
                    return file.read(there, use_threads=False)
            return parquet.read_table(
                self._path(name),
                columns=columns,
                filters=matching,
                filesystem=self._system,
                partitioning=None,
                use_threads=False,  # shards are small, and several are read at once
                page_checksum_verification=True,
            )
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self.damage(name, (str(error) or "not Parquet").splitlines()[0]) from error

    def damage(self, name: str, reason: str) -> StoreError:
        """Make the error for a shard that cannot be read."""
        return StoreError(
            f"{self._folder}/{name}: cannot be read: {reason:.200}; delete it, and the same "
            "command solves its problems again"
        )

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Write a file: it is there, whole, when the block ends without an error."""
        if self.local is not None:
            with writing(self.local / name) as sink:
                yield sink
            return
        before, slash, stem = name.rpartition("/")
        part = self._path(f"{before}{slash}.{stem}.{token_hex(4)}.part")
        with self._reported(f"write {name}"):
            try:
                with self._system.open_output_stream(part) as sink:
                    yield sink
                self._system.move(part, self._path(name))
            except BaseException:
                with suppress(OSError):
                    self._system.delete_file(part)
                raise

    def _path(self, name: str) -> str:
        return f"{self._base}/{name}"

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self._folder}: cannot {what}: {error}") from error


def has_shards(folder: str | Path) -> bool:
    """Whether a folder holds a run of shards."""
    if not _remote(str(folder)):
        return (Path(folder) / SHARDS).is_dir()
    from pyarrow.fs import FileType

    files, base = _filesystem(str(folder))
    return bool(files.get_file_info(f"{base}/{SHARDS}").type == FileType.Directory)


def _remote(folder: str) -> bool:
    return "://" in folder


def _filesystem(folder: str) -> tuple[Any, str]:
    """Where a folder is, and its path there."""
    try:
        import pyarrow as pa
        from pyarrow.fs import FileSystem, LocalFileSystem
    except ImportError as error:
        raise ConfigurationError(
            f"{folder}: shards need pyarrow; install it with: {install_hint('parquet')}"
        ) from error
    if not _remote(folder):
        return LocalFileSystem(), str(Path(folder).absolute())
    try:
        files, base = FileSystem.from_uri(folder)
    except (OSError, pa.ArrowException) as error:
        raise ConfigurationError(f"{folder}: no place that pyarrow can reach: {error}") from error
    return files, base.rstrip("/")
