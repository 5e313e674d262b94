"""Folders of prompt files: the bundled one, and a user's, which has priority."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.errors import TemplateError
from clc.input_files import parse_toml, read_regular

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Layer", "bundled_prompts", "prompt_folder", "read_layers"]


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
