"""The lines on which the keys of a TOML file stand, for error messages."""

from __future__ import annotations

import re

__all__ = ["find_lines"]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_LONG = ('"""', "'''")


def find_lines(text: str) -> dict[str, int]:
    r"""Return the 1-based lines of tables and keys by dotted names, those of lists with numbers.

    It is lenient: a key that it does not find has the line of its table in the caller's search.

    >>> find_lines('model = "m"\n[args]\ndtype = "auto"\n[[endpoint]]\nurl = "u"')
    {'model': 1, 'args': 2, 'args.dtype': 3, 'endpoint.0': 4, 'endpoint.0.url': 5}
    """
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    inside = ""  # the quotes of a text over several lines
    for number, line in enumerate(text.splitlines(), 1):
        if inside:
            inside = "" if inside in line else inside
            continue
        if header := _HEADER.match(line):
            table = _dotted(header[2], counts)
            if header[1] == "[[":
                index = counts[table] = counts.get(table, -1) + 1
                table = f"{table}.{index}"
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            name = ".".join(part.strip("\"'") for part in _PART.findall(key[1]))
            lines.setdefault(f"{table}.{name}" if table else name, number)
        inside = next((quotes for quotes in _LONG if line.count(quotes) % 2), "")
    return lines


def _dotted(header: str, counts: dict[str, int]) -> str:
    """Return the dotted name of a table, in the last entry of each list that it goes through."""
    name = ""
    for part in _PART.findall(header):
        name = f"{name}.{part.strip(chr(34) + chr(39))}" if name else part.strip("\"'")
        if name in counts and name != header:
            name = f"{name}.{counts[name]}"
    return name
