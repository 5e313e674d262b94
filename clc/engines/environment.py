"""The environment in which torch and vLLM are imported: variables, warnings, garbage collection."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "environment",
    "prepare",
    "quiet_start",
    "show_engine_logs",
    "without_collections",
]

_DEFAULTS = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    "TORCH_LOGS": "-torch._library.triton",  # errors only: it warns that a CPU has no Triton
    # OpenMP threads spin between two operations, and take the core from whatever else would run.
    # On two idle cores 3,000 rounds gave 0.99 of the tokens/s of 10,000, 1,000 gave 0.91 and none
    # 0.69; on two busy ones 10,000 gave 0.2 of none, and 1,000 0.7 (135 M parameters).
    "GOMP_SPINCOUNT": "3000",
}


def prepare() -> None:
    """Set the defaults that make torch and vLLM quiet and fast; values set by the user stay."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def show_engine_logs() -> None:
    """Let vLLM and transformers print what they do, and clc's engines their stages."""
    os.environ |= {"VLLM_LOGGING_LEVEL": "INFO", "TRANSFORMERS_VERBOSITY": "info"}
    log = logging.getLogger("clc.engines")
    log.setLevel(logging.INFO)
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        log.addHandler(handler)
        log.propagate = False


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for as long as the block runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def quiet_start() -> Iterator[None]:
    """Silence a warning of vLLM 0.32 about torch 2.13, here and in vLLM's processes."""
    message = "`torch.distributed.reduce_op` is deprecated"
    warnings.filterwarnings("ignore", message=message, category=FutureWarning)
    inherited = os.environ.get("PYTHONWARNINGS")
    ours = f"ignore:{message}:FutureWarning"
    with environment(PYTHONWARNINGS=f"{inherited},{ours}" if inherited else ours):
        yield


@contextmanager
def without_collections() -> Iterator[None]:
    """Disable garbage collection while the block imports torch or vLLM, and at the process's exit.

    Importing vLLM 0.32 takes 7.4 CPU seconds with collections and 5.3 without. Afterwards a
    collection takes 0.5, and the interpreter does three at its exit.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
        atexit.unregister(gc.freeze)
        atexit.register(gc.freeze)
