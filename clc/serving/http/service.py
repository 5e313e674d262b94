"""State and logic of all routes: engine, queue, and the steps from a request to its reply."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from starlette.responses import JSONResponse, Response

from clc.errors import EngineError
from clc.records import content_key
from clc.serving.errors import no_model
from clc.serving.http.admission import Admission
from clc.serving.http.body import read_object
from clc.serving.http.metrics import Metrics
from clc.serving.http.middleware import failure
from clc.serving.http.proxy import check_forwarded
from clc.serving.http.streaming import EventStream, stream_events, while_connected
from clc.serving.openai.chat import ChatWriter
from clc.serving.openai.requests import ChatRequest, ResponsesRequest
from clc.serving.openai.responses import ResponsesWriter
from clc.serving.openai.validation import parse
from clc.serving.plain_model import complete, plain_requests
from clc.serving.question import model_names, read_question, read_vote_options
from clc.serving.reply import Answerer
from clc.serving.thinking import check_chat_options, read_chat_options
from clc.solving.runner import open_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

    from clc.engines.shared import SharedEngine
    from clc.prompts.templates import Templates
    from clc.serving.errors import ApiError
    from clc.serving.http.history import History
    from clc.serving.http.proxy import Upstream
    from clc.serving.http.streaming import Job, StreamState, Writer
    from clc.serving.openai.requests import BaseRequest
    from clc.serving.reply import Reply
    from clc.serving.settings import Settings

__all__ = ["Service"]

_PATHS = 11  # of the default strategy
_PROBE_S = 0.5  # for which /health waits to hear of an upstream that was lost
_ROUTES = frozenset(
    {"/v1/chat/completions", "/v1/responses", "/v1/models", "/health", "/metrics", "/openapi.json"}
)


class Service:
    """Answers requests over one shared engine.

    Args:
        lane: the engine.
        settings: address, keys, defaults, limits.
        templates: prompt templates.
        upstream: serves the plain model, where it is not in this process.
        translator: samples translations; ``lane`` by default.
        history: keeps every question with its paths.
    """

    def __init__(
        self,
        lane: SharedEngine,
        settings: Settings,
        templates: Templates,
        *,
        upstream: Upstream | None = None,
        translator: SharedEngine | None = None,
        history: History | None = None,
    ) -> None:
        limits = settings.limits
        running = limits.running or open_problems(lane.engine.window, _PATHS)
        self.lane = lane
        self.settings = settings
        self.upstream = upstream
        self.names = model_names(settings)
        self.started = int(time.time())
        self.admission = Admission(running, limits.waiting)
        self.metrics = Metrics(lane, self.admission)
        self.answering = Answerer(lane, templates=templates, translator=translator, history=history)
        self.fingerprint = f"fp_{content_key('engine', lane.engine.fingerprint)[:10]}"
        self.engine_lost = False
        self._probe: asyncio.Task[None] | None = None

    async def chat(self, request: Request) -> Response:
        """Answer ``POST /v1/chat/completions``."""
        raw, body = await read_object(request, self.settings.limits)
        if self._goes_upstream(request, body):
            return await self._forward(request, "/chat/completions", raw, body)
        parsed = parse(ChatRequest, body)
        key = uuid.uuid4().hex
        work = self._work(request, parsed, key)  # checks n before anything is made for each choice
        writer = ChatWriter(parsed, key, self.fingerprint)
        return await _answer(request, writer, work, stream=bool(parsed.stream))

    async def responses(self, request: Request) -> Response:
        """Answer ``POST /v1/responses``."""
        raw, body = await read_object(request, self.settings.limits)
        if self._goes_upstream(request, body):
            return await self._forward(request, "/responses", raw, body)
        parsed = parse(ResponsesRequest, body)
        key = uuid.uuid4().hex
        work = self._work(request, parsed, key)
        writer = ResponsesWriter(parsed, key)
        return await _answer(request, writer, work, stream=bool(parsed.stream))

    def models(self) -> dict[str, Any]:
        """Answer ``GET /v1/models``."""
        return {"object": "list", "data": [self.model(name) for name in self.names]}

    def model(self, name: str) -> dict[str, Any]:
        """Answer ``GET /v1/models/{model}``."""
        if name not in self.names:
            raise no_model(name, self.names)
        return {"id": name, "object": "model", "created": self.started, "owned_by": "clc"}

    async def health(self) -> Response:
        """Answer ``GET /health``."""
        if self.engine_lost and self.upstream is not None:
            if self._probe is None or self._probe.done():
                self._probe = asyncio.create_task(self._look_for(self.upstream))
            await asyncio.wait([self._probe], timeout=_PROBE_S)
        body = {
            "status": "unavailable" if self.engine_lost else "ok",
            "running": self.admission.running,
            "waiting": self.admission.waiting,
        }
        return JSONResponse(body, 503 if self.engine_lost else 200)

    async def _look_for(self, upstream: Upstream) -> None:
        if await upstream.alive():
            self.engine_lost = False

    async def close(self) -> None:
        """End what goes on beside the requests."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait([self._probe])

    def finished(self, path: str, state: dict[str, Any], status: int, seconds: float) -> None:
        """Count a request that has ended."""
        route = path if path in _ROUTES else "other"
        self.metrics.finished(route, state.get("model", ""), status, seconds)

    def _goes_upstream(self, request: Request, body: dict[str, Any]) -> bool:
        """Check the model's name; return whether the request is forwarded untouched.

        Raises:
            ApiError: 404, the model is unknown.
        """
        name = body.get("model")
        if isinstance(name, str) and name not in self.names:
            raise no_model(name, self.names)
        if isinstance(name, str):
            request.state.model = name
        return self.upstream is not None and name == self.settings.model

    def _work(self, request: Request, parsed: BaseRequest, key: str) -> _Work:
        """Check the request, and return the work that is left."""
        limits = self.settings.limits
        clock = asyncio.get_running_loop().time
        thinking = read_chat_options(parsed, self.lane.engine)
        check_chat_options(parsed, self.lane.engine, thinking)
        if parsed.model == self.settings.model:
            until = clock() + limits.deadline_s
            requests = plain_requests(parsed, self.lane.engine, limits, thinking)

            async def answer(state: StreamState | None) -> Reply:
                if state is None:
                    return await complete(self.lane, requests, until)
                return await complete(self.lane, requests, until, state.add_text, state.add_thought)
        else:
            options = read_vote_options(parsed, request.headers)
            question = read_question(parsed, options, self.settings, key)
            question = replace(question, chat_options=thinking)
            until = clock() + question.deadline_s

            async def answer(state: StreamState | None) -> Reply:
                watch = None if state is None else state.set_votes
                return await self.answering.answer(question, until, watch)

        self.admission.check()

        async def job(state: StreamState | None) -> Reply:
            async with self.admission.place(until):
                try:
                    reply = await answer(state)
                except EngineError:
                    self.engine_lost = True
                    raise
            self.engine_lost = False
            self.metrics.replied(reply)
            _note(request, reply)
            return reply

        return _Work(job, until)

    async def _forward(
        self, request: Request, path: str, raw: bytes, body: dict[str, Any]
    ) -> Response:
        upstream = self.upstream
        assert upstream is not None  # noqa: S101 - _goes_upstream is true
        check_forwarded(body, self.settings.limits)
        until = asyncio.get_running_loop().time() + self.settings.limits.deadline_s
        place = AsyncExitStack()

        async def forwarded() -> Response:
            try:
                await place.enter_async_context(self.admission.place(until))
                response = await upstream.forward(
                    path, raw, until, failed=_reporter(request), done=place.aclose
                )
            except BaseException:
                await place.aclose()
                raise
            if not isinstance(response, EventStream):  # a stream gives its place back at its end
                await place.aclose()
            return response

        return await while_connected(request.receive, forwarded())


class _Work(NamedTuple):
    """The work left to do for a request, and the time of the loop's clock at which it ends."""

    job: Job
    until: float


async def _answer(request: Request, writer: Writer, work: _Work, *, stream: bool) -> Response:
    """Do the work while the client is connected."""
    if stream:
        failed = _reporter(request)

        def fail(error: ApiError) -> Iterator[bytes]:
            failed(error)
            return writer.fail(error)

        return EventStream(stream_events(writer, work.job, failed), work.until, fail)
    reply = await while_connected(request.receive, work.job(None))
    return Response(orjson.dumps(writer.whole(reply)), media_type="application/json")


def _reporter(request: Request) -> Callable[[Exception], None]:
    """Return a function that logs an error in the middle of a stream."""

    def failed(error: Exception) -> None:
        made = failure(error, request.scope["state"])
        request.state.error_status = made.status_code

    return failed


def _note(request: Request, reply: Reply) -> None:
    """Set the fields of the request's log line."""
    state = request.state
    state.prompt_tokens = reply.usage.prompt_tokens
    state.completion_tokens = reply.usage.completion_tokens
    votes = reply.votes
    if votes is not None:
        state.strategy = votes.strategy
        state.paths = votes.paths
        state.agreement = votes.agreement
        state.deadline = votes.deadline
