"""One problem to one verdict: translations, prompts, paths, votes.

Nothing here is about many problems, files or progress bars: the runner holds those.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from clc.answers import extract_answer
from clc.engines.seam import Completion, Engine, Request
from clc.records import (
    AbstainReason,
    Abstention,
    Answer,
    Problem,
    Prompt,
    ReasoningPath,
    Sampling,
    Usage,
    Verdict,
    Vote,
    content_key,
    path_key,
    path_seed,
    prompt_key,
)
from clc.store import PlannedPaths, Store, StoredTranslation
from clc.strategies import PlannedArm, Strategy, plan_arms
from clc.translation import TRANSLATION_TRIES, translation_fault, translation_sampling
from clc.voting import vote

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence

    from clc.cache import TranslationCache
    from clc.templates import Templates

_T = TypeVar("_T")
_P = ParamSpec("_P")

__all__ = [
    "Configuration",
    "Counters",
    "Solver",
    "path_keys",
    "translation_request",
    "verdict_of",
    "votes_of",
]


@dataclass(frozen=True, slots=True)
class Configuration:
    """How every question of a run is solved.

    ``paths`` is the budget for one question. ``languages`` replaces the strategy's own list.
    ``human_translations`` says whether translations that come with a problem are used.
    """

    strategy: Strategy
    paths: int
    sampling: Sampling
    languages: tuple[str, ...] | None = None
    seed: int = 0
    human_translations: bool = True
    translation_tries: int = TRANSLATION_TRIES
    translation_max_tokens: int = 1024


@dataclass(slots=True)
class Counters:
    """What a solver has done so far, for whoever displays it."""

    drawn: int = 0
    reused: int = 0
    lost: int = 0
    translations: int = 0
    completion_tokens: int = 0


class _Lane:
    """An engine and its window: started at first use, and never asked for more than it wants."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._gate = asyncio.Semaphore(engine.window)
        self._starting: asyncio.Task[None] | None = None

    async def complete(self, request: Request) -> Completion:
        async with self._gate:
            if self._starting is None:
                self._starting = asyncio.ensure_future(self.engine.start())
            if not self._starting.done():
                await asyncio.shield(self._starting)
            self._starting.result()
            return await self.engine.complete(request)

    async def close(self) -> None:
        """Stop a start that is still going on, then close the engine."""
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self.engine.close()


class _Translated(NamedTuple):
    text: str | None
    fault: str | None
    usage: Usage


class Solver:
    """Solves problems one by one, any number at a time, over one engine and one store.

    Args:
        engine: draws the paths.
        configuration: how.
        templates: prompt templates.
        store: keeps what engines produce; in memory when it has no folder.
        translator: another engine for translations; ``engine`` does them otherwise.
        cache: translations kept over runs.
    """

    def __init__(
        self,
        engine: Engine,
        configuration: Configuration,
        *,
        templates: Templates,
        store: Store,
        translator: Engine | None = None,
        cache: TranslationCache | None = None,
    ) -> None:
        self.configuration = configuration
        self.counters = Counters()
        self._templates = templates
        self.store = store
        self._cache = cache
        self._lane = _Lane(engine)
        self._translator = self._lane if translator is None else _Lane(translator)
        self._pending: dict[str, asyncio.Future[Any]] = {}

    @property
    def window(self) -> int:
        """How many requests the engine likes to have in flight."""
        return self._lane.engine.window

    async def close(self) -> None:
        """Close the engines."""
        try:
            await self._lane.close()
        finally:
            if self._translator is not self._lane:
                await self._translator.close()

    async def solve(self, problem: Problem) -> Verdict:
        """Solve one problem. What its paths cost is in the store before this returns.

        Raises:
            EngineError: the engine is lost.
            StoreError: the store cannot be written.
            InputError: the strategy, a template or a language is wrong.
        """
        settings = self.configuration
        arms = plan_arms(settings.strategy, problem.language, settings.languages, settings.paths)
        prompts = await all_of([self._prompt(problem, arm) for arm in arms])
        plan = self._plan(arms, prompts)
        self.store.set_plan(problem.id, plan)
        wanted = {
            key: (prompt, index)
            for (prompt, _), arm in zip(prompts, plan, strict=True)
            if prompt is not None
            for index, key in path_keys(arm)
        }
        paths = self.store.paths(list(wanted))
        self.counters.reused += len(paths)
        missing = [key for key in wanted if key not in paths]
        drawn = await all_of([self._once(key, self._draw, key, *wanted[key]) for key in missing])
        paths.update(zip(missing, drawn, strict=True))
        return verdict_of(problem, plan, paths, rule=settings.strategy.voting)

    def _plan(
        self, arms: Sequence[PlannedArm], prompts: Sequence[tuple[Prompt | None, _Translated]]
    ) -> list[PlannedPaths]:
        # Arms may come to the same prompt: then they draw different paths of it.
        next_index: dict[str, int] = {}
        plan = []
        for arm, (prompt, translated) in zip(arms, prompts, strict=True):
            key = None if prompt is None else prompt.key
            first = 0
            if key is not None:
                first = next_index.get(key, 0)
                next_index[key] = first + arm.paths
            plan.append(
                PlannedPaths(
                    arm.language,
                    key,
                    first,
                    arm.paths,
                    self.configuration.seed,
                    translated.fault,
                    translated.usage,
                )
            )
        return plan

    async def _prompt(self, problem: Problem, arm: PlannedArm) -> tuple[Prompt | None, _Translated]:
        translated = _Translated(problem.question, None, Usage())
        language = problem.language
        if arm.question == "translated":
            translated = await self._translate(problem, arm.language)
            language = arm.language
        if translated.text is None:
            return None, translated
        messages = self._templates.render(
            arm.template,
            question=translated.text,
            question_language=language,
            language=arm.language,
        )
        prompt = Prompt(
            prompt_key(self._lane.engine.fingerprint, messages, self.configuration.sampling),
            messages,
            arm.language,
            arm.template,
            self._templates.get(arm.template).hash,
        )
        self.store.add_prompt(prompt)
        return prompt, translated

    async def _translate(self, problem: Problem, language: str) -> _Translated:
        settings = self.configuration
        human = problem.translations.get(language) if settings.human_translations else None
        if human is not None:
            return _Translated(human, None, Usage())
        usage = Usage()
        fault: str | None = None
        for attempt in range(settings.translation_tries):
            request = translation_request(
                self._templates,
                self._translator.engine.fingerprint,
                problem,
                language,
                attempt=attempt,
                max_tokens=settings.translation_max_tokens,
            )
            draft = await self._once(request.key, self._draw_translation, request, language)
            if isinstance(draft, str):
                return _Translated(None, f"{AbstainReason.ENGINE_FAILURE}: {draft}", usage)
            usage += draft.usage
            fault = translation_fault(
                problem.question, draft.text, problem.language, language, draft.finish_reason
            )
            if fault is None:
                return _Translated(draft.text.strip(), None, usage)
        return _Translated(None, f"{AbstainReason.TRANSLATION}: {fault}", usage)

    async def _draw_translation(self, request: Request, language: str) -> StoredTranslation | str:
        """Return one try, or why it was lost."""
        stored = self.store.translation(request.key)
        if stored is None and self._cache is not None:
            stored = self._cache.get(request.key)
            if stored is not None:
                self.store.add_translation(request.key, stored)
        if stored is not None:
            return stored
        completion = await self._translator.complete(request)
        if completion.error is not None:
            self.counters.lost += 1
            self.store.add_failure(request.key, completion.error)
            return completion.error
        draft = StoredTranslation(
            language, completion.text, completion.finish_reason, completion.usage
        )
        self.counters.translations += 1
        self.counters.completion_tokens += completion.usage.completion_tokens
        self.store.add_translation(request.key, draft)
        if self._cache is not None:
            self._cache.put(request.key, draft)
        return draft

    async def _draw(self, key: str, prompt: Prompt, index: int) -> ReasoningPath:
        # Another problem may have drawn it since this one looked for it.
        if (stored := self.store.paths([key]).get(key)) is not None:
            return stored
        settings = self.configuration
        seed = path_seed(settings.seed, prompt.key, index)
        request = Request(key, prompt.messages, settings.sampling, seed)
        completion = await self._lane.complete(request)
        path = ReasoningPath(
            key,
            prompt.key,
            prompt.language,
            index,
            seed,
            completion.text,
            completion.finish_reason,
            completion.usage,
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


def translation_request(
    templates: Templates,
    fingerprint: str,
    problem: Problem,
    language: str,
    *,
    attempt: int,
    max_tokens: int,
) -> Request:
    """Make the request for a try (0-based) at a translation of a problem into ``language``.

    Its seed is no run's: translations serve every run of the same model.
    """
    messages = templates.render(
        "translate",
        question=problem.question,
        question_language=problem.language,
        language=language,
    )
    sampling = translation_sampling(attempt, max_tokens)
    prompt = prompt_key(fingerprint, messages, sampling)
    seed = path_seed(0, prompt, attempt)
    return Request(content_key("translation", [prompt, attempt, seed]), messages, sampling, seed)


def path_keys(arm: PlannedPaths) -> Iterator[tuple[int, str]]:
    """Yield (index, key) of every path that an arm draws."""
    if arm.prompt_key is not None:
        for index in range(arm.first_index, arm.first_index + arm.paths):
            yield index, path_key(arm.prompt_key, index, arm.seed)


def votes_of(
    problem: Problem, plan: Sequence[PlannedPaths], paths: Mapping[str, ReasoningPath]
) -> list[Vote]:
    """Read a vote out of every planned path, in arm order.

    A lost or missing path, and every path of an arm without a translation, abstains.
    """
    kind = problem.metadata.get("kind")
    votes = []
    for arm in plan:
        if arm.fault is not None:
            reason, _, detail = arm.fault.partition(": ")
            abstention = Abstention(AbstainReason(reason), detail)
            votes += [Vote("", arm.language, abstention)] * arm.paths
        for _, key in path_keys(arm):
            path = paths.get(key)
            outcome: Answer | Abstention
            if path is None or path.error is not None:
                why = "missing" if path is None else path.error or ""
                outcome = Abstention(AbstainReason.ENGINE_FAILURE, why)
            else:
                outcome = extract_answer(
                    path.text,
                    language=path.language,
                    question=problem.question,
                    kind=kind,
                    finish_reason=path.finish_reason,
                )
            votes.append(Vote(key, arm.language, outcome))
    return votes


def verdict_of(
    problem: Problem,
    plan: Sequence[PlannedPaths],
    paths: Mapping[str, ReasoningPath],
    votes: Sequence[Vote] | None = None,
    *,
    rule: str = "majority",
) -> Verdict:
    """Take the vote of one problem. The same plan and paths always give the same verdict.

    ``votes`` spares reading the answers again where ``votes_of`` has done so.
    """
    return vote(
        votes_of(problem, plan, paths) if votes is None else votes,
        id=problem.id,
        rule=rule,
        order=[arm.language for arm in plan],
        paths=sum(path.error is None for path in paths.values()),
        usage=sum((path.usage for path in paths.values()), Usage()),
        translation_usage=sum((arm.translation_usage for arm in plan), Usage()),
    )


async def all_of(coroutines: Sequence[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Run all at once; the first failure cancels the rest and is raised when they have ended."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
