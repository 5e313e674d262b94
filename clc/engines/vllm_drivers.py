"""The two ways to run vLLM: in its own processes, and inside this one.

Measured on 2 cores: vLLM's own processes start in 20 to 28 s, the engine inside this process in
3 s, and both generate equally fast there. On GPUs own processes keep the scheduler away from the
tokenizer and the vote.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from clc.engines.environment import environment, quiet_start
from clc.engines.mailbox import Mailbox, settle
from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Driver", "InProcessDriver", "Limits", "ProcessDriver", "RequestRefusedError"]

_JOIN_S = 10.0


class RequestRefusedError(Exception):
    """vLLM refuses this one request; others go on."""


class Limits(NamedTuple):
    """What a loaded engine can take: tokens of prompt and completion, and requests at a time."""

    window_tokens: int
    max_num_seqs: int

    @classmethod
    def of(cls, config: Any) -> Limits:
        """Read the limits from a ``VllmConfig``."""
        return cls(config.model_config.max_model_len, config.scheduler_config.max_num_seqs)


class Driver(Protocol):
    """A running vLLM engine."""

    async def start(self) -> Limits:
        """Load the model; raises whatever vLLM raises."""

    async def generate(self, name: str, prompt: list[int], params: Any) -> Any:
        """Return the final ``RequestOutput``; cancelling the call aborts the request.

        Raises:
            RequestRefusedError: this request cannot be run.
            EngineError: the engine is dead.
        """

    async def close(self) -> None:
        """End the engine and free what it held."""


class ProcessDriver:
    """vLLM's AsyncLLM, whose scheduler and workers are processes of their own."""

    def __init__(self, args: dict[str, Any]) -> None:
        self._args = args
        self._llm: Any = None

    async def start(self) -> Limits:
        """Start vLLM's processes and load the model."""
        with quiet_start():
            await asyncio.to_thread(self._load)
        return Limits.of(self._llm.vllm_config)

    def _load(self) -> None:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.async_llm import AsyncLLM

        # Not returned: the thread pool would hold on to it.
        self._llm = AsyncLLM.from_engine_args(
            AsyncEngineArgs(**self._args), usage_context=UsageContext.LLM_CLASS
        )

    async def generate(self, name: str, prompt: list[int], params: Any) -> Any:
        """Return the final output of one request."""
        from vllm.v1.engine.exceptions import EngineDeadError

        final: Any = None
        failure: Exception
        try:
            async for output in self._llm.generate({"prompt_token_ids": prompt}, params, name):
                final = output
        except EngineDeadError:
            failure = EngineError(
                "vLLM's engine process died (its own messages, above, say why; often memory): "
                "run again to continue, with a smaller window or max_model_len"
            )
        except Exception as error:  # noqa: BLE001 - vLLM's check of one request, by version
            failure = RequestRefusedError(_first_line(error))
        else:
            return final
        # Out here, so that no chained traceback keeps vLLM alive.
        raise failure

    async def close(self) -> None:
        """Shut vLLM's processes down."""
        llm, self._llm = self._llm, None
        if llm is None:
            return
        await asyncio.to_thread(llm.shutdown)
        await asyncio.sleep(0)  # its cancelled tasks end, and its sockets close
        _close_context(llm.engine_core)
        del llm
        gc.collect()  # while Python is whole: at its end vLLM's destructors fail


def _close_context(core: Any) -> None:
    """Close the ZeroMQ context, with two threads, that vLLM 0.32 leaves to the collector."""
    shadow: Any = getattr(core, "ctx", None)  # the asyncio face of the real one
    context = getattr(shadow, "_shadow_obj", None)
    if context is not None and not context.closed:
        for socket in tuple(shadow._sockets):  # noqa: SLF001 - an open one would block term()
            socket.close(linger=0)
        context.term()


class InProcessDriver:
    """vLLM's LLMEngine, loaded and stepped in one thread of this process.

    Loading and stepping share the thread because OpenMP's settings and thread pool are a
    thread's own.
    """

    def __init__(self, args: dict[str, Any]) -> None:
        self._args = args
        self._mail: Mailbox[tuple[list[int], Any], Any] = Mailbox()
        self._thread: threading.Thread | None = None

    async def start(self) -> Limits:
        """Load the model in the engine's thread."""
        loaded: asyncio.Future[Limits] = asyncio.get_running_loop().create_future()
        self._thread = threading.Thread(
            target=self._run, args=(loaded,), name="clc-vllm", daemon=True
        )
        self._thread.start()
        atexit.register(self._stop)
        return await loaded

    async def generate(self, name: str, prompt: list[int], params: Any) -> Any:
        """Return the final output of one request."""
        output = await self._mail.ask(name, (prompt, params))
        if isinstance(output, RequestRefusedError):
            raise output
        return output

    async def close(self) -> None:
        """End the thread; whoever still waits gets an EngineError."""
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            self._mail.stop()
            thread.join(_JOIN_S)
            atexit.unregister(self._stop)

    def _run(self, loaded: asyncio.Future[Limits]) -> None:
        try:
            inside = environment(VLLM_ENABLE_V1_MULTIPROCESSING="0")
            with quiet_start(), inside, _restored_threads():
                engine = self._load()
        except Exception as error:  # noqa: BLE001 - whatever it is, start() raises it
            settle(loaded, error=error)
            return
        settle(loaded, Limits.of(engine.vllm_config))
        try:
            self._serve(engine)
        except Exception as error:  # noqa: BLE001 - a step that fails loses the whole engine
            self._mail.lose(
                EngineError(f"vLLM's engine died: {type(error).__name__}: {_first_line(error)}")
            )
        finally:
            _free(engine)

    def _load(self) -> Any:
        from vllm.engine.arg_utils import EngineArgs
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.llm_engine import LLMEngine

        return LLMEngine.from_engine_args(
            EngineArgs(**self._args), usage_context=UsageContext.LLM_CLASS
        )

    def _serve(self, engine: Any) -> None:
        busy = False
        while True:
            refused = []
            for name, job in self._mail.take(0.0 if busy else None):
                if job is None:
                    engine.abort_request([name])
                elif (refusal := _add(engine, name, *job)) is not None:
                    refused.append((name, refusal))
            if self._mail.closed:
                return
            self._mail.answer(refused)
            busy = engine.has_unfinished_requests()
            if busy:
                finished = [output for output in engine.step() if output.finished]
                self._mail.answer([(output.request_id, output) for output in finished])


def _add(engine: Any, name: str, prompt: list[int], params: Any) -> RequestRefusedError | None:
    try:
        engine.add_request(name, {"prompt_token_ids": prompt}, params)
    except Exception as error:  # noqa: BLE001 - vLLM's check of one request, by version
        return RequestRefusedError(_first_line(error))
    return None


def _free(engine: Any) -> None:
    """End an in-process engine; vLLM keeps its parallel state in module globals."""
    from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

    engine.engine_core.shutdown()
    del engine
    cleanup_dist_env_and_memory()
    gc.collect()


@contextmanager
def _restored_threads() -> Iterator[None]:
    """Put torch.set_num_threads back, which vLLM's CPU worker replaces for the whole process."""
    import torch

    set_num_threads = torch.set_num_threads
    try:
        yield
    finally:
        torch.set_num_threads = set_num_threads


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
