"""The drivers of vLLM: their protocol, the limits of a loaded engine, and lost requests.

Measured on 2 cores: vLLM's own processes start in 20 to 28 s, the engine inside this process in
3 s, and both generate equally fast there. On GPUs own processes keep the scheduler away from the
tokenizer and the vote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from clc.engines.error_text import first_line

__all__ = ["Driver", "EngineLimits", "Listener", "RequestRefusedError", "Watch", "explain_failure"]

Listener = Callable[[Any], None]
"""Called in the event loop with each ``RequestOutput`` of a request that streams."""
Watch = Callable[[Any], bool]
"""Called with each ``RequestOutput`` of a request that streams; true aborts the request."""


class RequestRefusedError(Exception):
    """vLLM refuses this request, or failed at it; others go on."""


class EngineLimits(NamedTuple):
    """Limits of a loaded engine.

    Attributes:
        window_tokens: tokens of prompt and completion together.
        max_num_seqs: requests at a time, over all data-parallel ranks.
        max_logprobs: likeliest tokens whose log-probabilities a request may ask for.
    """

    window_tokens: int
    max_num_seqs: int
    max_logprobs: int = 0

    @classmethod
    def from_config(cls, config: Any) -> EngineLimits:
        """Read the limits from a ``VllmConfig``."""
        model = config.model_config
        logprobs = model.max_logprobs
        # vLLM's limit holds for each data-parallel rank.
        ranks = getattr(config.parallel_config, "data_parallel_size", 1) or 1
        return cls(
            model.max_model_len,
            config.scheduler_config.max_num_seqs * ranks,
            model.get_vocab_size() if logprobs == -1 else logprobs,
        )


class Driver(Protocol):
    """A running vLLM engine."""

    async def start(self) -> EngineLimits:
        """Load the model; vLLM's own exceptions pass through."""

    async def generate(
        self,
        name: str,
        prompt: list[int],
        params: Any,
        watch: Watch | None,
        listener: Listener | None,
    ) -> Any:
        """Return the last ``RequestOutput``; cancelling the call aborts the request.

        If ``watch`` aborts the request, it is the output at which it did; ``listener`` gets the
        outputs before. For both, outputs must be cumulative; one may add several tokens.

        Raises:
            RequestRefusedError: this request cannot be run.
            EngineError: the engine is dead.
        """

    async def close(self) -> None:
        """End the engine and free what it held."""


def explain_failure(error: BaseException) -> RequestRefusedError:
    """Return why a request was lost: vLLM refuses it, or failed while it worked on it.

    AsyncLLM wraps what went wrong in an ``EngineGenerateError`` without words, whose cause has
    them. vLLM's checks of requests raise ValueErrors (up to 0.18 and in LLMEngine), later versions
    errors of its clients (``VLLMClientError``, ``VLLMValidationError``).

    >>> str(explain_failure(ValueError("prompt too long")))
    'vLLM refuses the request: prompt too long'
    """
    wrapped = type(error).__name__ == "EngineGenerateError"
    cause = (error.__cause__ or error) if wrapped else error
    refused = isinstance(cause, ValueError | TypeError) or any(
        kind.__name__ in {"VLLMClientError", "VLLMValidationError"} for kind in type(cause).__mro__
    )
    if refused:
        return RequestRefusedError(f"vLLM refuses the request: {first_line(cause)}")
    name = type(cause).__name__
    return RequestRefusedError(f"vLLM failed at the request: {name}: {first_line(cause)}")
