"""A real HTTP server on 127.0.0.1 that misbehaves on request, over raw sockets.

In a test::

    async with FaultyServer(status(429, retry_after=1), ok()) as server:
        ...  # the first completion gets a 429, every further one a good answer

By hand, or as a process that a test kills (prints its base URL, then serves until killed)::

    python -m tests.engines.faulty_server --port 8099 --chaos 0.3 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from tests.engines.faulty_replies import Exchange, Reply, chaos, ok, value

if TYPE_CHECKING:
    from collections.abc import Iterator


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
