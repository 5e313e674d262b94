"""The openai engine: any OpenAI-compatible endpoint (vllm serve, SGLang, llama.cpp, hosted).

What becomes of an attempt:

- 2xx with one finished choice: a completion.
- 400, 413, 422 and other 4xx: a lost path with the server's words; never tried again.
- 3xx, 401, 402, 403, 404, 405, quota used up: EngineError, for every request would end like it.
- 4xx over log-probabilities, or a 2xx without those that were asked for: ConfigurationError.
- 408, 409, 425, 429, 5xx, a timeout, a lost connection, a broken body, no choice or several:
  another attempt, after Retry-After where it is given.

A request whose attempts are used up is a lost path with its last reason, unless none of the base
URLs could even be connected to: then the run stops, and goes on when a server is back.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_exponential,
    wait_random,
)

from clc.engines.base import Completion, Request
from clc.engines.openai import wire
from clc.engines.openai.endpoints import Endpoint, Endpoints, Lease
from clc.engines.openai.settings import (
    KEEPALIVE_S,
    check_positive,
    checked_extra,
    checked_headers,
    checked_urls,
    fingerprint,
)
from clc.engines.openai.sse import read_stream
from clc.errors import ConfigurationError, EngineError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

    from clc.engines.base import Measure

__all__ = ["OpenAIEngine"]

_log = logging.getLogger(__name__)

_RETRIED = frozenset({408, 409, 425, 429})  # and every status from _SERVER_ERROR on
_SERVER_ERROR = 500
_OVERLOAD = frozenset({429, 503})
_FATAL = {  # and every other 3xx
    401: "The key is missing or wrong: set OPENAI_API_KEY to one that this server takes.",
    402: "The account has no credit left.",
    403: "This key may not use this model or server.",
    404: "Check the model's name and the base URL.",
    405: "Check the base URL.",
}
_UNREACHABLE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_OVERFLOW = ("context length", "context window", "context size", "maximum input", "too long")
_STREAMED = "text/event-stream"
_CONNECT_TIMEOUT_S = 10.0
_LIST_TIMEOUT_S = 30.0
_BYTES_PER_TOKEN = 3  # of UTF-8: about right for Thai and Bengali, too many tokens for English
_SECRET_CHARS = 6  # a shorter header value is no secret; hiding it would mangle messages
_NAMED_MODELS = 20


class _AttemptError(Exception):
    """One attempt failed, and another may succeed."""

    def __init__(self, reason: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class _UnreachableError(_AttemptError):
    """No connection to the endpoint: refused, no such host, no route."""


class OpenAIEngine:
    """Completes requests at one or several OpenAI-compatible endpoints.

    The fingerprint is the model with its revision and extra body, not the URL: several URLs
    serve one model, and ports change from run to run. Give a revision where one name has stood
    for different weights.

    Args:
        model: name of the model, as the endpoints know it.
        base_urls: what stands before ``/chat/completions``, such as ``http://host:8000/v1``.
            Several share the work; a dead one is set aside and tried again in growing pauses.
        api_key: sent as a bearer token; by default the environment's ``OPENAI_API_KEY``, and
            none for ``""``. It appears in no error, log, fingerprint or repr.
        revision: what is known of the model's revision, for the fingerprint.
        window: requests in flight, over all URLs.
        max_tokens_in_flight: tokens in flight, over all URLs: an estimate of each prompt and
            its ``max_tokens``. A request that is larger than this goes alone.
        requests_per_minute: attempts sent per minute, over all URLs, evenly spaced.
        tokens_per_minute: tokens per minute: the same estimate, corrected by what was used.
        max_attempts: attempts for one request, the first included.
        timeout_s: seconds for one attempt, from sending to the last byte.
        headers: more headers, on every request; their values count as secret too.
        extra_body: more fields of the request body (``{"repetition_penalty": 1.05}``). None
            leaves a sampling field out, for servers that refuse it.
        wait_initial_s: seconds before the second attempt; each further wait doubles.
        wait_max_s: the longest such wait, in seconds.
        retry_after_max_s: the longest Retry-After that is believed, in seconds.

    Raises:
        ConfigurationError: an argument that cannot be right.
    """

    def __init__(
        self,
        model: str,
        base_urls: Sequence[str],
        *,
        api_key: str | None = None,
        revision: str | None = None,
        window: int = 64,
        max_tokens_in_flight: int | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        max_attempts: int = 6,
        timeout_s: float = 600,
        headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        wait_initial_s: float = 1.0,
        wait_max_s: float = 60.0,
        retry_after_max_s: float = 120.0,
    ) -> None:
        check_positive(
            window=window,
            max_tokens_in_flight=max_tokens_in_flight,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            max_attempts=max_attempts,
            timeout_s=timeout_s,
        )
        if not model:
            raise ConfigurationError("the model has no name: give the one that the endpoint serves")
        self.model = model
        self.base_urls = checked_urls(base_urls)
        self.window = window
        self.fingerprint = fingerprint(model, revision, extra_body or {})
        self._extra, self._left_out = checked_extra(extra_body or {})
        self._headers = checked_headers(api_key, headers or {})
        self._max_attempts = max_attempts
        self._timeout_s = timeout_s
        self._waits_s = (wait_initial_s, wait_max_s)
        self._retry_after_max_s = retry_after_max_s
        self._limits = (max_tokens_in_flight, requests_per_minute, tokens_per_minute)
        self._running: tuple[httpx.AsyncClient, Endpoints] | None = None

    def __repr__(self) -> str:
        return f"OpenAIEngine({self.model!r}, {list(self.base_urls)!r})"

    async def start(self) -> None:
        """Ask every endpoint what it serves, to fail early and clearly.

        An endpoint without such a list is taken as it is; one that cannot be reached is set
        aside, as long as another can.

        Raises:
            EngineError: no endpoint can be reached, one refuses the key, or one does not serve
                the model.
        """
        if self._running is not None:
            return
        client, pool = self._new_client(), self._new_pool()
        async with AsyncExitStack() as on_failure:
            on_failure.push_async_callback(client.aclose)
            checks = (self._check(client, pool, endpoint) for endpoint in pool.all)
            for error in await asyncio.gather(*checks, return_exceptions=True):
                if error is not None:
                    raise error
            _require_someone(pool)
            on_failure.pop_all()
        self._running = client, pool

    async def complete(self, request: Request) -> Completion:
        """Complete one request; cancelling the call closes its connection, which ends it there.

        So does falling under the measure's floor. The prompt tokens of such a path are estimated
        from its length, for servers count them at the end.

        Raises:
            EngineError: no endpoint can be reached, or one refuses every request (wrong key,
                unknown model, wrong path).
            ConfigurationError: one gives no log-probabilities, or not as many as are to be
                measured, or a sampling field is in the extra body, too.
        """
        if self._running is None:
            raise EngineError("the engine is not started, or is closed: await its start() first")
        client, pool = self._running
        try:
            body = wire.request_body(self.model, request, self._extra, self._left_out)
        except orjson.JSONEncodeError as error:
            return Completion.lost(f"the prompt cannot be sent as JSON: {error}")
        tokens = len(body) // _BYTES_PER_TOKEN + request.sampling.max_tokens
        failures: list[_AttemptError] = []

        async def attempt() -> Completion:
            async with pool.lease(tokens) as lease:
                try:
                    return await self._attempt(client, pool, lease, body, request)
                except _AttemptError as failure:
                    failures.append(failure)
                    raise

        retrying = AsyncRetrying(  # one for each request: its state is not for sharing
            sleep=asyncio.sleep,
            stop=lambda _: self._spent(failures),
            wait=self._wait(pool, failures),
            retry=retry_if_exception_type(_AttemptError),
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except _AttemptError as failure:
            if isinstance(failure, _UnreachableError):
                _require_someone(pool)
            return Completion.lost(f"{failure.reason} (attempt {len(failures)}, the last)")

    async def close(self) -> None:
        """Close every connection."""
        running, self._running = self._running, None
        if running is not None:
            await running[0].aclose()

    def _new_pool(self) -> Endpoints:
        return Endpoints(self.base_urls, self.window, *self._limits, *self._waits_s)

    def _new_client(self) -> httpx.AsyncClient:
        # No read timeout here: httpx's starts again with every byte, so that a server that
        # dribbles never meets it. _send limits the whole attempt, and the pool the connections.
        return httpx.AsyncClient(
            verify=_tls(),
            headers=self._headers,
            timeout=httpx.Timeout(None, connect=min(_CONNECT_TIMEOUT_S, self._timeout_s)),
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=self.window,
                keepalive_expiry=KEEPALIVE_S,
            ),
        )

    async def _check(self, client: httpx.AsyncClient, pool: Endpoints, endpoint: Endpoint) -> None:
        """Ask one endpoint for its models.

        Raises:
            EngineError: it refuses the key, or lists models without ours.
        """
        url = f"{endpoint.url}/models"
        try:
            async with asyncio.timeout(min(_LIST_TIMEOUT_S, self._timeout_s)):
                response = await client.get(url)
        except _UNREACHABLE as error:
            _set_aside(pool, endpoint, self._hide(_words(error)))
            return
        except (TimeoutError, httpx.HTTPError):
            return  # busy or odd: the first attempt will tell
        if response.status_code == 401:  # noqa: PLR2004  (403 may only mean: no list for you)
            raise self._fatal(url, response)
        served = wire.served_models(response.content) if response.is_success else None
        if served and not any(wire.same_model(self.model, name) for name in served):
            more = ", …" if len(served) > _NAMED_MODELS else ""
            raise EngineError(
                f"{endpoint.url} does not serve the model {self.model!r}: it serves "
                f"{', '.join(served[:_NAMED_MODELS])}{more}. Give one of these as the model."
            )

    async def _attempt(
        self,
        client: httpx.AsyncClient,
        pool: Endpoints,
        lease: Lease,
        body: bytes,
        request: Request,
    ) -> Completion:
        """Make one attempt, and tell the pool how the endpoint did.

        Raises:
            EngineError, ConfigurationError: every request would end like this one.
            _AttemptError: another attempt may succeed.
        """
        endpoint = lease.endpoint
        url = f"{endpoint.url}/chat/completions"
        try:
            reply = await self._send(client, url, body, request)
            if isinstance(reply, httpx.Response) and reply.status_code in _OVERLOAD:
                pool.overloaded(lease, self._retry_after_s(reply))
            completion = (
                reply if isinstance(reply, Completion) else self._read(url, reply, request.measure)
            )
        except _UnreachableError as failure:
            lease.used = 0
            _set_aside(pool, endpoint, failure.reason)
            raise
        except _AttemptError:
            pool.failed(endpoint)
            raise
        pool.succeeded(endpoint)
        lease.used = completion.usage.total or None
        return completion

    async def _send(
        self, client: httpx.AsyncClient, url: str, body: bytes, request: Request
    ) -> httpx.Response | Completion:
        """Post ``body`` and read all of the reply, within the time for one attempt.

        A request with a floor is read piece by piece, and left where it falls under it.
        """
        measure = request.measure
        try:
            async with asyncio.timeout(self._timeout_s):
                if measure is None or measure.floor is None:
                    return await client.post(url, content=body)
                async with client.stream("POST", url, content=body) as response:
                    kind = response.headers.get("content-type", "")
                    if not (response.is_success and kind.startswith(_STREAMED)):
                        await response.aread()
                        return response
                    written = sum(len(m["content"].encode()) for m in request.messages)
                    tokens = written // _BYTES_PER_TOKEN
                    return await read_stream(response.aiter_bytes(), measure, tokens)
        except wire.BrokenReplyError as error:
            raise _AttemptError(self._hide(f"{url} answered with {error}")) from None
        except wire.NoLogprobsError:
            raise self._unmeasured(url) from None
        except _UNREACHABLE as error:
            raise _UnreachableError(self._hide(_words(error))) from None
        except TimeoutError:
            raise _AttemptError(f"{url} did not answer within {self._timeout_s:g} s") from None
        except (httpx.HTTPError, OSError) as error:  # OSError: TLS that breaks while reading
            words = self._hide(_words(error))
            raise _AttemptError(f"the connection to {url} was lost: {words}") from None

    def _read(self, url: str, response: httpx.Response, measure: Measure | None) -> Completion:
        """Make of a reply a completion, a lost path or one of two kinds of error."""
        status = response.status_code
        if response.is_success:
            try:
                return wire.read_completion(response.content, measure)
            except wire.NoLogprobsError:
                raise self._unmeasured(url) from None
            except wire.BrokenReplyError as error:
                raise _AttemptError(self._hide(f"{url} answered with {error}")) from None
        quota_used_up = wire.error_code(response.content) == "insufficient_quota"  # with 429
        if status in _FATAL or status < 400 or quota_used_up:  # noqa: PLR2004
            raise self._fatal(url, response)
        words = self._hide(wire.error_message(response.content))
        if status in _RETRIED or status >= _SERVER_ERROR:
            raise _AttemptError(
                f"{url} answered {status}: {words}", retry_after_s=self._retry_after_s(response)
            )
        if measure is not None and "logprob" in words.lower():
            raise self._unmeasured(url, f"answered {status}: {words}")
        code = wire.error_code(response.content)
        if code == "context_length_exceeded" or any(s in words.lower() for s in _OVERFLOW):
            return Completion.lost(
                f"prompt and max_tokens do not fit the model's context ({status}: {words})"
            )
        return Completion.lost(f"{url} refused the request ({status}): {words}")

    def _fatal(self, url: str, response: httpx.Response) -> EngineError:
        """Make the error of a status that every request would meet."""
        status = response.status_code
        words = self._hide(wire.error_message(response.content))
        if location := response.headers.get("location"):
            words = f"moved to {self._hide(location)}"
        advice = _FATAL.get(status, "Check the base URL and the account.")
        base = url.removesuffix("/chat/completions").removesuffix("/models")
        if status in {404, 405} and not base.endswith("/v1"):
            advice += f" The base URL usually ends in /v1: {base}/v1"
        return EngineError(f"{url} answered {status} (model {self.model!r}): {words}. {advice}")

    def _unmeasured(
        self, url: str, words: str = "answered without log-probabilities"
    ) -> ConfigurationError:
        """Make the error of an endpoint whose completions cannot be measured."""
        return ConfigurationError(
            f"{url} {words} (model {self.model!r}). Confidence is measured by the likeliest "
            "tokens' log-probabilities: choose a server that gives them (vLLM, SGLang, llama.cpp), "
            "or fewer tokens, or measure no confidence."
        )

    def _retry_after_s(self, response: httpx.Response) -> float:
        header = response.headers.get("retry-after")
        return wire.retry_after_s(header, datetime.now(UTC), self._retry_after_max_s)

    def _spent(self, failures: Sequence[_AttemptError]) -> bool:
        """Whether these failures have used up a request's attempts.

        Connections that failed are counted apart, with one more for each further URL: going on
        from a dead endpoint to the next one costs no attempt.
        """
        unreachable = sum(isinstance(failure, _UnreachableError) for failure in failures)
        allowed = self._max_attempts + len(self.base_urls) - 1
        return unreachable >= allowed or len(failures) - unreachable >= self._max_attempts

    def _wait(
        self, pool: Endpoints, failures: Sequence[_AttemptError]
    ) -> Callable[[RetryCallState], float]:
        """Make the wait before the next attempt, in seconds."""
        initial_s, longest_s = self._waits_s
        backoff = wait_exponential(multiplier=initial_s, max=longest_s) + wait_random(0, initial_s)

        def wait(state: RetryCallState) -> float:
            last = failures[-1]
            if last.retry_after_s > 0:  # the pool keeps everyone from that endpoint until then
                return random.uniform(0, initial_s)
            if isinstance(last, _UnreachableError) and pool.any_ready():
                return 0.0
            return backoff(state)

        return wait

    def _hide(self, text: str) -> str:
        """Blank out the key and every other header value: some servers repeat them."""
        for value in self._headers.values():
            for secret in {value, value.removeprefix("Bearer ")}:
                if len(secret) >= _SECRET_CHARS:
                    text = text.replace(secret, "***")
        return text


@functools.cache
def _tls() -> ssl.SSLContext:
    """Load the certificates that are trusted: 70 ms, so once for all engines of a process."""
    return httpx.create_ssl_context()


def _set_aside(pool: Endpoints, endpoint: Endpoint, reason: str) -> None:
    """Tell the pool, and once the user, that an endpoint cannot be reached."""
    if endpoint.unreachable is None:
        _log.warning("%s cannot be reached (%s): trying again later", endpoint.url, reason)
    pool.failed(endpoint, unreachable=reason)


def _require_someone(pool: Endpoints) -> None:
    """Raise EngineError, naming the URLs, if not one endpoint can be connected to."""
    if reasons := pool.unreachable():
        named = "; ".join(f"{url} ({reason})" for url, reason in reasons.items())
        raise EngineError(
            f"no endpoint can be reached: {named}. Start a server there or give another base "
            "URL, and run the same command again: what was stored stays."
        )


def _words(error: Exception) -> str:
    """Say what a transport error says; some say nothing but their name."""
    return str(error) or type(error).__name__
