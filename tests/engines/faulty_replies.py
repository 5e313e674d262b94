"""Good and faulty replies of a server of OpenAI's API; see ``faulty_server``."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.engines.faulty_server import FaultyServer


@dataclass
class Exchange:
    """One request as it arrived, and the socket to answer it on."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    writer: asyncio.StreamWriter
    server: FaultyServer
    at: float = field(default_factory=time.monotonic)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)  # the client left unanswered

    async def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        lines = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        head = "".join(f"{k}: {v}\r\n" for k, v in (lines | (headers or {})).items())
        self.writer.write(f"HTTP/1.1 {status} Word\r\n{head}\r\n".encode() + body)
        await self.writer.drain()

    async def send_json(self, status: int, value: Any, headers=None) -> None:
        await self.send(status, json.dumps(value, ensure_ascii=False).encode(), headers)


Reply = Callable[[Exchange], Awaitable[None]]


def completion(text: Any = "The answer is 18.", finish_reason: Any = "stop", **more) -> dict:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        **more,
    }


def ok(text: Any = "The answer is 18.", *, after_s: float = 0.0, **more) -> Reply:
    async def reply(exchange: Exchange) -> None:
        await asyncio.sleep(after_s)
        await exchange.send_json(200, completion(text, **more))

    return reply


def part(token: str, *logprobs: float) -> dict:
    """Log-probabilities of one token: its own, then those of the likeliest."""
    likeliest = [{"token": "?", "logprob": one, "bytes": []} for one in logprobs[1:]]
    return {"token": token, "logprob": logprobs[0], "bytes": [], "top_logprobs": likeliest}


def measured(*parts: dict, **more) -> Reply:
    """Answer with the tokens of these parts and their log-probabilities."""
    reply = completion("".join(one["token"] for one in parts), **more)
    reply["choices"][0]["logprobs"] = {"content": list(parts)}
    return value(reply)


def stream(
    *parts: dict, finish_reason: Any = "stop", end: bool = True, cut: int = 7, every_s: float = 0.0
) -> Reply:
    """Answer token by token as server-sent events, in packets of ``cut`` bytes."""
    pieces: list[dict] = [
        {"choices": [{"index": 0, "delta": {"content": one["token"]}, "finish_reason": None,
                      "logprobs": {"content": [one]} if one["top_logprobs"] else None}]}
        for one in parts
    ]  # fmt: skip
    pieces.insert(0, {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
    pieces.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]})
    pieces.append({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": len(parts)}})
    if not end:
        del pieces[-2:]

    async def reply(exchange: Exchange) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
        exchange.writer.write(head + b"Connection: close\r\n\r\n: a comment\n\n")
        for piece in pieces:
            line = f"data: {json.dumps(piece, ensure_ascii=False)}\r\n\r\n".encode()
            for at in range(0, len(line), cut):
                exchange.writer.write(line[at : at + cut])
                await exchange.writer.drain()
            await asyncio.sleep(every_s)
        if end:
            exchange.writer.write(b"data: [DONE]\n\n")
            await exchange.writer.drain()
        exchange.writer.close()

    return reply


def events(
    *values: dict,
    every_s: float = 0.0,
    stuck_after: int | None = None,
    cut_after: int | None = None,
) -> Reply:
    """Send values as server-sent events; hang or close the connection after some of them."""

    async def reply(exchange: Exchange) -> None:
        exchange.writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        )
        for index, one in enumerate(values):
            if index == stuck_after:
                await hang(exchange)
            if index == cut_after:
                break
            exchange.writer.write(f"data: {json.dumps(one, ensure_ascii=False)}\n\n".encode())
            await exchange.writer.drain()
            await asyncio.sleep(every_s)
        else:
            exchange.writer.write(b"data: [DONE]\n\n")
            await exchange.writer.drain()
        exchange.writer.close()

    return reply


def together(count: int) -> Reply:
    """Answer well, but nobody before ``count`` have asked, and had time for one too many."""

    async def reply(exchange: Exchange) -> None:
        await exchange.server.seen(count)
        await asyncio.sleep(0.03)
        await exchange.send_json(200, completion())

    return reply


def value(value: Any, status: int = 200, **headers: str) -> Reply:
    """Any JSON at all."""

    async def reply(exchange: Exchange) -> None:
        await exchange.send_json(status, value, headers)

    return reply


def raw(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    async def reply(exchange: Exchange) -> None:
        await exchange.send(status, body, headers)

    return reply


def status(
    number: int, message: str = "on request", *, retry_after: Any = None, **error: Any
) -> Reply:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

    async def reply(exchange: Exchange) -> None:
        body = {"error": {"message": message, "type": "test", **error}}
        await exchange.send_json(number, body, headers)

    return reply


async def hang(exchange: Exchange) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def dribble(exchange: Exchange) -> None:
    """Send a byte now and then, for ever: no single read is ever late."""
    exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        exchange.writer.write(b" ")
        await exchange.writer.drain()
        await asyncio.sleep(0.02)


async def truncated(exchange: Exchange) -> None:
    """Send half of the JSON as if it were all of it."""
    body = json.dumps(completion()).encode()
    await exchange.send(200, body[: len(body) // 2])


async def short_body(exchange: Exchange) -> None:
    """Promise more bytes than are sent, then close."""
    body = json.dumps(completion()).encode()
    await exchange.send(200, body, {"Content-Length": str(len(body) + 100)})
    exchange.writer.close()


async def reset(exchange: Exchange) -> None:
    """Reset the connection in the middle of the body (RST, not FIN)."""
    exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")
    await exchange.writer.drain()
    exchange.writer.transport.abort()


async def drop(exchange: Exchange) -> None:
    """Close without a word, as a kept-alive connection does that idled too long."""
    exchange.writer.close()


async def not_http(exchange: Exchange) -> None:
    exchange.writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    await exchange.writer.drain()
    exchange.writer.close()


FAULTS: tuple[Reply, ...] = (
    status(429, retry_after=0.1),
    status(429),
    status(500),
    status(503),
    hang,
    truncated,
    short_body,
    reset,
    drop,
    value({"choices": []}),
    value(completion() | {"choices": completion()["choices"] * 2}),
    raw(b"<html>Bad gateway</html>", 200, {"Content-Type": "text/html"}),
)


def chaos(rate: float, seed: int) -> Reply:
    """Answer well, but for a fault in ``rate`` of all requests."""
    rng = random.Random(seed)

    async def reply(exchange: Exchange) -> None:
        await (rng.choice(FAULTS) if rng.random() < rate else ok())(exchange)

    return reply
