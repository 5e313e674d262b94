"""Chat completions in this process: the body of a request in, the body of its reply out.

The bodies are those of ``clc serve``; batch files and the adapters of other frameworks use them.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from clc.engines.shared import SharedEngine
from clc.errors import ClcError, InputError, RunError
from clc.prompts.templates import Templates, check_template
from clc.records import content_key
from clc.serving.errors import ApiError, api_error, no_model
from clc.serving.openai.chat import ChatWriter
from clc.serving.openai.requests import ChatRequest
from clc.serving.openai.validation import parse
from clc.serving.plain_model import complete, plain_requests
from clc.serving.question import Question, model_names, read_question, read_vote_options
from clc.serving.reply import Answerer
from clc.serving.settings import Limits, Settings
from clc.serving.thinking import check_chat_options, read_chat_options
from clc.solving.identity import identity
from clc.solving.runner import first_round_size
from clc.strategies.catalogue import STRATEGIES
from clc.strategies.strategy import required_templates

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from clc.engines.base import Engine, Request
    from clc.solving.configuration import Configuration

__all__ = ["CheckedRequest", "Completions", "as_error"]

_K = TypeVar("_K")

_FEWEST_OPEN = 4
_TIMEOUT, _SERVER_ERROR = 408, 500


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A valid request: a question for a vote, or requests to the plain model."""

    request: ChatRequest
    work: Question | list[Request]

    @property
    def paths(self) -> int:
        """Number of paths in its first round."""
        if isinstance(self.work, Question):
            return first_round_size(self.work.configuration)
        return len(self.work)


class Completions:
    """Answers chat requests over one engine, any number at a time.

    Model ``clc`` is a vote, ``clc:NAME`` a vote by another strategy, and ``model`` the plain model,
    as in ``clc serve``.

    Args:
        engine: samples the paths. It starts with the first request.
        configuration: defaults for what a request does not set.
        model: name of the plain model.
        templates: prompt templates; the bundled ones by default.
        translator: another engine for translations.
        limits: limits on one request, those of ``clc serve`` by default; what the defaults of
            ``configuration`` ask for is always within them.

    Attributes:
        fingerprint: hash of all settings that influence answers; the ``system_fingerprint`` of
            every reply.

    Raises:
        TemplateError: a template of the strategy is missing or broken.
        ConfigurationError: ``model`` is the name of a vote.
    """

    def __init__(
        self,
        engine: Engine,
        configuration: Configuration,
        *,
        model: str,
        templates: Templates | None = None,
        translator: Engine | None = None,
        limits: Limits | None = None,
    ) -> None:
        chosen = templates or Templates()
        for name in required_templates(configuration.strategy):
            check_template(chosen, name)
        self.lane = SharedEngine(engine)
        self._translator = None if translator is None else SharedEngine(translator)
        self._settings = Settings(
            model,
            defaults=_defaults(configuration),
            limits=_widened(limits or Limits(), configuration),
            scripts=chosen.scripts,
        )
        self._answering = Answerer(self.lane, templates=chosen, translator=self._translator)
        settings = identity(
            configuration,
            chosen,
            engine=engine.fingerprint,
            translator=(translator or engine).fingerprint,
            dataset={},
            limit=None,
        )
        self.fingerprint = f"fp_{content_key('completions', settings)[:10]}"

    def read(self, body: Mapping[str, Any]) -> CheckedRequest:
        """Check the body of a ``POST /v1/chat/completions``.

        Raises:
            ApiError: 400 or 404; the message names the field and what to do.
        """
        try:
            return self._read(parse(ChatRequest, dict(body)))
        except InputError as error:
            raise api_error(error) from error
        except (RecursionError, OverflowError, UnicodeError, MemoryError) as error:
            raise ApiError(
                400,
                f"the request cannot be read ({type(error).__name__}: {error!s:.80}); make it "
                "smaller or plainer",
                code="invalid_value",
            ) from error

    async def answer(self, checked: CheckedRequest) -> dict[str, Any]:
        """Answer a request; cancelling the call ends its work in the engine.

        Raises:
            ApiError: the engine refuses the prompt, every path was lost, or the request's
                deadline passed.
            EngineError: the engine is lost.
        """
        writer = ChatWriter(checked.request, uuid.uuid4().hex, self.fingerprint)
        clock = asyncio.get_running_loop().time
        try:
            options = read_chat_options(checked.request, self.lane.engine)
            if options is not None:
                await self.lane.start()
                check_chat_options(checked.request, self.lane.engine, options)
            if isinstance(checked.work, Question):
                until = clock() + checked.work.deadline_s
                return writer.whole(await self._answering.answer(checked.work, until))
            return writer.whole(await complete(self.lane, checked.work, inf))
        except InputError as error:
            raise api_error(error) from error

    async def stream(
        self, bodies: Iterable[tuple[_K, Mapping[str, Any] | ApiError]]
    ) -> AsyncGenerator[tuple[_K, dict[str, Any] | ApiError], None]:
        """Answer many requests; yield each reply or error with its key as it completes.

        Requests are read lazily: as many are open as keep the engine's window full. An error in
        place of a body is yielded unchanged.

        Raises:
            EngineError: the engine is lost; requests not yielded are unanswered.
        """
        open_tasks: dict[asyncio.Task[dict[str, Any]], tuple[_K, int]] = {}
        done: asyncio.Queue[asyncio.Task[dict[str, Any]]] = asyncio.Queue()
        open_paths = 0

        async def take() -> tuple[_K, dict[str, Any] | ApiError]:
            nonlocal open_paths
            task = await done.get()
            key, paths = open_tasks.pop(task)
            open_paths -= paths
            try:
                return key, task.result()
            except ApiError as error:
                return key, error

        try:
            for key, body in bodies:
                while open_paths >= 2 * self.lane.engine.window and len(open_tasks) >= _FEWEST_OPEN:
                    yield await take()
                try:
                    checked = self.read(_raise_error(body))
                except ApiError as error:
                    yield key, error
                    continue
                task = asyncio.create_task(self.answer(checked))
                task.add_done_callback(done.put_nowait)
                open_tasks[task] = key, checked.paths
                open_paths += checked.paths
                await asyncio.sleep(0)
                while not done.empty():
                    yield await take()
            while open_tasks:
                yield await take()
        finally:
            for task in open_tasks:
                task.cancel()
            await asyncio.gather(*open_tasks, return_exceptions=True)

    async def close(self) -> None:
        """Close the engines."""
        async with AsyncExitStack() as stack:
            for lane in (self.lane, self._translator):
                if lane is not None:
                    stack.push_async_callback(lane.close)

    def _read(self, request: ChatRequest) -> CheckedRequest:
        names = model_names(self._settings)
        if request.model not in names:
            raise no_model(request.model, names)
        if request.stream:
            raise ApiError(
                400, "stream is true, and replies are whole here; leave it out",
                code="unsupported_value", param="stream",
            )  # fmt: skip
        thinking = read_chat_options(request, self.lane.engine)
        if request.model == self._settings.model:
            limits = self._settings.limits
            return CheckedRequest(
                request, plain_requests(request, self.lane.engine, limits, thinking)
            )
        options = read_vote_options(request, {})
        question = read_question(request, options, self._settings, uuid.uuid4().hex)
        return CheckedRequest(request, replace(question, chat_options=thinking))


def as_error(error: ApiError) -> ClcError:
    """Turn an error reply into an exception of this library."""
    failed = error.status == _TIMEOUT or error.status >= _SERVER_ERROR
    return (RunError if failed else InputError)(error.message)


def _raise_error(body: Mapping[str, Any] | ApiError) -> Mapping[str, Any]:
    if isinstance(body, ApiError):
        raise body
    return body


def _widened(limits: Limits, configuration: Configuration) -> Limits:
    """Return limits within which a request for the defaults is; none on the time for it."""
    paths, languages = configuration.paths, configuration.languages or ()
    return replace(
        limits,
        paths=max(limits.paths, paths),
        languages=max(limits.languages, len(languages)),
        tokens=max(limits.tokens, paths * configuration.sampling.max_tokens),
        deadline_s=inf,
    )


def _defaults(configuration: Configuration) -> dict[str, Any]:
    """Return the arguments of ``configure`` that give ``configuration``."""
    strategy = configuration.strategy
    named = STRATEGIES.get(strategy.name) == strategy
    arguments: dict[str, Any] = {
        name: getattr(configuration, name)
        for name in ("languages", "paths", "seed", "human_translations", "translation_tries",
                     "ahead", "fidelity", "untranslated", "measure", "weighting", "online",
                     "abstaining")
    }  # fmt: skip
    arguments |= asdict(configuration.sampling)
    arguments["strategy"] = strategy.name if named else strategy
    arguments["portfolio"] = configuration.sequence
    arguments["routes"] = dict(configuration.routes or ())
    if configuration.stopping != strategy.stopping:  # another strategy keeps its own rule
        arguments["stopping"] = configuration.stopping
    return arguments
