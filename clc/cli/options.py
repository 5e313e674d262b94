"""Options that several commands share, in typed groups.

A group is a dataclass whose fields are declared by ``option``. ``grouped`` adds its options to a
command, which gets an instance of the group as one argument.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import partial, wraps
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import click

from clc import bounds
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.base import Engine
    from clc.engines.chat_options import ChatOptions
    from clc.thoughts import Marks

__all__ = ["EngineOptions", "NumberType", "OptionGroup", "grouped", "marks_option", "option",
           "split_codes"]  # fmt: skip

_F = TypeVar("_F", bound=Callable[..., Any])
_THINKING = click.Choice(["auto", "on", "off"])
_PARALLEL = ("tensor_parallel_size", "pipeline_parallel_size")


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


@dataclass(frozen=True)
class OptionGroup:
    """The values of options that belong together."""

    @classmethod
    def decorators(cls) -> list[Callable[[_F], _F]]:
        """Return a click decorator for each option, in the order of the help."""
        return [
            declared.metadata["option"](declared.name)
            for declared in fields(cls)
            if "option" in declared.metadata
        ]

    @classmethod
    def take(cls, values: dict[str, Any]) -> Self:
        """Make the group of click's values and remove those it takes."""
        return cls(**{declared.name: values.pop(declared.name) for declared in fields(cls)})


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


def _open_marks(_context: object, _parameter: object, folder: str | None) -> Marks | None:
    """Read the marks of a folder; None without one."""
    from clc.thoughts import load_marks

    return None if folder is None else load_marks(folder)


marks_option = click.option(
    "--prompts",
    "marks",
    metavar="DIR",
    callback=_open_marks,
    help="Folder whose thoughts.toml has marks of thoughts, before the bundled ones.",
)


@dataclass(frozen=True)
class EngineOptions(OptionGroup):
    """The options that choose an engine and a translator."""

    model: str = option(
        "--model",
        default="clc-tiny",
        show_default=True,
        metavar="NAME",
        help="clc-tiny (bundled), a folder, a Hugging Face id, or an endpoint's name.",
    )
    engine: str = option(
        "--engine",
        type=click.Choice(["auto", "vllm", "transformers", "openai"]),
        default="auto",
        show_default=True,
        help="Engine that runs the model.",
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
    thinking: str = option(
        "--thinking",
        type=_THINKING,
        default="auto",
        show_default=True,
        help="Switch of a thinking model; auto leaves it to the model.",
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
        help="Endpoint of the translator.")  # fmt: skip

    @property
    def served_name(self) -> str:
        """The model's name in requests: without the path to its folder."""
        local = not self.base_urls and Path(self.model).is_dir()
        return Path(self.model).name if local else self.model

    @property
    def gpus(self) -> int:
        """Number of GPUs that one model is spread over."""
        return prod(getattr(self, name) or 1 for name in _PARALLEL)

    def with_absolute_folders(self) -> EngineOptions:
        """Make the folders of models absolute, for processes in other working directories."""
        return replace(
            self,
            model=_absolute(self.model),
            translator=None if self.translator is None else _absolute(self.translator),
        )

    def maker(self, marks: Marks | None = None) -> Callable[[], Engine]:
        """Return a function that makes the engine, here or in another process.

        ``marks`` are those of thoughts, by default the bundled ones.

        Raises:
            ConfigurationError: options contradict each other.
        """
        from clc.engines.factory import open_engine

        more: dict[str, Any] = {}
        if self.base_urls:
            for name in ("max_model_len", *_PARALLEL):
                if getattr(self, name) is not None:
                    raise ConfigurationError(
                        f"--{name.replace('_', '-')} goes with --engine vllm: the server at "
                        "--base-url has its own; leave one of them out"
                    )
        for name in _PARALLEL:
            if (size := getattr(self, name)) is not None:
                if self.engine not in {"auto", "vllm"}:
                    raise ConfigurationError(
                        f"--{name.replace('_', '-')} goes with --engine vllm only"
                    )
                more[name] = size
        return partial(
            open_engine,
            self.model,
            engine=self.engine,
            base_urls=self.base_urls,
            window=self.window,
            max_model_len=self.max_model_len,
            chat_options=self.chat_options(),
            marks=marks,
            **more,
            **self._retry_options(self.base_urls),
        )

    def chat_options(self) -> ChatOptions:
        """Return how to ask the model to think.

        Raises:
            ConfigurationError: a value is wrong, or given twice.
        """
        from clc.engines.chat_options import ChatOptions

        return ChatOptions(
            thinking=self.thinking,  # type: ignore[arg-type]  # click checked it
            reasoning_effort=self.reasoning_effort,
            thinking_budget=self.thinking_budget,
            template_kwargs=_parse_kwargs(self.template_kwargs),
        )

    def translator_maker(
        self, marks: Marks | None = None
    ) -> Callable[[], Engine] | ChatOptions | None:
        """Return what ``open_translator`` takes: how to make the translator, or its chat options.

        Raises:
            ConfigurationError: options contradict each other.
        """
        from clc.engines.chat_options import ChatOptions
        from clc.engines.factory import open_engine

        thinking: Any = self.translator_thinking
        if self.translator is None and not self.translator_urls:
            if thinking is None:
                return None
            options = self.chat_options()
            if thinking == "auto":
                return replace(options, thinking=thinking)
            return options.switched(thinking)
        return partial(
            open_engine,
            self.translator or self.model,
            base_urls=self.translator_urls,
            chat_options=ChatOptions(thinking=thinking or "avoid"),
            marks=marks,
            **(self._retry_options(self.translator_urls) if self.translator_urls else {}),
        )

    def open(self, marks: Marks | None = None) -> tuple[Engine, Engine | None]:
        """Make the engine, and the translator if there is one."""
        from clc.engines.adjusted import open_translator

        maker, translator = self.maker(marks), self.translator_maker(marks)
        engine = maker()
        return engine, open_translator(engine, translator)

    def _retry_options(self, urls: Sequence[str]) -> Mapping[str, Any]:
        """Return the retry settings of an endpoint that differ from its defaults."""
        settings = {"timeout_s": self.timeout, "max_attempts": self.attempts}
        given = {name: value for name, value in settings.items() if value is not None}
        if given and not urls:
            raise ConfigurationError("--timeout and --attempts go with --base-url")
        return given


def _parse_kwargs(texts: Sequence[str]) -> dict[str, Any]:
    """Return the variables of the chat template by name.

    Raises:
        ConfigurationError: one is no NAME=VALUE in JSON, or is given twice.
    """
    kwargs: dict[str, Any] = {}
    for text in texts:
        name, value = _parse_kwarg(text)
        if name in kwargs:
            raise ConfigurationError(f"--chat-template-kwarg {name} is given twice: give it once")
        kwargs[name] = value
    return kwargs


def _parse_kwarg(text: str) -> tuple[str, Any]:
    """Return name and value of a variable of the chat template.

    >>> _parse_kwarg("enable_thinking=false")
    ('enable_thinking', False)
    """
    name, equals, value = text.partition("=")
    try:
        if name.strip() and equals:
            return name.strip(), json.loads(value, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        pass
    raise ConfigurationError(
        f"--chat-template-kwarg {bounds.abbreviate(text)}: it reads NAME=VALUE with a value in "
        "JSON, such as enable_thinking=false, or language='\"de\"' for a text"
    )


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which JSON does not have."""
    raise ValueError(name)


def _absolute(model: str) -> str:
    return str(Path(model).absolute()) if Path(model).is_dir() else model
