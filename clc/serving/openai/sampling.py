"""Sampling parameters as fields of a request, made from the fields of ``clc.records.Sampling``."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, create_model

from clc.records import Sampling

__all__ = ["NewTokens", "SamplingFields", "StrictModel"]

_MOST_STOPS = 16


class StrictModel(BaseModel):
    """An object without other fields and without values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_Stop = (
    Annotated[str, Field(min_length=1)]
    | Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=_MOST_STOPS)]
)
_DECLARED = {declared.name: declared for declared in fields(Sampling)}


def _field_type(name: str) -> Any:
    """Return the type of a parameter's values, with its bounds."""
    declared = _DECLARED[name]
    if isinstance(declared.default, tuple):
        return _Stop
    return Annotated[type(declared.default), Field(**declared.metadata["bounds"])]


if TYPE_CHECKING:  # a type checker cannot follow what is made of the fields
    NewTokens: TypeAlias = int
    SamplingFields = StrictModel
else:
    NewTokens = _field_type("max_tokens")  # each API has a name of its own for it
    SamplingFields = create_model(
        "SamplingFields",
        __base__=StrictModel,
        **{name: (_field_type(name) | None, None) for name in _DECLARED if name != "max_tokens"},
    )
