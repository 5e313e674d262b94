"""The options of sampling parameters, one for each field of ``Sampling``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

import click

from clc import bounds
from clc.cli.options import NumberType, OptionGroup
from clc.records import Sampling

__all__ = ["SamplingOptions", "sampled"]

_F = TypeVar("_F", bound=Callable[..., Any])


def _sampling_option(name: str) -> Callable[[_F], _F]:
    """Make the option for a field of ``Sampling``, with its type, default and description."""
    parameter = next(parameter for parameter in fields(Sampling) if parameter.name == name)
    text: str = parameter.metadata["help"]
    default: Any = parameter.default
    flag = f"--{name.replace('_', '-')}"
    if isinstance(default, tuple):
        text = f"{text} May be repeated."
        return click.option(
            flag, type=str, default=default, help=text, multiple=True, metavar="TEXT"
        )
    kind = NumberType(bounds.NumberBounds(isinstance(default, int), parameter.metadata["bounds"]))
    if name == "temperature":
        text = f"{text}  [default: the strategy's]"
    else:
        text = f"{text}  [default: {default:g}]"
    return click.option(flag, type=kind, default=None, help=text)


def sampled() -> Any:
    """Declare a field of a group as the option of the sampling parameter of that name."""
    return field(metadata={"option": _sampling_option})


@dataclass(frozen=True)
class SamplingOptions(OptionGroup):
    """Values of all sampling parameters by name; None for an option that is not given."""

    given: Mapping[str, Any]

    @classmethod
    def decorators(cls) -> list[Callable[[_F], _F]]:
        """Return a click decorator for each parameter."""
        return [_sampling_option(parameter.name) for parameter in fields(Sampling)]

    @classmethod
    def take(cls, values: dict[str, Any]) -> Self:
        """Make the group of click's values and remove those it takes."""
        return cls({parameter.name: values.pop(parameter.name) for parameter in fields(Sampling)})
