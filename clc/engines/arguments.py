"""The arguments that each engine takes, and checks of those that a user gives."""

from __future__ import annotations

import ast
import re
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.bounds import abbreviate

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PRETRAINED", "argument_fault", "constructor_arguments", "known_arguments",
           "nearest_name", "vllm_arguments"]  # fmt: skip

_CLASSES = {
    "vllm": ("clc.engines.vllm.engine", "VllmEngine"),
    "transformers": ("clc.engines.transformers.engine", "TransformersEngine"),
    "openai": ("clc.engines.openai.engine", "OpenAIEngine"),
}
# Parameters of the constructors that have a place of their own in an engine file.
_OWN_PLACE = frozenset({
    "api_key", "base_urls", "chat_options", "engine_args", "extra_body", "headers", "lora", "marks",
    "model", "model_args", "revision",
})  # fmt: skip
PRETRAINED: Mapping[str, str] = {
    "attn_implementation": "str",
    "cache_dir": "str",
    "device_map": "",
    "gguf_file": "str",
    "local_files_only": "bool",
    "low_cpu_mem_usage": "bool",
    "max_memory": "",
    "offload_buffers": "bool",
    "offload_folder": "str",
    "quantization_config": "",
    "subfolder": "str",
    "token": "",
    "tp_plan": "str",
    "trust_remote_code": "bool",
    "use_safetensors": "bool",
    "variant": "str",
    "weights_only": "bool",
}
"""Arguments of transformers' ``from_pretrained`` that are passed on, with their types."""
_CLOSE = 0.6  # of difflib's ratio
_KINDS: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "str": (str,),
}


def known_arguments(engine: str) -> dict[str, str]:
    """Return the arguments of an engine by name, with their types as far as these are simple.

    Args:
        engine: ``vllm``, ``transformers`` or ``openai``.

    >>> known_arguments("openai")["timeout_s"]
    'float'
    """
    own = {name: one for name, one in constructor_arguments(engine).items()
           if name not in _OWN_PLACE}  # fmt: skip
    if engine == "vllm":
        theirs = {name: one for name, one in vllm_arguments().items() if name not in _OWN_PLACE}
        return theirs | own
    return {**PRETRAINED, **own, "window": "int"} if engine == "transformers" else own


def constructor_arguments(engine: str) -> dict[str, str]:
    """Return the parameters of an engine's class with their types."""
    from importlib import import_module

    module, name = _CLASSES[engine]
    parameters = signature(getattr(import_module(module), name)).parameters.values()
    return {one.name: str(one.annotation) for one in parameters}


@cache
def vllm_arguments() -> dict[str, str]:
    """Return the fields of the installed vLLM's ``EngineArgs`` with their types.

    They are read from its source, because importing vLLM takes seconds; {} where it is not
    installed.
    """
    package = find_spec("vllm")
    folders = package.submodule_search_locations if package is not None else None
    if not folders:
        return {}
    try:
        text = (Path(folders[0]) / "engine" / "arg_utils.py").read_text(encoding="utf-8")
        classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    except (OSError, SyntaxError, ValueError):
        return {}
    return {
        field.target.id: ast.unparse(field.annotation)
        for node in classes
        if node.name in {"EngineArgs", "AsyncEngineArgs"}
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def argument_fault(engine: str, name: str, value: Any) -> str | None:
    """Return the reason why an argument of an engine is wrong, with advice; None if it is right.

    >>> argument_fault("openai", "timeout", 3)
    "engine openai has no argument 'timeout': the nearest one is 'timeout_s'"
    >>> argument_fault("openai", "max_attempts", "six")
    "max_attempts is 'six': give a value of type int"
    """
    if value != value:  # noqa: PLR0124 - NaN is within no bounds
        return f"{name} is nan: give a number"
    known = known_arguments(engine)
    if not known or name in known:
        return _type_fault(name, value, known.get(name, ""))
    others = [one for one in _CLASSES if one != engine and name in known_arguments(one)]
    fault = f"engine {engine} has no argument {name!r}"
    if others:
        return f"{fault}, which is one of engine {' and '.join(others)}: leave it out"
    if (near := nearest_name(name, known)) is not None:
        return f"{fault}: the nearest one is {near!r}"
    return f"{fault}: leave it out"


def nearest_name(name: str, known: Mapping[str, Any]) -> str | None:
    """Return the known name that is most like ``name``; None where none is like it."""
    if longer := [one for one in known if len(name) > 2 and one.startswith(name)]:  # noqa: PLR2004
        return min(longer, key=len)
    near = get_close_matches(name, known, n=1, cutoff=_CLOSE)
    return near[0] if near else None


def _type_fault(name: str, value: Any, annotation: str) -> str | None:
    """Return the reason why a value has the wrong type, where its types are simple ones."""
    parts = [part.strip() for part in annotation.split("|")]
    if literal := re.fullmatch(r"Literal\[(.*)\]", annotation):
        choices = ast.literal_eval(f"({literal[1]},)")
        if value in choices:
            return None
        return f"{name} is {abbreviate(value)}: choose one of {', '.join(map(str, choices))}"
    kinds = [part for part in parts if part != "None"]
    if not annotation or any(kind not in _KINDS for kind in kinds):
        return None
    accepted = tuple(kind for part in kinds for kind in _KINDS[part])
    if isinstance(value, accepted) and (not isinstance(value, bool) or bool in accepted):
        return None
    return f"{name} is {abbreviate(value)}: give a value of type {' or '.join(kinds)}"
