"""The driver of vLLM in its own processes."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from clc.engines.environment import quiet_start, without_collections
from clc.engines.vllm.drivers import EngineLimits, explain_failure
from clc.engines.vllm.requests import lora_arguments, token_prompt
from clc.errors import EngineError

if TYPE_CHECKING:
    from clc.engines.vllm.drivers import Listener, Watch

__all__ = ["ProcessDriver"]


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
        with without_collections():
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
