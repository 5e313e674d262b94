"""The transformers engine: any causal language model, on a machine without vLLM.

One thread owns the model and samples for many requests at once, which join and leave between two
steps. A path's text does not depend on its neighbours: each row samples its own noise from its own
seed (but for the last bits of floating point, which follow the batch's shape).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion, Request
from clc.engines.chat_options import ChatOptions
from clc.engines.chat_template import Chat, ChatTemplateError
from clc.engines.confidence import Meter
from clc.engines.environment import prepare
from clc.engines.error_text import first_line
from clc.engines.fingerprints import (
    adapter_fingerprint,
    chat_fingerprint,
    model_fingerprint,
)
from clc.engines.hub import find_commit
from clc.engines.models import find_gguf, lora_rank
from clc.engines.thread_bridge import ThreadBridge, settle
from clc.engines.token_completion import (
    SampledTokens,
    complete_tokens,
    open_stream,
    sample_within_budget,
)
from clc.engines.transformers.batches import Batches, free_memory
from clc.engines.transformers.loading import load_model, merge_adapter, window_tokens
from clc.engines.transformers.sampler import TokenizedRequest, TransformersBridge
from clc.errors import EngineError
from clc.records import content_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.thoughts import Marks

__all__ = ["TransformersEngine"]

_log = logging.getLogger(__name__)

_OF_TOKENIZER = ("gguf_file", "trust_remote_code", "subfolder", "token", "local_files_only")

_JOIN_S = 60.0
# Arguments of from_pretrained that change where weights are, not what they are.
_SPEED_ONLY = frozenset({
    "cache_dir", "device_map", "local_files_only", "low_cpu_mem_usage", "max_memory",
    "offload_buffers", "offload_folder", "token", "tp_plan", "trust_remote_code",
    "use_safetensors", "weights_only",
})  # fmt: skip


class TransformersEngine:
    """A model on transformers' ``generate``.

    Args:
        model: ``clc-tiny``, a local folder, a Hugging Face id, or a GGUF file (with the package
            gguf; its weights are unpacked).
        batch_size: sequences that run together; halved when GPU memory runs out.
        device: ``cuda``, ``cuda:1``, ``cpu``, …; by default a GPU if there is one.
        dtype: ``bfloat16``, ``float16`` or ``float32``; by default the model's own.
        revision: branch, tag or commit of a Hugging Face id.
        lora: folder of a LoRA adapter, which is added to the weights.
        model_args: more arguments of ``from_pretrained``: ``device_map``, ``gguf_file``, …
        chat_options: how to ask the model to think.
        marks: the marks of thoughts; the bundled ones by default.

    Raises:
        ConfigurationError: the model name or folder is wrong.
    """

    def __init__(
        self,
        model: str,
        *,
        batch_size: int = 32,
        device: str | None = None,
        dtype: str | None = None,
        revision: str | None = None,
        lora: str | None = None,
        model_args: Mapping[str, Any] | None = None,
        chat_options: ChatOptions | None = None,
        marks: Marks | None = None,
    ) -> None:
        self._model_args = dict(model_args or {})
        if isinstance(memory := self._model_args.get("max_memory"), dict):
            # TOML has no numbers as keys, and accelerate takes no texts for GPUs.
            self._model_args["max_memory"] = {
                int(key) if str(key).isdigit() else key: most for key, most in memory.items()
            }
        self._location, gguf_file = find_gguf(model)
        if gguf_file is not None:
            self._model_args["gguf_file"] = gguf_file
        self._batch_size = batch_size
        self._device = device
        self._dtype = dtype
        self._revision = revision
        self._lora = lora
        if lora is not None:
            lora_rank(lora)  # it is an adapter
        self._bridge: TransformersBridge = ThreadBridge()
        self._names = itertools.count()
        self._state = "is not started"
        self.chat_options = chat_options or ChatOptions()
        self._starting = asyncio.Lock()
        self._marks = marks

    @cached_property
    def fingerprint(self) -> str:
        """Model, dtype and chat options; loads nothing."""
        return self.fingerprint_with(self.chat_options)

    @cached_property
    def _plain_fingerprint(self) -> str:
        """The fingerprint without chat options."""
        suffix = f"+{self._dtype}" if self._dtype else ""
        fixed = {k: repr(v) for k, v in self._model_args.items() if k not in _SPEED_ONLY}
        if self._lora is not None:
            fixed["lora"] = adapter_fingerprint(self._lora)
        suffix += f"+{content_key('transformers', fixed)[:12]}" if fixed else ""
        return f"transformers:{model_fingerprint(self._location, self._revision)}{suffix}"

    def fingerprint_with(self, options: ChatOptions) -> str:
        """Return the fingerprint of requests with these chat options."""
        return chat_fingerprint(
            self._plain_fingerprint, options, self._location, self._revision, self._marks
        )

    @property
    def window(self) -> int:
        """Two batches: one that runs, and one to choose from when rows leave it."""
        return 2 * self._batch_size

    async def start(self) -> None:
        """Load the model in the engine's thread, once.

        Raises:
            EngineError: transformers or torch is missing, or the model cannot be loaded.
        """
        async with self._starting:
            if self._state:
                await self._start()

    async def _start(self) -> None:
        prepare()
        commit = await asyncio.to_thread(find_commit, self._location, self._revision)
        _log.info("loading the tokenizer of %s", self._location)
        self._chat = await asyncio.to_thread(
            Chat.load,
            self._location,
            commit,
            self.chat_options,
            self._marks,
            **{name: self._model_args[name] for name in _OF_TOKENIZER if name in self._model_args},
        )

        _log.info("loading the weights of %s", self._location)
        loaded: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._bridge.start(self._run, commit, loaded, name="clc-transformers", join_s=_JOIN_S)
        try:
            self._window_tokens = await loaded
        except Exception as error:
            reason = first_line(error)
            raise EngineError(f"transformers could not load {self._location}: {reason}") from error
        self._state = ""

    def check_options(self, options: ChatOptions) -> None:
        """Check the options of later requests; see ``ChatEngine``."""
        self._chat.with_options(options)

    async def complete(self, request: Request) -> Completion:
        """Complete one request; that of a cancelled call leaves the batch.

        A completion that reaches ``max_tokens`` or the model's window ends with ``length``.

        Raises:
            EngineError: the engine is not running, or died.
        """
        if self._state:
            raise EngineError(f"the transformers engine {self._state}")
        chat = self._chat.with_options(request.chat_options)
        try:
            prompt = await chat.render_beside(request.messages)
        except ChatTemplateError as error:
            return Completion.lost(str(error))
        meter = None if request.measure is None else Meter(request.measure)
        stream = open_stream(chat, prompt, request)

        async def sample(ids: list[int], part: Request, before: str) -> SampledTokens | Completion:
            room = self._window_tokens - len(ids)
            if room <= 0:
                return Completion.lost(
                    f"prompt of {len(ids)} tokens does not fit the model's window of "
                    f"{self._window_tokens} tokens"
                )
            name, sampling = str(next(self._names)), part.sampling
            room = min(room, sampling.max_tokens)
            job = TokenizedRequest(
                name, ids, sampling, part.seed, room, meter, before, prompt.opened
            )
            listener = None if stream is None else lambda text: stream(before + text)
            return await self._bridge.submit(name, job, listener)

        sampled = await sample_within_budget(chat, prompt, request, sample)
        if isinstance(sampled, Completion):
            return sampled
        return complete_tokens(chat, prompt, sampled, meter)

    async def close(self) -> None:
        """End the thread and free the model; calls in flight raise EngineError."""
        self._state = "was closed"
        await asyncio.to_thread(self._bridge.stop)

    def _run(self, commit: str | None, loaded: asyncio.Future[int]) -> None:
        try:
            model = load_model(self._location, commit, self._device, self._dtype, self._model_args)
            if self._lora is not None:
                merge_adapter(model, self._lora)
        except Exception as error:  # noqa: BLE001 - whatever it is, start() raises it
            settle(loaded, error=error)
            return
        batches = Batches(model, self._chat, self._bridge, self._batch_size)
        settle(loaded, window_tokens(model.config))
        try:
            batches.serve()
        except Exception as error:  # noqa: BLE001 - an unknown failure loses the whole engine
            reason = next(iter(str(error).splitlines()), "")
            self._bridge.fail(
                EngineError(f"transformers' generate failed: {type(error).__name__}: {reason}")
            )
        finally:
            free_memory()
