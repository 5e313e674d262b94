"""Read tables of a TOML file with checks whose errors name file, line and key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.bounds import abbreviate
from clc.engines.arguments import nearest_name
from clc.errors import ConfigurationError
from clc.input_files import printable_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

__all__ = ["TableReader", "join_key"]


class TableReader:
    """Reads the tables of one file.

    Args:
        path: of the file.
        lines: of its keys, by dotted names.
    """

    def __init__(self, path: Path, lines: Mapping[str, int]) -> None:
        self.path = path
        self.lines = lines

    def beside(self, name: str) -> Path:
        """Return a file that the engine file names, relative to its own folder."""
        return (self.path.absolute().parent / Path(name).expanduser()).resolve()

    def check_keys(self, table: str, values: Mapping[str, Any], known: Sequence[str]) -> None:
        """Refuse a key that is not known, with the nearest one that is."""
        names = dict.fromkeys(known)
        for name in values:
            if name not in names:
                near = nearest_name(name, names)
                hint = f"the nearest one is {near!r}" if near else f"there are: {', '.join(names)}"
                self.fail(join_key(table, name), f"unknown key {name!r}: {hint}")

    def table(self, key: str, value: Any) -> Mapping[str, Any]:
        """Return a value that must be a table."""
        if not isinstance(value, dict):
            self.fail(key, f"is {abbreviate(value)}: write it as a table [{key}]")
        table: Mapping[str, Any] = value
        return table

    def texts(self, key: str, values: Any) -> dict[str, str]:
        """Return a table of texts."""
        for name, value in self.table(key, values).items():
            if not isinstance(value, str):
                self.fail(f"{key}.{name}", "give a text in quotes")
        return dict(values)

    def text(self, table: str, values: Mapping[str, Any], name: str) -> str | None:
        """Return a text that is not empty; None where the key is absent."""
        value = values.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            self.fail(join_key(table, name), f"is {abbreviate(value)}: give a text in quotes")
        return value

    def guard(self, key: str, function: Any, *arguments: Any, **more: Any) -> Any:
        """Call a check, and add the place in the file to its error."""
        try:
            return function(*arguments, **more)
        except ConfigurationError as error:
            self.fail(key, str(error))
        except TypeError as error:
            self.fail(key, f"{error}; correct its type")

    def fail(self, key: str, problem: str) -> NoReturn:
        """Raise the ConfigurationError of a key, with its line or that of its table."""
        shown, name = _show_key(key), key
        if f"{key}.0" in self.lines:
            name = f"{key}.0"
        while name and name not in self.lines:
            name = name.rpartition(".")[0]
        line = f":{self.lines[name]}" if name else ""
        raise ConfigurationError(f"{printable_path(self.path)}{line}: {shown}: {problem}") from None


def join_key(table: str, name: str) -> str:
    """Return the dotted name of a key in a table; '' is the file's own."""
    return f"{table}.{name}" if table else name


def _show_key(key: str) -> str:
    """Return a dotted name as TOML shows it, entries of lists counted from 1.

    >>> _show_key("endpoint.0.url")
    'endpoint 1: url'
    """
    return re.sub(r"\.(\d+)(?:\.|$)", lambda it: f" {int(it[1]) + 1}: ", key).rstrip(": ")
