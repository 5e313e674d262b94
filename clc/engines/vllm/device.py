"""The device that vLLM runs on, and its settings for a CPU."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any

from clc.engines.environment import prepare, without_collections
from clc.errors import EngineError
from clc.version import install_hint

__all__ = [
    "CPU_SEQS",
    "bind_openmp",
    "budget_args",
    "cpu_args",
    "disable_compilation",
    "find_device",
]

CPU_SEQS = 256


def find_device() -> str:
    """Import vLLM quietly and return the device that it was built for and found.

    Importing vLLM is no proof: the CUDA build imports on a machine without a GPU and fails only
    when a model is loaded.
    """
    prepare()
    try:
        with without_collections():
            from vllm.platforms import current_platform
    except ModuleNotFoundError as error:
        raise EngineError(
            f"vLLM is not installed ({error}): {install_hint('vllm')} on a machine with a GPU, "
            "`make install` in clc's sources on one without; or use --engine transformers"
        ) from error
    device = str(current_platform.device_type)
    if not device:
        raise EngineError(
            "this vLLM is built for GPUs and finds none: install the CPU build "
            "(`make install` in clc's sources), or use --engine transformers"
        )
    return device


def cpu_args() -> dict[str, Any]:
    """Return the engine arguments for a CPU.

    Whole prefills, because a seeded request with a chunked one kills the engine; a fixed cache
    size, because the default check can fail beside other programs; small blocks, so that prompts
    under 128 tokens share their prefix; eager, because compiling costs 20 to 40 s.
    """
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "max_num_seqs": CPU_SEQS,
        "enable_chunked_prefill": False,
        "kv_cache_memory_bytes": min(max(free // 8, 1 << 29), 1 << 32),
        "block_size": 32,
        "enforce_eager": True,
    }


def budget_args(opening: str, closing: str) -> dict[str, Any]:
    """Return the engine arguments with which vLLM ends thoughts within their budget.

    They are empty for a vLLM that cannot. The closing text is the mark alone, because vLLM looks
    for that text, too, to see that a thought ended by itself.
    """
    try:
        from vllm.config.reasoning import ReasoningConfig
    except ModuleNotFoundError:
        return {}
    known = {field.name for field in fields(ReasoningConfig)}
    if not {"reasoning_start_str", "reasoning_end_str"} <= known:
        return {}
    return {
        "reasoning_config": ReasoningConfig(reasoning_start_str=opening, reasoning_end_str=closing)
    }


def disable_compilation() -> None:
    """Disable the one compilation that vLLM does even with ``enforce_eager``.

    The function ranks log-probabilities. Compiling it takes seconds at the first measured path,
    and without a C++ compiler the engine dies of it.
    """
    from vllm.platforms import current_platform

    current_platform.simple_compile_backend = "eager"


def bind_openmp(ranks: int) -> None:
    """Give vLLM's processes all cores of this process; by default they take one."""
    cores = sorted(os.sched_getaffinity(0))
    share = [cores[rank::ranks] for rank in range(ranks)]
    binding = "|".join(",".join(map(str, part)) for part in share)
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", binding)
