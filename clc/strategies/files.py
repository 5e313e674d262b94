"""User-defined strategies: TOML files with the fields of ``Strategy``.

::

    name = "two-views"
    summary = "the question's language and English, until they agree"
    paths = 12
    temperature = 0.7
    voting = "majority"

    [[arms]]
    language = "question"
    question = "original"

    [[arms]]
    language = "en"

    [stopping]
    rule = "beta"
    threshold = 0.9
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.errors import InputError, StrategyError
from clc.input_files import parse_toml, read_regular
from clc.strategies.catalogue import STRATEGIES, get_strategy
from clc.strategies.strategy import Arm, Planner, Strategy
from clc.voting.stopping import Stopping

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["load_strategy", "open_strategy", "strategy_toml"]

_TYPES = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "str": (str,),
    "tuple[str, ...]": (list,),
}
_MOST_SHOWN = 60


def open_strategy(name: str) -> Strategy:
    """Return the strategy called ``name``, or the one in the TOML file of that name.

    Raises:
        StrategyError: there is neither, or the file is invalid.
    """
    if name in STRATEGIES or not name.endswith(".toml"):
        return get_strategy(name)
    return load_strategy(name)


def load_strategy(path: str | Path) -> Strategy:
    """Read a strategy from a TOML file; there ``paths`` and ``temperature`` have defaults.

    Raises:
        StrategyError: the file cannot be read, or its fields are invalid.
    """
    data = read_regular(Path(path), StrategyError)
    if data is None:
        raise StrategyError(f"{path}: cannot read the strategy: no such file")
    values = parse_toml(data, path, StrategyError)
    arms = values.get("arms")
    if not isinstance(arms, list) or not all(isinstance(arm, dict) for arm in arms):
        raise StrategyError(f"{path}: a strategy has its arms in [[arms]]; found {_show(arms)}")
    defaults = {"name": Path(path).stem, "paths": 11, "temperature": 0.7}
    built: dict[str, Any] = {
        "arms": tuple(_make_arm(Path(path), number, arm) for number, arm in enumerate(arms, 1))
    }
    for name, kind in (("stopping", Stopping), ("planner", Planner)):
        if name in values:
            if not isinstance(values[name], dict):
                raise StrategyError(f"{path}: write {name} as a table [{name}]")
            built[name] = _make(kind, values[name], f"{path}: [{name}]")
    plain = {name: value for name, value in values.items() if name not in built}
    strategy: Strategy = _make(Strategy, {**defaults, **plain}, str(path), built)
    return strategy


def strategy_toml(strategy: Strategy) -> str:
    """Serialize a strategy as TOML, without the fields at their defaults.

    >>> print(strategy_toml(STRATEGIES["sc"]))
    name = "sc"
    paths = 11
    temperature = 0.7
    summary = "many paths in the question's language, one vote"
    source = "Self-Consistency, arXiv 2203.11171"
    <BLANKLINE>
    [[arms]]
    language = "question"
    question = "original"
    """
    blocks = [_lines(strategy)]
    blocks += [["[[arms]]", *_lines(arm)] for arm in strategy.arms]
    if strategy.stopping != Stopping():
        blocks.append(["[stopping]", *_lines(strategy.stopping)])
    if strategy.planner is not None:
        blocks.append(["[planner]", *_lines(strategy.planner)])
    return "\n\n".join("\n".join(block) for block in blocks)


def _make_arm(path: Path, number: int, values: Mapping[str, Any]) -> Arm:
    """Make an arm; its engine file stands beside the strategy's, or anywhere by a whole path."""
    where = f"{path}: [[arms]] number {number}"
    arm: Arm = _make(Arm, values, where)
    if arm.engine is None:
        return arm
    file = path.parent / arm.engine
    if not file.is_file():
        raise StrategyError(f"{where}: engine {arm.engine!r:.200}: there is no such engine file")
    return replace(arm, engine=str(file))


def _make(
    kind: type, values: Mapping[str, Any], where: str, built: Mapping[str, Any] | None = None
) -> Any:
    """Build a record from plain values, after a check of their types."""
    built = built or {}
    types = {field.name: str(field.type).removesuffix(" | None") for field in fields(kind)}
    types |= dict.fromkeys(types.keys() & {"question", "voting", "rule"}, "str")
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name not in types or types[name] not in _TYPES:
            known = ", ".join(field.name for field in fields(kind))
            raise StrategyError(f"{where}: unknown field {name!r}; there are: {known}")
        wanted = _TYPES[types[name]]
        wrong = not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)
        if wrong or (list in wanted and not all(isinstance(item, str) for item in value)):
            raise StrategyError(f"{where}: {name} is {_show(value)}; it must be {types[name]}")
        # 1 and 1.0 are one setting and must have one key.
        plain = _as_float(value) if float in wanted else value
        checked[name] = tuple(value) if list in wanted else plain
    missing = [
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.name not in {*checked, *built}
    ]
    if missing:
        raise StrategyError(f"{where}: {', '.join(missing)} is missing")
    try:
        return kind(**checked, **built)
    except InputError as error:
        raise StrategyError(f"{where}: {error}") from error


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer of 309 digits: out of all bounds
        return math.inf


def _lines(record: Any) -> list[str]:
    defaults = {field.name: field.default for field in fields(record)}
    if isinstance(record, Stopping):
        defaults["correlation"] = Stopping(record.rule).correlation
    return [
        f"{name} = {_toml(value)}"
        for name, value in asdict(record).items()
        if name not in {"arms", "stopping", "planner"} and value != defaults[name]
    ]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # JSON's escapes are valid TOML
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)


def _show(value: object) -> str:
    try:
        return repr(value)[:_MOST_SHOWN]
    except (RecursionError, ValueError):  # too deep, or too many digits to be written
        return f"a {type(value).__name__}"
