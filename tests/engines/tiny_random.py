"""A random chat model of about a million parameters, made in a second, for tests.

``python tests/engines/tiny_random.py FOLDER`` writes one.
"""

from __future__ import annotations

import sys
from pathlib import Path

WINDOW = 512
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
THINKING_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"  # as Qwen3's
    "{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if reasoning_effort is defined %}({{ reasoning_effort }}){% endif %}"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n"
    "{% else %}<think>\n{% endif %}{% endif %}"
)
SPECIAL_MARKS = ("[THINK]", "[/THINK]")  # decoding leaves these out, and keeps those
PLAIN_MARKS = ("<think>", "</think>")
LINES = (
    "Tom has 3 apples and buys 5 more. How many apples does he have now?",
    "Let's think step by step. First there are 16 eggs, and she eats 3 of them.",
    "The answer is 8. So the answer is 42, because 6 times 7 is 42.",
    "小明有3个苹果，又买了5个，现在一共有多少个苹果？答案是8。",
)


def make_model(
    folder: Path, *, window: int = WINDOW, seed: int = 0, thinking: bool = False
) -> Path:
    """Write a random Qwen2 model with a BPE tokenizer and a chat template into ``folder``.

    With ``thinking`` its vocabulary has marks of thoughts, and its template opens a thought.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokens = make_tokenizer(folder, thinking=thinking)
    config = Qwen2Config(
        vocab_size=tokens,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=window,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=2,
        initializer_range=0.08,
        dtype="float32",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


def make_tokenizer(folder: Path, *, thinking: bool = False) -> int:
    """Write a byte-level BPE trained on a few lines; return its size in tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<|im_start|>", "<|im_end|>", "<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    if thinking:
        tokenizer.add_special_tokens([*SPECIAL_MARKS])
        tokenizer.add_tokens([*PLAIN_MARKS])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=THINKING_TEMPLATE if thinking else TEMPLATE,
    ).save_pretrained(folder)
    return tokenizer.get_vocab_size()


if __name__ == "__main__":
    make_model(Path(sys.argv[1]))
