"""Clients that mean harm, beside those of ``benchmarks.serve``: each attacks again and again.

Attacks: an ``n`` of 6e8, endless connections and heads, 1 MB questions of every sort, slow readers
of streams, deeply nested bodies, bodies of one-byte chunks, floods of what is no HTTP.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Health", "attack", "watch_health"]

_SORTS = (
    "1", "Tom has 2 apples and 3 pears. ", "三百二十一万", "三分之二", "twenty-three hundred and ",
    "\\frac{1}{2} ", "\\frac{", "\\", "{[(", "2^", "<think>", "a\u0301", " ", "1/", "1 ",
)  # fmt: skip
_HELD_S = 15.0  # for which an idle connection is held
_GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
_LONGEST = 32_000  # characters of a question that is taken


class Health(NamedTuple):
    """Seconds of every reply of ``/health``, and how many there were none of."""

    seconds: list[float]
    failed: int


async def watch_health(url: str, seconds: float) -> Health:
    """Ask for the health ten times a second, on a new connection each time."""
    health = url.removesuffix("/v1") + "/health"
    ends, times, failed = time.monotonic() + seconds, [], 0
    while time.monotonic() < ends:
        began = time.monotonic()
        try:
            async with httpx.AsyncClient(timeout=60) as client:
                (await client.get(health)).raise_for_status()
            times.append(time.monotonic() - began)
        except httpx.HTTPError:
            failed += 1
        await asyncio.sleep(0.1)
    return Health(times, failed)


async def attack(url: str, clients: int, seconds: float) -> dict[str, int]:
    """Attack from ``clients`` clients at once; return how often each attack was made."""
    split = urlsplit(url)
    assert split.hostname is not None  # noqa: S101 - the server names one
    target = _Target(split.hostname, split.port or 80, random.Random(0))
    attacks = (
        _allocate, _hold, _long_head, _many_headers, _ask_much, _ask_long, _read_slowly, _nest,
        _one_byte_chunks, _no_http,
    )  # fmt: skip
    ends, made = time.monotonic() + seconds, dict.fromkeys((one.__name__ for one in attacks), 0)
    turns = count()

    async def one() -> None:
        while time.monotonic() < ends:
            chosen = attacks[next(turns) % len(attacks)]
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(max(0.1, min(60.0, ends - time.monotonic()))):
                    await chosen(target)
            made[chosen.__name__] += 1
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one() for _ in range(clients)))
    return made


class _Target(NamedTuple):
    host: str
    port: int
    rng: random.Random

    async def talk(
        self, data: bytes, then: Callable[[asyncio.StreamReader], Awaitable[Any]] | None = None
    ) -> None:
        """Send, and read the reply or what ``then`` reads."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(data)
            await writer.drain()
            await (reader.read(1 << 16) if then is None else then(reader))
        finally:
            writer.close()

    async def post(
        self,
        body: bytes,
        then: Callable[[asyncio.StreamReader], Awaitable[Any]] | None = None,
    ) -> None:
        await self.talk(_head(b"Content-Length: %d\r\n" % len(body)) + body, then)


def _head(more: bytes) -> bytes:
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\n" + more + b"\r\n"
    )


def _body(question: Any, **more: Any) -> bytes:
    messages = [{"role": "user", "content": question}]
    return json.dumps({"model": "clc", "messages": messages} | more, ensure_ascii=False).encode()


async def _allocate(target: _Target) -> None:
    n = target.rng.choice([600_000_000, 2**63, 2**64 - 1, 1e9, -5, True, "1000"])
    name = target.rng.choice(["n", "max_tokens", "clc"])
    await target.post(_body("2+3?", model="plain", **{name: {"paths": n} if name == "clc" else n}))


async def _hold(target: _Target) -> None:
    started = target.rng.choice([b"", _GET, _head(b"Content-Length: 9\r\n")])
    opened = [await asyncio.open_connection(target.host, target.port) for _ in range(20)]
    try:
        for _, writer in opened:
            writer.write(started)
        await asyncio.sleep(_HELD_S)
    finally:
        for _, writer in opened:
            writer.close()


async def _long_head(target: _Target) -> None:
    await target.talk(_GET + b"X-Long: " + b"a" * (16 << 20))


async def _many_headers(target: _Target) -> None:
    await target.talk(_GET + b"X-A: b\r\n" * (1 << 20))


async def _ask_much(target: _Target) -> None:
    piece = target.rng.choice(_SORTS)
    await target.post(_body(piece * (900_000 // len(piece.encode()))))


async def _ask_long(target: _Target) -> None:
    piece = target.rng.choice(_SORTS)
    languages = ["en", "de", "fr", "es", "ru", "zh", "ja", "th", "sw", "bn", "te"]
    vote = {"languages": languages, "paths": 64, "deadline": 5}
    await target.post(_body(f"100 {piece * _LONGEST}"[:_LONGEST], clc=vote, max_tokens=16))


async def _read_slowly(target: _Target) -> None:
    async def read(reader: asyncio.StreamReader) -> None:
        while await reader.read(1000):  # noqa: ASYNC110 - slow on purpose
            await asyncio.sleep(0.1)

    model = target.rng.choice(["clc", "plain"])
    more = {"clc": {"deadline": 5}} if model == "clc" else {"max_tokens": 256, "n": 8}
    await target.post(_body("Tom has 3 apples. How many?", model=model, stream=True, **more), read)


async def _nest(target: _Target) -> None:
    depth = target.rng.choice([500, 1000, 100_000])
    nested = b"[" * depth + b"]" * depth
    await target.post(_body("Q", odd=1).replace(b'"odd": 1', b'"odd": ' + nested))


async def _one_byte_chunks(target: _Target) -> None:
    await target.talk(_head(b"Transfer-Encoding: chunked\r\n") + b"1\r\n{\r\n" * 200_000)


async def _no_http(target: _Target) -> None:
    await target.talk(target.rng.randbytes(1000))
