"""Hidden states of sentences, one vector a layer, from a causal language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from clc.engines.environment import prepare
from clc.engines.error_text import first_line
from clc.engines.hub import find_commit
from clc.engines.models import find_gguf
from clc.engines.transformers.loading import load_model, window_tokens
from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Pooling", "sentence_states"]

Pooling = Literal["mean", "weighted", "last"]
_BATCH = 16


def sentence_states(
    model: str,
    sentences: Mapping[str, Sequence[str]],
    *,
    pooling: Pooling = "weighted",
    device: str | None = None,
    dtype: str | None = None,
    revision: str | None = None,
) -> dict[str, Any]:
    """Run a model over sentences, without a chat template, and pool its hidden states.

    Args:
        model: ``clc-tiny``, a local folder, a Hugging Face id or a GGUF file.
        sentences: texts by language.
        pooling: over the tokens of a sentence: their ``mean``, a ``weighted`` mean in which token
            t of n weighs t (MEXA, arXiv 2410.05873: with causal attention late tokens have seen
            more), or the ``last`` token (Language Ranker, arXiv 2404.11553).
        device: by default a GPU if there is one.
        dtype: by default the model's own.
        revision: branch, tag or commit of a Hugging Face id.

    Returns:
        By language a numpy array of float32 of shape (layers, sentences, width), the embeddings
        left out.

    Raises:
        ConfigurationError: the model's name or folder is wrong.
        EngineError: transformers or torch is missing, the model cannot be loaded, or a sentence
            is longer than its window.
    """
    prepare()
    location, gguf_file = find_gguf(model)
    arguments = {} if gguf_file is None else {"gguf_file": gguf_file}
    commit = find_commit(location, revision)
    try:
        from transformers import AutoTokenizer

        tokenizer: Any = AutoTokenizer.from_pretrained(location, revision=commit, **arguments)
        loaded = load_model(location, commit, device, dtype, arguments)
    except ImportError as error:
        raise EngineError(
            "hidden states need torch and transformers: pip install "
            "'crosslingual-consistency[transformers]'"
        ) from error
    except Exception as error:
        reason = first_line(error)
        raise EngineError(f"transformers could not load {location}: {reason}") from error
    return {
        language: _states(loaded, tokenizer, language, texts, pooling)
        for language, texts in sentences.items()
    }


def _states(
    model: Any, tokenizer: Any, language: str, texts: Sequence[str], pooling: Pooling
) -> Any:
    import numpy as np

    rows = [tokenizer(text)["input_ids"] for text in texts]
    window = window_tokens(model.config)
    for text, row in zip(texts, rows, strict=True):
        if not 0 < len(row) <= window:
            raise EngineError(
                f"a sentence in {language!r} has {len(row):,} tokens; the model takes 1 to "
                f"{window:,}: {text!r:.60}"
            )
    parts = [
        _pooled(model, rows[start : start + _BATCH], pooling)
        for start in range(0, len(rows), _BATCH)
    ]
    return np.concatenate(parts, axis=1)


def _pooled(model: Any, rows: Sequence[Sequence[int]], pooling: Pooling) -> Any:
    import torch

    width = max(map(len, rows))
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    weights = torch.zeros((len(rows), width))
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):  # padded at the right: causal attention does not see it
        count = len(row)
        ids[number, :count] = torch.tensor(row)
        mask[number, :count] = 1
        if pooling == "last":
            weights[number, count - 1] = 1.0
        else:
            share = torch.arange(1, count + 1) if pooling == "weighted" else torch.ones(count)
            weights[number, :count] = share / share.sum()
    with torch.inference_mode():
        output = model(
            ids.to(model.device),
            attention_mask=mask.to(model.device),
            output_hidden_states=True,
            use_cache=False,
        )
    layers = [
        (layer.float() * weights.to(layer.device)[:, :, None]).sum(1).cpu()
        for layer in output.hidden_states[1:]
    ]
    return torch.stack(layers).numpy()
