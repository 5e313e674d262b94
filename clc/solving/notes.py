"""Notes of engines in a run's manifest: how requests differed from what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clc.engines.adjusted import AdjustedEngine
from clc.engines.base import NotingEngine

if TYPE_CHECKING:
    from clc.engines.base import Engine

__all__ = ["engine_notes", "merge_notes"]


def engine_notes(
    engine: Engine, translator: Engine, voters: Mapping[str, Engine] | None = None
) -> dict[str, Any]:
    """Return the notes of the engines of a run, {} for none; ``voters`` by their engine files."""
    own = translator.engine if isinstance(translator, AdjustedEngine) else translator
    named = {"engine": engine} if own is engine else {"engine": engine, "translator": own}
    return {
        name: notes
        for name, one in {**(voters or {}), **named}.items()
        if isinstance(one, NotingEngine) and (notes := one.notes())
    }


def merge_notes(old: Any, new: Any) -> Any:
    """Return notes with those of an earlier call; lists are united, other values are the new ones.

    >>> merge_notes({"a": {"left_out": ["seed"]}}, {"a": {"left_out": ["top_p"]}, "b": 1})
    {'a': {'left_out': ['seed', 'top_p']}, 'b': 1}
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        both = {name: merge_notes(old[name], new[name]) for name in old if name in new}
        return {**old, **new, **both}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *(one for one in new if one not in old)]
    return new
