"""A real HTTP server on 127.0.0.1 that misbehaves on request, over raw sockets.

In a test::

    async with FaultyServer(faults.status(429, retry_after=1), ok()) as server:
        ...  # the first completion gets a 429, every further one a good answer

By hand, or as a process that a test kills (prints its base URL, then serves until killed)::

    python tests/engines/faulty_server.py --port 8099 --chaos 0.3 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self


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


class FaultyServer:
    """Serves ``replies`` in turn to the completions that are asked for; the last one for ever.

    ``requests`` lists the completions asked for, ``models`` is what GET /models gives (None: a
    404), and ``most_at_once`` is how many completions were in flight together at the most.
    """

    def __init__(self, *replies: Reply, models: Reply | None = None, port: int = 0) -> None:
        self.replies = list(replies) or [ok()]
        self.models = models or value({"data": [{"id": "m"}]})
        self.port = port
        self.requests: list[Exchange] = []
        self.lists = 0
        self.sent = 0  # bytes of endless replies
        self.at_once = 0
        self.most_at_once = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task] = set()
        self._arrived = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    async def seen(self, count: int) -> None:
        """Wait until so many completions have been asked for."""
        while len(self.requests) < count:
            self._arrived.clear()
            await self._arrived.wait()

    async def die(self) -> None:
        """Drop every connection and stop listening; the port is refused from now on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ahead = b""  # a byte of the next request, read while watching for a client that goes away
        while not writer.is_closing():
            head = (ahead + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ", 2)
            headers = {
                name.lower(): text.strip()
                for name, _, text in (line.partition(":") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            exchange = Exchange(
                method, path, headers, json.loads(body) if body else None, writer, self
            )
            reply = asyncio.ensure_future(self._reply(exchange))
            watch = asyncio.ensure_future(reader.read(1))
            try:
                await asyncio.wait((reply, watch), return_when=asyncio.FIRST_COMPLETED)
                if not reply.done():
                    exchange.hung_up.set()
                    return
                await reply
                if writer.is_closing():
                    return
                ahead = await watch
                if not ahead:
                    return
            finally:
                for task in (reply, watch):
                    task.cancel()
                await asyncio.gather(reply, watch, return_exceptions=True)

    async def _reply(self, exchange: Exchange) -> None:
        if exchange.path.partition("?")[0].endswith("/models"):
            self.lists += 1
            await self.models(exchange)
            return
        turn = min(len(self.requests), len(self.replies) - 1)
        self.requests.append(exchange)
        self._arrived.set()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.replies[turn](exchange)
        finally:
            self.at_once -= 1


@contextmanager
def run_in_thread(served: FaultyServer) -> Iterator[FaultyServer]:
    """Serve in a thread, for commands that run in this one; yields the server."""
    ready, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with served:
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


async def _main(port: int, rate: float, seed: int) -> None:
    async with FaultyServer(chaos(rate, seed), port=port) as server:
        print(server.url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A misbehaving endpoint that serves model 'm'.")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--chaos", type=float, default=0.3, help="share of requests that fail")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(given.port, given.chaos, given.seed))
