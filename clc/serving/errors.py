"""Errors of a request, as OpenAI's error body.

======  =========================  =============================================================
status  code                       when
======  =========================  =============================================================
400     invalid_value, …           a parameter is wrong, unknown, or cannot be honoured
401     invalid_api_key            the key is missing or wrong
403     invalid_host               a keyless server was called by another machine's name
404     model_not_found            no such model; ``not_found``: no such route
405     method_not_allowed
408     deadline_exceeded          the deadline passed before one path was done, or the body
                                   took too long to arrive
413     request_too_large          the body is larger than the server takes
415     unsupported_media_type     the body is not ``application/json``
429     queue_full                 too many requests wait already (Retry-After says how long)
431     headers_too_large          the head is larger than the server takes
500     internal_error             a fault of the server; its log has the request's id
502     upstream_failed            every path was lost in the engine or upstream
503     engine_unavailable         the engine is lost or unreachable (Retry-After)
503     shutting_down              the server was stopped before the answer was there
======  =========================  =============================================================
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from clc.errors import ClcError, EngineError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ApiError", "api_error", "no_model", "stopping_error"]

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    408: "timeout_error",
    429: "rate_limit_error",
}
_SERVER_ERROR = 500
_RETRY_ENGINE_S = 5
_URL = re.compile(r"https?://\S+")


class ApiError(Exception):
    """An error reply: a status and the fields of OpenAI's error body.

    ``retry`` sets ``X-Should-Retry``, where OpenAI's clients would decide wrongly by status.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        param: str | None = None,
        retry_after_s: int | None = None,
        retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.headers = {}
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)
        if retry is not None:
            self.headers["X-Should-Retry"] = str(retry).lower()
        if status == 401:  # noqa: PLR2004
            self.headers["WWW-Authenticate"] = "Bearer"

    def body(self) -> dict[str, Any]:
        """Return OpenAI's error body."""
        server = "server_error" if self.status >= _SERVER_ERROR else "invalid_request_error"
        return {
            "error": {
                "message": self.message,
                "type": _TYPES.get(self.status, server),
                "param": self.param,
                "code": self.code,
            }
        }


def api_error(error: Exception) -> ApiError:
    """Make the reply of any error; internal details stay in the server's log."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, InputError):  # an endpoint's address is no business of its clients
        return ApiError(400, _URL.sub("the model", str(error)), code="invalid_value")
    if isinstance(error, EngineError):
        return ApiError(
            503,
            "the model is not available just now; the server's log says why",
            code="engine_unavailable",
            retry_after_s=_RETRY_ENGINE_S,
        )
    what = "could not store the request" if isinstance(error, ClcError) else "failed"
    return ApiError(500, f"the server {what}; its log says why", code="internal_error")


def no_model(name: str, names: Sequence[str]) -> ApiError:
    """Make the error for a model that is none of ``names``."""
    return ApiError(
        404,
        f"there is no model {name!r:.80}; there are: {', '.join(names)}",
        code="model_not_found",
        param="model",
    )


def stopping_error() -> ApiError:
    """Make the error for a request that has not ended when the server stops."""
    return ApiError(503, "the server is being stopped", code="shutting_down", retry_after_s=5)
