"""Two drivers for vLLM: in its own processes, and inside this process.

Measured on 2 cores: vLLM's own processes start in 20 to 28 s, the engine inside this process in
3 s, and both generate equally fast there. On GPUs own processes keep the scheduler away from the
tokenizer and the vote.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from clc.engines.environment import environment, quiet_start
from clc.engines.thread_bridge import ThreadBridge, settle
from clc.engines.vllm.requests import lora_arguments, token_prompt
from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Driver",
    "EngineLimits",
    "InProcessDriver",
    "ProcessDriver",
    "RequestRefusedError",
    "Watch",
    "explain_failure",
]

_JOIN_S = 10.0

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


class ProcessDriver:
    """vLLM's AsyncLLM, whose scheduler and workers are separate processes."""

    def __init__(self, args: dict[str, Any], lora: str | None = None) -> None:
        self._args = args
        self._lora = lora
        self._more: dict[str, Any] = {}  # of every request
        self._llm: Any = None

    async def start(self) -> EngineLimits:
        """Start vLLM's processes and load the model."""
        with quiet_start():
            await asyncio.to_thread(self._load)
        return EngineLimits.from_config(self._llm.vllm_config)

    def _load(self) -> None:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.async_llm import AsyncLLM

        self._more = lora_arguments(self._lora)
        # Not returned: the thread pool would keep a reference.
        self._llm = AsyncLLM.from_engine_args(
            AsyncEngineArgs(**self._args), usage_context=UsageContext.LLM_CLASS
        )

    async def generate(
        self,
        name: str,
        prompt: list[int],
        params: Any,
        watch: Watch | None,
        listener: Listener | None,
    ) -> Any:
        """Return the last output of one request."""
        from vllm.v1.engine.exceptions import EngineDeadError

        final: Any = None
        failure: Exception
        try:
            outputs = self._llm.generate(token_prompt(prompt), params, name, **self._more)
            async with aclosing(outputs):  # closing it early aborts the request
                async for output in outputs:
                    final = output
                    if output.finished:
                        continue
                    if watch is not None and watch(output):
                        break
                    if listener is not None:
                        listener(output)
        except EngineDeadError:
            failure = EngineError(
                "vLLM's engine process died (its messages above give the reason; often memory): "
                "run again to continue, with a smaller window, gpu_memory_utilization or "
                "max_model_len"
            )
        except Exception as error:  # noqa: BLE001 - vLLM's check of one request, by version
            failure = explain_failure(error)
        else:
            return final
        # Raised here, so that no chained traceback keeps vLLM alive.
        raise failure

    async def close(self) -> None:
        """Shut down vLLM's processes."""
        llm, self._llm = self._llm, None
        if llm is None:
            return
        await asyncio.to_thread(llm.shutdown)
        await asyncio.sleep(0)  # its cancelled tasks end, and its sockets close
        _close_context(llm.engine_core)
        del llm
        gc.collect()  # now: at the interpreter's exit vLLM's destructors fail


def _close_context(core: Any) -> None:
    """Close the ZeroMQ context (two threads) that vLLM 0.32 leaves to the garbage collector."""
    shadow: Any = getattr(core, "ctx", None)  # the asyncio wrapper of the real one
    context = getattr(shadow, "_shadow_obj", None)
    if context is not None and not context.closed:
        for socket in tuple(shadow._sockets):  # noqa: SLF001 - an open one would block term()
            socket.close(linger=0)
        context.term()


class InProcessDriver:
    """vLLM's LLMEngine, loaded and stepped in one thread of this process.

    Loading and stepping share the thread because OpenMP's settings and thread pool belong to a
    thread.
    """

    def __init__(self, args: dict[str, Any], lora: str | None = None) -> None:
        self._args = args
        self._lora = lora
        self._more: dict[str, Any] = {}  # of every request
        self._bridge: ThreadBridge[tuple[list[int], Any, Watch | None], Any, Any] = ThreadBridge()

    async def start(self) -> EngineLimits:
        """Load the model in the engine's thread."""
        loaded: asyncio.Future[EngineLimits] = asyncio.get_running_loop().create_future()
        self._bridge.start(self._run, loaded, name="clc-vllm", join_s=_JOIN_S)
        return await loaded

    async def generate(
        self,
        name: str,
        prompt: list[int],
        params: Any,
        watch: Watch | None,
        listener: Listener | None,
    ) -> Any:
        """Return the last output of one request; ``watch`` runs in the engine's thread."""
        output = await self._bridge.submit(name, (prompt, params, watch), listener)
        if isinstance(output, RequestRefusedError):
            raise output
        return output

    async def close(self) -> None:
        """End the thread; pending requests raise EngineError."""
        await asyncio.to_thread(self._bridge.stop)

    def _run(self, loaded: asyncio.Future[EngineLimits]) -> None:
        try:
            one_process = environment(VLLM_ENABLE_V1_MULTIPROCESSING="0")
            with quiet_start(), one_process, _restored_threads():
                engine = self._load()
        except Exception as error:  # noqa: BLE001 - whatever it is, start() raises it
            settle(loaded, error=error)
            return
        settle(loaded, EngineLimits.from_config(engine.vllm_config))
        try:
            self._serve(engine)
        except Exception as error:  # noqa: BLE001 - a step that fails loses the whole engine
            self._bridge.fail(
                EngineError(f"vLLM's engine died: {type(error).__name__}: {_first_line(error)}")
            )
        finally:
            _free(engine)

    def _load(self) -> Any:
        from vllm.engine.arg_utils import EngineArgs
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.llm_engine import LLMEngine

        self._more = lora_arguments(self._lora)
        return LLMEngine.from_engine_args(
            EngineArgs(**self._args), usage_context=UsageContext.LLM_CLASS
        )

    def _serve(self, engine: Any) -> None:
        busy = False
        watches: dict[str, Watch] = {}
        while True:
            refused = []
            for name, job in self._bridge.take(0.0 if busy else None):
                if job is None:
                    engine.abort_request([name])
                    watches.pop(name, None)
                    continue
                prompt, params, watch = job
                if (refusal := _add(engine, name, prompt, params, self._more)) is not None:
                    refused.append((name, refusal))
                elif watch is not None:
                    watches[name] = watch
            if self._bridge.closed:
                return
            self._bridge.resolve(refused)
            busy = engine.has_unfinished_requests()
            if busy:
                running, ended = _step(engine, watches)
                self._bridge.publish([(output.request_id, output) for output in running])
                self._bridge.resolve([(output.request_id, output) for output in ended])


def _step(engine: Any, watches: dict[str, Watch]) -> tuple[list[Any], list[Any]]:
    """Take a step; return outputs of requests that go on, and of those that end or are aborted.

    Of the first kind, vLLM returns only those of requests that stream.
    """
    running, ended = [], []
    for output in engine.step():
        name = output.request_id
        if not output.finished:
            if name not in watches or not watches[name](output):
                running.append(output)
                continue
            engine.abort_request([name])
        watches.pop(name, None)
        ended.append(output)
    return running, ended


def _add(
    engine: Any, name: str, prompt: list[int], params: Any, more: dict[str, Any]
) -> RequestRefusedError | None:
    try:
        engine.add_request(name, token_prompt(prompt), params, **more)
    except Exception as error:  # noqa: BLE001 - vLLM's check of one request, by version
        return explain_failure(error)
    return None


def _free(engine: Any) -> None:
    """Shut down an in-process engine; vLLM keeps its parallel state in module globals."""
    from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

    engine.engine_core.shutdown()
    del engine
    cleanup_dist_env_and_memory()
    gc.collect()


@contextmanager
def _restored_threads() -> Iterator[None]:
    """Restore torch.set_num_threads, which vLLM's CPU worker replaces for the whole process."""
    import torch

    set_num_threads = torch.set_num_threads
    try:
        yield
    finally:
        torch.set_num_threads = set_num_threads


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
        return RequestRefusedError(f"vLLM refuses the request: {_first_line(cause)}")
    name = type(cause).__name__
    return RequestRefusedError(f"vLLM failed at the request: {name}: {_first_line(cause)}")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
