"""The driver of vLLM inside this process."""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from clc.engines.environment import environment, quiet_start, without_collections
from clc.engines.error_text import first_line
from clc.engines.thread_bridge import ThreadBridge, settle
from clc.engines.vllm.drivers import EngineLimits, RequestRefusedError, explain_failure
from clc.engines.vllm.requests import lora_arguments, token_prompt
from clc.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.engines.vllm.drivers import Listener, Watch

__all__ = ["InProcessDriver"]

_JOIN_S = 10.0


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
                EngineError(f"vLLM's engine died: {type(error).__name__}: {first_line(error)}")
            )
        finally:
            _free(engine)

    def _load(self) -> Any:
        with without_collections():
            from vllm.engine.arg_utils import EngineArgs
            from vllm.usage.usage_lib import UsageContext
            from vllm.v1.engine.llm_engine import LLMEngine
        gc.freeze()  # as vLLM does later: it collects three times while it loads a model
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
    from vllm.distributed.parallel_state import (
        cleanup_dist_env_and_memory,
        model_parallel_is_initialized,
    )

    engine.engine_core.shutdown()
    del engine
    gc.unfreeze()
    if model_parallel_is_initialized():  # by version: the shutdown before cleans it up, too
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
