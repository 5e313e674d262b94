"""The set and the language in the name of a file and of its folders."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from clc.datasets.levels import LEVEL_WEIGHTS
from clc.errors import LanguageError
from clc.languages.codes import read_language

if TYPE_CHECKING:
    from clc.datasets.source import Place

__all__ = ["WORD_CODES", "SetName", "is_parallel", "read_folder_name", "read_set_name"]

_NAME = re.compile(r"(?P<set>.+)_(?P<language>[A-Za-z]{2,3}(?:-[A-Za-z]{2,4}){0,2})")
_LANGUAGE_SETS = ("mgsm", "mgsm-rev2", "mgsm_rev2", "msvamp")
_SPLIT = re.compile(r"(test|train|dev|validation)(?:-\d+-of-\d+)?")  # with the hub's part
_FOLDERS = frozenset({"mmath"})  # sets whose files are named by their language alone


WORD_CODES = frozenset({"am", "as", "be", "do", "he", "is", "it", "my", "no", "or", "so", "to"})
"""Codes of languages that are English words, too."""
_PARALLEL = ("polymath", "mmath", "mgsm", "msvamp")  # row k of a file is row k of the others


class SetName(NamedTuple):
    """The parts of a name such as ``mgsm_de``: the set, and the language or None."""

    set: str
    language: str | None


def is_parallel(name: str) -> bool:
    """Whether the files of a set have the same problems in the same order, one language each."""
    return name.lower().startswith(_PARALLEL)


def read_set_name(stem: str, place: Place, *, trusted: bool = False) -> SetName:
    """Read the language out of a file's stem.

    Files of MGSM and MSVAMP hold one language each and must name a known one. Of other files only
    the names of ``trusted`` ones (TSV) are read; a last word that is no language is part of the
    set's name.

    Raises:
        DatasetError: an MGSM or MSVAMP file in an unknown language.
    """
    match = _NAME.fullmatch(stem)
    if not match:
        return SetName(stem, None)
    known_set = match["set"].lower().endswith(_LANGUAGE_SETS)
    if not (trusted or known_set):
        return SetName(stem, None)
    try:
        return SetName(match["set"], read_language(match["language"]))
    except LanguageError as error:
        if known_set and len(match["language"]) == len("de"):
            raise place.error(
                f"unknown language {match['language']!r} in the file name; "
                "name the file <set>_<BCP-47 code>, such as mgsm_de.tsv"
            ) from error
        return SetName(stem, None)


def read_folder_name(name: str) -> SetName | None:
    """Read set and language of a file whose folders name them, None for any other file.

    MMATH has files ``mmath/zh.json``, PolyMath ``zh/low.parquet`` and ``low/zh.jsonl``, AfriMGSM
    ``afrimgsm/amh/test.tsv``, Global-MMLU and MMLU-ProX ``sw/test-00000-of-00001.parquet``.

    >>> read_folder_name("data/mmath/zh.json"), read_folder_name("de/top.parquet")
    (SetName(set='mmath', language='zh'), SetName(set='polymath-top', language='de'))
    >>> read_folder_name("afrimgsm/amh/test.tsv"), read_folder_name("data/de.jsonl")
    (SetName(set='afrimgsm', language='am'), None)
    """
    path = PurePath(name)
    stem = path.name.partition(".")[0]
    folder, above = path.parent.name, path.parent.parent.name
    if folder.lower() in _FOLDERS and (code := _code(stem)):
        return SetName(folder.lower(), code)
    if folder in LEVEL_WEIGHTS and (code := _code(stem)):
        return SetName(f"polymath-{folder}", code)
    if stem in LEVEL_WEIGHTS and (code := _code(folder)):
        return SetName(f"polymath-{stem}", code)
    split = _SPLIT.fullmatch(stem)
    if split and (above or path.suffix != ".tsv") and (code := _code(folder)):
        if path.suffix != ".tsv" and folder.lower() in WORD_CODES:
            return None
        return SetName(
            "-".join(filter(None, (above, split[1] * (split[1] != "test")))) or stem, code
        )
    return None


def _code(text: str) -> str | None:
    try:
        return read_language(text) if len(text) in {2, 3} or "_" in text or "-" in text else None
    except LanguageError:
        return None
