"""Dispatch of requests to the endpoints of a started engine, with several attempts for each."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc.engines.base import Completion
from clc.engines.openai.failures import AttemptError, UnreachableError
from clc.engines.openai.retries import retries
from clc.errors import ConfigurationError, EngineError

if TYPE_CHECKING:
    from clc.engines.base import Request
    from clc.engines.openai.attempt import EndpointClient
    from clc.engines.openai.endpoints import Endpoint, Endpoints, Lease

__all__ = ["Dispatcher"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Sends each request to one of the endpoints, and again where an attempt fails.

    Args:
        client: makes the attempts.
        pool: chooses the endpoint of each.
        max_attempts: attempts for one request, the first included.
        waits_s: seconds before the second attempt, and the longest wait; each doubles.
    """

    client: EndpointClient
    pool: Endpoints
    max_attempts: int
    waits_s: tuple[float, float]

    async def start(self, *, needs_vllm: bool) -> None:
        """Ask every endpoint what it serves; close the client where that fails.

        ``needs_vllm``: a thinking budget is set, which only vLLM's servers take.

        Raises:
            EngineError: no endpoint can be reached, or one refuses the key.
            ConfigurationError: one is not known to take a thinking budget.
        """
        async with AsyncExitStack() as on_failure:
            on_failure.push_async_callback(self.client.close)
            checks = (self._check(endpoint, needs_vllm=needs_vllm) for endpoint in self.pool.all)
            for error in await asyncio.gather(*checks, return_exceptions=True):
                if error is not None:
                    raise error
            self._require_reachable()
            on_failure.pop_all()

    async def complete(self, request: Request, tokens: int) -> Completion:
        """Complete a request; one whose attempts are used up is lost.

        ``tokens`` estimates those of an attempt, prompt and completion.

        Raises:
            EngineError, ConfigurationError: every request would end like this one.
        """
        failures: list[AttemptError] = []

        async def attempt() -> Completion:
            async with self.pool.lease(tokens) as lease:
                try:
                    return await self._attempt(lease, request)
                except AttemptError as failure:
                    failures.append(failure)
                    raise

        retrying = retries(
            self.pool.any_ready,
            failures,
            attempts=self.max_attempts,
            urls=len(self.pool.all),
            waits_s=self.waits_s,
        )
        try:
            return await retrying(attempt)
        except AttemptError as failure:
            if isinstance(failure, UnreachableError):
                self._require_reachable()
            return Completion.lost(f"{failure.reason} (attempt {len(failures)}, the last)")

    async def _check(self, endpoint: Endpoint, *, needs_vllm: bool) -> None:
        """Check one endpoint; one that cannot be reached is set aside."""
        try:
            await self.client.check(endpoint)
        except UnreachableError as failure:
            self._set_aside(endpoint, failure.reason)
            return
        if needs_vllm and endpoint.owner != "vllm":
            raise ConfigurationError(
                f"thinking_budget goes with vLLM's servers, and {endpoint.url} does not say that "
                "it is one: leave it out, or give what this server takes as extra_body"
            )

    async def _attempt(self, lease: Lease, request: Request) -> Completion:
        """Make one attempt, and record in the pool how the endpoint did."""
        endpoint = lease.endpoint
        try:
            completion = await self.client.complete(endpoint, request)
        except UnreachableError as failure:
            lease.used = 0
            self._set_aside(endpoint, failure.reason)
            raise
        except AttemptError as failure:
            if failure.overloaded:
                self.pool.overloaded(lease, failure.retry_after_s)
            self.pool.failed(endpoint)
            raise
        self.pool.succeeded(endpoint)
        lease.used = completion.usage.total or None
        return completion

    def _set_aside(self, endpoint: Endpoint, reason: str) -> None:
        """Set an endpoint aside that cannot be reached, and warn once."""
        if endpoint.unreachable is None:
            _log.warning("%s cannot be reached (%s): trying again later", endpoint.url, reason)
        self.pool.failed(endpoint, unreachable=reason)

    def _require_reachable(self) -> None:
        """Raise EngineError, which names the URLs, if no endpoint can be connected to."""
        if reasons := self.pool.unreachable():
            named = "; ".join(f"{url} ({reason})" for url, reason in reasons.items())
            raise EngineError(
                f"no endpoint can be reached: {named}. Start a server there or give another base "
                "URL, and run the same command again: what was stored stays."
            )
