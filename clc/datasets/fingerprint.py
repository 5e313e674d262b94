"""The part of a run's manifest that identifies its data set, to notice a changed one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.datasets import mgsm
from clc.datasets.field_names import parse_fields
from clc.datasets.hub import source_hub_id
from clc.errors import DatasetError
from clc.input_files import open_once, printable_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["dataset_fingerprint", "dataset_identity", "source_fingerprint"]


def dataset_identity(
    source: str | Path,
    reading: Mapping[str, Any],
    *,
    fingerprint: str | None,
    revision: str | None = None,
) -> dict[str, Any]:
    """Return what a run's manifest has of a data set, as JSON values.

    ``reading`` are the options of ``load_problems``. ``fields`` and ``revision`` are there only
    where they are given or known, so that the manifests of older runs stay equal.
    """
    identity: dict[str, Any] = {
        "source": "-" if source == "-" else printable_path(Path(source).name),
        "fingerprint": fingerprint,
        **{name: reading.get(name) for name in ("language", "format", "kind")},
    }
    if named := parse_fields(reading.get("fields")):
        identity["fields"] = named
    if revision is not None:
        identity["revision"] = revision
    return identity


def _files(given: str | Path) -> list[Path]:
    path = Path(given)
    return list(mgsm.parallel_files(path).values()) if path.is_dir() else [path]


def dataset_fingerprint(source: str | Path, *, parallel: str | Path | None = None) -> str | None:
    """Hash the content of a source; see ``Dataset.fingerprint``.

    Raises:
        DatasetError: a file cannot be read.
    """
    if source == "-" or source_hub_id(source, None) is not None:
        return None
    return source_fingerprint(source, parallel, _file_hash)


def source_fingerprint(
    source: str | Path, parallel: str | Path | None, sha256: Callable[[Path], str]
) -> str:
    """Hash the content of files; ``sha256`` gives the hash of one."""
    paths = [path for one in (source, parallel) if one is not None for path in _files(one)]
    if len(paths) == 1 and not Path(source).is_dir():
        return f"sha256:{sha256(paths[0])}"
    listing = "".join(f"{sha256(path)}  {printable_path(path.name)}\n" for path in paths)
    return f"sha256:{hashlib.sha256(listing.encode()).hexdigest()}"


def _file_hash(path: Path) -> str:
    try:
        with open_once(path) as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
