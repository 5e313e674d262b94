"""Choose and construct the engine that serves a model."""

from __future__ import annotations

from importlib.util import find_spec
from inspect import signature
from typing import TYPE_CHECKING, Any

from clc.bounds import WINDOW
from clc.engines.models import BUNDLED
from clc.errors import ConfigurationError
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.engines.base import Engine
    from clc.engines.chat_options import ChatOptions
    from clc.thoughts import Marks

__all__ = ["ENGINES", "open_engine"]

ENGINES = ("auto", "vllm", "transformers", "openai")


def open_engine(
    model: str = BUNDLED,
    *,
    engine: str = "auto",
    base_urls: Sequence[str] = (),
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
        options: further arguments of the engine's class.

    Raises:
        ConfigurationError: the options contradict each other, the engine has no such option, or no
            engine is installed.
    """
    if engine not in ENGINES:
        raise ConfigurationError(f"unknown engine {engine!r}; there are: {', '.join(ENGINES)}")
    chosen = _choose(base_urls) if engine == "auto" else engine
    if window is not None:
        WINDOW.check("window", window)
        options["window"] = window
    options |= {"chat_options": chat_options, "marks": marks}
    if chosen == "openai":
        from clc.engines.openai.engine import OpenAIEngine

        if not base_urls:
            raise ConfigurationError("engine 'openai' needs a base URL (--base-url)")
        return OpenAIEngine(model, base_urls, **_checked(OpenAIEngine, options))
    if base_urls:
        raise ConfigurationError(
            f"a base URL goes with engine 'openai', not with {chosen!r}; leave one of them out"
        )
    if chosen == "vllm":
        from clc.engines.vllm.engine import VllmEngine

        _need("vllm", "vllm")
        options["max_model_len"] = max_model_len
        return VllmEngine(model, **_checked(VllmEngine, options))
    from clc.engines.transformers.engine import TransformersEngine

    _need("torch", "transformers")
    _need("transformers", "transformers")
    if max_model_len is not None:
        raise ConfigurationError("max_model_len goes with engine 'vllm' only")
    if window is not None:
        options["batch_size"] = options.pop("window")
    return TransformersEngine(model, **_checked(TransformersEngine, options))


def _checked(engine: type, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of an engine.

    Raises:
        ConfigurationError: its constructor has no such argument.
    """
    known = [name for name in signature(engine).parameters if name not in {"model", "base_urls"}]
    for name in options:
        if name not in known:
            raise ConfigurationError(
                f"{engine.__name__} has no option {name!r}; there are: {', '.join(known)}"
            )
    return options


def _choose(base_urls: Sequence[str]) -> str:
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
