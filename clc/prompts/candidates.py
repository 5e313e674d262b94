"""Candidate languages for a model's choice, with their families and shares of web text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clc.bounds import abbreviate
from clc.errors import TemplateError
from clc.languages.codes import english_name
from clc.languages.files import prompt_language
from clc.prompt_files import read_layers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["CANDIDATES", "Candidate", "load_candidates"]

CANDIDATES = "candidates.toml"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate language.

    ``share`` is its percentage (0 to 100) of the pages of a large web crawl.
    """

    code: str
    name: str
    family: str
    share: float


def load_candidates(folders: Sequence[Path]) -> tuple[Candidate, ...]:
    """Read the first ``candidates.toml`` of ``folders``; lists are not merged.

    Raises:
        TemplateError: the file is broken or names an unknown language.
    """
    layers = read_layers(folders, CANDIDATES)
    if not layers:
        return ()
    path, tables = layers[0]
    return tuple(_candidate(f"{path}: [{code}]", code, entry) for code, entry in tables.items())


def _candidate(where: str, key: str, entry: Any) -> Candidate:
    if not isinstance(entry, dict) or set(entry) != {"family", "share"}:
        raise TemplateError(f"{where} is {abbreviate(entry)}; write a table with family and share")
    code, family, share = prompt_language(key, where), entry["family"], entry["share"]
    if not isinstance(family, str):
        raise TemplateError(f"{where} family is {abbreviate(family)}; it must be text")
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 100:  # noqa: PLR2004
        raise TemplateError(f"{where} share is {abbreviate(share)}; give percent, 0 to 100")
    return Candidate(code, english_name(code), family, share)
