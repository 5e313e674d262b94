"""The weights of clc-tiny: started from an earlier model's, written as the Llama model they are."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.training.examples import LANGUAGE_SHARES
from clc.prompts.templates import Templates

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

__all__ = ["export", "load_weights"]


def load_weights(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Begin with the weights of an exported model, whose vocabulary may lack the last tokens.

    What begins a thought starts as the mean of the cue sentences that ask for steps, what ends it
    as the mean of those that ask for the answer: near what they stand for, and, as no reply holds
    a cue sentence, unlikely in the replies of the plain mode.
    """
    weights = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict()
    rows = weights["model.embed_tokens.weight"]
    cues = [Templates().cues(code) for code in LANGUAGE_SHARES]
    means = [
        rows[tokenizer.convert_tokens_to_ids(texts)].mean(0)
        for texts in ([cue.think for cue in cues], [cue.final for cue in cues])
    ]
    rows = torch.cat([rows, torch.stack(means)])[: len(tokenizer)]
    ours = {name: value for name, value in weights.items() if not name.endswith("o_proj.bias")}
    model.load_state_dict({**ours, "model.embed_tokens.weight": rows, "lm_head.weight": rows})


def export(
    folder: Path, model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> LlamaForCausalLM:
    """Write the model as transformers and vLLM load it, in bf16, and return that copy.

    It is written as the Llama model that computes the same: for a ``qwen2`` folder, AutoTokenizer
    5.x replaces the tokenizer's own pieces by Qwen's, which split our digits and Indic words
    otherwise. Llama with ``attention_bias`` has one bias more than Qwen2; it is zero.
    """
    target = folder / "model"
    shutil.rmtree(target, ignore_errors=True)
    ours = model.config
    config = LlamaConfig(
        **{
            name: getattr(ours, name)
            for name in (
                "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                "num_attention_heads", "num_key_value_heads", "max_position_embeddings",
                "rms_norm_eps", "rope_parameters", "tie_word_embeddings", "bos_token_id",
                "eos_token_id", "pad_token_id",
            )
        },
        attention_bias=True,
    )  # fmt: skip
    copy = LlamaForCausalLM(config).to(torch.bfloat16)
    biases = {
        f"model.layers.{layer}.self_attn.o_proj.bias": torch.zeros(ours.hidden_size)
        for layer in range(ours.num_hidden_layers)
    }
    copy.load_state_dict({**model.state_dict(), **biases})
    copy.generation_config.eos_token_id = tokenizer.eos_token_id
    copy.generation_config.pad_token_id = tokenizer.pad_token_id
    copy.save_pretrained(target)
    tokenizer.save_pretrained(target)
    for path in target.iterdir():
        path.chmod(0o644)  # the weights are written for their owner alone
    return copy.to(model.device)
