"""Drawing completions: each key once, from the store, the cache or the engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from clc.engines.base import Measure, Request
from clc.records import ReasoningPath, Sampling, Step, path_key, path_seed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clc.engines.shared import SharedEngine
    from clc.records import Prompt
    from clc.runs.protocol import PathStore
    from clc.runs.translation_cache import TranslationCache

__all__ = ["Counters", "Sampler"]

_T = TypeVar("_T")
_P = ParamSpec("_P")


@dataclass(slots=True)
class Counters:
    """What a solver has done so far, for whoever displays it.

    ``unwanted`` paths were drawn or begun when the vote had stopped already.
    """

    drawn: int = 0
    reused: int = 0
    lost: int = 0
    unwanted: int = 0
    translations: int = 0
    completion_tokens: int = 0


class Sampler:
    """Draws paths and steps over an engine, and stores what it cost.

    Args:
        lane: draws the paths, and steps that are no translations.
        translator: draws translations.
        store: keeps what engines produce.
        cache: translations kept over runs.
    """

    def __init__(
        self,
        lane: SharedEngine,
        translator: SharedEngine,
        store: PathStore,
        cache: TranslationCache | None,
    ) -> None:
        self.lane = lane
        self.translator = translator
        self.store = store
        self.counters = Counters()
        self._cache = cache
        self._pending: dict[str, asyncio.Future[Any]] = {}

    async def path(
        self,
        prompt: Prompt,
        index: int,
        run_seed: int,
        sampling: Sampling,
        measure: Measure | None = None,
    ) -> ReasoningPath:
        """Draw one path, or find it in the store."""
        floor = None if measure is None else measure.floor
        key = path_key(prompt.key, index, run_seed, floor)
        request = Request(
            key, prompt.messages, sampling, path_seed(run_seed, prompt.key, index), measure
        )
        shared = key in self._pending
        path = await self._once(key, self._draw_path, request, prompt, index)
        self.counters.reused += shared and path.error is None
        return path

    async def step(self, kind: str, request: Request, language: str) -> Step | str:
        """Draw one step, or find it; return why it was lost where it was."""
        return await self._once(request.key, self._draw_step, kind, request, language)

    async def _draw_path(self, request: Request, prompt: Prompt, index: int) -> ReasoningPath:
        key = request.key
        if (stored := self.store.paths([key]).get(key)) is not None:
            self.counters.reused += 1
            return stored
        completion = await self.lane.complete(request, owner=self)
        path = ReasoningPath(
            key,
            prompt.key,
            prompt.language,
            index,
            request.seed,
            completion.text,
            completion.finish_reason,
            completion.usage,
            completion.confidence,
            error=completion.error,
        )
        if completion.error is None:
            self.counters.drawn += 1
            self.counters.completion_tokens += completion.usage.completion_tokens
            self.store.add_path(path)
        else:
            self.counters.lost += 1
            self.store.add_failure(key, completion.error)
        return path

    async def _draw_step(self, kind: str, request: Request, language: str) -> Step | str:
        cache = self._cache if kind == "translation" else None
        stored = self.store.step(request.key)
        if stored is None and cache is not None:
            stored = cache.get(request.key)
            if stored is not None:
                self.store.add_step(request.key, stored)
        if stored is not None:
            return stored
        lane = self.translator if kind == "translation" else self.lane
        completion = await lane.complete(request, owner=self)
        if completion.error is not None:
            self.counters.lost += 1
            self.store.add_failure(request.key, completion.error)
            return completion.error
        step = Step(kind, language, completion.text, completion.finish_reason, completion.usage)
        self.counters.translations += kind == "translation"
        self.counters.completion_tokens += completion.usage.completion_tokens
        self.store.add_step(request.key, step)
        if cache is not None:
            cache.put(request.key, step)
        return step

    async def _once(
        self, key: str, draw: Callable[_P, Awaitable[_T]], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Await ``draw``, or what another problem is drawing under the same key just now."""
        while (pending := self._pending.get(key)) is not None:
            try:
                shared: _T = await asyncio.shield(pending)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not pending.cancelled() or (task is not None and task.cancelling()):
                    raise  # this task was cancelled, and not only the one that draws
            else:
                return shared
        future = self._pending[key] = asyncio.get_running_loop().create_future()
        try:
            drawn = await draw(*args, **kwargs)
        except asyncio.CancelledError:
            future.cancel()
            raise
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # retrieved: nobody else need wait for it
            raise
        else:
            future.set_result(drawn)
            return drawn
        finally:
            del self._pending[key]
