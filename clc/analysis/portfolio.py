"""A portfolio: the languages to sample paths in, their order, and the evidence for it.

``clc.analysis.portfolio_search`` learns one from a run whose answers are known; this module has the
record and the JSON file in which it is stored.
"""

from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.analysis.intervals import Difference, Rate
from clc.bounds import MOST_TOKENS
from clc.errors import ConfigurationError, LanguageError
from clc.input_files import read_regular
from clc.languages import normalize_language
from clc.runs.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Portfolio", "PortfolioStep", "portfolio_json", "read_portfolio", "write_portfolio"]

_FORMAT = "clc-portfolio/1"
_MOST_ITEMS = 100_000  # a gain that would need more items is not reported


@dataclass(frozen=True, slots=True)
class PortfolioStep:
    """Accuracy on held-out items with ``paths`` paths a problem (shares from 0 to 1).

    ``difference`` is the learned portfolio's less the plain majority's.
    """

    paths: int
    learned: float
    plain: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A sampling order of languages and the evidence for it.

    ``sequence`` is the order to use: its first k languages are the portfolio for k paths, earlier
    ones win ties. It is ``learned``, the greedy order over all items, if held-out items
    ``supported`` it, otherwise equal shares in the run's order. ``accuracy`` is that of single
    paths by language, in the run's order, and ``correlation`` that of the errors of two paths by
    their languages (-1 to 1; None if there is nothing to compare). ``steps`` compare on held-out
    items; the last one, at the whole budget, decides.
    """

    sequence: tuple[str, ...]
    supported: bool
    learned: tuple[str, ...]
    accuracy: Mapping[str, Rate]
    correlation: Mapping[str, Mapping[str, float | None]]
    steps: tuple[PortfolioStep, ...]
    problems: int
    items: int
    folds: int
    seed: int

    @property
    def shares(self) -> dict[str, int]:
        """Paths by language, in sampling order."""
        return dict(Counter(self.sequence))

    @property
    def advice(self) -> str:
        """Recommendation with its reason, in words."""
        gain = self.steps[-1].difference
        evidence = (
            f"On held-out items the learned portfolio gains {100 * gain.value:+.1f} points on "
            f"equal shares (95 % interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f}; "
            f"{self.problems:,} problems, {self.items:,} items)."
        )
        if self.supported:
            return f"Use the learned portfolio. {evidence}"
        if gain.high < 0:
            return f"Keep equal shares: the learned order does harm. {evidence}"
        needed = self._items_needed()
        more = f" A true gain of this size would need about {needed:,} items." if needed else ""
        return f"Keep equal shares: the data does not support more. {evidence}{more}"

    def _items_needed(self) -> int | None:
        """Number of items at which the interval, shrinking with its root, would exclude 0."""
        gain = self.steps[-1].difference
        half = (gain.high - gain.low) / 2
        if gain.value <= 0:
            return None
        needed = math.ceil(self.items * (half / gain.value) ** 2 / 100) * 100
        return needed if self.items < needed <= _MOST_ITEMS else None


def portfolio_json(portfolio: Portfolio) -> bytes:
    """Serialize a portfolio as indented JSON, with its advice for human readers."""
    import orjson

    data = {"format": _FORMAT, "advice": portfolio.advice} | asdict(portfolio)
    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_portfolio(path: str | Path, portfolio: Portfolio) -> None:
    """Write a portfolio to a file, atomically.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        with replacing(Path(path)) as file:
            file.write(portfolio_json(portfolio))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error


def read_portfolio(path: str | Path) -> Portfolio:
    """Read a portfolio that ``write_portfolio`` wrote.

    Raises:
        ConfigurationError: the file cannot be read, is no portfolio, or a field is invalid.
    """
    import orjson

    content = read_regular(Path(path), ConfigurationError)
    if content is None:
        raise ConfigurationError(
            f"{path}: cannot be read: no such file; name the --out of clc calibrate"
        )
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(
            f"{path}:{error.lineno}: is not JSON ({error.msg}); name the --out of clc calibrate"
        ) from error
    version = data.get("format") if isinstance(data, dict) else None
    if version != _FORMAT:
        raise ConfigurationError(
            f"{path}: 'format' is {version!r:.40}, not {_FORMAT!r}; name the --out of clc calibrate"
        )
    root = _Node(str(path), "", data)
    return Portfolio(
        sequence=tuple(one.language() for one in root["sequence"].elements()),
        supported=root["supported"].truth(),
        learned=tuple(one.language() for one in root["learned"].elements()),
        accuracy={code: _rate(node) for code, node in root["accuracy"].members()},
        correlation={
            code: {
                other: None if one.value is None else one.number() for other, one in row.members()
            }
            for code, row in root["correlation"].members()
        },
        steps=tuple(_step(node) for node in root["steps"].elements()),
        problems=root["problems"].whole(),
        items=root["items"].whole(),
        folds=root["folds"].whole(),
        seed=root["seed"].seed(),
    )


def _rate(node: _Node) -> Rate:
    value, low, high = (node[name].number() for name in ("value", "low", "high"))
    right, total, items = (node[name].whole() for name in ("right", "total", "items"))
    return Rate(value, low, high, right, total, items)


def _step(node: _Node) -> PortfolioStep:
    value, low, high = (node["difference"][name].number() for name in ("value", "low", "high"))
    return PortfolioStep(
        paths=node["paths"].whole(),
        learned=node["learned"].number(),
        plain=node["plain"].number(),
        difference=Difference(value, low, high),
    )


@dataclass(frozen=True, slots=True)
class _Node:
    """A value of a JSON file with its location, for error messages."""

    file: str
    where: str
    value: Any

    def wrong(self, needed: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.file}: {self.where!r} is {self.value!r:.60}; give {needed}, or run clc "
            "calibrate again"
        )

    def __getitem__(self, name: str) -> _Node:
        where = f"{self.where}.{name}".lstrip(".")
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        if name not in self.value:
            raise ConfigurationError(f"{self.file}: {where!r} is missing; run clc calibrate again")
        return _Node(self.file, where, self.value[name])

    def members(self) -> list[tuple[str, _Node]]:
        if not isinstance(self.value, dict) or not self.value:
            raise self.wrong("an object by language")
        return [(name, self[name]) for name in self.value]

    def elements(self) -> list[_Node]:
        if not isinstance(self.value, list) or not self.value:
            raise self.wrong("a list that is not empty")
        return [
            _Node(self.file, f"{self.where}[{index}]", one) for index, one in enumerate(self.value)
        ]

    def language(self) -> str:
        if isinstance(self.value, str):
            with suppress(LanguageError):
                return normalize_language(self.value)
        raise self.wrong("a BCP-47 code such as 'sw'")

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.wrong("a number")
        if not -1 <= self.value <= 1:
            raise self.wrong("a share, difference or correlation, from -1 to 1")
        return self.value

    def whole(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("a whole number")
        if abs(self.value) > MOST_TOKENS:
            raise self.wrong("a smaller number")
        return self.value

    def seed(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("a whole number")
        return self.value

    def truth(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value
