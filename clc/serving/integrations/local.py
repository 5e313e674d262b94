"""An engine in its own thread, for frameworks that call from any thread or event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from clc.engines.adjusted import open_translator
from clc.engines.engine_file import EngineSpec, load_engine_file
from clc.engines.models import BUNDLED
from clc.engines.openai.endpoint_spec import EndpointSpec
from clc.errors import ConfigurationError
from clc.serving.completions import Completions, as_error
from clc.serving.errors import ApiError
from clc.solving.configure import configure
from clc.solving.runner import open_problems
from clc.strategies.files import open_strategy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from clc.engines.base import Engine
    from clc.strategies.strategy import Strategy

__all__ = ["LocalClient"]

_CLOSE_S = 30.0


class LocalClient:
    """Answers chat requests in this process; safe to call from any thread or event loop.

    The model is loaded at the first request and stays until ``close`` or the end of the process.

    Args:
        model: ``clc-tiny`` (bundled, the default), a folder, a Hugging Face id, or an endpoint's
            name.
        strategy: a name, a TOML file, or a ``Strategy``.
        engine: ``auto``, ``vllm``, ``transformers``, ``openai``, or an ``Engine``.
        base_url: OpenAI-compatible endpoints, one or several.
        engine_file: a TOML file that describes engine, sampling and translator; the other
            arguments win.
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
        model: str | None = None,
        *,
        strategy: str | Strategy = "clc",
        engine: str | Engine = "auto",
        base_url: str | Sequence[str] = (),
        engine_file: str | Path | EngineSpec | None = None,
        window: int | None = None,
        languages: str | Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        if isinstance(languages, str):
            languages = [code.strip() for code in languages.replace("+", ",").split(",")]
        urls = [base_url] if isinstance(base_url, str) else list(base_url)
        spec = _describe(engine_file, model, engine, urls, window)
        settings = spec.with_settings(settings) if isinstance(engine, str) else settings
        configuration = configure(
            open_strategy(strategy) if isinstance(strategy, str) else strategy,
            languages=languages,
            **settings,
        )
        if isinstance(engine, str):
            engine, translator = spec.open_both()
        else:
            translator = open_translator(engine, None)
        self.name = spec.served_name
        self._completions = Completions(
            engine, configuration, model=self.name, translator=translator
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


def _describe(
    engine_file: str | Path | EngineSpec | None,
    model: str | None,
    engine: str | Engine,
    urls: Sequence[str],
    window: int | None,
) -> EngineSpec:
    """Return the engine of a client; the arguments win over the file."""
    if isinstance(engine_file, EngineSpec):
        spec = engine_file
    else:
        spec = EngineSpec() if engine_file is None else load_engine_file(engine_file)
    if not isinstance(engine, str):
        if engine_file is not None:
            raise ConfigurationError("engine and engine_file both name an engine: give one of them")
        return replace(spec, model=model, endpoints=tuple(map(EndpointSpec, urls)))
    changes: dict[str, Any] = {}
    if model is not None and not (model == BUNDLED and spec.model is not None):
        changes["model"] = model
    if engine != "auto":
        changes["engine"] = engine
    if urls:
        changes["endpoints"] = tuple(
            EndpointSpec(url, "OPENAI_API_KEY", needs_key=False) for url in urls
        )
    if window is not None:
        changes["args"] = {**spec.args, "window": window}
    return replace(spec, **changes)


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
