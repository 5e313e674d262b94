"""Format numbers for readers: shares with their intervals, counts, durations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clc.analysis.intervals import Rate

__all__ = ["count", "duration", "of", "percent", "with_interval"]

_MINUTE, _HOUR = 60, 3600  # seconds


def percent(share: float) -> str:
    """Format a share.

    >>> percent(0.8333)
    '83.3 %'
    """
    return f"{100 * share:.1f} %"


def with_interval(rate: Rate) -> str:
    """Format a share with its 95 % interval.

    >>> from clc.analysis.intervals import clustered_rate
    >>> with_interval(clustered_rate([1, 1, 1, 0], [1, 1, 1, 1]))
    '75.0 % (30.1 to 95.4)'
    """
    return f"{percent(rate.value)} ({100 * rate.low:.1f} to {100 * rate.high:.1f})"


def count(number: int) -> str:
    """Format a count.

    >>> count(440000)
    '440,000'
    """
    return f"{number:,}"


def of(part: int, whole: int, things: str) -> str:
    """Format a part of a whole with its unit.

    >>> of(10, 12, "problems")
    '10 of 12 problems'
    """
    return f"{part:,} of {whole:,} {things}"


def duration(seconds: float) -> str:
    """Format a duration in suitable units.

    >>> duration(7.09), duration(125), duration(9000)
    ('7.1 s', '2 min 5 s', '2 h 30 min')
    """
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR:,} h {whole % _HOUR // _MINUTE} min"
