"""Chat completions in this process: the body of a request in, the body of its reply out.

The bodies are those of ``clc serve``, so that whoever answers a file or a framework's calls reads
requests and writes replies as the server does.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from clc.engines.shared import SharedEngine
from clc.errors import ClcError, InputError, RunError
from clc.prompts.templates import Templates, check_template
from clc.records import content_key
from clc.serving.errors import ApiError, api_error
from clc.serving.openai.chat import ChatWriter
from clc.serving.openai.requests import ChatRequest, parse
from clc.serving.plain_model import complete, requests_of
from clc.serving.question import Question, model_names, question_of, wanted_of
from clc.serving.reply import Answering
from clc.serving.settings import Limits, Settings
from clc.solving.identity import identity
from clc.solving.runner import first_round_size
from clc.strategies.catalogue import STRATEGIES
from clc.strategies.strategy import templates_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from clc.engines.base import Engine, Request
    from clc.solving.configuration import Configuration

__all__ = ["Asked", "Completions", "as_error"]

_K = TypeVar("_K")

# Whoever asks here owns the machine.
_NO_LIMITS = Limits(
    paths=sys.maxsize, languages=sys.maxsize, tokens=sys.maxsize, deadline_s=inf
)  # fmt: skip
_FEWEST_OPEN = 4
_TIMEOUT, _SERVER_ERROR = 408, 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was checked: a question for a vote, or requests to the plain model."""

    request: ChatRequest
    work: Question | list[Request]

    @property
    def paths(self) -> int:
        """How many paths it wants at first."""
        if isinstance(self.work, Question):
            return first_round_size(self.work.configuration)
        return len(self.work)


class Completions:
    """Answers chat requests over one engine, any number at a time.

    Model ``clc`` is a vote, ``clc:NAME`` one with another strategy, and ``model`` the plain model,
    as behind ``clc serve``.

    Args:
        engine: draws the paths. It starts with the first request.
        configuration: how a question is solved where its request says nothing else.
        model: name of the plain model.
        templates: prompt templates; ours by default.
        translator: another engine for translations.

    Attributes:
        fingerprint: of all that decides what is answered; every reply's ``system_fingerprint``.

    Raises:
        TemplateError: a template of the strategy is missing or broken.
        ConfigurationError: the model has the name of a vote.
    """

    def __init__(
        self,
        engine: Engine,
        configuration: Configuration,
        *,
        model: str,
        templates: Templates | None = None,
        translator: Engine | None = None,
    ) -> None:
        chosen = templates or Templates()
        for name in templates_of(configuration.strategy):
            check_template(chosen, name)
        self.lane = SharedEngine(engine)
        self._translator = None if translator is None else SharedEngine(translator)
        self._settings = Settings(
            model, defaults=_defaults(configuration), limits=_NO_LIMITS
        )  # fmt: skip
        self._answering = Answering(self.lane, templates=chosen, translator=self._translator)
        told = identity(
            configuration,
            chosen,
            engine=engine.fingerprint,
            translator=(translator or engine).fingerprint,
            dataset={},
            limit=None,
        )
        self.fingerprint = f"fp_{content_key('completions', told)[:10]}"

    def read(self, body: Mapping[str, Any]) -> Asked:
        """Check the body of a ``POST /v1/chat/completions``.

        Raises:
            ApiError: 400 or 404; the message names the field that is wrong and what to do.
        """
        try:
            return self._read(parse(ChatRequest, dict(body)))
        except InputError as error:
            raise api_error(error) from error

    async def answer(self, asked: Asked) -> dict[str, Any]:
        """Answer a request; cancelling the call ends its work in the engine.

        Raises:
            ApiError: the engine does not take the prompt, every path was lost, or the request's
                own deadline passed.
            EngineError: the engine is lost.
        """
        writer = ChatWriter(asked.request, uuid.uuid4().hex, self.fingerprint)
        clock = asyncio.get_running_loop().time
        try:
            if isinstance(asked.work, Question):
                until = clock() + asked.work.deadline_s
                return writer.whole(await self._answering.answer(asked.work, until))
            return writer.whole(await complete(self.lane, asked.work, inf))
        except InputError as error:
            raise api_error(error) from error

    async def stream(
        self, bodies: Iterable[tuple[_K, Mapping[str, Any] | ApiError]]
    ) -> AsyncGenerator[tuple[_K, dict[str, Any] | ApiError], None]:
        """Answer many requests and yield each reply, or why there is none, as it comes.

        Requests are read when there is room for them: as many are open as keep the engine's window
        full. An error in place of a body comes out as it is.

        Raises:
            EngineError: the engine is lost. What was not yielded has no answer.
        """
        open_tasks: dict[asyncio.Task[dict[str, Any]], tuple[_K, int]] = {}
        done: asyncio.Queue[asyncio.Task[dict[str, Any]]] = asyncio.Queue()
        wanted = 0

        async def take() -> tuple[_K, dict[str, Any] | ApiError]:
            nonlocal wanted
            task = await done.get()
            key, paths = open_tasks.pop(task)
            wanted -= paths
            try:
                return key, task.result()
            except ApiError as error:
                return key, error

        try:
            for key, body in bodies:
                while wanted >= 2 * self.lane.engine.window and len(open_tasks) >= _FEWEST_OPEN:
                    yield await take()
                try:
                    asked = self.read(_required(body))
                except ApiError as error:
                    yield key, error
                    continue
                task = asyncio.create_task(self.answer(asked))
                task.add_done_callback(done.put_nowait)
                open_tasks[task] = key, asked.paths
                wanted += asked.paths
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

    def _read(self, request: ChatRequest) -> Asked:
        names = model_names(self._settings)
        if request.model not in names:
            raise ApiError(
                404,
                f"there is no model {request.model!r:.80}; there are: {', '.join(names)}",
                code="model_not_found",
                param="model",
            )
        if request.stream:
            raise ApiError(
                400, "stream is true, and replies are whole here; leave it out",
                code="unsupported_value", param="stream",
            )  # fmt: skip
        if request.model == self._settings.model:
            return Asked(
                request, requests_of(request, self.lane.engine.fingerprint, _NO_LIMITS)
            )  # fmt: skip
        wanted = wanted_of(request, {})
        return Asked(request, question_of(request, wanted, self._settings, uuid.uuid4().hex))


def as_error(error: ApiError) -> ClcError:
    """Make the error that this library raises of one that a server answers."""
    failed = error.status == _TIMEOUT or error.status >= _SERVER_ERROR
    return (RunError if failed else InputError)(error.message)


def _required(body: Mapping[str, Any] | ApiError) -> Mapping[str, Any]:
    if isinstance(body, ApiError):
        raise body
    return body


def _defaults(configuration: Configuration) -> dict[str, Any]:
    """Return the arguments of ``configure`` that give ``configuration``."""
    strategy = configuration.strategy
    named = STRATEGIES.get(strategy.name) == strategy
    told: dict[str, Any] = {
        name: getattr(configuration, name)
        for name in ("languages", "paths", "seed", "human_translations", "translation_tries",
                     "ahead", "fidelity", "measure", "weighting", "online")
    }  # fmt: skip
    told |= asdict(configuration.sampling)
    told["strategy"] = strategy.name if named else strategy
    told["portfolio"] = configuration.sequence
    if configuration.stopping != strategy.stopping:  # another strategy keeps its own rule
        told["stopping"] = configuration.stopping
    return told
