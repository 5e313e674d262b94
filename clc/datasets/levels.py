"""Levels of difficulty, as PolyMath (arXiv 2504.18428) names them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LEVEL_WEIGHTS", "read_level"]

LEVEL_WEIGHTS: Mapping[str, int] = {"low": 1, "medium": 2, "high": 4, "top": 8}
"""Weight of a level in the difficulty-weighted accuracy (PolyMath, section 3.3)."""

_LEVEL = re.compile(r"(?:.*[^a-z])?(low|medium|high|top)(?:[^a-z].*)?")
_SET = "polymath"


def read_level(value: object, name: str = "") -> str | None:
    """Return the level that a row or the name of a PolyMath set gives, None without one.

    >>> read_level("High"), read_level(None, "polymath_de_top"), read_level(3, "top")
    ('high', 'top', None)
    """
    if isinstance(value, str) and value.strip().lower() in LEVEL_WEIGHTS:
        return value.strip().lower()
    lowered = name.lower()
    match = _LEVEL.fullmatch(lowered) if _SET in lowered else None
    return match[1] if match else None
