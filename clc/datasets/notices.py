"""Notices about fields that are kept and ignored, one for each field of a file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CollectedNotices", "Notices"]

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

    def repeat(self, calls: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Warn of what ``CollectedNotices`` has in ``calls``."""
        for name, arguments in calls:
            getattr(self, name)(*arguments)


class CollectedNotices(Notices):
    """Notices that another process gives: the names and arguments of the calls of ``Notices``."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def ignored(self, source: str, line: int | None, field: str, value: object, ours: str) -> None:
        """Keep the first notice of a field."""
        if (source, field) not in self._warned:
            self._warned.add((source, field))
            self.calls.append(("ignored", (source, line, field, value, ours)))

    def left_out(self, source: str, line: int, field: str) -> None:
        """Keep a notice of a row that is left out."""
        self.calls.append(("left_out", (source, line, field)))
