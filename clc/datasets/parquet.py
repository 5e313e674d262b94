"""Parquet files of problems, through pyarrow (the extra ``parquet``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.datasets.rows import SourceRow
from clc.datasets.source import Place, RawSource, read_whole
from clc.errors import ConfigurationError
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["parquet_rows"]

_BATCH = 1024


def parquet_rows(source: RawSource) -> Iterator[SourceRow]:
    """Read a Parquet file batch by batch.

    Raises:
        ConfigurationError: pyarrow is not installed.
        DatasetError: it is not a Parquet file.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigurationError(
            f"{source.name}: Parquet needs pyarrow; install it with: {install_hint('parquet')}"
        ) from error
    return _rows(source, parquet.ParquetFile, (pa.ArrowException, OSError, ValueError))


def _rows(
    source: RawSource, reader: type, broken: tuple[type[Exception], ...]
) -> Iterator[SourceRow]:
    try:
        with reader(source.path or read_whole(source)) as file:
            index = 0
            for batch in file.iter_batches(batch_size=_BATCH):
                for fields in batch.to_pylist():
                    yield SourceRow(Place(source.name, row=index + 1), index, fields)
                    index += 1
    except broken as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Place(source.name).error(f"not a readable Parquet file: {reason}") from error
