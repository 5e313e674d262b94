"""An engine in its own thread, for frameworks that call from any thread or event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from clc.engines.adjusted import open_translator
from clc.engines.factory import open_engine
from clc.engines.models import BUNDLED
from clc.serving.completions import Completions, as_error
from clc.serving.errors import ApiError
from clc.solving.configure import configure
from clc.solving.runner import open_problems
from clc.strategies.files import open_strategy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clc.engines.base import Engine
    from clc.strategies.strategy import Strategy

__all__ = ["LocalClient"]

_CLOSE_S = 30.0


class LocalClient:
    """Answers chat requests in this process; safe to call from any thread or event loop.

    The model is loaded at the first request and stays until ``close`` or the end of the process.

    Args:
        model: ``clc-tiny`` (bundled), a folder, a Hugging Face id, or an endpoint's name.
        strategy: a name, a TOML file, or a ``Strategy``.
        engine: ``auto``, ``vllm``, ``transformers``, ``openai``, or an ``Engine``.
        base_url: OpenAI-compatible endpoints, one or several.
        window: requests in flight; the engine's choice by default.
        languages: to reason in; also as one text, ``"en,de"`` or ``"en+de"``.
        settings: as for ``clc.configure``: paths, temperature, max_tokens, seed, …

    Attributes:
        name: of the plain model; a vote is model ``clc``.
        at_once: number of requests that keep the engine busy.
        fingerprint: hash of all settings that influence answers.

    Raises:
        InputError: a setting is wrong.
    """

    def __init__(
        self,
        model: str = BUNDLED,
        *,
        strategy: str | Strategy = "clc",
        engine: str | Engine = "auto",
        base_url: str | Sequence[str] = (),
        window: int | None = None,
        languages: str | Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        if isinstance(languages, str):
            languages = [code.strip() for code in languages.replace("+", ",").split(",")]
        configuration = configure(
            open_strategy(strategy) if isinstance(strategy, str) else strategy,
            languages=languages,
            **settings,
        )
        urls = [base_url] if isinstance(base_url, str) else list(base_url)
        if isinstance(engine, str):
            engine = open_engine(model, engine=engine, base_urls=urls, window=window)
        self.name = model if urls or not Path(model).is_dir() else Path(model).name
        self._completions = Completions(
            engine, configuration, model=self.name, translator=open_translator(engine, None)
        )
        self.at_once = open_problems(engine.window, configuration.paths)
        self.fingerprint = self._completions.fingerprint
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever, name="clc-local", daemon=True)
        thread.start()
        self._end = weakref.finalize(self, _end, self._completions, self._loop, thread)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the engine; a second call does nothing."""
        self._end()

    def complete(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request: the body of a ``POST /v1/chat/completions`` to its reply's body.

        Raises:
            InputError: the request is wrong.
            RunError: the engine is lost, or every path of it.
        """
        future = asyncio.run_coroutine_threadsafe(self._answer(body), self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    async def acomplete(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request; cancelling the call ends its work in the engine.

        Raises:
            InputError: the request is wrong.
            RunError: the engine is lost, or every path of it.
        """
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self._answer(body), self._loop)
        )

    def complete_all(
        self, bodies: Sequence[Mapping[str, Any]]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Answer many requests; yield (position in ``bodies``, reply) as they complete.

        Raises:
            InputError: a request is wrong.
            RunError: the engine is lost, or every path of a request.
        """
        done: queue.SimpleQueue[tuple[int, dict[str, Any] | ApiError] | None] = queue.SimpleQueue()

        async def pump() -> None:
            try:
                async with aclosing(self._completions.stream(enumerate(bodies))) as replies:
                    async for reply in replies:
                        done.put(reply)
            finally:
                done.put(None)

        future = asyncio.run_coroutine_threadsafe(pump(), self._loop)
        try:
            while (item := done.get()) is not None:
                position, reply = item
                if isinstance(reply, ApiError):
                    raise as_error(reply) from reply
                yield position, reply
            future.result()
        finally:
            future.cancel()

    async def _answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self._completions.answer(self._completions.read(body))
        except ApiError as error:
            raise as_error(error) from error


def _end(
    completions: Completions, loop: asyncio.AbstractEventLoop, thread: threading.Thread
) -> None:
    """Cancel every task, close the engine on its loop, then stop the loop."""

    async def finish() -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await completions.close()

    closing = asyncio.run_coroutine_threadsafe(finish(), loop)
    with suppress(TimeoutError):
        closing.result(_CLOSE_S)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(_CLOSE_S)
    if not thread.is_alive():
        loop.close()
