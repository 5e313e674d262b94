"""Show the examples of docstrings as Python code in the reference."""  # noqa: INP001

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

__all__ = ["Doctests"]

_EXAMPLE = re.compile(r"^>>> .*(?:\n(?!$).*)*", re.MULTILINE)
_DIRECTIVE = re.compile(r"  # doctest: .*$", re.MULTILINE)


class Doctests(Extension):
    """Fences each example: Markdown takes ``>>>`` for quotations in quotations."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(_fenced, obj.docstring.value)


def _fenced(example: re.Match[str]) -> str:
    return f"```pycon\n{_DIRECTIVE.sub('', example[0])}\n```"
