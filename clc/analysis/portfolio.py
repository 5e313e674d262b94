"""A portfolio: the languages to sample paths in, their order, and the evidence for it.

``clc.analysis.portfolio_search`` learns one from a run whose answers are known; this module has the
record and the JSON file in which it is stored.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from clc.analysis.calibration_file import read_calibration
from clc.analysis.intervals import Difference, Rate
from clc.analysis.json_nodes import JsonNode
from clc.analysis.shape_prior import prior_json
from clc.errors import ConfigurationError
from clc.runs.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.analysis.prior_search import ShapePrior

__all__ = ["Equal", "Portfolio", "PortfolioStep", "Route", "Routes", "portfolio_json",
           "read_portfolio", "write_portfolio"]  # fmt: skip

Equal = Literal["paths", "tokens"]

_FORMAT = "clc-portfolio/1"
_UNITS = ("", "tokens", "characters")
_MOST_ITEMS = 100_000  # a gain that would need more items is not reported


@dataclass(frozen=True, slots=True)
class PortfolioStep:
    """Accuracy on held-out items with ``paths`` paths a problem (shares from 0 to 1).

    ``difference`` is the learned portfolio's less the plain majority's. Sizes are means of a
    problem's paths; 0 where they are not known.
    """

    paths: int
    learned: float
    plain: float
    difference: Difference
    learned_size: float = 0.0
    plain_size: float = 0.0


@dataclass(frozen=True, slots=True)
class Route:
    """The sequence for questions in one language, and its evidence on held-out items.

    ``learned`` and ``plain`` are accuracies with the route and with what is used without it;
    ``difference`` is the first less the second.
    """

    sequence: tuple[str, ...]
    learned: float
    plain: float
    difference: Difference
    problems: int


@dataclass(frozen=True, slots=True)
class Routes:
    """Routes by question language.

    They are ``supported``, all together, when the 95 % interval of the paired ``difference`` over
    all problems lies above 0: one test, whatever the number of languages.
    """

    by_language: Mapping[str, Route]
    supported: bool
    difference: Difference

    @property
    def advice(self) -> str:
        """Recommendation with its reason, in words."""
        gain = self.difference
        evidence = (
            f"{100 * gain.value:+.1f} points on one order for all "
            f"(95 % interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
        )
        if self.supported:
            return f"Use a route for each question language: {evidence}."
        return f"Use one order for all question languages: routes are not supported, {evidence}."


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A sampling order of languages and the evidence for it.

    ``sequence`` is the order to use: its first k languages are the portfolio for k paths, earlier
    ones win ties. It is ``learned``, the greedy order over all items, if held-out items
    ``supported`` it, otherwise equal shares in the run's order. ``accuracy`` is that of single
    paths by language, in the run's order, and ``correlation`` that of the errors of two paths by
    their languages (-1 to 1; None if there is nothing to compare). ``steps`` compare on held-out
    items; the last one, at the whole budget, decides. ``sizes`` are the mean tokens (or characters:
    ``unit``) of a path by language; the comparison was at ``equal`` paths or tokens. ``routes`` are
    the sequences by question language, None where there is one.
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
    sizes: Mapping[str, float] = field(default_factory=dict)
    unit: str = ""
    equal: Equal = "paths"
    routes: Routes | None = None

    @property
    def route_sequences(self) -> dict[str, tuple[str, ...]]:
        """Sequences by question language, where held-out items support them."""
        if self.routes is None or not self.routes.supported:
            return {}
        return {code: route.sequence for code, route in self.routes.by_language.items()}

    @property
    def shares(self) -> dict[str, int]:
        """Paths by language, in sampling order."""
        return dict(Counter(self.sequence))

    @property
    def advice(self) -> str:
        """Recommendation with its reason, in words."""
        gain = self.steps[-1].difference
        alike = "" if self.equal == "paths" else f" of as many {self.unit}"
        evidence = (
            f"On held-out items the learned portfolio gains {100 * gain.value:+.1f} points on "
            f"equal shares{alike} (95 % interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f}; "
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


def portfolio_json(portfolio: Portfolio, prior: ShapePrior | None = None) -> bytes:
    """Serialize a portfolio as indented JSON, with its advice for human readers.

    ``prior`` is there for ``clc.analysis.shape_prior.read_prior``.
    """
    import orjson

    data = {"format": _FORMAT, "advice": portfolio.advice} | asdict(portfolio)
    if prior is not None:
        data["prior"] = prior_json(prior.shapes, prior.paths) | {
            "supported": prior.supported,
            "difference": asdict(prior.difference),
        }
    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_portfolio(
    path: str | Path, portfolio: Portfolio, prior: ShapePrior | None = None
) -> None:
    """Write a portfolio to a file, atomically.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        with replacing(Path(path)) as file:
            file.write(portfolio_json(portfolio, prior))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from error


def read_portfolio(path: str | Path) -> Portfolio:
    """Read a portfolio that ``write_portfolio`` wrote.

    Raises:
        ConfigurationError: the file cannot be read, is no portfolio, or a field is invalid.
    """
    data = read_calibration(path)
    version = data.get("format") if isinstance(data, dict) else None
    if version != _FORMAT:
        raise ConfigurationError(
            f"{path}: 'format' is {version!r:.40}, not {_FORMAT!r}; name the --out of clc calibrate"
        )
    root = JsonNode(str(path), "", data)
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
        sizes=_sizes(root.get("sizes")),
        unit="" if (unit := root.get("unit")) is None else unit.text(*_UNITS),
        equal=cast("Equal", equal.text(*get_args(Equal)))
        if (equal := root.get("equal"))
        else "paths",
        routes=None if (routes := root.get("routes")) is None else _routes(routes),
    )


def _sizes(node: JsonNode | None) -> dict[str, float]:
    if node is None or not node.value:
        return {}
    return {code: one.size() for code, one in node.members()}


def _equal(node: JsonNode | None) -> Equal:
    return "paths" if node is None else cast("Equal", node.text(*get_args(Equal)))


def _rate(node: JsonNode) -> Rate:
    value, low, high = (node[name].number() for name in ("value", "low", "high"))
    right, total, items = (node[name].whole() for name in ("right", "total", "items"))
    return Rate(value, low, high, right, total, items)


def _step(node: JsonNode) -> PortfolioStep:
    sizes = (node.get("learned_size"), node.get("plain_size"))
    return PortfolioStep(
        node["paths"].whole(),
        node["learned"].number(),
        node["plain"].number(),
        _difference(node),
        *(0.0 if size is None else size.size() for size in sizes),
    )


def _difference(node: JsonNode) -> Difference:
    return Difference(*(node["difference"][name].number() for name in ("value", "low", "high")))


def _routes(node: JsonNode) -> Routes:
    return Routes(
        by_language={code: _route(one) for code, one in node["by_language"].members()},
        supported=node["supported"].truth(),
        difference=_difference(node),
    )


def _route(node: JsonNode) -> Route:
    return Route(
        sequence=tuple(one.language() for one in node["sequence"].elements()),
        learned=node["learned"].number(),
        plain=node["plain"].number(),
        difference=_difference(node),
        problems=node["problems"].whole(),
    )
