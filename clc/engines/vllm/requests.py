"""Convert requests to vLLM's parameters, and vLLM's outputs to completions."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion
from clc.engines.detokenizer import Detokenizer
from clc.engines.token_completion import SampledTokens, decode_sampled
from clc.errors import ConfigurationError
from clc.records import Sampling

if TYPE_CHECKING:
    from clc.engines.base import Request
    from clc.engines.chat_template import Chat
    from clc.engines.confidence import Meter
    from clc.engines.deltas import DeltaStream
    from clc.engines.token_codec import TokenCodec
    from clc.engines.vllm.drivers import Listener, Watch

__all__ = [
    "LogprobReader",
    "lora_arguments",
    "make_listener",
    "read_output",
    "sampling_params",
    "token_prompt",
]


def token_prompt(ids: list[int]) -> dict[str, Any]:
    """Return a prompt of token ids; vLLM from 0.18 on wants its type, and warns without one."""
    return {"type": "token", "prompt_token_ids": ids}


def lora_arguments(folder: str | None) -> dict[str, Any]:
    """Return the arguments of each request for a LoRA adapter; {} without one."""
    if folder is None:
        return {}
    from vllm.lora.request import LoRARequest

    return {"lora_request": LoRARequest("adapter", 1, folder)}


def sampling_params(request: Request, thinking_budget: int | None = None) -> Any:
    """Return a request's ``SamplingParams``, whose fields have the names of ``Sampling``.

    Raises:
        ConfigurationError: vLLM refuses them.
    """
    from vllm.sampling_params import RequestOutputKind, SamplingParams

    sampling = {field.name: getattr(request.sampling, field.name) for field in fields(Sampling)}
    sampling["stop"] = list(request.sampling.stop)
    if thinking_budget is not None:
        sampling["thinking_token_budget"] = thinking_budget
    measure = request.measure
    kind = RequestOutputKind.FINAL_ONLY
    if request.is_streamed or (measure is not None and measure.floor is not None):
        kind = RequestOutputKind.CUMULATIVE
    try:
        return SamplingParams(
            **sampling,
            seed=request.seed,
            logprobs=None if measure is None else measure.top_k,
            flat_logprobs=measure is not None,
            detokenize=measure is None or _detokenizes(request),
            output_kind=kind,
        )
    except Exception as error:
        raise ConfigurationError(f"vLLM refuses the sampling parameters: {error}") from error


class LogprobReader:
    """Reads a request's log-probabilities into a meter while vLLM's outputs arrive."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.watch: Watch | None = None if meter.measure.floor is None else self.read
        self._before = meter.tokens  # of an earlier part of the completion

    @property
    def tokens(self) -> int:
        """Tokens read."""
        return self.meter.tokens - self._before

    def read(self, output: Any) -> bool:
        """Read the new tokens; return whether one, the last then read, falls below the floor."""
        flat: Any = output.outputs[0].logprobs or ()
        for index in range(self.tokens, len(flat)):
            if self.meter.fell:
                break
            # The sampled token stands first, whether or not it is among the likeliest.
            start, end = flat.start_indices[index], flat.end_indices[index]
            sampled, *likeliest = flat.logprobs[start:end]
            self.meter.add(likeliest, sampled)
        return self.meter.fell


def read_output(
    output: Any,
    request: Request,
    chat: Chat,
    reader: LogprobReader | None,
    *,
    opened: bool = False,
) -> SampledTokens | Completion:
    """Return what a request's last ``RequestOutput`` holds, or a lost completion.

    ``opened``: it goes on inside a thought.
    """
    result = output.outputs[0]
    text, reason, ids = result.text, result.finish_reason, list(result.token_ids)
    decode = reader is not None and not _detokenizes(request)
    if reader is not None:
        fell = reader.read(output)
        if fell and (not output.finished or reader.tokens < len(ids)):
            reason, ids = "abort", ids[: reader.tokens]
        decode = decode or reason == "abort"
    if reason not in {"stop", "length", "abort"}:
        return Completion.lost(f"vLLM ended the request with {reason!r}")
    count = len(ids)
    at_stop = reason == "stop" and isinstance(result.stop_reason, str)
    if reason == "stop" and not at_stop:
        ids = ids[:-1]  # the end token; after a stop string there is none
    if decode or not chat.codec.hidden_marks.isdisjoint(ids):
        text = decode_sampled(chat, ids, request.sampling.stop, opened=opened)
    return SampledTokens(ids, text, reason, count, at_stop)


def _detokenizes(request: Request) -> bool:
    """Whether vLLM must detokenize a measured request: to find stop strings, or for a listener.

    It then detokenizes the likeliest tokens, too, which are not needed: on a CPU with a tiny model
    20 of them halve the throughput, and cost a fifth of it or less when they are not detokenized.
    """
    return bool(request.sampling.stop) or request.is_streamed


def make_listener(stream: DeltaStream, before: str, codec: TokenCodec) -> Listener:
    """Return a function that takes vLLM's outputs and passes the text so far to ``stream``."""
    if not codec.hidden_marks:
        return lambda output: stream(before + output.outputs[0].text)
    detokenizer = Detokenizer(codec)
    return lambda output: stream(before + detokenizer.feed(output.outputs[0].token_ids))
