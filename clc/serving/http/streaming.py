"""Answers while the client is there: whole ones, and streams of events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from starlette.responses import Response

from clc.serving.errors import api_error
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Sequence

    from starlette.types import Receive, Scope, Send

    from clc.records import Vote
    from clc.serving.errors import ApiError
    from clc.serving.reply import Reply

__all__ = [
    "ClientGoneError",
    "EventStream",
    "Job",
    "StreamState",
    "Writer",
    "events_of",
    "while_connected",
]

_T = TypeVar("_T")

Job: TypeAlias = "Callable[[StreamState | None], Coroutine[Any, Any, Reply]]"
"""What is left to do when a request has been checked; with news of it for a stream."""

_KEEPALIVE_S = 15.0  # proxies drop a connection on which nothing is said for 30 to 60 s
_PROGRESS_S = 0.1


class ClientGoneError(Exception):
    """The client has closed the connection; nobody is left to answer."""


class StreamState:
    """What has come of an answer since its client was last told.

    However slow the client, there is one state of the vote and one piece of each text to tell.

    Attributes:
        come: is set when there is something.
        votes: so far, and how many there may be; None where that is told.
    """

    def __init__(self) -> None:
        self.come = asyncio.Event()
        self.votes: tuple[Sequence[Vote], int] | None = None
        self._pieces: dict[int, str] = {}

    def voted(self, votes: Sequence[Vote], planned: int) -> None:
        """Take in the votes so far, and how many paths there may be."""
        self.votes = votes, planned
        self.come.set()

    def heard(self, index: int, piece: str) -> None:
        """Take in more of the text of one choice."""
        self._pieces[index] = self._pieces.get(index, "") + piece
        self.come.set()

    def told(self, writer: Writer) -> Iterator[bytes]:
        """Write everything that has come, once."""
        self.come.clear()
        votes, self.votes = self.votes, None
        pieces, self._pieces = self._pieces, {}
        if votes is not None:
            yield writer.progress(_progress(*votes))
        for index, piece in pieces.items():
            yield from writer.piece(index, piece)


class Writer(Protocol):
    """Writes a reply as one of the two APIs does."""

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Write the reply at once."""

    def begin(self) -> Iterator[bytes]:
        """Write what a stream begins with."""

    def progress(self, progress: dict[str, Any]) -> bytes:
        """Write how far the vote is."""

    def piece(self, index: int, text: str) -> Iterator[bytes]:
        """Write more of the text of one choice."""

    def end(self, reply: Reply) -> Iterator[bytes]:
        """Write what is left to say of the answer, and what ends a stream."""

    def fail(self, error: ApiError) -> Iterator[bytes]:
        """Write an error that comes after the stream has begun."""


async def while_connected(receive: Receive, work: Coroutine[Any, Any, _T]) -> _T:
    """Await ``work``, and cancel it when the client goes away.

    Raises:
        ClientGoneError: it did. The work has ended when this is raised.
    """
    tasks = (asyncio.ensure_future(work), asyncio.ensure_future(_gone(receive)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise ClientGoneError
        return tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def events_of(
    writer: Writer,
    job: Job,
    failed: Callable[[Exception], None],
) -> AsyncGenerator[bytes, None]:
    """Yield the events of one answer: beginning, news, then the rest of the answer or an error.

    Args:
        writer: writes the events.
        job: does the work, and tells the news.
        failed: is told of an error, which the stream then says, too.
    """
    news = StreamState()
    for event in writer.begin():
        yield event
    task = asyncio.create_task(job(news))
    task.add_done_callback(lambda _: news.come.set())
    try:
        while True:
            try:
                async with asyncio.timeout(_KEEPALIVE_S):
                    await news.come.wait()
            except TimeoutError:
                yield b": still at work\n\n"
                continue
            if task.done():
                break
            voted = news.votes is not None
            for event in news.told(writer):
                yield event
            if voted:
                await asyncio.wait([task], timeout=_PROGRESS_S)
        try:
            last = writer.end(task.result())
        except Exception as error:  # noqa: BLE001 - told to the client, and to the log
            failed(error)
            last = writer.fail(api_error(error))
        for event in last:
            yield event
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class EventStream(Response):
    """Server-sent events; their source is closed as soon as the client has gone."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[bytes, None],
        done: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the events as they come."""
        try:
            await while_connected(receive, self._send(send))
        finally:
            await self._events.aclose()
            if self._done is not None:
                await self._done()

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        async for event in self._events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _progress(votes: Sequence[Vote], planned: int) -> dict[str, Any]:
    """Say how many paths of how many are done, in which languages, and what leads."""
    so_far = vote(votes)
    languages: dict[str, int] = {}
    for one in votes:
        languages[one.language] = languages.get(one.language, 0) + 1
    return {
        "object": "clc.progress",
        "done": len(votes),
        "planned": planned,
        "languages": languages,
        "leading": so_far.answer,
        "support": so_far.support,
        "total": so_far.total,
    }
