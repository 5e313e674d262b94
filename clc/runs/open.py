"""Run folders opened for reading, in whatever way they are kept."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clc.errors import ConfigurationError
from clc.input_files import printable_path
from clc.runs.manifest import compared_labels, missing_manifest
from clc.runs.shards import Shards, has_shards
from clc.runs.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.runs.protocol import RunFolder

__all__ = ["is_run", "open_run", "open_runs"]


def is_run(folder: str | Path) -> bool:
    """Whether a folder, or a URI, is one of a run, in whatever way it is kept."""
    return (Path(folder) / "run.sqlite").is_file() or has_shards(folder)


def open_run(folder: str | Path) -> RunFolder:
    """Open a run folder for reading: a local one, or a URI of one with shards.

    Raises:
        ConfigurationError: it is not a run folder, or holds several runs.
    """
    if has_shards(folder):
        shards = Shards(folder, read_only=True)
        shards.check_manifest()
        return shards
    _check_folder(folder)
    if labels := compared_labels(Path(folder)):
        raise ConfigurationError(
            f"{folder}: holds a comparison of {', '.join(labels)}, not one run; the clc compare "
            "that made it shows it again"
        )
    return Store(folder, read_only=True)


@contextmanager
def open_runs(folder: str | Path) -> Iterator[dict[str, RunFolder]]:
    """Open a run folder, or one of several strategies that ``clc compare`` made, for reading.

    Gives the runs by name: that of the folder, or those of the strategies.

    Raises:
        ConfigurationError: it is not a run folder.
    """
    if has_shards(folder):
        with Shards(folder, read_only=True) as shards:
            shards.check_manifest()
            name = str(folder) if "://" in str(folder) else str(Path(folder).resolve())
            yield {printable_path(name.rstrip("/").rpartition("/")[2]): shards}
        return
    _check_folder(folder)
    labels = compared_labels(Path(folder))
    with Store(folder, read_only=True) as store:
        if lost := store.sampled_labels() - {*labels} if labels else None:
            raise missing_manifest(f"{folder}: strategy {min(lost)!r}")
        if labels:
            yield {label: store.labelled(label) for label in labels}
        else:
            yield {printable_path(Path(folder).resolve().name): store}


def _check_folder(folder: str | Path) -> None:
    if not (Path(folder) / "run.sqlite").is_file():
        raise ConfigurationError(
            f"{folder}: not a run folder (it has no run.sqlite); name the --out of clc solve"
        )
