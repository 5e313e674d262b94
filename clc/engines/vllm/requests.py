"""A request in vLLM's words, and what vLLM drew in ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion, Request
from clc.engines.confidence import Measure, Meter
from clc.errors import ConfigurationError
from clc.records import Usage

if TYPE_CHECKING:
    from clc.engines.chat_template import Chat
    from clc.engines.vllm.drivers import Watch

__all__ = ["Reading", "read_output", "sampling_params"]


def sampling_params(request: Request) -> Any:
    """Make vLLM's ``SamplingParams`` of a request.

    Raises:
        ConfigurationError: vLLM refuses them.
    """
    from vllm.sampling_params import RequestOutputKind, SamplingParams

    sampling, measure = request.sampling, request.measure
    kind = RequestOutputKind.FINAL_ONLY
    if request.heard is not None or (measure is not None and measure.floor is not None):
        kind = RequestOutputKind.CUMULATIVE
    try:
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,  # 0: no limit, for vLLM as for us
            max_tokens=sampling.max_tokens,
            stop=list(sampling.stop),
            min_p=sampling.min_p,
            presence_penalty=sampling.presence_penalty,
            frequency_penalty=sampling.frequency_penalty,
            repetition_penalty=sampling.repetition_penalty,
            seed=request.seed,
            logprobs=None if measure is None else measure.top_k,
            flat_logprobs=measure is not None,
            detokenize=measure is None or _detokenizes(request),
            output_kind=kind,
        )
    except Exception as error:
        raise ConfigurationError(f"vLLM refuses the sampling parameters: {error}") from error


class Reading:
    """Reads a request's log-probabilities into a meter, as vLLM's outputs come in."""

    def __init__(self, measure: Measure) -> None:
        self.meter = Meter(measure)
        self.watch: Watch | None = None if measure.floor is None else self.falls

    def falls(self, output: Any) -> bool:
        """Take in the new tokens, up to the one that takes the path under the floor, if any."""
        flat: Any = output.outputs[0].logprobs or ()
        for place in range(self.meter.tokens, len(flat)):
            if self.meter.fell:
                break
            # The drawn token stands first, whether or not it is among the likeliest.
            drawn, *likeliest = flat.logprobs[flat.start_indices[place] : flat.end_indices[place]]
            self.meter.add(likeliest, drawn)
        return self.meter.fell


def read_output(output: Any, request: Request, chat: Chat, reading: Reading | None) -> Completion:
    """Make the completion of a request's last ``RequestOutput``."""
    drawn = output.outputs[0]
    text, reason, tokens = drawn.text, drawn.finish_reason, list(drawn.token_ids)
    if reading is not None:
        fell, count = reading.falls(output), reading.meter.tokens
        if fell and (not output.finished or count < len(tokens)):
            reason, tokens = "abort", tokens[:count]
        if reason == "abort" or not _detokenizes(request):
            said = tokens[:-1] if reason == "stop" else tokens  # without the end token
            text = chat.decode(said).rstrip("\ufffd")  # half a character, which the end cut off
    if reason not in {"stop", "length", "abort"}:
        return Completion.lost(f"vLLM ended the request with {reason!r}")
    usage = Usage(len(output.prompt_token_ids), len(tokens))
    confidence = None if reading is None else reading.meter.confidence
    return Completion(text, reason, usage, confidence=confidence)


def _detokenizes(request: Request) -> bool:
    """Whether vLLM itself must write a measured request's text: to find stops, or to be heard.

    It would also write each of the likeliest tokens, which nobody reads: on a CPU with a tiny model
    20 of them halve the throughput, and cost a fifth of it or less when they are not written.
    """
    return bool(request.sampling.stop) or request.heard is not None
