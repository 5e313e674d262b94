"""Folders of prompt files: the bundled one, and a user's, which has priority."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.errors import TemplateError
from clc.input_files import parse_toml, read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Layer", "bundled_prompts", "prompt_folder", "read_compiled", "read_layers"]


class Layer(NamedTuple):
    """A TOML file of one folder, with its top-level tables."""

    path: Path
    tables: dict[str, Any]


def bundled_prompts() -> Path:
    """Return the folder of bundled templates: in the wheel, or at the top of the source tree."""
    inside = Path(__file__).parent / "prompts" / "bundled"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "prompts"


def prompt_folder(folder: str | Path) -> Path:
    """Return a user's folder of prompt files.

    Raises:
        TemplateError: it is no folder.
    """
    chosen = Path(folder)
    if not chosen.is_dir():
        raise TemplateError(f"{chosen}: no such folder of prompt templates")
    return chosen


def read_layers(folders: Sequence[Path], name: str) -> list[Layer]:
    """Read the TOML file ``name`` of each folder that has it, in the order of ``folders``.

    Raises:
        TemplateError: something of that name is no regular file, cannot be read or is not TOML.
    """
    layers = []
    for folder in folders:
        path = folder / name
        if (data := read_regular(path, TemplateError)) is not None:
            layers.append(Layer(path, parse_toml(data, path, TemplateError)))
    return layers


def read_compiled(name: str, paths: Sequence[Path], read: Callable[[], Any]) -> Any:
    """Return what ``read`` makes of bundled files, from its compiled form where that is no older.

    Parsing the languages' TOML takes 60 ms of a start, the compiled form 2 ms. As Python does with
    modules, it is kept beside the files where they may be written to.

    Args:
        name: of the compiled form.
        paths: the files.
        read: its result goes through JSON.
    """
    compiled = bundled_prompts() / "__pycache__" / f"{name}.json"
    stats = [path.stat() for path in paths]
    stamp = [
        [path.name, stat.st_mtime_ns, stat.st_size] for path, stat in zip(paths, stats, strict=True)
    ]
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = orjson.loads(compiled.read_bytes())
        if kept["stamp"] == stamp:
            return kept["content"]
    content = read()
    if not sys.dont_write_bytecode:
        with suppress(OSError):
            _replace(compiled, orjson.dumps({"stamp": stamp, "content": content}))
    return content


def _replace(path: Path, content: bytes) -> None:
    """Write a file at once, so that another process reads all of it or the one before."""
    path.parent.mkdir(exist_ok=True)
    own = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        own.write_bytes(content)
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)
