"""Completions by key, each sampled once: from the store, the cache or the engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from clc.engines.adjusted import AdjustedEngine
from clc.engines.base import Measure, Request
from clc.records import ReasoningPath, Sampling, Step, path_key
from clc.solving.bill import Bill

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from clc.engines.shared import SharedEngine
    from clc.records import Prompt
    from clc.runs.protocol import PathStore
    from clc.runs.translation_cache import TranslationCache

__all__ = ["Counters", "Sampler", "TokenLimits", "earlier_limits"]

_FEWEST_FOR_NOTICE = 10
_TRUNCATED_SHARE = 0.2

_T = TypeVar("_T")
_P = ParamSpec("_P")


@dataclass(slots=True)
class Counters:
    """Counts of a solver's work so far.

    Attributes:
        drawn: paths that the engine sampled.
        reused: paths that were stored, or that another problem sampled.
        lost: paths and steps that were lost.
        truncated: of ``drawn``, those that ended at a limit of tokens.
        unwanted: paths that were sampled or started when the vote had stopped already.
        translations: that the engine made.
        completion_tokens: of paths and steps.
    """

    drawn: int = 0
    reused: int = 0
    lost: int = 0
    unwanted: int = 0
    truncated: int = 0
    translations: int = 0
    completion_tokens: int = 0

    def truncation_notice(self) -> str | None:
        """Return advice where more than a fifth of ten or more paths were truncated.

        >>> Counters(drawn=10, truncated=2).truncation_notice() is None
        True
        """
        if self.drawn < _FEWEST_FOR_NOTICE or self.truncated <= self.drawn * _TRUNCATED_SHARE:
            return None
        return (
            f"{self.truncated:,} of the first {self.drawn:,} paths ended at the limit of tokens, "
            "and give no answer: raise --max-tokens (max_tokens), or close long thoughts with "
            "--thinking-budget (thinking_budget)"
        )


class TokenLimits(NamedTuple):
    """The most tokens of a path and of a translation, with their thoughts."""

    max_tokens: int
    translation_max_tokens: int


def earlier_limits(manifest: Mapping[str, Any] | None) -> tuple[TokenLimits, ...]:
    """Return the limits of tokens that a run had before they grew, the oldest first."""
    return tuple(TokenLimits(**limits) for limits in (manifest or {}).get("earlier_limits", ()))


class Sampler:
    """Samples paths and steps over an engine, and stores them.

    Args:
        engine: samples the paths, and steps that are no translations.
        translator: samples translations.
        store: keeps what engines produce.
        cache: translations kept over runs.
        voters: engines of arms that name an engine file, by that name.

    Attributes:
        counters: counts of the work so far.
        bill: the money spent so far.
        earlier_limits: under which the run was sampled before, the oldest first. What ended
            under them, and not by them, is not sampled again.
    """

    def __init__(
        self,
        engine: SharedEngine,
        translator: SharedEngine,
        store: PathStore,
        cache: TranslationCache | None,
        voters: Mapping[str, SharedEngine] | None = None,
    ) -> None:
        self.engine = engine
        self.voters = dict(voters or {})
        self.translator = translator
        self.store = store
        self.counters = Counters()
        self.bill = Bill()
        self.earlier_limits: tuple[TokenLimits, ...] = ()
        self._cache = cache
        self._pending: dict[str, asyncio.Future[Any]] = {}

    @property
    def start_seconds(self) -> float:
        """Seconds that starting the engines took; that of one loaded model counts once."""
        engines = {self.engine, self.translator, *self.voters.values()}
        shared = isinstance(self.translator.engine, AdjustedEngine)
        return (max if shared else sum)(engine.start_seconds for engine in engines)

    def engine_of(self, voter: str | None) -> SharedEngine:
        """Return the engine of an arm's paths; ``voter`` is its engine file, None for our own."""
        return self.engine if voter is None else self.voters[voter]

    def ended_path(self, key: str) -> ReasoningPath | None:
        """Return a stored path that was not truncated, None where there is none."""
        path = self.store.paths([key]).get(key)
        if path is None or path.finish_reason == "length":
            return None
        self.counters.reused += 1
        return path

    def ended_step(self, key: str) -> Step | None:
        """Return a stored step that was not truncated, None where there is none."""
        step = self.store.step(key)
        return None if step is None or step.finish_reason == "length" else step

    async def sample(
        self,
        prompt: Prompt,
        index: int,
        seed: int,
        sampling: Sampling,
        measure: Measure | None = None,
        *,
        voter: str | None = None,
    ) -> ReasoningPath:
        """Sample one path, number ``index`` of its arm, or return it from the store.

        ``voter`` is the arm's engine file, None for the run's engine.
        """
        key = path_key(prompt.key, seed, None if measure is None else measure.floor)
        request = Request(key, prompt.messages, sampling, seed, measure)
        shared = key in self._pending
        engine = self.engine_of(voter)
        path = await self._once(key, self._complete_path, engine, request, prompt, index)
        self.counters.reused += shared and path.error is None
        return path

    async def step(
        self, kind: str, request: Request, language: str, voter: str | None = None
    ) -> Step | str:
        """Sample one step, or return it from the store; a text is the reason why it was lost.

        ``voter`` is the engine file of the arm whose step it is; a translation has none.
        """
        engine = self.translator if kind == "translation" else self.engine_of(voter)
        return await self._once(request.key, self._complete_step, engine, kind, request, language)

    async def _complete_path(
        self, engine: SharedEngine, request: Request, prompt: Prompt, index: int
    ) -> ReasoningPath:
        key = request.key
        if (stored := self.store.paths([key]).get(key)) is not None:
            self.counters.reused += 1
            return stored
        if isinstance(self.translator.engine, AdjustedEngine):
            await self.translator.start()  # which checks its options before any path is sampled
        async with self.bill.room():
            completion = await engine.complete(request, owner=self)
            usage = completion.usage.clamped()
            path = ReasoningPath(
                key,
                prompt.key,
                prompt.language,
                index,
                request.seed,
                completion.text,
                completion.finish_reason,
                usage,
                completion.confidence,
                error=completion.error,
                thought=completion.thought,
                closed=completion.closed,
                cost=self.bill.price(completion),
            )
            if completion.error is None:
                self.counters.drawn += 1
                self.counters.truncated += completion.finish_reason == "length"
                self.counters.completion_tokens += usage.completion_tokens
                self.store.add_path(path)
                self.bill.add(path.cost, completion.cached_tokens)
            else:
                self.counters.lost += 1
                self.store.add_failure(key, completion.error)
        return path

    async def _complete_step(
        self, engine: SharedEngine, kind: str, request: Request, language: str
    ) -> Step | str:
        cache = self._cache if kind == "translation" else None
        stored = self.store.step(request.key)
        if stored is None and cache is not None:
            stored = cache.get(request.key)
            if stored is not None:
                self.store.add_step(request.key, stored)
        if stored is not None:
            return stored
        is_translation = kind == "translation"
        async with self.bill.room():
            completion = await engine.complete(request, owner=self)
            if completion.error is not None:
                self.counters.lost += 1
                self.store.add_failure(request.key, completion.error)
                return completion.error
            usage = completion.usage.clamped()
            step = Step(
                kind,
                language,
                completion.text,
                completion.finish_reason,
                usage,
                completion.thought,
                completion.closed,
                self.bill.price(completion, translation=is_translation),
            )
            self.counters.translations += is_translation
            self.counters.completion_tokens += usage.completion_tokens
            self.store.add_step(request.key, step)
            if cache is not None:
                cache.put(request.key, step)
            self.bill.add(step.cost, completion.cached_tokens)
        return step

    async def _once(
        self, key: str, sample: Callable[_P, Awaitable[_T]], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Await ``sample``, or the result of another problem that samples the same key now."""
        while (pending := self._pending.get(key)) is not None:
            try:
                shared: _T = await asyncio.shield(pending)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not pending.cancelled() or (task is not None and task.cancelling()):
                    raise  # this task was cancelled, and not only the one that samples
            else:
                return shared
        future = self._pending[key] = asyncio.get_running_loop().create_future()
        try:
            result = await sample(*args, **kwargs)
        except asyncio.CancelledError:
            future.cancel()
            raise
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # retrieved: perhaps no other task waits for it
            raise
        else:
            future.set_result(result)
            return result
        finally:
            del self._pending[key]
