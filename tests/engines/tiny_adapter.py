"""A random LoRA adapter for a saved model, written by hand as PEFT saves it."""

import json
from pathlib import Path

MODULES = ("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj")


def make_adapter(folder: Path, model: Path, *, rank: int = 4, scale: float = 0.3, **settings):
    """Write an adapter for ``model`` into ``folder``, and return the folder.

    ``settings`` replace those of its adapter_config.json; ``scale`` is that of its weights.
    """
    import torch
    from safetensors.torch import load_file, save_file

    folder.mkdir()
    generator = torch.Generator().manual_seed(rank)
    tensors = {}
    for name, weight in load_file(model / "model.safetensors").items():
        module = name.removesuffix(".weight")
        if name.endswith(".weight") and module.endswith(MODULES):
            to, of = weight.shape
            for part, shape in (("A", (rank, of)), ("B", (to, rank))):
                matrix = torch.randn(shape, generator=generator) * scale
                tensors[f"base_model.model.{module}.lora_{part}.weight"] = matrix
    save_file(tensors, folder / "adapter_model.safetensors")
    own = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 2 * rank,
           "target_modules": [one.rpartition(".")[2] for one in MODULES], "bias": "none",
           "base_model_name_or_path": "tiny"}  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(own | settings))
    return folder
