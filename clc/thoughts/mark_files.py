"""The files of marks: thoughts.toml of the bundled prompts, and of a user's folder."""

from __future__ import annotations

import os
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from clc.bounds import abbreviate
from clc.errors import TemplateError
from clc.prompt_files import Layer, bundled_prompts, prompt_folder, read_compiled, read_layers
from clc.records import content_key
from clc.thoughts.marks import MarkFamily, Marks, Turns

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["load_marks", "own_marks_key"]

FILE = "thoughts.toml"
_LEAST = 2  # characters of a mark


def own_marks_key(marks: Marks) -> str:
    """Return a hash of the marks that are not bundled; '' where all are.

    It is part of an engine's fingerprint, because other marks split off other thoughts.
    """
    bundled = _bundled()
    own = [one for one in marks.families if one not in bundled.families]
    turns = [one for one in marks.turns if one not in bundled.turns]
    return content_key("marks", [own, turns])[:12] if own or turns else ""


def load_marks(folder: str | Path | None = None) -> Marks:
    """Read the marks: those of ``folder``/thoughts.toml, where there is one, before ours.

    Raises:
        TemplateError: there is no such folder; or a file cannot be read, is not TOML, or holds a
            wrong entry.
    """
    if folder is None:
        return _bundled()
    folder = prompt_folder(folder)
    if not os.path.lexists(folder / FILE):
        return _bundled()
    return _marks_of(read_layers([folder, bundled_prompts()], FILE))


@lru_cache(maxsize=1)
def _bundled() -> Marks:
    path = bundled_prompts() / FILE
    tables = read_compiled("thoughts", [path], lambda: read_layers([path.parent], FILE)[0].tables)
    return _marks_of([Layer(path, tables)])


def _marks_of(layers: Iterable[Layer]) -> Marks:
    families: dict[str, MarkFamily] = {}
    turns: list[Turns] = []
    for path, tables in layers:
        named: dict[str, int] = {}
        unknown = sorted(set(tables) - {"marks", "turns"})
        if unknown:
            raise TemplateError(f"{path}: [{unknown[0]}] is none of [[marks]], [[turns]]")
        for number, entry in _entries(path, tables, "marks"):
            family = _family(f"{path}: [[marks]] {number}", entry)
            if (other := named.setdefault(family.name, number)) != number:
                raise TemplateError(
                    f"{path}: [[marks]] {number}: name = {family.name!r} is that of [[marks]] "
                    f"{other}, too; give each a name of its own"
                )
            families.setdefault(family.name, family)
        for number, entry in _entries(path, tables, "turns"):
            where = f"{path}: [[turns]] {number}"
            _known(where, entry, ("other", "reply"))
            turns.append(Turns(_texts(where, entry, "other"), _texts(where, entry, "reply")))
    return Marks(tuple(families.values()), tuple(turns))


def _entries(path: Path, tables: dict[str, Any], name: str) -> Iterable[tuple[int, dict[str, Any]]]:
    entries = tables.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise TemplateError(f"{path}: {name} is no list of tables; write [[{name}]]")
    return enumerate(entries, start=1)


def _family(where: str, entry: dict[str, Any]) -> MarkFamily:
    names = [one.name for one in fields(MarkFamily)]
    _known(where, entry, names)
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise TemplateError(f"{where}: name = {name!r} is no name")
    where = f"{where} ({name})"
    special = entry.get("special", False)
    if not isinstance(special, bool):
        raise TemplateError(f"{where}: special = {abbreviate(special)} is neither true nor false")
    lists = {one: _texts(where, entry, one) for one in names if one not in ("name", "special")}
    if twice := {text.casefold() for text in lists["open"]} & {
        text.casefold() for text in lists["close"]
    }:
        raise TemplateError(f"{where}: {min(twice)!r} is in open and in close")
    for begin, close in (("open", "close"), ("bare_open", "bare_close")):
        if lists[begin] and not (lists["close"] or lists[close]):
            raise TemplateError(f"{where}: {begin} without {close}: no thought would ever end")
    return MarkFamily(name=name, special=special, **lists)


def _known(where: str, entry: dict[str, Any], names: Iterable[str]) -> None:
    unknown = sorted(set(entry) - set(names))
    if unknown:
        raise TemplateError(f"{where}: unknown {unknown[0]!r}; known are {', '.join(names)}")


def _texts(where: str, entry: dict[str, Any], name: str) -> tuple[str, ...]:
    texts = entry.get(name, [])
    if not isinstance(texts, list):
        raise TemplateError(f"{where}: {name} = {texts!r:.60} is no list of texts")
    for text in texts:
        if not isinstance(text, str) or len(text.strip()) < _LEAST:
            raise TemplateError(
                f"{where}: {name} holds {text!r:.60}; a mark has two characters or more"
            )
        if name in ("open", "close", "answer", "end") and (text[0].isalnum() or text[0].isspace()):
            raise TemplateError(
                f"{where}: {name} holds {text!r:.60}, which begins like a word; "
                "give it as bare_open or bare_close"
            )
    return tuple(texts)
