"""The frozen description of an engine, from which every command and process makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.engines import factory
from clc.engines.adjusted import open_translator
from clc.engines.chat_options import ChatOptions
from clc.engines.hub import read_generation_config
from clc.engines.models import BUNDLED, resolve_model
from clc.engines.plain_prompt import BASE_TEMPLATE, turn_stops
from clc.errors import ConfigurationError
from clc.prices import RunPrices

if TYPE_CHECKING:
    from clc.engines.base import Engine
    from clc.engines.openai.endpoint_spec import EndpointSpec
    from clc.prices import Prices
    from clc.thoughts import Marks

__all__ = ["EngineSpec"]

TranslatorMaker = Callable[[], "Engine"] | ChatOptions | None
"""The argument of ``open_translator``."""
_FROM_MODEL = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine with its model and settings, as an engine file describes it.

    It holds names of keys and no keys, and goes to other processes as it is.

    Attributes:
        engine: ``auto``, ``vllm``, ``transformers`` or ``openai``.
        model: ``clc-tiny`` (also None), a folder, a Hugging Face id, or an endpoint's name.
        revision: of the model.
        lora: folder of a LoRA adapter (in this process).
        args: arguments of the engine.
        chat: how to ask the model.
        sampling: settings of the paths that a run does not give itself.
        sampling_of_model: take the model's own recommended settings, below ``sampling``.
        body: more fields of every request body (endpoints).
        endpoints: where the model is served.
        prices: of its tokens.
        translator: another engine for translations, or chat options with which this one does them.
        path: the file, '' without one.
    """

    engine: str = "auto"
    model: str | None = None
    revision: str | None = None
    lora: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    chat: ChatOptions = field(default_factory=ChatOptions)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    sampling_of_model: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    endpoints: tuple[EndpointSpec, ...] = ()
    prices: Prices | None = None
    translator: EngineSpec | ChatOptions | None = None
    path: str = ""

    @property
    def chosen(self) -> str:
        """The engine with ``auto`` decided.

        Raises:
            ConfigurationError: none is installed.
        """
        return factory.choose_engine(self.endpoints) if self.engine == "auto" else self.engine

    @property
    def is_plain(self) -> bool:
        """Whether the endpoints are given plain text: they serve a base model."""
        return bool(self.endpoints) and all(one.api == "completions" for one in self.endpoints)

    @property
    def served_name(self) -> str:
        """The model's name in requests: without the path to its folder."""
        model = self.model or BUNDLED
        local = not self.endpoints and Path(model).is_dir()
        return Path(model).name if local else model

    def open(self, marks: Marks | None = None) -> Engine:
        """Make the engine; nothing is loaded before its first request.

        ``marks`` are those of thoughts, by default the bundled ones.

        Raises:
            ConfigurationError: settings contradict each other, or no engine is installed.
        """
        options = dict(self.args)
        given = {"revision": self.revision, "lora": self.lora, "extra_body": dict(self.body)}
        options |= {name: value for name, value in given.items() if value}
        return factory.open_engine(
            self.model or BUNDLED,
            engine=self.engine,
            base_urls=self.endpoints,
            chat_options=self.chat,
            marks=marks,
            **options,
        )

    def translator_maker(self, marks: Marks | None = None) -> TranslatorMaker:
        """Return how to make the translator, its chat options, or None for the engine as it is."""
        if self.translator is None or isinstance(self.translator, ChatOptions):
            return self.translator
        return _Opener(self.translator, marks)

    def maker(self, marks: Marks | None = None) -> Callable[[], Engine]:
        """Return a function that makes the engine, here or in another process."""
        return _Opener(self, marks)

    def open_both(self, marks: Marks | None = None) -> tuple[Engine, Engine | None]:
        """Make the engine, and the translator if there is one."""
        engine = self.open(marks)
        return engine, open_translator(engine, self.translator_maker(marks))

    @property
    def run_prices(self) -> RunPrices | None:
        """The prices of a run's paths and translations; None where the paths have none."""
        if self.prices is None:
            return None
        own = self.translator.prices if isinstance(self.translator, EngineSpec) else None
        return RunPrices(self.prices, own or self.prices)

    def sampling_settings(self) -> dict[str, Any]:
        """Return the settings of sampling, those of the model's own generation_config included.

        A base model has the stop strings of its template, where the file gives none.

        Raises:
            ConfigurationError: they are to come from the model, and it does not show them.
            EngineError: the model's files cannot be fetched.
        """
        template = self.chat.template or (BASE_TEMPLATE if self.is_plain else None)
        stops = () if template is None else turn_stops(template)
        given = {**({"stop": stops} if stops else {}), **self.sampling}
        if not self.sampling_of_model:
            return given
        if self.endpoints:
            raise ConfigurationError(
                f"{self.path or 'sampling'}: an endpoint does not show the sampling that its model "
                "recommends: write the values into [sampling]"
            )
        if self.model and Path(self.model).expanduser().is_file():
            raise ConfigurationError(
                f"{self.path or 'sampling'}: a GGUF file recommends no sampling: write the values "
                "into [sampling]"
            )
        location = resolve_model(self.model or BUNDLED, weights=False)
        values = read_generation_config(location, self.revision)
        own = {name: value for name in _FROM_MODEL if (value := values.get(name)) is not None}
        return own | given

    def with_settings(
        self, settings: Mapping[str, Any], *, default_max_tokens: int | None = None
    ) -> dict[str, Any]:
        """Return settings of a run, completed by the engine's sampling.

        Args:
            settings: arguments of ``configure``; None is not given.
            default_max_tokens: where neither gives it; by default room for a thinking budget.
        """
        given = {name: value for name, value in settings.items() if value not in (None, ())}
        merged = {**self.sampling_settings(), **given}
        if default_max_tokens is not None:
            merged.setdefault("max_tokens", default_max_tokens)
        return self.chat.with_room(merged)

    def with_absolute_folders(self) -> EngineSpec:
        """Make the paths of models absolute, for processes in other working directories."""
        translator = self.translator
        if isinstance(translator, EngineSpec):
            translator = translator.with_absolute_folders()
        return replace(
            self,
            model=_absolute(self.model),
            lora=_absolute(self.lora),
            translator=translator,
        )


@dataclass(frozen=True, slots=True)
class _Opener:
    """Makes an engine when it is called; unlike a closure it can be pickled."""

    spec: EngineSpec
    marks: Marks | None

    def __call__(self) -> Engine:
        return self.spec.open(self.marks)


def _absolute(path: str | None) -> str | None:
    return str(Path(path).absolute()) if path and Path(path).exists() else path
