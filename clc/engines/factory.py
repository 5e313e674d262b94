"""Choose and construct the engine that serves a model."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from clc.engines.models import BUNDLED
from clc.errors import ConfigurationError
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.engines.base import Engine

__all__ = ["ENGINES", "open_engine"]

ENGINES = ("auto", "vllm", "transformers", "openai")


def open_engine(
    model: str = BUNDLED,
    *,
    engine: str = "auto",
    base_urls: Sequence[str] = (),
    window: int | None = None,
    max_model_len: int | None = None,
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
        options: passed on to the engine's constructor.

    Raises:
        ConfigurationError: the options contradict each other, or no engine is installed.
    """
    if engine not in ENGINES:
        raise ConfigurationError(f"unknown engine {engine!r}; there are: {', '.join(ENGINES)}")
    chosen = _choose(base_urls) if engine == "auto" else engine
    if window is not None:
        if window < 1:
            raise ConfigurationError(f"window must be at least 1, not {window}")
        options["window"] = window
    if chosen == "openai":
        from clc.engines.openai.engine import OpenAIEngine

        if not base_urls:
            raise ConfigurationError("engine 'openai' needs a base URL (--base-url)")
        return OpenAIEngine(model, base_urls, **options)
    if base_urls:
        raise ConfigurationError(
            f"a base URL goes with engine 'openai', not with {chosen!r}; leave one of them out"
        )
    if chosen == "vllm":
        from clc.engines.vllm.engine import VllmEngine

        _need("vllm", "vllm")
        return VllmEngine(model, max_model_len=max_model_len, **options)
    from clc.engines.transformers.engine import TransformersEngine

    _need("torch", "transformers")
    _need("transformers", "transformers")
    if max_model_len is not None:
        raise ConfigurationError("max_model_len goes with engine 'vllm' only")
    if window is not None:
        options["batch_size"] = options.pop("window")
    return TransformersEngine(model, **options)


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
