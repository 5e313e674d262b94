"""A pool of endpoints that share the work: which one is next, and when.

Three rules, all of them per attempt, not per request:

- **Limits.** Requests in flight, tokens in flight, requests and tokens per minute. Attempts wait
  in a first-come, first-served queue, so that a large one is not overtaken for ever.
- **Balance.** The endpoint with the fewest attempts in flight is next. One that fails is set
  aside for a pause that doubles, then one attempt probes it; a success restores it.
- **Overload.** An endpoint that answers 429 or 503 gets requests again only after its
  Retry-After, and half as many at once; each success raises that limit by a tenth.
  Without this, a window of 64 against a limit of 10 would use up every request's attempts.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clc.engines.openai.adaptation import Adaptation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

__all__ = ["Endpoint", "Endpoints", "Lease", "Pace"]

_GROWTH = 0.1  # attempts in flight regained with each success after an overload


@dataclass(slots=True)
class Endpoint:
    """A base URL and its recent health. Times are seconds of the pool's clock."""

    url: str
    limit: float  # attempts in flight that it can take, as far as is known
    most: float  # attempts in flight that it may have
    in_flight: int = 0
    sent: int = 0
    failures: int = 0  # in a row
    unreachable: str | None = None  # why the last attempt could not connect
    aside_until: float = 0.0  # other endpoints come first until then
    closed_until: float = 0.0  # end of its Retry-After
    halved_at: float = -math.inf
    listed: str = ""  # models that the server lists, where ours is not among them
    owner: str | None = None  # of the model, as the server lists it; None: not asked yet
    server: str | None = None  # in place of the owner, as the user says
    streams: bool = True  # replies can be streamed, as far as is known
    thinks: bool | None = None  # its model does, as a reply has shown; None: no reply yet
    paces: list[tuple[Pace, bool]] = field(default_factory=list)  # its own, as the pool's
    estimated: bool = False  # it counts no tokens in streams: one is counted for each event
    adaptation: Adaptation = field(default_factory=Adaptation)
    probe: asyncio.Lock = field(default_factory=asyncio.Lock)  # held by a reply that will show it
    opens_thoughts: bool = False  # its prompts end inside a thought, as a reply has shown

    def ready(self, now: float) -> bool:
        """Whether it is healthy, or due for one probe."""
        return not self.failures or (now >= self.aside_until and not self.in_flight)

    def free(self, now: float) -> bool:
        """Whether it may get a request."""
        if now < self.closed_until or self.in_flight + 1 > self.limit:
            return False
        return all(pace.next_at <= now for pace, _ in self.paces)

    def restrict(
        self,
        window: int | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> None:
        """Give it limits of its own, beside those of the pool."""
        if window is not None:
            self.most = min(self.most, float(window))
            self.limit = min(self.limit, self.most)
        rates = ((requests_per_minute, False), (tokens_per_minute, True))
        self.paces = [(Pace(rate), by_token) for rate, by_token in rates if rate]


@dataclass(slots=True)
class Pace:
    """A limit of ``per_minute`` units a minute, evenly spaced.

    Each use delays the next by its own cost, so that any 60 seconds have at most ``per_minute``
    units and one use more.
    """

    per_minute: float
    next_at: float = 0.0

    def spend(self, now: float, cost: float) -> None:
        """Use ``cost`` units at ``now``."""
        self.next_at = max(now, self.next_at) + cost * 60 / self.per_minute

    def refund(self, cost: float) -> None:
        """Return ``cost`` unused units (negative: more were used than estimated)."""
        self.next_at -= cost * 60 / self.per_minute


@dataclass(slots=True)
class Lease:
    """Permission for one attempt at ``endpoint``; set ``used`` to the tokens it spent."""

    endpoint: Endpoint
    tokens: int
    at: float
    used: int | None = None


@dataclass(slots=True)
class Endpoints:
    """A pool of base URLs, and the limits that they share.

    Args:
        urls: base URLs, without a trailing slash.
        window: attempts in flight, over all URLs.
        max_tokens: tokens in flight, over all URLs; a larger attempt runs alone.
        requests_per_minute: attempts sent per minute, over all URLs.
        tokens_per_minute: tokens per minute, over all URLs.
        pause_s: first pause of an endpoint that failed; it doubles with each failure in a row.
        pause_max_s: the longest such pause.
        clock: seconds, monotonic.
    """

    urls: Sequence[str]
    window: int
    max_tokens: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    pause_s: float = 1.0
    pause_max_s: float = 60.0
    clock: Callable[[], float] = time.monotonic
    all: list[Endpoint] = field(init=False)
    in_flight: int = field(default=0, init=False)
    tokens_in_flight: int = field(default=0, init=False)
    _paces: list[tuple[Pace, bool]] = field(init=False)  # and whether it counts tokens
    _queue: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _released: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        most = float(self.window)
        self.all = [Endpoint(url, most, most) for url in self.urls]
        rates = ((self.requests_per_minute, False), (self.tokens_per_minute, True))
        self._paces = [(Pace(rate), by_token) for rate, by_token in rates if rate]

    @asynccontextmanager
    async def lease(self, tokens: int) -> AsyncIterator[Lease]:
        """Wait for an endpoint and for room under the limits, and hold both.

        ``tokens`` estimates the tokens of the attempt, prompt and completion.
        """
        async with self._queue:
            while (lease := self._take(tokens)) is None:
                self._released.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._wait_s()):
                        await self._released.wait()
        try:
            yield lease
        finally:
            self._release(lease)

    def _take(self, tokens: int) -> Lease | None:
        now = self.clock()
        if self.in_flight >= self.window or any(pace.next_at > now for pace, _ in self._paces):
            return None
        full = self.max_tokens is not None and self.tokens_in_flight + tokens > self.max_tokens
        if full and self.in_flight:
            return None
        endpoint = self._choose(now)
        if endpoint is None:
            return None
        endpoint.in_flight += 1
        endpoint.sent += 1
        self.in_flight += 1
        self.tokens_in_flight += tokens
        for pace, by_token in (*self._paces, *endpoint.paces):
            pace.spend(now, tokens if by_token else 1)
        return Lease(endpoint, tokens, now)

    def _choose(self, now: float) -> Endpoint | None:
        """Choose the least busy endpoint that is ready; if none is, the one set aside longest."""
        ready = [endpoint for endpoint in self.all if endpoint.ready(now)]
        if ready:
            free = (endpoint for endpoint in ready if endpoint.free(now))
            return min(free, key=lambda e: (e.in_flight, e.sent), default=None)
        free = (endpoint for endpoint in self.all if endpoint.free(now))
        return min(free, key=lambda e: e.aside_until, default=None)

    def _wait_s(self) -> float | None:
        """Seconds until a time limit passes; None where only a release can help."""
        now = self.clock()
        paces = [*self._paces, *(one for endpoint in self.all for one in endpoint.paces)]
        times = [pace.next_at for pace, _ in paces]
        times += [at for e in self.all for at in (e.aside_until, e.closed_until)]
        later = [at - now for at in times if at > now]
        return min(later) if later else None

    def _release(self, lease: Lease) -> None:
        lease.endpoint.in_flight -= 1
        self.in_flight -= 1
        self.tokens_in_flight -= lease.tokens
        if lease.used is not None:
            for pace, by_token in (*self._paces, *lease.endpoint.paces):
                if by_token:
                    pace.refund(lease.tokens - lease.used)
        self._released.set()

    def succeeded(self, endpoint: Endpoint) -> None:
        """Record a reply of any kind: the endpoint works."""
        endpoint.failures = 0
        endpoint.unreachable = None
        endpoint.limit = min(endpoint.most, endpoint.limit + _GROWTH)

    def failed(self, endpoint: Endpoint, *, unreachable: str | None = None) -> None:
        """Set the endpoint aside; ``unreachable``: why no connection was made."""
        now = self.clock()
        endpoint.unreachable = unreachable
        if endpoint.failures and now < endpoint.aside_until:
            return  # attempts in flight together fail together: one failure
        endpoint.failures += 1
        doubled = self.pause_s * 2 ** min(endpoint.failures - 1, 32)
        endpoint.aside_until = now + min(self.pause_max_s, doubled)

    def overloaded(self, lease: Lease, retry_after_s: float) -> None:
        """Send this endpoint fewer requests, and none for ``retry_after_s`` seconds."""
        endpoint, now = lease.endpoint, self.clock()
        endpoint.unreachable = None
        endpoint.closed_until = max(endpoint.closed_until, now + retry_after_s)
        if lease.at > endpoint.halved_at:  # attempts sent before the last halving count once
            endpoint.halved_at = now
            endpoint.limit = max(1.0, endpoint.limit / 2)

    def any_ready(self) -> bool:
        """Whether some endpoint is healthy or due for a probe."""
        now = self.clock()
        return any(endpoint.ready(now) for endpoint in self.all)

    def unreachable(self) -> dict[str, str]:
        """Return the reasons by URL where no endpoint could be connected to; else {}."""
        reasons = {e.url: e.unreachable for e in self.all if e.unreachable is not None}
        return reasons if len(reasons) == len(self.all) else {}
