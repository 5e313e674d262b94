"""Tokenizers that write prompts in vLLM's own code, for models without a Jinja template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.engines.error_text import first_line
from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["load_own_tokenizer"]

_OWN = "deepseek_"  # the modes whose tokenizers are those of transformers but for the prompts


def load_own_tokenizer(args: Mapping[str, Any], location: str, commit: str | None) -> Any:
    """Load the tokenizer of a mode whose prompts vLLM writes (DeepSeek V3.2, V4).

    Args:
        args: engine arguments; ``tokenizer_mode`` names it.
        location: of the model.
        commit: of the model's tokenizer.

    Returns:
        The tokenizer; None for a mode that needs none of vLLM's.

    Raises:
        EngineError: it cannot be loaded.
    """
    mode = args.get("tokenizer_mode")
    if not (isinstance(mode, str) and mode.startswith(_OWN)):
        return None
    place, version = args.get("tokenizer"), None
    if place is None:
        place, version = location, commit
    try:
        from vllm.tokenizers import get_tokenizer

        return get_tokenizer(
            place,
            tokenizer_mode=mode,
            revision=version,
            trust_remote_code=bool(args.get("trust_remote_code")),
        )
    except Exception as error:
        reason = first_line(error)
        raise EngineError(
            f"the tokenizer of {place} cannot be loaded in vLLM's mode {mode!r}: {reason}"
        ) from error
