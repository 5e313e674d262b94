"""The routes: votes and the plain model behind OpenAI's API, models, health, metrics."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from clc.errors import ClcError, EngineError
from clc.records import content_key
from clc.runner import open_problems
from clc.server.admission import Admission
from clc.server.answering import Answering
from clc.server.asking import as_messages, model_names, question_of, wanted_of
from clc.server.chat import ChatReply, ChatWriter
from clc.server.errors import ApiError
from clc.server.guard import Guard, failure
from clc.server.metrics import Metrics
from clc.server.openapi import describe
from clc.server.plain import complete, requests_of
from clc.server.receiving import read_object
from clc.server.responses import ResponsesReply, ResponsesWriter, turns_of
from clc.server.schema import ChatRequest, ErrorReply, ResponsesRequest, parse
from clc.server.streaming import EventStream, events_of, while_connected
from clc.templates import Templates
from clc.version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from clc.engines.lane import Lane
    from clc.records import Message, Vote
    from clc.server.answering import Reply
    from clc.server.history import History
    from clc.server.schema import Sampled
    from clc.server.settings import Settings
    from clc.server.streaming import Writer
    from clc.server.upstream import Upstream

__all__ = ["make_app"]

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorReply} for status in (400, 401, 403, 404, 408, 413, 415, 429, 500, 502, 503)
}  # fmt: skip
_PATHS = 11  # of the default strategy, for how many requests fill the engine's window


class _Service:
    """What all routes share."""

    def __init__(
        self,
        lane: Lane,
        settings: Settings,
        upstream: Upstream | None,
        translator: Lane | None,
        templates: Templates,
        history: History | None,
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
        self.answering = Answering(
            lane, templates=templates, translator=translator, history=history
        )
        self.fingerprint = f"fp_{content_key('engine', lane.engine.fingerprint)[:10]}"
        self.engine_lost = False

    async def chat(self, request: Request) -> Response:
        """Answer ``POST /v1/chat/completions``."""
        raw, body = await read_object(request, self.settings.limits)
        if self._goes_upstream(request, body):
            return await self._forward(request, "/chat/completions", raw, body)
        asked = parse(ChatRequest, body)
        key = uuid.uuid4().hex
        tokens = asked.max_completion_tokens or asked.max_tokens
        writer = ChatWriter(asked, key, self.fingerprint)
        if asked.model != self.settings.model and (asked.n or 1) > 1:
            raise ApiError(
                400,
                f"n is {asked.n}: a vote has one answer. Ask for more paths with clc.paths, or "
                "for several texts of the plain model",
                code="unsupported_value",
                param="n",
            )
        job = self._job(request, asked, as_messages(asked.messages), tokens, key, asked.n)
        return await self._answer(request, writer, job, stream=bool(asked.stream))

    async def responses(self, request: Request) -> Response:
        """Answer ``POST /v1/responses``."""
        raw, body = await read_object(request, self.settings.limits)
        if self._goes_upstream(request, body):
            return await self._forward(request, "/responses", raw, body)
        asked = parse(ResponsesRequest, body)
        key = uuid.uuid4().hex
        job = self._job(request, asked, turns_of(asked), asked.max_output_tokens, key, None)
        writer = ResponsesWriter(asked, key)
        return await self._answer(request, writer, job, stream=bool(asked.stream))

    def models(self) -> dict[str, Any]:
        """Answer ``GET /v1/models``."""
        return {"object": "list", "data": [self.model(name) for name in self.names]}

    def model(self, name: str) -> dict[str, Any]:
        """Answer ``GET /v1/models/{model}``."""
        if name not in self.names:
            raise _no_model(name, self.names)
        return {"id": name, "object": "model", "created": self.started, "owned_by": "clc"}

    async def health(self) -> Response:
        """Answer ``GET /health``."""
        if self.engine_lost and self.upstream is not None and await self.upstream.alive():
            self.engine_lost = False
        told = {
            "status": "unavailable" if self.engine_lost else "ok",
            "running": self.admission.running,
            "waiting": self.admission.waiting,
        }
        return JSONResponse(told, 503 if self.engine_lost else 200)

    def finished(self, path: str, state: dict[str, Any], status: int, seconds: float) -> None:
        """Count a request that has ended."""
        route = path if path in _ROUTES else "other"
        self.metrics.finished(route, state.get("model", ""), status, seconds)

    def _goes_upstream(self, request: Request, body: dict[str, Any]) -> bool:
        """Look at the model's name; whether the request is passed through untouched.

        Raises:
            ApiError: 404, there is no such model.
        """
        name = body.get("model")
        if isinstance(name, str) and name not in self.names:
            raise _no_model(name, self.names)
        if isinstance(name, str):
            request.state.model = name
        return self.upstream is not None and name == self.settings.model

    def _job(
        self,
        request: Request,
        asked: Sampled,
        messages: Sequence[Message],
        tokens: int | None,
        key: str,
        n: int | None,
    ) -> Callable[[Callable[[Sequence[Vote], int], None] | None], Awaitable[Reply]]:
        """Check everything that can be checked, and return what is left to do."""
        limits = self.settings.limits
        clock = asyncio.get_running_loop().time
        if asked.model == self.settings.model:
            until = clock() + limits.deadline_s
            wanted = requests_of(
                asked, messages, self.lane.engine.fingerprint, limits, n=n, max_tokens=tokens
            )

            async def draw(_: object) -> Reply:
                return await complete(self.lane, wanted, until)
        else:
            settings = wanted_of(asked, request.headers)
            question = question_of(asked, settings, messages, tokens, self.settings, key)
            until = clock() + question.deadline_s

            async def draw(watch: Any) -> Reply:
                return await self.answering.answer(question, until, watch)

        self.admission.check()

        async def job(watch: Callable[[Sequence[Vote], int], None] | None) -> Reply:
            async with self.admission.place(until):
                try:
                    reply = await draw(watch)
                except EngineError:
                    self.engine_lost = True
                    raise
            self.engine_lost = False
            self.metrics.replied(reply)
            _note(request, reply)
            return reply

        return job

    async def _answer(
        self,
        request: Request,
        writer: Writer,
        job: Callable[[Callable[[Sequence[Vote], int], None] | None], Awaitable[Reply]],
        *,
        stream: bool,
    ) -> Response:
        if stream:
            return EventStream(events_of(writer, job, _reporter(request)))
        reply = await while_connected(request.receive, job(None))
        return Response(orjson.dumps(writer.whole(reply)), media_type="application/json")

    async def _forward(
        self, request: Request, path: str, raw: bytes, body: dict[str, Any]
    ) -> Response:
        assert self.upstream is not None  # noqa: S101 - the caller looked
        _check_forwarded(body, self.settings.limits.tokens)
        until = asyncio.get_running_loop().time() + self.settings.limits.deadline_s
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.admission.place(until))
            held = stack.pop_all()
            try:
                response = await while_connected(
                    request.receive,
                    self.upstream.forward(
                        path, raw, until, failed=_reporter(request), done=held.aclose
                    ),
                )
            except BaseException:
                await held.aclose()
                raise
            if not isinstance(response, EventStream):
                await held.aclose()
            return response
