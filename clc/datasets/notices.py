"""Notices about fields that are kept and ignored, one for each field of a file."""

from __future__ import annotations

import logging

__all__ = ["Notices"]

_log = logging.getLogger("clc.datasets")


class Notices:
    """Warns once of each field of a file whose value has another meaning than ours."""

    def __init__(self) -> None:
        self._warned: set[tuple[str, str]] = set()

    def ignored(self, source: str, line: int | None, field: str, value: object, ours: str) -> None:
        """Warn that a field is kept and ignored; ``ours`` is what it would be here."""
        if (source, field) in self._warned:
            return
        self._warned.add((source, field))
        place = f"{source}:{line}" if line else source
        _log.warning(
            "%s: %r is %.60r, not %s: it is kept and ignored, here and in later rows",
            place, field, value, ours,
        )  # fmt: skip

    def left_out(self, source: str, line: int, field: str) -> None:
        """Warn that a row without an id is left out."""
        _log.warning("%s:%d: %r is null: the row is left out", source, line, field)
