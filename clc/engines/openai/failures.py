"""Failed attempts, and errors that every request would meet, in words for the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from clc.engines.openai.error_bodies import error_code, error_message
from clc.errors import ConfigurationError, EngineError

if TYPE_CHECKING:
    from clc.engines.openai.secrets import Secrets

__all__ = [
    "FATAL",
    "UNREACHABLE",
    "AttemptError",
    "UnreachableError",
    "describe_error",
    "describe_failure",
    "make_fatal_error",
    "overflows",
    "unmeasured_error",
]

UNREACHABLE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
"""Errors of an attempt that made no connection."""

FATAL = {  # and every other 3xx
    401: "The key is missing or wrong: set OPENAI_API_KEY to one that this server takes.",
    402: "The account has no credit left.",
    403: "This key may not use this model or server.",
    404: "Check the model's name and the base URL.",
    405: "Check the base URL.",
}
_OVERFLOW = ("context length", "context window", "context size", "maximum input", "too long")


class AttemptError(Exception):
    """One attempt failed, and another may succeed.

    Attributes:
        reason: for the user.
        retry_after_s: seconds for which the server wants no request.
        overloaded: the server has too many requests.
    """

    def __init__(
        self, reason: str, *, retry_after_s: float = 0.0, overloaded: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.overloaded = overloaded


class UnreachableError(AttemptError):
    """No connection to the endpoint: refused, no such host, no route."""


def describe_failure(error: Exception, secrets: Secrets) -> str:
    """Return the message of a failed connection, with advice on certificates and proxies."""
    message = secrets.quote(describe_error(error))
    if "CERTIFICATE_VERIFY_FAILED" in message:
        return (
            f"{message}: its certificate is not trusted; name the file of your organization's "
            "certificates in SSL_CERT_FILE (REQUESTS_CA_BUNDLE is not read)"
        )
    if isinstance(error, httpx.ProxyError):
        return f"{message}: the proxy refused; correct HTTPS_PROXY, HTTP_PROXY or NO_PROXY"
    return message


def make_fatal_error(
    url: str,
    model: str,
    response: httpx.Response,
    content: bytes,
    *,
    secrets: Secrets,
    listed: str = "",
) -> EngineError:
    """Make the error of a status that every request would meet.

    ``listed``: the models that the endpoint lists, where ours is not among them.
    """
    status = response.status_code
    message = error_message(content, secrets)
    if location := response.headers.get("location"):
        message = f"moved to {secrets.quote(location)}"
    advice = FATAL.get(status, "Check the base URL and the account.")
    if listed and status == 404:  # noqa: PLR2004
        advice += f" It lists {listed}."
    base = url.removesuffix("/models").removesuffix("/completions").removesuffix("/chat")
    if status in {404, 405} and not base.endswith("/v1"):
        advice += f" The base URL usually ends in /v1: {base}/v1"
    return EngineError(f"{url} answered {status} (model {model!r}): {message}. {advice}")


def unmeasured_error(
    url: str, model: str, problem: str = "answered without log-probabilities"
) -> ConfigurationError:
    """Make the error of an endpoint whose completions cannot be measured."""
    return ConfigurationError(
        f"{url} {problem} (model {model!r}). Confidence is measured by the likeliest "
        "tokens' log-probabilities: choose a server that gives them (vLLM, SGLang, llama.cpp), "
        "or fewer tokens, or measure no confidence."
    )


def overflows(content: bytes, message: str) -> bool:
    """Whether a refusal says that prompt and completion do not fit the model's context."""
    code = error_code(content)
    return code == "context_length_exceeded" or any(words in message for words in _OVERFLOW)


def describe_error(error: Exception) -> str:
    """Return the message of a transport error; some have only a name."""
    return str(error) or type(error).__name__
