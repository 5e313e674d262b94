"""Read an engine file: TOML to the frozen record, with every key and value checked.

::

    engine = "vllm"
    model = "Qwen/Qwen3-8B"

    [args]
    gpu_memory_utilization = 0.85

    [chat]
    enable_thinking = true

    [sampling]
    model = true

    [translator.chat]
    enable_thinking = false
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.bounds import abbreviate
from clc.engines.arguments import argument_fault, nearest_name
from clc.engines.chat_options import ChatOptions
from clc.engines.engine_file.chat_table import merge_chat, read_chat
from clc.engines.engine_file.endpoint_table import read_endpoints, read_prices
from clc.engines.engine_file.lines import find_lines
from clc.engines.engine_file.record import EngineSpec
from clc.engines.engine_file.tables import TableReader, join_key
from clc.engines.factory import ENGINES, choose_engine
from clc.engines.models import find_gguf, resolve_model
from clc.engines.openai.settings import checked_extra
from clc.engines.openai.wire import option_fields
from clc.errors import ConfigurationError
from clc.input_files import parse_toml, printable_path, read_regular
from clc.records import Sampling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.openai.endpoint_spec import EndpointSpec

__all__ = ["load_engine_file", "parse_arguments"]

_TRANSLATOR_KEYS = (
    "engine",
    "model",
    "revision",
    "lora",
    "args",
    "chat",
    "body",
    "endpoint",
    "prices",
)
_KEYS = (*_TRANSLATOR_KEYS, "sampling", "translator")
_SAMPLING_KEYS = tuple(one.name for one in fields(Sampling))
_ENDPOINT_ONLY = ("body", "endpoint")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def load_engine_file(path: str | Path, arguments: Mapping[str, Any] | None = None) -> EngineSpec:
    """Read and check an engine file; nothing is loaded or sent.

    Args:
        path: of the TOML file. Files that it names are looked for beside it.
        arguments: of the engine, in place of those in ``[args]``.

    Raises:
        ConfigurationError: the file cannot be read, is not TOML, or a key or value in it is wrong;
            the message begins with ``FILE:LINE: KEY``.
    """
    data = read_regular(Path(path), ConfigurationError)
    if data is None:
        raise ConfigurationError(f"{printable_path(path)}: cannot read the engine: no such file")
    values = parse_toml(data, path, ConfigurationError)
    if not values:
        raise ConfigurationError(f"{printable_path(path)}: nothing is in it; name at least a model")
    reader = _Reader(Path(path), find_lines(data.decode("utf-8-sig")))
    return reader.engine(values, arguments or {})


def parse_arguments(texts: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that texts of the form ``NAME=VALUE`` give; values are TOML or text.

    >>> parse_arguments(["gpu_memory_utilization=0.7", "quantization=awq", "enforce_eager=true"])
    {'gpu_memory_utilization': 0.7, 'quantization': 'awq', 'enforce_eager': True}

    Raises:
        ConfigurationError: one is of another form, or given twice.
    """
    arguments: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not (equals and _NAME.fullmatch(name)):
            raise ConfigurationError(
                f"-E {abbreviate(text)}: it reads NAME=VALUE, such as gpu_memory_utilization=0.7"
            )
        if name in arguments:
            raise ConfigurationError(f"-E {name} is given twice: give it once")
        arguments[name] = _parse_value(value)
    return arguments


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text.strip()


class _Reader(TableReader):
    """Reads the tables of an engine file."""

    def engine(self, values: Mapping[str, Any], arguments: Mapping[str, Any]) -> EngineSpec:
        self.check_keys("", values, _KEYS)
        spec = self._plain("", values, arguments)
        chat = read_chat(self, "chat", values.get("chat", {}))
        spec = replace(spec, chat=self._options("chat", chat))
        if spec.chosen == "openai" and spec.chat.template is not None and not spec.is_plain:
            self.fail(
                "chat.template",
                "an endpoint has the template of its own server: leave it out, and start the "
                "server with it (vllm serve --chat-template); or give the endpoint api = "
                '"completions", for a base model',
            )
        if spec.is_plain:
            self.guard("chat", option_fields, spec.chat, {}, "completions")
        sampling, of_model = self._sampling(values.get("sampling", {}), spec)
        return replace(
            spec,
            sampling=sampling,
            sampling_of_model=of_model,
            translator=self._translator(values.get("translator"), spec, chat),
            path=str(self.path),
        )

    def _plain(
        self,
        table: str,
        values: Mapping[str, Any],
        arguments: Mapping[str, Any],
        inherited: tuple[EndpointSpec, ...] = (),
    ) -> EngineSpec:
        """Read what an engine and a translator have in common, but for the chat."""
        engine = self.text(table, values, "engine") or "auto"
        if engine not in ENGINES:
            near = nearest_name(engine, dict.fromkeys(ENGINES))
            hint = f", such as {near!r}" if near else ""
            self.fail(
                join_key(table, "engine"),
                f"{engine!r} is no engine{hint}; there are: {', '.join(ENGINES)}",
            )
        endpoints = read_endpoints(self, table, values.get("endpoint", [])) or inherited
        try:
            chosen = choose_engine(endpoints) if engine == "auto" else engine
        except ConfigurationError as error:
            self.fail(join_key(table, "engine"), str(error))
        self._check_mixture(table, values, chosen)
        if chosen == "openai" and not endpoints:
            self.fail(join_key(table, "engine"), "engine 'openai' needs an [[endpoint]] with url")
        args = self.table(join_key(table, "args"), values.get("args", {}))
        for name, value in args.items():
            if fault := argument_fault(chosen, name, value):
                self.fail(join_key(table, f"args.{name}"), fault)
        for name, value in arguments.items():
            if fault := argument_fault(chosen, name, value):
                raise ConfigurationError(f"-E {name}: {fault}")
        body = self.table(join_key(table, "body"), values.get("body", {}))
        for name, value in body.items():
            self.guard(join_key(table, f"body.{name}"), checked_extra, {name: value})
        model = self.text(table, values, "model")
        args = {**args, **arguments}
        if model is not None:
            self._check_model(join_key(table, "model"), model, chosen, args)
        return EngineSpec(
            engine=engine,
            model=model,
            revision=self.text(table, values, "revision"),
            lora=self._lora(table, values),
            args=args,
            body=body,
            endpoints=endpoints,
            prices=read_prices(self, join_key(table, "prices"), values.get("prices")),
        )

    def _check_model(self, key: str, model: str, chosen: str, args: Mapping[str, Any]) -> None:
        """Check the name of a model, its folder, or its GGUF file."""
        if chosen == "transformers":
            self.guard(key, find_gguf, model)
        elif chosen == "vllm":
            weights = args.get("load_format") != "dummy"
            self.guard(key, resolve_model, model, weights=weights)

    def _check_mixture(self, table: str, values: Mapping[str, Any], chosen: str) -> None:
        """Refuse the keys of one engine in the file of another."""
        for name in _ENDPOINT_ONLY:
            if name in values and chosen != "openai":
                self.fail(
                    join_key(table, name),
                    f"goes with engine 'openai', and this is {chosen!r}: leave one of them out",
                )
        if "lora" in values and chosen == "openai":
            self.fail(
                join_key(table, "lora"),
                "goes with engines 'vllm' and 'transformers', and this is 'openai': leave it out; "
                "a server takes it as a model of its own (vllm serve --lora-modules)",
            )
        if chosen == "openai" and not values.get("model"):
            self.fail(join_key(table, "model"), "give the name by which the endpoint knows it")

    def _lora(self, table: str, values: Mapping[str, Any]) -> str | None:
        lora = self.text(table, values, "lora")
        if lora is None:
            return None
        folder = self.beside(lora)
        if not (folder / "adapter_config.json").is_file():
            self.fail(
                join_key(table, "lora"),
                f"{lora!r} holds no adapter_config.json: name the "
                "folder of a LoRA adapter as PEFT saves it",
            )
        return str(folder)

    def _options(self, table: str, values: Mapping[str, Any]) -> ChatOptions:
        for name, value in values.items():  # each by itself, so that an error names its key
            self.guard(join_key(table, name), ChatOptions, **{name: value})
        options: ChatOptions = self.guard(table, ChatOptions, **values)
        return options

    def _sampling(self, values: Any, spec: EngineSpec) -> tuple[dict[str, Any], bool]:
        if values == "model":
            values = {"model": True}
        values = dict(self.table("sampling", values))
        self.check_keys("sampling", values, ("model", *_SAMPLING_KEYS))
        of_model = values.pop("model", False)
        if not isinstance(of_model, bool):
            self.fail("sampling.model", "give true to take the model's own recommended values")
        if of_model and spec.chosen == "openai":
            self.fail(
                "sampling.model",
                "an endpoint does not show what its model recommends: "
                "write the values, such as temperature = 0.6",
            )
        for name, value in values.items():
            if name == "stop" and not isinstance(value, list | str):
                self.fail("sampling.stop", f"is {abbreviate(value)}: give a text or a list of them")
            checked = self.guard(f"sampling.{name}", Sampling, **{name: value})
            values[name] = getattr(checked, name)
        return values, of_model

    def _translator(
        self, values: Any, main: EngineSpec, chat: Mapping[str, Any]
    ) -> EngineSpec | ChatOptions | None:
        if values is None:
            return None
        values = self.table("translator", values)
        self.check_keys("translator", values, _TRANSLATOR_KEYS)
        own = read_chat(self, "translator.chat", values.get("chat", {}))
        if values.keys() <= {"chat"}:
            return self._options("translator.chat", merge_chat(chat, own))
        if "model" not in values and main.model is not None:
            values = {**values, "model": main.model}
        inherited = () if values.get("engine", "openai") != "openai" else main.endpoints
        spec = self._plain("translator", values, {}, inherited)
        options = self._options("translator.chat", {"thinking": "avoid", **own})
        return replace(spec, chat=options, path=str(self.path))
