"""The engine that the options of a command describe, over an engine file or without one."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from clc.bounds import abbreviate
from clc.cli.options import PARALLEL
from clc.engines.arguments import argument_fault
from clc.engines.chat_options import SWITCHES, ChatOptions
from clc.engines.engine_file import EngineSpec, load_engine_file
from clc.engines.engine_file.parse import parse_arguments
from clc.engines.openai.endpoint_spec import EndpointSpec
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.cli.options import EngineOptions

__all__ = ["make_spec"]

_KEY = "OPENAI_API_KEY"
_TRANSLATOR_KEY = "CLC_TRANSLATOR_API_KEY"
_ENDPOINT_ARGS = {"timeout": "timeout_s", "attempts": "max_attempts"}


def make_spec(options: EngineOptions) -> EngineSpec:
    """Return the engine that options describe; they win over the engine file.

    Raises:
        ConfigurationError: a key, value or option is wrong, or options contradict each other.
    """
    given = parse_arguments(options.arguments)
    spec = EngineSpec()
    if options.engine_file is not None:
        spec = load_engine_file(options.engine_file, given)
    _check_engine(options, spec)
    changes: dict[str, Any] = {}
    if options.engine is not None:
        changes["engine"] = options.engine
    if options.model is not None:
        changes["model"] = options.model
    if options.base_urls:
        changes["endpoints"] = tuple(_endpoint(url, _KEY) for url in options.base_urls)
    spec = replace(spec, **changes)
    if options.engine_file is None and given:
        for name, value in given.items():
            if fault := argument_fault(spec.chosen, name, value):
                raise ConfigurationError(f"-E {name}: {fault}")
        spec = replace(spec, args=given)
    spec = replace(spec, args={**spec.args, **_arguments(options, spec)})
    spec = replace(spec, chat=_chat(options, spec.chat))
    return replace(spec, translator=_translator(options, spec))


def _check_engine(options: EngineOptions, spec: EngineSpec) -> None:
    """Refuse options that do not go with the engine."""
    if options.base_urls or (spec.endpoints and options.engine in {None, "openai"}):
        for name in ("max_model_len", *PARALLEL):
            if getattr(options, name) is not None:
                raise ConfigurationError(
                    f"--{name.replace('_', '-')} goes with --engine vllm: the server at "
                    "--base-url has its own; leave one of them out"
                )
    engine = options.engine or spec.engine
    for name in PARALLEL:
        if getattr(options, name) is not None and engine not in {"auto", "vllm"}:
            raise ConfigurationError(f"--{name.replace('_', '-')} goes with --engine vllm only")
    if options.engine is not None and spec.path and options.engine != spec.chosen:
        raise ConfigurationError(
            f"--engine {options.engine}: {spec.path} describes an engine {spec.chosen}; leave one "
            "of them out"
        )


def _arguments(options: EngineOptions, spec: EngineSpec) -> dict[str, Any]:
    """Return the arguments of the engine that options of their own set."""
    args: dict[str, Any] = {
        name: value
        for name in ("window", "max_model_len", *PARALLEL)
        if (value := getattr(options, name)) is not None
    }
    retries = _retry_arguments(options)
    if retries and not (spec.endpoints or options.translator_urls):
        raise ConfigurationError("--timeout and --attempts go with --base-url")
    return args | (retries if spec.endpoints else {})


def _retry_arguments(options: EngineOptions) -> dict[str, Any]:
    return {
        argument: value
        for name, argument in _ENDPOINT_ARGS.items()
        if (value := getattr(options, name)) is not None
    }


def _chat(options: EngineOptions, chat: ChatOptions) -> ChatOptions:
    """Return how to ask the model, each option in place of the file's."""
    kwargs = _parse_kwargs(options.template_kwargs)
    changes: dict[str, Any] = {
        name: value
        for name in ("thinking", "reasoning_effort", "thinking_budget")
        if (value := getattr(options, name)) is not None
    }
    kept = dict(chat.template_kwargs)
    if "thinking" in changes or not kwargs.keys().isdisjoint(SWITCHES):
        kept = {name: value for name, value in kept.items() if name not in SWITCHES}
        changes.setdefault("thinking", "auto")
    if changes.get("thinking") == "off" and chat.thinking_budget is not None:
        changes.setdefault("thinking_budget", None)
    return replace(chat, **changes, template_kwargs={**kept, **kwargs})


def _translator(options: EngineOptions, spec: EngineSpec) -> EngineSpec | ChatOptions | None:
    """Return the translator: another engine, or chat options of the same one."""
    thinking: Any = options.translator_thinking
    if options.translator is None and not options.translator_urls:
        before = spec.translator
        if thinking is None:
            return before
        if isinstance(before, EngineSpec):
            return replace(before, chat=replace(before.chat, thinking=thinking))
        chat = spec.chat if before is None else before
        return replace(chat, thinking=thinking) if thinking == "auto" else chat.switched(thinking)
    return EngineSpec(
        model=options.translator or spec.model,
        args=_retry_arguments(options) if options.translator_urls else {},
        chat=ChatOptions(thinking=thinking or "avoid"),
        endpoints=tuple(
            _endpoint(url, _translator_key(url, spec)) for url in options.translator_urls
        ),
    )


def _translator_key(url: str, spec: EngineSpec) -> str:
    """Return the name of the key of a translator's endpoint.

    The key of ``--base-url`` goes to another host only where there is no ``--base-url``.
    """
    if os.environ.get(_TRANSLATOR_KEY, "").strip():
        return _TRANSLATOR_KEY
    hosts = {_host(one.url) for one in spec.endpoints}
    return _KEY if not hosts or _host(url) in hosts else _TRANSLATOR_KEY


def _endpoint(url: str, key: str) -> EndpointSpec:
    """Return the endpoint of a URL; its key goes with it where the environment has one."""
    return EndpointSpec(url, key, needs_key=False)


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url.strip())
    return parts.scheme, parts.netloc


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
        f"--chat-template-kwarg {abbreviate(text)}: it reads NAME=VALUE with a value in "
        "JSON, such as enable_thinking=false, or language='\"de\"' for a text"
    )


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which JSON does not have."""
    raise ValueError(name)
