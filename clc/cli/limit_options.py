"""Limits on one request: options that ``clc serve`` and ``clc batch`` share."""

from __future__ import annotations

from dataclasses import dataclass

from clc import bounds
from clc.cli.options import NumberType, OptionGroup, option

__all__ = ["LimitOptions"]


@dataclass(frozen=True)
class LimitOptions(OptionGroup):
    """Limits on one request."""

    most_paths: int = option(
        "--most-paths", type=NumberType(bounds.PATHS), default=256, show_default=True,
        metavar="N",
        help="Paths that one request may ask for.")  # fmt: skip
    most_languages: int = option(
        "--most-languages", type=NumberType(bounds.LANGUAGES), default=64, show_default=True,
        metavar="N",
        help="Languages that one request may ask for.")  # fmt: skip
    most_tokens: int = option(
        "--most-tokens", type=NumberType(bounds.TOTAL_TOKENS), default=1 << 19, show_default=True,
        metavar="N",
        help="New tokens that one request may ask for, over all paths.")  # fmt: skip
    most_characters: int = option(
        "--most-characters", type=NumberType(bounds.BYTES), default=1 << 15, show_default=True,
        metavar="N",
        help="Characters of a question; all turns may have eight times as many.")  # fmt: skip
