"""The routes, and the OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from clc.serving.http.middleware import Guard, failure
from clc.serving.openai.bodies import ErrorReply, HealthReply, ModelList, ModelReply
from clc.serving.openai.chat import ChatReply
from clc.serving.openai.requests import ChatRequest, ResponsesRequest
from clc.serving.openai.responses import ResponsesReply
from clc.version import __version__

if TYPE_CHECKING:
    from pydantic import BaseModel

    from clc.serving.http.service import Service

__all__ = ["make_app"]

_REF = "#/components/schemas/{model}"


def make_app(service: Service) -> FastAPI:
    """Make the routes of a service."""
    app = FastAPI(
        title="clc serve",
        version=__version__,
        summary="Cross-lingual voting behind the OpenAI API.",
        docs_url=None,  # these pages load scripts from another host
        redoc_url=None,
        middleware=[Middleware(Guard, keys=service.settings.keys, finished=service.finished)],
    )
    app.state.service = service

    @app.post("/v1/chat/completions", **_post(ChatReply))
    async def chat(request: Request) -> Response:
        """Answer a conversation by a vote or the plain model."""
        return await service.chat(request)

    @app.post("/v1/responses", **_post(ResponsesReply))
    async def responses(request: Request) -> Response:
        """Answer an input by a vote or the plain model."""
        return await service.responses(request)

    @app.get("/v1/models", responses=_errors(401, 403), response_model=ModelList)
    async def models() -> Any:
        """List the votes, and the plain model."""
        return service.models()

    @app.get("/v1/models/{model:path}", responses=_errors(401, 403, 404), response_model=ModelReply)
    async def model(model: str) -> Any:
        """Describe one model."""
        return service.model(model)

    @app.get("/health", responses={503: {"model": HealthReply}}, response_model=HealthReply)
    async def health() -> Response:
        """Return 200 when requests can be answered, else 503, within a second."""
        return await service.health()

    @app.get(
        "/metrics",
        responses=_errors(401, 403) | {200: {"content": {"text/plain": {}}}},
        response_class=Response,
    )
    async def metrics() -> Response:
        """Return the metrics for Prometheus."""
        return Response(service.metrics.render(), media_type="text/plain; version=0.0.4")

    @app.exception_handler(HTTPException)
    async def routing(request: Request, error: Exception) -> Response:
        return failure(error, request.scope["state"])

    plain = app.openapi
    app.openapi = lambda: _described(plain(), service)  # type: ignore[method-assign]
    return app


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorReply} for status in statuses}


def _post(reply: type[BaseModel]) -> dict[str, Any]:
    """Return the document's fields of the two POST routes."""
    answer = {"model": reply, "content": {"text/event-stream": {}}}
    errors = _errors(400, 401, 403, 404, 408, 413, 415, 429, 500, 502, 503)
    return {"responses": errors | {200: answer}, "response_class": Response}


def _described(document: dict[str, Any], service: Service) -> dict[str, Any]:
    """Add request bodies, names of the models and the key to the document."""
    schemas = document["components"]["schemas"]
    for path, kind in (
        ("/v1/chat/completions", ChatRequest),
        ("/v1/responses", ResponsesRequest),
    ):
        schema = kind.model_json_schema(ref_template=_REF)
        schemas.update(schema.pop("$defs", {}))
        schema["properties"]["model"]["enum"] = list(service.names)
        schemas[kind.__name__] = schema
        document["paths"][path]["post"]["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF.format(model=kind.__name__)}}},
        }
    if service.settings.keys:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"key": []}]
        document["paths"]["/health"]["get"]["security"] = []
    return document
