"""The fingerprint of a model on vLLM: the model, and the arguments that change its texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.engines.fingerprints import adapter_fingerprint
from clc.records import content_key

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["plain_fingerprint"]

# Engine arguments that change how fast text is sampled, not which text; all others are part of
# the fingerprint.
_SPEED_ONLY = frozenset(
    {
        "async_scheduling",
        "block_size",
        "data_parallel_size",
        "disable_log_stats",
        "distributed_executor_backend",
        "download_dir",
        "enable_chunked_prefill",
        "enable_prefix_caching",
        "enforce_eager",
        "gpu_memory_utilization",
        "hf_token",
        "kv_cache_memory_bytes",
        "max_logprobs",
        "max_num_batched_tokens",
        "max_num_seqs",
        "pipeline_parallel_size",
        "stream_interval",
        "tensor_parallel_size",
        "trust_remote_code",
        "use_tqdm_on_load",
    }
)


def plain_fingerprint(model: str, args: Mapping[str, Any], lora: str | None) -> str:
    """Return the fingerprint without chat options.

    Args:
        model: fingerprint of the model.
        args: engine arguments.
        lora: folder of the adapter.
    """
    free = _SPEED_ONLY if lora is None else {*_SPEED_ONLY, "enable_lora", "max_lora_rank"}
    fixed = {name: repr(value) for name, value in args.items() if name not in free}
    if lora is not None:
        fixed["lora"] = adapter_fingerprint(lora)
    suffix = f"+{content_key('vllm', fixed)[:12]}" if fixed else ""
    return f"vllm:{model}{suffix}"
