"""Error replies: another attempt, a changed request, a lost path or the end of the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from clc.engines.base import Completion
from clc.engines.openai.error_bodies import error_code, error_message, retry_hint_s
from clc.engines.openai.failures import (
    FATAL,
    AttemptError,
    make_fatal_error,
    overflows,
    unmeasured_error,
)
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import httpx

    from clc.engines.base import Request
    from clc.engines.openai.endpoints import Endpoint
    from clc.engines.openai.refusals import Refusals
    from clc.engines.openai.secrets import Secrets

__all__ = ["ErrorResponse"]

_RETRIED = frozenset({408, 409, 425, 429})  # and every status from _SERVER_ERROR on
_SERVER_ERROR = 500
_OVERLOAD = frozenset({429, 503})
_NO_STREAM = frozenset({400, 404, 405, 422, 501})  # where the message names streams
_FIELD_REFUSALS = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A whole reply whose status is no success.

    Args:
        url: that was posted to.
        response: its status and headers.
        content: its body.
        request: that it replies to.
        options: fields of the request's chat options.
        secrets: hides the header values in every text of the endpoint.
    """

    url: str
    response: httpx.Response
    content: bytes
    request: Request
    options: Collection[str]
    secrets: Secrets

    @property
    def refuses_stream(self) -> bool:
        """Whether the endpoint does not stream."""
        message = error_message(self.content).lower()
        return self.response.status_code in _NO_STREAM and "stream" in message

    def adapts(self, endpoint: Endpoint, sent: Mapping[str, Any]) -> bool:
        """Whether it names fields of those ``sent`` that are changed or left out from now on."""
        if self.response.status_code not in _FIELD_REFUSALS:
            return False
        message = error_message(self.content).lower()
        if overflows(self.content, message) or any(name in message for name in self.options):
            return False
        if self.request.measure is not None and "logprob" in message:
            return False
        return endpoint.adaptation.learn(endpoint.url, self.content, sent, self.secrets)

    def outcome(
        self, endpoint: Endpoint, model: str, refusals: Refusals, retry_after_max_s: float
    ) -> Completion:
        """Return the lost path of this reply, or raise its error.

        Args:
            endpoint: that it is of.
            model: name of the model.
            refusals: of all requests before the first completion; this one is counted.
            retry_after_max_s: the longest Retry-After that is believed, in seconds.

        Raises:
            AttemptError: another attempt may succeed.
            EngineError, ConfigurationError: every request would end like this one.
        """
        status, url, content = self.response.status_code, self.url, self.content
        code = error_code(content)
        if status in FATAL or status < 400 or code == "insufficient_quota":  # noqa: PLR2004
            raise make_fatal_error(
                url, model, self.response, content, secrets=self.secrets, listed=endpoint.listed
            )
        message = error_message(content, self.secrets)
        if status in _RETRIED or status >= _SERVER_ERROR:
            headers = self.response.headers
            raise AttemptError(
                f"{url} answered {status}: {message}",
                retry_after_s=retry_hint_s(headers, datetime.now(UTC), retry_after_max_s),
                overloaded=status in _OVERLOAD,
            )
        if self.request.measure is not None and "logprob" in message.lower():
            raise unmeasured_error(url, model, f"answered {status}: {message}")
        if refused := [name for name in self.options if name in message]:
            raise ConfigurationError(
                f"{url} does not take {refused[0]} ({status}: {message}): leave out the option "
                "for thinking that sets it, or give what this server takes as extra_body"
            )
        if overflows(content, message.lower()):
            return Completion.lost(
                f"prompt and max_tokens do not fit the model's context ({status}: {message})"
            )
        refusals.add(url, f"({status}): {message}", self.request)
        return Completion.lost(f"{url} refused the request ({status}): {message}")
