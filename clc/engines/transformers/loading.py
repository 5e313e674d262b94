"""Load a model with transformers, and add a LoRA adapter to its weights."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.engines.environment import without_collections
from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["load_model", "merge_adapter", "window_tokens"]

_PREFIX = "base_model.model."  # of a module's name, as PEFT saves it
_PAIR = re.compile(r"(.+)\.lora_(A|B)\.(?:default\.)?weight")
_REFUSED = ("use_dora", "modules_to_save", "layer_replication")  # settings that are more than A B


def load_model(
    location: str,
    commit: str | None,
    device: str | None,
    dtype: str | None,
    model_args: Mapping[str, Any],
) -> Any:
    """Load a model, with the token ids that end a completion as ``clc_ends``.

    With a ``device_map`` among ``model_args`` it stays where transformers puts it.
    """
    with without_collections(), _no_progress_bars():
        import torch
        from transformers import AutoModelForCausalLM, GenerationConfig

        model = AutoModelForCausalLM.from_pretrained(
            location, revision=commit, dtype=dtype or "auto", **model_args
        )
    if "device_map" not in model_args:
        model = model.to(device or _best_device(torch))
    model = model.eval()
    # Models bring their own temperature, top_k or repetition penalty: here the run's apply alone.
    ends = model.generation_config.eos_token_id
    model.generation_config = GenerationConfig()
    model.clc_ends = frozenset(ends if isinstance(ends, list) else [ends]) - {None}
    return model


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Hide transformers' progress bars, which would stand in the middle of clc's own.

    That of GGUF files is tqdm's own, which transformers' setting does not reach.
    """
    from transformers.utils import logging

    module: Any = None
    with suppress(ImportError):  # in another version of transformers
        module = import_module("transformers.modeling_gguf_pytorch_utils")
    shown, bar = logging.is_progress_bar_enabled(), getattr(module, "tqdm", None)
    logging.disable_progress_bar()
    if bar is not None:
        module.tqdm = lambda tensors, **_: tensors
    try:
        yield
    finally:
        if bar is not None:
            module.tqdm = bar
        if shown:
            logging.enable_progress_bar()


def _best_device(torch: Any) -> str:
    """Return a GPU's device where there is one, Apple's included, else the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def window_tokens(config: Any) -> int:
    """Return how many tokens of prompt and completion together a model takes."""
    text = config.get_text_config()
    return int(getattr(text, "max_position_embeddings", None) or 1 << 20)


def merge_adapter(model: Any, folder: str) -> None:
    """Add a LoRA adapter to a model's weights: W + B A alpha / r (arXiv 2106.09685, section 4.1).

    Args:
        model: with weights that are not quantized.
        folder: of the adapter, as PEFT saves it; PEFT itself is not needed.

    Raises:
        EngineError: it is no LoRA adapter for this model, or does more than add such products.
    """
    import torch

    path = Path(folder)
    settings = json.loads((path / "adapter_config.json").read_bytes())
    refused = [name for name in _REFUSED if settings.get(name)]
    if settings.get("peft_type", "LORA") != "LORA" or refused:
        what = refused[0] if refused else f"peft_type {settings['peft_type']!r}"
        raise EngineError(
            f"{folder}: an adapter with {what} cannot be added to the weights: choose engine vllm "
            "where it takes it, or merge it with PEFT (merge_and_unload) and name that model"
        )
    pairs: dict[str, dict[str, Any]] = {}
    for name, tensor in _adapter_tensors(path):
        if (part := _PAIR.fullmatch(name.removeprefix(_PREFIX))) is None:
            raise EngineError(
                f"{folder}: the adapter has {name!r}, which is no part of a LoRA: merge it with "
                "PEFT (merge_and_unload) and name that model"
            )
        pairs.setdefault(part[1], {})[part[2]] = tensor
    if not pairs:
        raise EngineError(f"{folder}: the adapter has no weights (adapter_model.safetensors)")
    with torch.no_grad():
        for name, pair in pairs.items():
            _add_product(model, name, pair, settings, folder)


def _adapter_tensors(folder: Path) -> Iterator[tuple[str, Any]]:
    import torch

    for file in sorted(folder.glob("adapter_model*.safetensors")):
        from safetensors.torch import load_file

        yield from load_file(file).items()
    for file in sorted(folder.glob("adapter_model*.bin")):
        yield from torch.load(file, map_location="cpu", weights_only=True).items()


def _add_product(
    model: Any, name: str, pair: Mapping[str, Any], settings: Mapping[str, Any], folder: str
) -> None:
    """Add the product of an adapter's matrices to the weight of one module."""
    try:
        weight = model.get_submodule(name).weight
        down, up = pair["A"].float(), pair["B"].float()
        rank = down.shape[0]
        alphas = settings.get("alpha_pattern") or {}
        alpha = next(
            (one for part, one in alphas.items() if re.fullmatch(rf"(?:.*\.)?{part}", name)),
            settings.get("lora_alpha", rank),
        )
        product = (up @ down) * (alpha / (rank**0.5 if settings.get("use_rslora") else rank))
        product = product.T if settings.get("fan_in_fan_out") else product
    except (AttributeError, KeyError, RuntimeError) as error:
        raise EngineError(
            f"{folder}: the adapter's {name!r} does not fit the model ({error}): is it that of "
            f"{settings.get('base_model_name_or_path') or 'another model'}?"
        ) from error
    if weight.shape != product.shape or not weight.is_floating_point() or weight.is_meta:
        raise EngineError(
            f"{folder}: the adapter's {name!r} has the shape {tuple(product.shape)}, and the "
            f"model's weight is {tuple(weight.shape)} of {weight.dtype} on {weight.device}: choose "
            "the model that the adapter was trained for, not quantized and on one device"
        )
    if weight is getattr(model.get_input_embeddings(), "weight", None):
        raise EngineError(
            f"{folder}: the adapter changes {name!r}, whose weights are those of the embeddings, "
            "too: merge it with PEFT (merge_and_unload) and name that model"
        )
    weight.copy_((weight.float() + product.to(weight.device)).to(weight.dtype))
