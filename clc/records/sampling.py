"""Parameters for sampling a completion."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, TypedDict

import orjson

from clc.bounds import INT32_MAX, bounded, checked_number
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sampling", "SamplingSettings", "sampling_json"]


# Keys hold the fields that came after these only where they are not their defaults, so that the
# keys of paths that are stored stay.
_FIRST_FIELDS = frozenset({"temperature", "top_p", "top_k", "max_tokens", "stop"})


@dataclass(frozen=True, slots=True)
class Sampling:
    """Parameters for sampling a completion: vLLM's, with vLLM's names and meanings.

    This is the one declaration of a parameter. The command line, ``configure`` and the server
    read its default, description (``metadata["help"]``) and bounds (``metadata["bounds"]``, by
    pydantic's names ``ge``, ``gt``, ``le``, ``lt``) from ``dataclasses.fields(Sampling)``. The
    order of the fields and their defaults are part of every prompt's key.

    Raises:
        ConfigurationError: a value is of another type or out of bounds.
    """

    temperature: float = bounded(0.7, "Sampling temperature; 0 is greedy.", ge=0, le=2)
    top_p: float = bounded(
        1.0, "Sample from the likeliest tokens that together have this probability.", gt=0, le=1
    )
    top_k: int = bounded(
        0, "Sample from this many of the likeliest tokens; 0 is no limit.", ge=0, le=INT32_MAX
    )
    max_tokens: int = bounded(1024, "Most new tokens of one path.", ge=1, le=INT32_MAX)
    stop: tuple[str, ...] = bounded((), "Text that ends a path.")
    min_p: float = bounded(
        0.0, "Leave out tokens less probable than this share of the likeliest one.", ge=0, lt=1
    )
    presence_penalty: float = bounded(
        0.0, "Subtracted once from the logit of each token that the path has.", ge=-2, le=2
    )
    frequency_penalty: float = bounded(
        0.0, "Subtracted from a token's logit for each time that the path has it.", ge=-2, le=2
    )
    repetition_penalty: float = bounded(
        1.0, "Divides the logits of tokens in the prompt or the path; 1 is none.", gt=0, le=10
    )

    def __post_init__(self) -> None:
        """Check every value; 1 and 1.0 become one value, because keys hash them."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(setting.default, tuple):
                value = (value,) if isinstance(value, str) else tuple(value)
                if not all(isinstance(text, str) and text for text in value):
                    raise ConfigurationError(
                        f"{setting.name} must be text that is not empty, not {list(value)}"
                    )
            else:
                value = checked_number(setting, value)
            object.__setattr__(self, setting.name, value)


class SamplingSettings(TypedDict, total=False):
    """The fields of ``Sampling`` as keyword arguments; None stands for the default."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | None
    stop: Sequence[str] | None
    min_p: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    repetition_penalty: float | None


@lru_cache(maxsize=64)  # a run has few, and a key for every prompt
def sampling_json(sampling: Sampling) -> orjson.Fragment:
    """Return the fields in their order, which is how orjson writes a dataclass."""
    values = {
        part.name: value
        for part in fields(sampling)
        if (value := getattr(sampling, part.name)) != part.default or part.name in _FIRST_FIELDS
    }
    return orjson.Fragment(orjson.dumps(values))
