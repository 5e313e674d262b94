"""Choose and construct the engine that serves a model."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from clc.bounds import WINDOW
from clc.engines.arguments import (
    PRETRAINED,
    constructor_arguments,
    nearest_name,
    vllm_arguments,
)
from clc.engines.models import BUNDLED
from clc.errors import ConfigurationError
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.base import Engine
    from clc.engines.chat_options import ChatOptions
    from clc.engines.openai.endpoint_spec import EndpointSpec
    from clc.thoughts import Marks

__all__ = ["ENGINES", "choose_engine", "open_engine"]

ENGINES = ("auto", "vllm", "transformers", "openai")
_CLASS_NAMES = {
    "vllm": "VllmEngine",
    "transformers": "TransformersEngine",
    "openai": "OpenAIEngine",
}


def open_engine(
    model: str = BUNDLED,
    *,
    engine: str = "auto",
    base_urls: Sequence[str | EndpointSpec] = (),
    window: int | None = None,
    max_model_len: int | None = None,
    chat_options: ChatOptions | None = None,
    marks: Marks | None = None,
    **options: Any,
) -> Engine:
    """Make the engine that serves ``model``; nothing is loaded before its first request.

    Args:
        model: ``clc-tiny`` (bundled), a folder, a Hugging Face id, or the name by which an
            endpoint knows it.
        engine: ``vllm``, ``transformers``, ``openai``, or ``auto``: an endpoint when
            ``base_urls`` are given, else vLLM where it is installed, else transformers.
        base_urls: OpenAI-compatible endpoints, such as ``http://host:8000/v1``.
        window: requests in flight; the engine's own choice by default.
        max_model_len: longest prompt and completion together, in tokens (vLLM).
        chat_options: how to ask the model to think.
        marks: the marks of thoughts; the bundled ones by default.
        options: further arguments of the engine's class; for vLLM also any of its ``EngineArgs``,
            for transformers those of ``from_pretrained``.

    Raises:
        ConfigurationError: the options contradict each other, the engine has no such option, or no
            engine is installed.
    """
    if engine not in ENGINES:
        raise ConfigurationError(f"unknown engine {engine!r}; there are: {', '.join(ENGINES)}")
    chosen = choose_engine(base_urls) if engine == "auto" else engine
    if window is not None:
        WINDOW.check("window", window)
        options["window"] = window
    options |= {"chat_options": chat_options, "marks": marks}
    if chosen == "openai":
        from clc.engines.openai.engine import OpenAIEngine

        if not base_urls:
            raise ConfigurationError("engine 'openai' needs a base URL (--base-url)")
        return OpenAIEngine(model, base_urls, **_checked("openai", options))
    if base_urls:
        raise ConfigurationError(
            f"a base URL goes with engine 'openai', not with {chosen!r}; leave one of them out"
        )
    if chosen == "vllm":
        from clc.engines.vllm.engine import VllmEngine

        _need("vllm", "vllm")
        options["max_model_len"] = max_model_len
        options = _nested(options, "vllm", "engine_args", vllm_arguments())
        return VllmEngine(model, **_checked("vllm", options))
    from clc.engines.transformers.engine import TransformersEngine

    _need("torch", "transformers")
    _need("transformers", "transformers")
    if max_model_len is not None:
        raise ConfigurationError("max_model_len goes with engine 'vllm' only")
    if window is not None:
        options["batch_size"] = options.pop("window")
    options = _nested(options, "transformers", "model_args", PRETRAINED)
    return TransformersEngine(model, **_checked("transformers", options))


def _nested(
    options: dict[str, Any], engine: str, group: str, known: Mapping[str, str]
) -> dict[str, Any]:
    """Return the options with those that go to the library beneath the engine in a group."""
    own = constructor_arguments(engine)
    beneath = {name: one for name, one in options.items() if name in known and name not in own}
    if not beneath:
        return options
    rest = {name: one for name, one in options.items() if name not in beneath}
    return {**rest, group: {**beneath, **(options.get(group) or {})}}


def _checked(engine: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of an engine.

    Raises:
        ConfigurationError: its constructor has no such argument.
    """
    known = constructor_arguments(engine)
    listed = [name for name in known if name not in {"model", "base_urls"}]
    for name in options:
        if name not in listed:
            near = nearest_name(name, dict.fromkeys(listed))
            raise ConfigurationError(
                f"{_CLASS_NAMES[engine]} has no option {name!r}"
                f"{f', the nearest one is {near!r}' if near else ''}; there are: "
                f"{', '.join(listed)}"
            )
    return options


def choose_engine(base_urls: Sequence[object]) -> str:
    """Return the engine for ``auto``: an endpoint's where one is given, else what is installed.

    Raises:
        ConfigurationError: none is installed.
    """
    if base_urls:
        return "openai"
    for module in ("vllm", "transformers"):
        if find_spec(module) is not None:
            return module
    raise ConfigurationError(
        f"no engine is installed. On a GPU machine: {install_hint('vllm')}. Without a GPU: "
        f"{install_hint('transformers')} (make install sets up vLLM for the CPU). With an "
        "endpoint: give --base-url"
    )


def _need(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise ConfigurationError(
            f"engine {extra!r} needs the package {module}: {install_hint(extra)}"
        )
