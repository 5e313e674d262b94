"""Options that several commands share, in typed groups.

A group is a dataclass whose fields are declared by ``option``. ``grouped`` adds its options to a
command, which gets an instance of the group as one argument.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cached_property, wraps
from math import prod
from typing import TYPE_CHECKING, Any, Self, TypeVar

import click

from clc import bounds
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from clc.answers.reading_files import ReadingFiles
    from clc.engines.base import Engine
    from clc.engines.engine_file import EngineSpec
    from clc.thoughts import Marks

__all__ = [
    "PARALLEL",
    "EngineOptions",
    "NumberType",
    "OptionGroup",
    "grouped",
    "nested",
    "option",
    "reading_option",
    "split_codes",
    "workers_option",
]  # fmt: skip

_F = TypeVar("_F", bound=Callable[..., Any])
_THINKING = click.Choice(["auto", "on", "off"])
PARALLEL = ("tensor_parallel_size", "pipeline_parallel_size")


if TYPE_CHECKING:
    _NumberParameter = click.ParamType[float]
else:
    _NumberParameter = click.ParamType  # before 8.5 it takes no type


class NumberType(_NumberParameter):
    """An option's number within the bounds of ``clc.bounds``."""

    def __init__(self, number: bounds.NumberBounds) -> None:
        self.number = number
        self.name = "integer" if number.whole else "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number that an option's text is, or fail with what it must be."""
        if isinstance(value, str):
            with suppress(ValueError):  # of the check, then
                value = int(value) if self.number.whole else float(value)
        try:
            return self.number.check("it", value)
        except ConfigurationError as error:
            self.fail(f"{error}.", param, ctx)


def option(*names: str, **settings: Any) -> Any:
    """Declare a field of a group as a click option; arguments are those of ``click.option``."""
    return field(metadata={"option": lambda name: click.option(*names, name, **settings)})


def nested(group: type[OptionGroup]) -> Any:
    """Declare a field of a group as another group, whose options stand in its place."""
    return field(metadata={"group": group})


@dataclass(frozen=True)
class OptionGroup:
    """The values of options that belong together."""

    @classmethod
    def decorators(cls) -> list[Callable[[_F], _F]]:
        """Return a click decorator for each option, in the order of the help."""
        decorators: list[Callable[[_F], _F]] = []
        for declared in fields(cls):
            if (group := declared.metadata.get("group")) is not None:
                decorators += group.decorators()
            else:
                decorators.append(declared.metadata["option"](declared.name))
        return decorators

    @classmethod
    def take(cls, values: dict[str, Any]) -> Self:
        """Make the group of click's values and remove those it takes."""
        taken = {}
        for declared in fields(cls):
            name, group = declared.name, declared.metadata.get("group")
            taken[name] = values.pop(name) if group is None else group.take(values)
        return cls(**taken)


def grouped(name: str, group: type[OptionGroup]) -> Callable[[_F], _F]:
    """Add the options of a group to a command, which takes the group as its argument ``name``."""

    def decorate(function: _F) -> _F:
        @wraps(function)
        def command(*arguments: Any, **values: Any) -> Any:
            return function(*arguments, **{name: group.take(values)}, **values)

        decorated: Any = command
        for decorator in reversed(group.decorators()):
            decorated = decorator(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


def split_codes(codes: str | None) -> list[str] | None:
    """Split language codes at commas; None stays None.

    >>> split_codes("en, de"), split_codes(None)
    (['en', 'de'], None)
    """
    return None if codes is None else [code.strip() for code in codes.split(",")]


def _open_reading(_context: object, _parameter: object, folder: str | None) -> ReadingFiles | None:
    """Read what a folder gives to the reading of answers; None without one."""
    from clc.answers.reading_files import read_folder

    return None if folder is None else read_folder(folder)


reading_option = click.option(
    "--prompts",
    "reading",
    metavar="DIR",
    callback=_open_reading,
    help="Folder with words of languages (languages/CODE.toml) and marks of thoughts "
    "(thoughts.toml), before the bundled ones.",
)


workers_option = click.option(
    "--workers",
    type=NumberType(bounds.PROCESSES),
    metavar="N",
    help="Processes that read the answers.  [default: where there are many rows, one a core]",
)


@dataclass(frozen=True)
class EngineOptions(OptionGroup):
    """The options that choose an engine and a translator."""

    engine_file: str | None = option(
        "--engine-file",
        metavar="FILE",
        help="An engine as a TOML file (see clc engines); the other options win.",
    )
    arguments: tuple[str, ...] = option(
        "-E",
        "--engine-arg",
        multiple=True,
        metavar="NAME=VALUE",
        help="An argument of the engine, e.g. gpu_memory_utilization=0.7; may be repeated.",
    )
    model: str | None = option(
        "--model",
        metavar="NAME",
        help="clc-tiny (bundled), a folder, a Hugging Face id, or an endpoint's name.  "
        "[default: clc-tiny]",
    )
    engine: str | None = option(
        "--engine",
        type=click.Choice(["auto", "vllm", "transformers", "openai"]),
        help="Engine that runs the model.  [default: auto]",
    )
    base_urls: tuple[str, ...] = option(
        "--base-url",
        multiple=True,
        metavar="URL",
        help="OpenAI-compatible endpoint, e.g. http://host:8000/v1; may be repeated. The key is "
        "read from OPENAI_API_KEY.",
    )
    window: int | None = option(
        "--window",
        type=NumberType(bounds.WINDOW),
        metavar="N",
        help="Requests in flight.  [default: the engine's]",
    )
    timeout: float | None = option(
        "--timeout",
        type=NumberType(bounds.SECONDS),
        metavar="SECONDS",
        help="Longest silence of an endpoint.  [default: 600]",
    )
    attempts: int | None = option(
        "--attempts",
        type=NumberType(bounds.TRIES),
        metavar="N",
        help="Attempts for one answer of an endpoint.  [default: 6]",
    )
    max_model_len: int | None = option(
        "--max-model-len",
        type=NumberType(bounds.TOKENS),
        metavar="TOKENS",
        help="Longest prompt and path together (vLLM).",
    )
    tensor_parallel_size: int | None = option(
        "--tensor-parallel-size",
        type=NumberType(bounds.PROCESSES),
        metavar="N",
        help="GPUs that share each layer of one model (vLLM).",
    )
    pipeline_parallel_size: int | None = option(
        "--pipeline-parallel-size",
        type=NumberType(bounds.PROCESSES),
        metavar="N",
        help="GPUs that share the layers of one model (vLLM).",
    )
    thinking: str | None = option(
        "--thinking",
        type=_THINKING,
        help="Switch of a thinking model; auto leaves it to the model.  [default: auto]",
    )
    reasoning_effort: str | None = option(
        "--reasoning-effort",
        metavar="LEVEL",
        help="Effort of a thinking model that takes one, e.g. low.",
    )
    thinking_budget: int | None = option(
        "--thinking-budget",
        type=NumberType(bounds.TOKENS),
        metavar="TOKENS",
        help="Tokens after which a thought is closed and the answer sampled.",
    )
    template_kwargs: tuple[str, ...] = option(
        "--chat-template-kwarg",
        multiple=True,
        metavar="NAME=VALUE",
        help="A variable of the model's chat template, its value in JSON; may be repeated.",
    )
    translator_thinking: str | None = option(
        "--translator-thinking",
        type=_THINKING,
        help="The same switch for translations.  [default: off where the chat template, as far as "
        "it is known, has a switch]",
    )
    translator: str | None = option(
        "--translator", metavar="MODEL", help="Another model for translations."
    )
    translator_urls: tuple[str, ...] = option(
        "--translator-base-url", multiple=True, metavar="URL",
        help="Endpoint of the translator. Its key is read from CLC_TRANSLATOR_API_KEY, or for a "
        "host of --base-url from OPENAI_API_KEY.")  # fmt: skip

    verbose: bool = option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Show what the engine itself prints, and the stages of loading.",
    )

    @cached_property
    def spec(self) -> EngineSpec:
        """The engine that the file and the options describe; the options win.

        Raises:
            ConfigurationError: a key, value or option is wrong, or options contradict each other.
        """
        from clc.cli.engine_spec import make_spec
        from clc.engines.environment import show_engine_logs

        if self.verbose:
            show_engine_logs()
        return make_spec(self)

    @property
    def gpus(self) -> int:
        """Number of GPUs that one model is spread over."""
        return prod(int(self.spec.args.get(name, 1)) for name in PARALLEL)

    def open(self, marks: Marks | None = None) -> tuple[Engine, Engine | None]:
        """Make the engine, and the translator if there is one."""
        return self.spec.open_both(marks)
